//! Times that are not plainly what their spec says are marked.

use serde_json::{Value, json};

use crate::fixture::{now, said};
use crate::triggers::*;

/// `(local, touched)` of the first times.
fn marks(mut body: Value) -> Vec<(String, Option<&'static str>)> {
    body["details"] = json!(true);
    let details = preview(&body, now()).unwrap().details.unwrap();
    details.into_iter().map(|time| (time.local, time.touched.map(Touched::as_str))).collect()
}

fn in_berlin(spec: Value, after: &str) -> Vec<(String, Option<&'static str>)> {
    let mut body = json!({"timezone": "Europe/Berlin", "after": after, "count": 2});
    body.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    marks(body)
}

fn one(local: &str, touched: Option<&'static str>) -> (String, Option<&'static str>) {
    (local.to_owned(), touched)
}

#[test]
fn what_stands_for_a_time_that_was_lost_is_marked_whatever_the_kind() {
    let after = "2026-03-28T12:00:00Z";
    let plain = one("2026-03-30T02:30:00+02:00", None);
    let at_three = [one("2026-03-29T03:00:00+02:00", Some("gap")), plain.clone()];
    let at_half_past = [one("2026-03-29T03:30:00+02:00", Some("gap")), plain.clone()];
    assert_eq!(in_berlin(json!({"cron": "30 2 * * *"}), after), at_three);
    assert_eq!(in_berlin(json!({"cron": "30 2 * * *", "gap": "shift"}), after), at_half_past);
    assert_eq!(in_berlin(json!({"calendar": {"every": "1 day", "from": "2026-01-01", "at": "02:30"}}), after), at_three);
    assert_eq!(in_berlin(json!({"rrule": "DTSTART:20260101T023000\nRRULE:FREQ=DAILY"}), after), at_half_past);
    assert_eq!(in_berlin(json!({"rrule": "FREQ=DAILY", "start": "2026-01-01T01:30:00Z"}), after), at_half_past);
    let once = [one("2026-03-29T03:30:00+02:00", Some("gap"))];
    assert_eq!(in_berlin(json!({"at": "2026-03-29T02:30"}), after), once);
    assert_eq!(in_berlin(json!({"cron": "30 2 * * *", "gap": "skip"}), after)[0], plain);
}

#[test]
fn a_time_that_comes_twice_is_marked_where_a_rule_chose_a_pass() {
    let after = "2026-10-24T12:00:00Z";
    let first = one("2026-10-25T02:30:00+02:00", Some("fold"));
    let both = [first.clone(), one("2026-10-25T02:30:00+01:00", Some("fold"))];
    assert_eq!(in_berlin(json!({"cron": "30 2 * * *"}), after)[0], first);
    assert_eq!(in_berlin(json!({"cron": "30 2 * * *", "fold": "both"}), after), both);
    assert_eq!(in_berlin(json!({"rrule": "DTSTART:20260101T023000\nRRULE:FREQ=DAILY"}), after)[0], first);
    assert_eq!(in_berlin(json!({"at": "2026-10-25T02:30"}), after), [first]);
}

#[test]
fn what_follows_the_clock_or_is_there_anyway_is_not_marked() {
    let unmarked = |spec: Value, after: &str| in_berlin(spec, after).into_iter().all(|(_, touched)| touched.is_none());
    let (before_gap, before_fold) = ("2026-03-29T00:59:00Z", "2026-10-25T00:10:00Z");
    for cron in ["*/30 * * * *", "30 * * * *"] {
        assert!(unmarked(json!({"cron": cron}), before_gap) && unmarked(json!({"cron": cron}), before_fold), "{cron}");
    }
    for spec in [
        json!({"every": "30m"}),
        json!({"at": "2026-10-25T00:30:00Z"}),
        json!({"rrule": "FREQ=HOURLY", "start": "2026-01-01T00:30:00Z"}),
        // The lost time falls on one that is named.
        json!({"cron": "0,30 2,3 * * *"}),
        json!({"rrule": "DTSTART:20260101T033000\nRRULE:FREQ=DAILY"}),
        json!({"specs": [{"cron": "30 2 * * *"}, {"cron": "0 * * * *"}]}),
    ] {
        let after = if spec.get("at").is_some() { before_fold } else { before_gap };
        assert!(unmarked(spec.clone(), after), "{spec}");
    }
}

#[test]
fn a_day_moved_by_the_holiday_rule_is_marked() {
    let month_end = json!({"calendar": {"days": [-1], "on_holiday": "previous", "at": "18:00"}, "count": 3});
    let expected =
        [one("2026-11-30T18:00:00+00:00", None), one("2026-12-31T18:00:00+00:00", None), one("2027-01-29T18:00:00+00:00", Some("holiday"))];
    assert_eq!(marks(month_end), expected);
}

#[test]
fn the_first_and_the_last_that_a_bound_let_through_are_marked() {
    let body = json!({"cron": "0 9 * * *", "start_at": "2026-12-01T00:00:00Z", "end_at": "2026-12-03T12:00:00Z"});
    let expected = [
        one("2026-12-01T09:00:00+00:00", Some("bound")),
        one("2026-12-02T09:00:00+00:00", None),
        one("2026-12-03T09:00:00+00:00", Some("bound")),
    ];
    assert_eq!(marks(body), expected);
    let one_shot = json!({"at": "2026-12-01T09:00:00Z", "end_at": "2027-12-03T12:00:00Z"});
    assert_eq!(marks(one_shot), [one("2026-12-01T09:00:00+00:00", None)]);
}

#[test]
fn details_are_answered_where_they_are_asked_for() {
    let body = |details: Value| json!({"cron": "0 9 * * *", "count": 1, "details": details});
    let answer = serde_json::to_value(preview(&body(json!(true)), now()).unwrap()).unwrap();
    assert_eq!(answer["details"], json!([{"time": "2026-11-26T09:00:00Z", "local": "2026-11-26T09:00:00+00:00"}]));
    for details in [json!(false), Value::Null] {
        assert_eq!(preview(&body(details), now()).unwrap().details, None);
    }
    assert_eq!(said(&preview(&body(json!("yes")), now()).unwrap_err()), [("/details", "it is no truth value")]);
}
