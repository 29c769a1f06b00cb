use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::Conflict;
use serde_json::{Value, json};

use crate::error::ServiceError;
use crate::fixture::{Fixture, invalid, said};
use crate::list::ListResponse;
use crate::triggers::*;

#[tokio::test]
async fn a_put_makes_the_default_schedule_then_replaces_it() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let body = json!({"cron": "0 9 * * *", "timezone": "Europe/Berlin", "input": {"a": 1}});
    let (made, created) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    assert_eq!(created, Created(true));
    assert_eq!(fixture.schedules.get(workflow).await.unwrap(), made);
    fixture.schedules.pause(made.id, Some(made.revision)).await.unwrap();
    let (replaced, created) = fixture.schedules.put(workflow, None, &json!({"at": "2027-01-01T00:00:00Z"})).await.unwrap();
    assert_eq!((created, replaced.id), (Created(false), made.id));
    assert_eq!((replaced.timezone.name(), replaced.input, replaced.is_active), ("UTC", json!({}), false));
}

#[tokio::test]
async fn the_answer_has_everything_in_the_shape_that_was_given() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let body = json!({"every": "15m", "timezone": "Europe/Berlin", "catch_up": "none", "end_at": "2026-11-25T09:30:00Z"});
    let (made, _) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    let expected = json!({
        "id": made.id, "workflow_id": workflow, "name": "default", "origin": "direct",
        "every": "PT15M", "start": "2026-11-25T09:00:00Z", "timezone": "Europe/Berlin",
        "start_at": null, "end_at": "2026-11-25T09:30:00Z", "input": {}, "is_active": true,
        "gap": "next", "fold": "first", "dom_dow": "or", "jitter": "PT0S",
        "missed_after": "PT1M", "catch_up": "none", "catch_up_window": "PT1H",
        "revision": 1, "next_run_at": "2026-11-25T09:15:00Z",
        "next_times": ["2026-11-25T09:15:00Z", "2026-11-25T09:30:00Z"],
        "next_times_local": ["2026-11-25T10:15:00+01:00", "2026-11-25T10:30:00+01:00"],
        "description": "every 15 minutes from 2026-11-25 10:00 (Europe/Berlin), not after 2026-11-25 10:30",
        "last_run_at": null, "run_count": 0, "failure_count": 0, "last_error": null,
        "created_at": "2026-11-25T09:00:00Z", "updated_at": "2026-11-25T09:00:00Z"
    });
    assert_eq!(serde_json::to_value(&made).unwrap(), expected);
    let specs = json!([{"cron": "0 9 * * *"}, {"at": "2027-01-01T00:00:00"}]);
    let several = fixture.schedules.create(workflow, &json!({"name": "more", "specs": specs})).await.unwrap();
    let several = serde_json::to_value(several).unwrap();
    assert_eq!((&several["specs"], several.get("cron")), (&specs, None));
}

/// A field that is added to the answer belongs into one of the two.
#[tokio::test]
async fn every_field_of_an_answer_is_one_that_users_set_or_read_only() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    fixture.calendars.put("DE", None, &json!({"holidays": ["12-25"]})).await.unwrap();
    let body = json!({"cron": "0 9 * * *", "exclude": [{"holidays": "DE"}], "jitter": "1m", "start_at": "2026-11-25T00:00:00Z"});
    let (made, _) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    let Value::Object(mut fields) = serde_json::to_value(made).unwrap() else { panic!("an answer is an object") };
    assert_eq!(READ_ONLY.iter().filter(|field| !fields.contains_key(**field)).collect::<Vec<_>>(), Vec::<&&str>::new());
    READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
    assert_eq!(fixture.schedules.put(workflow, None, &Value::Object(fields)).await.unwrap().0.revision, 1);
}

#[tokio::test]
async fn with_jitter_planned_and_due_times_are_both_shown() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let made = fixture.schedules.create(workflow, &json!({"name": "spread", "cron": "@hourly", "jitter": "10m"})).await.unwrap();
    let due = made.next_due_times.clone().unwrap();
    let late: Vec<i64> = made.next_times.iter().zip(&due).map(|(planned, due)| due.get() - planned.get()).collect();
    assert!(late.len() == 5 && late.iter().all(|late| (0..600_000).contains(late)) && late.iter().any(|late| *late > 0), "{late:?}");
    assert_eq!(made.next_run_at, Some(due[0]));
    assert_eq!(made.description, "every hour (UTC), up to 10 minutes later");
    let patched = fixture.schedules.patch_by_id(made.id, None, &json!({"jitter": null})).await.unwrap();
    assert_eq!((patched.jitter.0.is_zero(), patched.next_due_times, patched.next_times), (true, None, made.next_times));
}

#[tokio::test]
async fn a_paused_schedule_shows_no_next_time() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let made = fixture.schedules.create(workflow, &json!({"cron": "@hourly", "is_active": false})).await.unwrap();
    assert_eq!((made.is_active, made.next_run_at, made.next_times.len()), (false, None, 0));
    let resumed = fixture.schedules.resume(made.id, None).await.unwrap();
    assert_eq!(resumed.next_times.len(), 5);
    assert_eq!(resumed.next_run_at, resumed.next_times.first().copied());
}

#[tokio::test]
async fn a_stale_revision_is_refused_before_the_body_is_looked_at() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule = fixture.schedules.create(workflow, &json!({"cron": "@hourly"})).await.unwrap();
    let stale = ServiceError::Stale { current: schedule.revision };
    assert_eq!(fixture.schedules.put(workflow, Some(7), &json!({})).await.unwrap_err(), stale);
    assert_eq!(fixture.schedules.patch(workflow, Some(7), &json!({"x": 1})).await.unwrap_err(), stale);
    assert_eq!(fixture.schedules.pause(schedule.id, Some(7)).await.unwrap_err(), stale);
    assert_eq!(fixture.schedules.delete(workflow, Some(7)).await.unwrap_err(), stale);
    fixture.schedules.delete(workflow, Some(schedule.revision)).await.unwrap();
    assert_eq!(fixture.schedules.get(workflow).await.unwrap_err(), ServiceError::NotFound("schedule"));
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let fixture = Fixture::new();
    let nowhere = WorkflowId(uuid::Uuid::nil());
    let no_schedule = ScheduleId(uuid::Uuid::nil());
    let daily = json!({"cron": "@daily"});
    assert_eq!(fixture.schedules.get(nowhere).await.unwrap_err(), ServiceError::NotFound("workflow"));
    assert_eq!(fixture.schedules.put(nowhere, None, &daily).await.unwrap_err(), ServiceError::NotFound("workflow"));
    assert_eq!(fixture.schedules.create(nowhere, &daily).await.unwrap_err(), ServiceError::NotFound("workflow"));
    assert_eq!(fixture.schedules.get_by_id(no_schedule).await.unwrap_err(), ServiceError::NotFound("schedule"));
    let workflow = fixture.workflow().await.id;
    assert_eq!(fixture.schedules.put(workflow, Some(1), &daily).await.unwrap_err(), ServiceError::NotFound("schedule"));
}

#[tokio::test]
async fn names_are_unique_in_a_workflow_and_the_default_address_has_one_name() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let body = json!({"cron": "@daily", "name": "night"});
    fixture.schedules.create(workflow, &body).await.unwrap();
    let again = fixture.schedules.create(workflow, &body).await.unwrap_err();
    assert_eq!(again, ServiceError::Conflict(Conflict::ScheduleName("night".to_owned())));
    let put = invalid(fixture.schedules.put(workflow, None, &body).await);
    assert_eq!(said(&put), [("/name", "`night` is another schedule than the one at this address")]);
}

#[tokio::test]
async fn the_schedule_of_a_trigger_node_is_written_through_its_workflow_only() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"cron": "0 9 * * *"})).await.id;
    let schedule = fixture.schedules.get(workflow).await.unwrap();
    let owned = ServiceError::OwnedByNode { node: "start".to_owned() };
    assert_eq!(fixture.schedules.put(workflow, None, &json!({"cron": "0 8 * * *"})).await.unwrap_err(), owned);
    assert_eq!(fixture.schedules.patch(workflow, None, &json!({"input": {"a": 1}})).await.unwrap_err(), owned);
    assert_eq!(fixture.schedules.patch_by_id(schedule.id, None, &json!({"name": "other"})).await.unwrap_err(), owned);
    assert_eq!(fixture.schedules.delete(workflow, None).await.unwrap_err(), owned);
    assert_eq!(fixture.schedules.create(workflow, &json!({"cron": "0 8 * * *"})).await.unwrap_err(), owned);
    assert_eq!(fixture.schedules.get(workflow).await.unwrap(), schedule);

    let paused = fixture.schedules.patch(workflow, None, &json!({"is_active": false})).await.unwrap();
    assert!(!paused.is_active);
    assert!(fixture.schedules.resume(schedule.id, None).await.unwrap().is_active);
    assert!(!fixture.schedules.pause(schedule.id, None).await.unwrap().is_active);
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    for name in ["a", "b", "c"] {
        fixture.schedules.create(workflow, &json!({"cron": "@daily", "name": name, "is_active": name != "b"})).await.unwrap();
    }
    let names = |list: ListResponse<ScheduleResponse>| list.items.into_iter().map(|schedule| schedule.name).collect::<Vec<_>>();
    let first = fixture.schedules.list(ListSchedules { limit: Some(2), ..ListSchedules::default() }).await.unwrap();
    assert_eq!(first.next_cursor, Some(first.items[1].id.to_string()));
    let rest = ListSchedules { cursor: first.next_cursor.clone(), ..ListSchedules::default() };
    assert_eq!(names(first), ["a", "b"]);
    let rest = fixture.schedules.list(rest).await.unwrap();
    assert_eq!((rest.next_cursor.clone(), names(rest)), (None, vec!["c".to_owned()]));
    let paused = ListSchedules { workflow_id: Some(workflow.to_string()), is_active: Some(false), ..ListSchedules::default() };
    assert_eq!(names(fixture.schedules.list(paused).await.unwrap()), ["b"]);
}

#[tokio::test]
async fn parameters_of_a_list_are_checked() {
    let fixture = Fixture::new();
    let query =
        ListSchedules { workflow_id: Some("x".to_owned()), limit: Some(201), cursor: Some("y".to_owned()), ..ListSchedules::default() };
    let expected = [("/cursor", "`y` cannot be read"), ("/workflow_id", "`x` cannot be read"), ("/limit", "201 is out of range")];
    assert_eq!(said(&invalid(fixture.schedules.list(query).await)), expected);
    let outcomes = fixture.schedules.outcomes(ScheduleId(uuid::Uuid::nil()), None, Some(0)).await;
    assert_eq!(said(&invalid(outcomes)), [("/limit", "0 is out of range")]);
}

#[tokio::test]
async fn outcomes_say_what_fell_into_a_pause() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule = fixture.schedules.create(workflow, &json!({"every": "10m"})).await.unwrap();
    fixture.schedules.pause(schedule.id, None).await.unwrap();
    fixture.pass(25);
    fixture.schedules.resume(schedule.id, None).await.unwrap();
    let outcomes = fixture.schedules.outcomes(schedule.id, None, None).await.unwrap();
    let expected = json!({"next_cursor": null, "items": [{
        "schedule_id": schedule.id, "revision": 2, "from": "2026-11-25T09:10:00Z", "to": "2026-11-25T09:20:00Z",
        "reason": "paused", "recorded_at": "2026-11-25T09:25:00Z"
    }]});
    assert_eq!(serde_json::to_value(outcomes).unwrap(), expected);
}

#[tokio::test]
async fn a_preview_is_made_by_the_store_s_clock() {
    let fixture = Fixture::new();
    fixture.pass(90);
    let answer = fixture.schedules.preview(&json!({"cron": "@hourly", "count": 1})).await.unwrap();
    assert_eq!(serde_json::to_value(answer.times).unwrap(), json!(["2026-11-25T11:00:00Z"]));
    let refused: Value = json!({"cron": "@hourly", "count": 0});
    assert_eq!(said(&invalid(fixture.schedules.preview(&refused).await)), [("/count", "it is out of range")]);
}

#[tokio::test]
async fn a_spec_of_a_newer_version_is_shown_paused_and_deleted_but_not_edited() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    fixture.schedules.create(workflow, &json!({"cron": "@daily"})).await.unwrap();
    let schedules = fixture.of_a_newer_version(json!({"tide": "high"}));

    let shown = serde_json::to_value(schedules.get(workflow).await.unwrap()).unwrap();
    assert_eq!(shown["specs"], json!([{"tide": "high"}]));
    assert_eq!(shown["description"], json!("by a rule of a newer version of Belfry (UTC)"));
    let violations = invalid(schedules.patch(workflow, None, &json!({"input": {"a": 1}})).await);
    assert_eq!(violations.0[0].pointer, "/specs/0/tide");
    assert!(!schedules.patch(workflow, None, &json!({"is_active": false})).await.unwrap().is_active);
    schedules.delete(workflow, None).await.unwrap();
}
