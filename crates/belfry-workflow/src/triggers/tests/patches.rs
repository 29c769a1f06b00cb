//! What a merge patch makes of a schedule.

use serde_json::{Value, json};

use crate::error::ServiceError;
use crate::fixture::{Fixture, invalid, said};
use crate::triggers::*;

/// The fields of a schedule made of `body` at 09:00, after `patch` at 09:07.
async fn patched(body: Value, patch: Value) -> Value {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule = fixture.schedules.create(workflow, &body).await.unwrap();
    fixture.pass(7);
    let patched = fixture.schedules.patch_by_id(schedule.id, Some(schedule.revision), &patch).await.unwrap();
    serde_json::to_value(patched).unwrap()
}

fn fields(schedule: &Value, names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| schedule.get(name).cloned().unwrap_or(json!("(absent)"))).collect()
}

#[tokio::test]
async fn what_is_not_named_stays_and_null_sets_the_default() {
    let body = json!({"cron": "0 9 * * *", "timezone": "Europe/Berlin", "end_at": "2027-01-01T00:00:00Z", "input": {"a": 1, "b": 2}});
    let after = patched(body, json!({"end_at": null, "catch_up": "all", "input": {"a": null, "c": 3}})).await;
    let names = ["cron", "timezone", "end_at", "catch_up", "input", "name"];
    let expected = [json!("0 9 * * *"), json!("Europe/Berlin"), Value::Null, json!("all"), json!({"b": 2, "c": 3}), json!("default")];
    assert_eq!(fields(&after, &names), expected);
}

#[tokio::test]
async fn naming_another_kind_of_spec_replaces_the_standing_one() {
    let every = json!({"every": "15m", "start": "2026-11-25T00:00:00Z"});
    let names = ["cron", "every", "start", "at", "specs"];
    let absent = || json!("(absent)");
    let after = patched(every.clone(), json!({"cron": "@daily"})).await;
    assert_eq!(fields(&after, &names), [json!("@daily"), absent(), absent(), absent(), absent()]);
    let after = patched(json!({"cron": "@daily"}), json!({"every": "1h"})).await;
    assert_eq!(fields(&after, &names), [absent(), json!("PT1H"), json!("2026-11-25T09:07:00Z"), absent(), absent()]);
    let specs = json!([{"cron": "@daily"}, {"cron": "@weekly"}]);
    let after = patched(every, json!({ "specs": specs })).await;
    assert_eq!(fields(&after, &names), [absent(), absent(), absent(), absent(), specs.clone()]);
    let after = patched(json!({ "specs": specs }), json!({"at": "2027-01-01T00:00:00Z"})).await;
    assert_eq!(fields(&after, &names), [absent(), absent(), absent(), json!("2027-01-01T00:00:00Z"), absent()]);
}

#[tokio::test]
async fn an_interval_keeps_its_start_unless_that_is_taken_away() {
    let names = ["every", "start"];
    let start = json!("2026-11-25T09:00:00Z");
    let cases = [
        (json!({"every": "PT15M"}), json!("PT15M"), start.clone()),
        (json!({"input": {"a": 1}}), json!("PT15M"), start.clone()),
        (json!({"every": "30m"}), json!("PT30M"), start),
        (json!({"every": "15m", "start": null}), json!("PT15M"), json!("2026-11-25T09:07:00Z")),
        (json!({"start": "2026-01-01T00:00:00Z"}), json!("PT15M"), json!("2026-01-01T00:00:00Z")),
    ];
    for (patch, every, start) in cases {
        let after = patched(json!({"every": "15m"}), patch.clone()).await;
        assert_eq!(fields(&after, &names), [every, start], "{patch}");
    }
}

#[tokio::test]
async fn a_put_without_start_keeps_that_of_an_interval_of_the_same_length() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let (made, _) = fixture.schedules.put(workflow, None, &json!({"every": "15m"})).await.unwrap();
    fixture.pass(7);
    let (put, _) = fixture.schedules.put(workflow, None, &json!({"every": "15m", "input": {"a": 1}})).await.unwrap();
    assert_eq!((put.start, put.revision), (made.start, made.revision + 1));
}

#[tokio::test]
async fn a_patch_that_changes_nothing_raises_no_revision() {
    let body = json!({"cron": "0 9 * * *", "catch_up_window": "90m"});
    let after = patched(body, json!({"catch_up_window": "PT1H30M", "timezone": "utc"})).await;
    assert_eq!(fields(&after, &["revision", "updated_at"]), [json!(1), json!("2026-11-25T09:00:00Z")]);
}

#[tokio::test]
async fn activity_is_patched_like_everything_else() {
    let names = ["is_active", "next_run_at", "cron"];
    let after = patched(json!({"cron": "0 12 * * *"}), json!({"is_active": false})).await;
    assert_eq!(fields(&after, &names), [json!(false), Value::Null, json!("0 12 * * *")]);
    for patch in [json!({"is_active": true}), json!({"is_active": null})] {
        let after = patched(json!({"cron": "0 12 * * *", "is_active": false}), patch).await;
        assert_eq!(fields(&after, &names), [json!(true), json!("2026-11-25T12:00:00Z"), json!("0 12 * * *")]);
    }
    let after = patched(json!({"cron": "0 12 * * *", "is_active": false}), json!({"cron": "0 13 * * *"})).await;
    assert_eq!(fields(&after, &names), [json!(false), Value::Null, json!("0 13 * * *")]);
}

#[tokio::test]
async fn the_patched_object_is_validated_and_nothing_is_half_written() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule = fixture.schedules.create(workflow, &json!({"cron": "@daily"})).await.unwrap();
    let cases = [
        (json!({"cron": null}), "", "no spec is given"),
        (json!({"cron": "@daily", "at": "2027-01-01T00:00:00Z"}), "", "`cron`, `at` are given together"),
        (json!({"start": "2027-01-01T00:00:00Z"}), "/start", "`start` goes with `every` and `rrule` only"),
        (json!({"is_active": 1}), "/is_active", "it is no truth value"),
        (json!({"input": [], "is_active": false}), "/input", "an array was found"),
        (json!({"revision": 3}), "/revision", "`revision` is read-only, leave it out"),
        (json!("x"), "", "a string was found"),
    ];
    for (patch, pointer, detail) in cases {
        let violations = invalid(fixture.schedules.patch_by_id(schedule.id, None, &patch).await);
        assert_eq!(said(&violations), [(pointer, detail)], "{patch}");
    }
    assert_eq!(fixture.schedules.get_by_id(schedule.id).await.unwrap(), schedule);
}

#[tokio::test]
async fn a_schedule_that_has_ended_can_still_be_renamed() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule: ScheduleResponse = fixture.schedules.create(workflow, &json!({"at": "2026-11-25T10:00:00Z"})).await.unwrap();
    fixture.pass(120);
    let renamed = fixture.schedules.patch_by_id(schedule.id, None, &json!({"name": "once"})).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.next_run_at), ("once", None));
}

#[tokio::test]
async fn a_patch_without_a_revision_is_made_again_when_another_write_comes_between() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule = fixture.schedules.create(workflow, &json!({"cron": "@daily"})).await.unwrap();
    let patch = json!({"cron": "@hourly"});
    let (_, overtaken) = fixture.overtaken(3);
    let patched = overtaken.patch_by_id(schedule.id, None, &patch).await.unwrap();
    assert_eq!((patched.cron.as_deref(), patched.is_active, patched.revision), (Some("@hourly"), false, 5));
    let (_, overtaken) = fixture.overtaken(1);
    let put = overtaken.put(workflow, None, &json!({"cron": "@weekly"})).await.unwrap().0;
    assert_eq!((put.cron.as_deref(), put.is_active, put.revision), (Some("@weekly"), true, 7));
}

#[tokio::test]
async fn only_a_write_at_a_revision_is_stale_and_one_that_is_overtaken_for_ever_says_so() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let schedule = fixture.schedules.create(workflow, &json!({"cron": "@daily"})).await.unwrap();
    let patch = json!({"cron": "@hourly"});
    let at_a_revision = fixture.overtaken(1).1.patch_by_id(schedule.id, Some(1), &patch).await.unwrap_err();
    assert_eq!(at_a_revision, ServiceError::Stale { current: 2 });
    let unavailable = ServiceError::Unavailable("nothing was written: the object is being written by others".to_owned());
    let overtaken = fixture.overtaken(100);
    assert_eq!(overtaken.1.patch_by_id(schedule.id, None, &patch).await.unwrap_err(), unavailable);
    assert_eq!(overtaken.1.put(workflow, None, &patch).await.unwrap_err(), unavailable);
    let twenty = fixture.overtaken(20).1.patch_by_id(schedule.id, None, &patch).await.unwrap();
    assert_eq!((twenty.cron.as_deref(), twenty.revision), (Some("@hourly"), 2 + 100 + 21));
    assert_eq!(fixture.overtaken(20).0.patch(workflow, None, &json!({"description": "a"})).await.unwrap().description, "a");
    assert_eq!(fixture.overtaken(50).0.patch(workflow, None, &json!({"description": "b"})).await.unwrap_err(), unavailable);
}
