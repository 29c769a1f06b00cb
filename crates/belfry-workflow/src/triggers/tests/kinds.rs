//! Every kind of spec: what is read, kept and answered, and where its text is wrong.

use belfry_core::time::UnixMillis;
use serde_json::{Value, json};

use crate::fixture::{Fixture, invalid, now, said};
use crate::triggers::*;

const MADE: &str = "2026-11-25T09:00:00Z";

fn every_kind() -> [Value; 8] {
    [
        json!({"cron": "0 9 L * *"}),
        json!({"cron": "0 0 9 ? * 2", "dialect": "quartz"}),
        json!({"every": "PT15M", "start": "2026-11-25T00:00:00Z"}),
        json!({"at": "2027-01-01T09:00:00"}),
        json!({"rrule": "DTSTART:20260101T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR"}),
        json!({"rrule": "FREQ=DAILY;BYHOUR=9", "start": "2026-11-25T00:00:00Z"}),
        json!({"calendar": {"every": "2 weeks", "weekdays": ["MON"], "from": "2026-11-23", "at": "09:00"}}),
        json!({"calendar": {"business_day": -1, "at": ["09:00", "18:00"]}}),
    ]
}

/// The fields of an answer that say when it fires.
fn spec_of(schedule: &ScheduleResponse) -> Value {
    let answer = serde_json::to_value(schedule).unwrap();
    let fields = ["cron", "dialect", "every", "start", "at", "rrule", "calendar", "specs"];
    fields.into_iter().filter_map(|field| Some((field.to_owned(), answer.get(field)?.clone()))).collect::<serde_json::Map<_, _>>().into()
}

fn refused(value: &Value) -> Vec<(String, String)> {
    let violations = parse_schedule(value, now(), None).unwrap_err();
    said(&violations).into_iter().map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned())).collect()
}

#[tokio::test]
async fn every_kind_is_answered_as_it_was_given_alone_and_among_others() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    for (number, kind) in every_kind().into_iter().enumerate() {
        let mut body = kind.clone();
        body["name"] = json!(format!("s{number}"));
        let made = fixture.schedules.create(workflow, &body).await.unwrap();
        assert_eq!(spec_of(&made), kind);
        assert!(made.next_run_at.is_some(), "{kind}");
        assert_eq!(fixture.schedules.get_by_id(made.id).await.unwrap(), made);
    }
    let all = json!({"specs": every_kind(), "name": "all"});
    let made = fixture.schedules.create(workflow, &all).await.unwrap();
    assert_eq!(spec_of(&made), json!({"specs": every_kind()}));
    // The interval comes first.
    assert_eq!(serde_json::to_value(made.next_run_at).unwrap(), json!("2026-11-25T09:15:00Z"));
}

#[test]
fn a_quartz_expression_means_other_days_than_the_same_text_without_the_dialect() {
    let next =
        |value: Value| serde_json::to_value(parse_schedule(&value, now(), None).unwrap().content.next_after(now()).unwrap()).unwrap();
    // 2 is Monday in Quartz, and Tuesday elsewhere.
    assert_eq!(next(json!({"cron": "0 0 9 ? * 2", "dialect": "quartz"})), json!("2026-11-30T09:00:00Z"));
    assert_eq!(next(json!({"cron": "0 0 9 ? * 2"})), json!("2026-12-01T09:00:00Z"));
    assert_eq!(next(json!({"cron": "0 0 9 ? * 2", "dialect": "standard"})), json!("2026-12-01T09:00:00Z"));
}

/// What a schedule made of `body` at 09:00:00.500 counts from, then after a put of `again` at 09:07:00.500.
async fn anchors(body: &Value, again: &Value) -> [Value; 2] {
    let fixture = Fixture::new();
    fixture.clock.advance(jiff::SignedDuration::from_millis(500));
    let workflow = fixture.workflow().await.id;
    let anchor = |schedule: &ScheduleResponse| {
        let spec = spec_of(schedule);
        let spec = spec.pointer("/specs/0").unwrap_or(&spec);
        spec.get("start").or_else(|| spec.pointer("/calendar/from")).cloned().unwrap_or_default()
    };
    let (made, _) = fixture.schedules.put(workflow, None, body).await.unwrap();
    fixture.pass(7);
    let (put, _) = fixture.schedules.put(workflow, None, again).await.unwrap();
    [anchor(&made), anchor(&put)]
}

#[tokio::test]
async fn a_rule_without_dtstart_counts_from_the_second_of_its_creation_until_its_text_changes() {
    let rule = json!({"rrule": "FREQ=MINUTELY;INTERVAL=7"});
    let cases = [
        (json!({"rrule": " FREQ=MINUTELY;INTERVAL=7 ", "input": {"a": 1}}), json!(MADE)),
        (json!({"specs": [{"rrule": "FREQ=MINUTELY;INTERVAL=7"}, {"cron": "@daily"}]}), json!(MADE)),
        (json!({"rrule": "FREQ=MINUTELY;INTERVAL=8"}), json!("2026-11-25T09:07:00Z")),
        (json!({"rrule": "FREQ=MINUTELY;INTERVAL=7", "start": "2026-01-01T00:00:00Z"}), json!("2026-01-01T00:00:00Z")),
        (json!({"rrule": "DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY"}), Value::Null),
    ];
    for (again, expected) in cases {
        assert_eq!(anchors(&rule, &again).await, [json!(MADE), expected], "{again}");
    }
}

#[tokio::test]
async fn a_calendar_interval_without_from_begins_on_the_day_of_its_creation_until_it_changes() {
    let interval = |every: &str| json!({"calendar": {"every": every, "at": "09:00"}});
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    // 09:00 in London is 23:00 there.
    let in_auckland = |mut body: Value| {
        body["timezone"] = json!("Pacific/Auckland");
        body
    };
    let from = |schedule: &ScheduleResponse| spec_of(schedule)["calendar"]["from"].clone();
    let (made, _) = fixture.schedules.put(workflow, None, &in_auckland(interval("3 days"))).await.unwrap();
    assert_eq!(from(&made), json!("2026-11-25"));
    fixture.pass(24 * 60);
    let (put, _) = fixture.schedules.put(workflow, None, &in_auckland(interval("3 days"))).await.unwrap();
    assert_eq!((from(&put), put.revision), (json!("2026-11-25"), made.revision));
    let (put, _) = fixture.schedules.put(workflow, None, &in_auckland(interval("2 days"))).await.unwrap();
    assert_eq!(from(&put), json!("2026-11-26"));
}

#[test]
fn a_fault_of_a_text_is_told_where_it_stands() {
    let cases = [
        (json!({"rrule": "FREQ=DAILY;BYWEKNO=1"}), "/rrule", "`BYWEKNO` is no part of a rule (perhaps BYWEEKNO)"),
        (json!({"specs": [{"cron": "@daily"}, {"rrule": "BYDAY=MO"}]}), "/specs/1/rrule", "FREQ is missing"),
        (
            json!({"rrule": "DTSTART:20260101T090000\nRRULE:FREQ=DAILY", "start": "2026-01-01T00:00:00Z"}),
            "/start",
            "this rule has a DTSTART of its own; leave out either that or `start`",
        ),
        (
            json!({"rrule": "FREQ=DAILY", "start": "2026-01-01T00:00:00.5Z"}),
            "/start",
            "`2026-01-01T00:00:00.500Z` is finer than a second, which a recurrence rule cannot be",
        ),
        (json!({"calendar": {"every": "2 weeks", "at": "25:00"}}), "/calendar/at", "`25:00`"),
        (json!({"calendar": {"weekday": "MON", "at": "09:00"}}), "/calendar/weekday", "`weekday` is no field here; perhaps `weekdays`"),
        (json!({"specs": [{"calendar": {"days": [32], "at": "09:00"}}]}), "/specs/0/calendar/days/0", "`32`"),
        (json!({"calendar": {"months": ["FEB"], "days": [30], "at": "09:00"}}), "/calendar", "no day ever matches"),
        (json!({"cron": "0 9 * * 1", "dialect": "quartz"}), "/cron", "a Quartz expression has six fields"),
        (json!({"cron": "@daily", "dialect": "vixie"}), "/dialect", "`vixie` is not known"),
        (json!({"every": "15m", "dialect": "quartz"}), "/dialect", "`dialect` goes with `cron` only"),
        (json!({"specs": [{"cron": "@daily"}], "dialect": "quartz"}), "/dialect", "`dialect` stands beside `specs`"),
    ];
    for (value, pointer, beginning) in cases {
        let found = refused(&value);
        assert!(matches!(found.as_slice(), [(at, detail)] if at == pointer && detail.starts_with(beginning)), "{value}: {found:?}");
    }
}

#[test]
fn a_fault_says_what_would_be_accepted() {
    let expected = |value: Value| parse_schedule(&value, now(), None).unwrap_err().0.remove(0).expected;
    assert_eq!(expected(json!({"rrule": "FREQ=SOMETIMES"})), "a rule of RFC 5545, such as `FREQ=MONTHLY;BYDAY=-1FR`");
    assert_eq!(expected(json!({"rrule": 1})), expected(json!({"rrule": "x"})));
    let quartz = "six fields (second minute hour day-of-month month day-of-week), or seven with the year last, such as `0 0 9 ? * MON-FRI`";
    assert_eq!(expected(json!({"cron": "0 9 * * *", "dialect": "quartz"})), quartz);
}

#[tokio::test]
async fn a_calendar_that_is_nowhere_is_refused_where_it_is_named() {
    let cases = [
        (json!({"calendar": {"business_day": -1, "business_calendar": "DE", "at": "09:00"}}), "/calendar/business_calendar"),
        (
            json!({"specs": [{"calendar": {"business_day": 1, "business_calendar": "DE", "at": "09:00"}}]}),
            "/specs/0/calendar/business_calendar",
        ),
        (json!({"cron": "@daily", "exclude": [{"dates": ["easter"]}, {"holidays": "DE"}]}), "/exclude/1/holidays"),
    ];
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    for (body, pointer) in cases {
        let violations = invalid(fixture.schedules.create(workflow, &body).await);
        assert_eq!(said(&violations), [(pointer, "there is no calendar `DE`")], "{body}");
        assert_eq!(said(&preview(&body, now()).unwrap_err()), [(pointer, "there is no calendar `DE`")]);
    }
}

#[test]
fn an_interval_and_a_calendar_of_the_same_words_are_not_confused() {
    let times = |value: &Value| parse_schedule(value, now(), None).unwrap().content.times_after(now(), 2).unwrap();
    let text = |times: Vec<UnixMillis>| times.iter().map(ToString::to_string).collect::<Vec<_>>();
    let start = "2026-10-24T07:00:00Z";
    assert_eq!(
        text(times(&json!({"every": "24h", "start": start, "timezone": "Europe/Berlin"}))),
        ["2026-11-26T07:00:00Z", "2026-11-27T07:00:00Z"]
    );
    let daily = json!({"calendar": {"every": "1 day", "from": "2026-10-24", "at": "09:00"}, "timezone": "Europe/Berlin"});
    assert_eq!(text(times(&daily)), ["2026-11-26T08:00:00Z", "2026-11-27T08:00:00Z"]);
    assert_eq!(refused(&json!({"every": "1 day"})).remove(0).0, "/every");
}
