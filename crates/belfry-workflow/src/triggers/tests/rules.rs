//! What goes for all specs of a schedule: exclusions, and the rules for changes of clocks and day fields.

use serde_json::{Value, json};

use crate::fixture::{Fixture, invalid, now, said};
use crate::triggers::*;

fn fields(schedule: &ScheduleResponse, names: &[&str]) -> Vec<Value> {
    let answer = serde_json::to_value(schedule).unwrap();
    names.iter().map(|name| answer.get(name).cloned().unwrap_or(json!("(absent)"))).collect()
}

fn times(body: &Value) -> Vec<String> {
    preview(body, now()).unwrap().times_local
}

#[test]
fn whole_days_and_the_times_of_specs_are_left_out() {
    let body = json!({
        "cron": "0 9,18 * * *", "timezone": "Europe/Berlin", "count": 3, "after": "2026-12-22T18:00:00Z",
        "exclude": [{"dates": ["2026-12-24..2026-12-26"]}, {"cron": "0 9 * * MON-FRI"}]
    });
    assert_eq!(times(&body), ["2026-12-23T18:00:00+01:00", "2026-12-27T09:00:00+01:00", "2026-12-27T18:00:00+01:00"]);
    let sentence = "at 09:00 and 18:00 every day (Europe/Berlin), except on 2026-12-24..2026-12-26, except at 09:00, Monday to Friday";
    assert_eq!(preview(&body, now()).unwrap().description, sentence);
}

#[tokio::test]
async fn exclusions_are_answered_as_they_were_given_and_patched_as_a_whole() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let exclude = json!([
        {"dates": ["2026-12-24..2026-12-26", "01-01", {"on": "easter-2", "label": "Good Friday"}]},
        {"cron": "0 0 12 ? * 1", "dialect": "quartz"},
        {"every": "PT1H", "start": "2026-11-25T09:00:00Z"},
        {"calendar": {"every": "1 month", "days": [1], "from": "2026-11-25", "at": "09:00"}}
    ]);
    let made = fixture.schedules.create(workflow, &json!({"cron": "*/10 * * * *", "exclude": exclude})).await.unwrap();
    assert_eq!(fields(&made, &["exclude"]), std::slice::from_ref(&exclude));
    assert_eq!(serde_json::to_value(&made.next_times[4..]).unwrap(), json!(["2026-11-25T09:50:00Z"]));
    fixture.pass(7);
    let kept = fixture.schedules.patch_by_id(made.id, None, &json!({"input": {"a": 1}})).await.unwrap();
    assert_eq!(fields(&kept, &["exclude"]), [exclude]);
    let other = json!([{"dates": ["easter"]}]);
    let replaced = fixture.schedules.patch_by_id(made.id, None, &json!({ "exclude": other })).await.unwrap();
    assert_eq!(fields(&replaced, &["exclude"]), [other]);
    let none = fixture.schedules.patch_by_id(made.id, None, &json!({"exclude": null})).await.unwrap();
    assert_eq!(fields(&none, &["exclude"]), [json!("(absent)")]);
}

#[tokio::test]
async fn an_excluded_interval_without_start_counts_from_its_creation_and_is_not_moved() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let body = json!({"every": "10m", "exclude": [{"every": "30m"}]});
    let (made, _) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    let anchored = json!([{"every": "PT30M", "start": "2026-11-25T09:00:00Z"}]);
    assert_eq!(fields(&made, &["exclude", "next_times"])[0], anchored);
    fixture.pass(7);
    let (put, _) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    assert_eq!((fields(&put, &["exclude"]), put.revision), (vec![anchored], made.revision));
}

#[test]
fn a_fault_of_an_exclusion_is_told_where_it_stands() {
    let many = vec![json!({"dates": ["easter"]}); 21];
    let cases = [
        (json!([{"dates": ["2026-02-30"]}]), "/exclude/0/dates/0"),
        (json!([{"dates": []}]), "/exclude/0/dates"),
        (json!([{"dates": ["easter"], "cron": "@daily"}]), "/exclude/0/cron"),
        (json!([{"dates": ["easter"]}, {"cron": "61 * * * *"}]), "/exclude/1/cron"),
        (json!([{"rrule": "FREQ=DAILY;BYDAY=XX"}]), "/exclude/0/rrule"),
        (json!([{"calendar": {"at": "25:00"}}]), "/exclude/0/calendar/at"),
        (json!([{}]), "/exclude/0"),
        (json!([{"corn": "@daily"}]), "/exclude/0/corn"),
        (json!(["2026-12-24"]), "/exclude/0"),
        (json!({"dates": ["easter"]}), "/exclude"),
        (json!(many), "/exclude"),
    ];
    for (exclude, pointer) in cases {
        let violations = parse_schedule(&json!({"cron": "@daily", "exclude": exclude}), now(), None).unwrap_err();
        assert_eq!(violations.0[0].pointer, pointer, "{exclude}: {violations:?}");
    }
}

#[test]
fn a_schedule_of_which_everything_is_left_out_is_refused() {
    let body = json!({"cron": "0 9 * * *", "exclude": [{"cron": "0 9 * * *"}]});
    let violations = parse_schedule(&body, now(), None).unwrap_err();
    let detail = "the schedule cannot be planned: 100000 times in a row are excluded; leave out fewer, or give the schedule other times";
    assert_eq!(said(&violations), [("", detail)]);
}

#[tokio::test]
async fn rules_are_kept_patched_and_set_back_by_null() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let names = ["gap", "fold", "dom_dow"];
    let body = json!({"cron": "30 2 13 * 5", "gap": "shift", "fold": "both", "dom_dow": "and"});
    let made = fixture.schedules.create(workflow, &body).await.unwrap();
    assert_eq!(fields(&made, &names), [json!("shift"), json!("both"), json!("and")]);
    let patched = fixture.schedules.patch_by_id(made.id, None, &json!({"gap": "skip"})).await.unwrap();
    assert_eq!(fields(&patched, &names), [json!("skip"), json!("both"), json!("and")]);
    let same = fixture.schedules.patch_by_id(made.id, None, &json!({"fold": "both"})).await.unwrap();
    assert_eq!(same.revision, patched.revision);
    let back = fixture.schedules.patch_by_id(made.id, None, &json!({"gap": null, "fold": null, "dom_dow": null})).await.unwrap();
    assert_eq!(fields(&back, &names), [json!("next"), json!("first"), json!("or")]);
}

#[test]
fn gap_and_fold_decide_over_changes_of_clocks() {
    let fires = |cron: &str, after: &str, rule: Value| {
        let mut body = json!({"cron": cron, "timezone": "Europe/Berlin", "after": after, "count": 2});
        body.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        times(&body)
    };
    let spring = |rule| fires("30 2 * * *", "2026-03-28T12:00:00Z", rule).remove(0);
    assert_eq!(spring(json!({})), "2026-03-29T03:00:00+02:00");
    assert_eq!(spring(json!({"gap": "shift"})), "2026-03-29T03:30:00+02:00");
    assert_eq!(spring(json!({"gap": "skip"})), "2026-03-30T02:30:00+02:00");
    let autumn = |rule| fires("30 2 * * *", "2026-10-24T12:00:00Z", rule);
    assert_eq!(autumn(json!({})), ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]);
    assert_eq!(autumn(json!({"fold": "second"})), ["2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"]);
    assert_eq!(autumn(json!({"fold": "both"})), ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]);
    let calendar = json!({"calendar": {"every": "1 day", "from": "2026-01-01", "at": "02:30"}, "timezone": "Europe/Berlin",
        "gap": "skip", "after": "2026-03-28T12:00:00Z", "count": 1});
    assert_eq!(times(&calendar), ["2026-03-30T02:30:00+02:00"]);
}

#[test]
fn an_expression_that_cannot_fire_with_both_day_fields_is_refused() {
    let body = json!({"cron": "0 0 1 * 1#2", "dom_dow": "and"});
    let violations = parse_schedule(&body, now(), None).unwrap_err();
    let detail =
        "no day is both day-of-month `1` and day-of-week `1#2` in any month, so this would never fire; use a day that the month has";
    assert_eq!(said(&violations), [("/cron", detail)]);
    assert!(parse_schedule(&json!({"cron": "0 0 1 * 1#2"}), now(), None).is_ok());
    let specs = json!({"specs": [{"cron": "@daily"}, {"cron": "0 0 1 * 1#2"}], "dom_dow": "and"});
    assert_eq!(said(&parse_schedule(&specs, now(), None).unwrap_err()), [("/specs/1/cron", detail)]);
}

#[test]
fn unknown_words_of_rules_are_refused_with_the_nearest() {
    let cases = [("gap", "nxt", "`nxt` is not known; perhaps `next`"), ("fold", "frist", "`frist` is not known; perhaps `first`")];
    for (field, word, detail) in cases {
        let violations = parse_schedule(&json!({"cron": "@daily", field: word}), now(), None).unwrap_err();
        assert_eq!(said(&violations), [(format!("/{field}").as_str(), detail)]);
    }
}

#[tokio::test]
async fn a_patch_that_names_another_kind_takes_everything_of_the_standing_one_along() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let kinds = ["cron", "dialect", "every", "start", "at", "rrule", "calendar", "specs"];
    let absent = || json!("(absent)");
    let quartz = json!({"cron": "0 0 9 ? * 2", "dialect": "quartz", "gap": "skip"});
    let made = fixture.schedules.create(workflow, &quartz).await.unwrap();
    let patch = async |patch: Value| fixture.schedules.patch_by_id(made.id, None, &patch).await.unwrap();

    let calendar = json!({"business_day": -1, "at": "18:00"});
    let patched = patch(json!({ "calendar": calendar })).await;
    assert_eq!(fields(&patched, &kinds), [absent(), absent(), absent(), absent(), absent(), absent(), calendar, absent()]);
    assert_eq!(fields(&patched, &["gap"]), [json!("skip")]);
    let patched = patch(json!({"rrule": "FREQ=DAILY"})).await;
    let start = json!("2026-11-25T09:00:00Z");
    assert_eq!(fields(&patched, &kinds), [absent(), absent(), absent(), start.clone(), absent(), json!("FREQ=DAILY"), absent(), absent()]);
    let patched = patch(json!({"cron": "0 9 * * 2"})).await;
    assert_eq!(fields(&patched, &kinds), [json!("0 9 * * 2"), absent(), absent(), absent(), absent(), absent(), absent(), absent()]);
    let specs = json!([{"cron": "0 0 9 ? * 2", "dialect": "quartz"}, {"rrule": "FREQ=DAILY", "start": start}]);
    let patched = patch(json!({ "specs": specs })).await;
    assert_eq!(fields(&patched, &kinds), [absent(), absent(), absent(), absent(), absent(), absent(), absent(), specs]);
    let violations = invalid(fixture.schedules.patch_by_id(made.id, None, &json!({"dialect": "quartz"})).await);
    assert_eq!(said(&violations), [("/dialect", "`dialect` stands beside `specs`")]);
}
