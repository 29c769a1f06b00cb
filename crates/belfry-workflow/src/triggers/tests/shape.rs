//! What is accepted as a schedule, and what is said of the rest.

use belfry_core::schedule::{CatchUp, Lateness};
use belfry_core::spec::{At, Spec};
use belfry_core::violation::Violation;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::fixture::{now, said};
use crate::triggers::*;
use belfry_core::time::UnixMillis;

fn parsed(value: &Value) -> ScheduleDraft {
    parse_schedule(value, now(), None).unwrap()
}

fn assert_refused(cases: &[(Value, &str, &str)]) {
    for (value, pointer, detail) in cases {
        let violations = parse_schedule(value, now(), None).unwrap_err();
        assert_eq!(said(&violations), [(*pointer, *detail)], "{value}");
    }
}

fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_exact(text).unwrap()
}

#[test]
fn what_is_left_out_has_its_default() {
    let draft = parsed(&json!({"cron": "@daily"}));
    assert_eq!((draft.name, draft.is_active), (None, None));
    assert_eq!(draft.content.specs, [Spec::cron("@daily".parse().unwrap())]);
    assert_eq!(draft.content.timezone.name(), "UTC");
    assert_eq!((draft.content.start_at, draft.content.end_at), (None, None));
    assert_eq!(draft.content.input, Value::Object(Map::new()));
    assert_eq!(draft.content.lateness, Lateness::default());
}

#[test]
fn everything_that_is_given_is_kept() {
    let draft = parsed(&json!({
        "specs": [{"every": "90m", "start": "2026-11-25T00:00:00+01:00"}, {"at": "2026-12-24T18:00"}, {"cron": "0 9 * * 1"}],
        "name": "night", "timezone": "europe/berlin", "start_at": "2026-12-01T00:00:00Z", "end_at": "2027-12-01T00:00:00Z",
        "input": {"a": 1}, "is_active": false, "missed_after": "PT5M", "catch_up": "all", "catch_up_window": "24h"
    }));
    let specs = [
        Spec::every(SignedDuration::from_mins(90), at("2026-11-24T23:00:00Z")),
        Spec::at(At::parse("2026-12-24T18:00").unwrap()),
        Spec::cron("0 9 * * 1".parse().unwrap()),
    ];
    let content = draft.content;
    assert_eq!((draft.name.as_deref(), draft.is_active), (Some("night"), Some(false)));
    assert_eq!(content.specs, specs);
    assert_eq!(content.timezone.name(), "Europe/Berlin");
    assert_eq!((content.start_at, content.end_at), (Some(at("2026-12-01T00:00:00Z")), Some(at("2027-12-01T00:00:00Z"))));
    assert_eq!(content.input, json!({"a": 1}));
    let lateness =
        Lateness { missed_after: SignedDuration::from_mins(5), catch_up: CatchUp::All, catch_up_window: SignedDuration::from_hours(24) };
    assert_eq!(content.lateness, lateness);
}

#[test]
fn null_is_as_good_as_absent() {
    assert_eq!(parsed(&json!({"cron": "@daily", "every": null, "specs": null, "name": null})), parsed(&json!({"cron": "@daily"})));
}

#[test]
fn exactly_one_spec_or_several_in_specs() {
    assert_refused(&[
        (json!({}), "", "no spec is given"),
        (json!({"cron": "@daily", "at": "2027-01-01T00:00:00Z"}), "", "`cron`, `at` are given together"),
        (json!({"cron": "@daily", "start": "2027-01-01T00:00:00Z"}), "/start", "`start` goes with `every` and `rrule` only"),
        (json!({"cron": "@daily", "specs": [{"cron": "@daily"}]}), "/cron", "`cron` stands beside `specs`"),
        (json!({"specs": [{}]}), "/specs/0", "no spec is given"),
        (json!({"specs": []}), "/specs", "it has 0 items"),
        (json!({"specs": vec![json!({"cron": "@daily"}); 21]}), "/specs", "it has 21 items"),
    ]);
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    assert_refused(&[
        (json!({"cron": "@daily", "jitter": "24h 1s"}), "/jitter", "it is longer than a day"),
        (json!({"cron": "@daily", "overlap": 1}), "/overlap", "`overlap` is not supported yet"),
        (json!({"specs": [{"cron": "@daily", "gap": "skip"}]}), "/specs/0/gap", "`gap` is not known; perhaps `at`"),
        (json!({"cron": "@daily", "timezon": "UTC"}), "/timezon", "`timezon` is not known; perhaps `timezone`"),
    ]);
}

#[test]
fn a_violation_says_where_what_and_what_would_be_right() {
    let violations = parse_schedule(&json!({"specs": [{"cron": "@daily"}, {"cron": "61 * * * *"}]}), now(), None).unwrap_err();
    let expected = Violation::new(
        "/specs/1/cron",
        Some(json!("61 * * * *")),
        "`61` in minute is out of range; use 0 to 59",
        "five fields (minute hour day-of-month month day-of-week), six with the second first, or seven with the year last as \
         well, such as `0 9 * * MON-FRI`",
    );
    assert_eq!(violations.0, [expected]);
}

#[test]
fn values_out_of_range_are_refused() {
    let name = "x".repeat(129);
    assert_refused(&[
        (json!({"every": "PT0.999S"}), "/every", "it is shorter than a second"),
        (json!({"every": 900}), "/every", "the number 900 was found"),
        (
            json!({"every": "15m", "start": "2026-11-25T09:00:00.0001Z"}),
            "/start",
            "`2026-11-25T09:00:00.0001Z` is finer than a millisecond; give at most three decimals",
        ),
        (
            json!({"cron": "@daily", "start_at": "2026-11-25T09:00:00.0001Z"}),
            "/start_at",
            "`2026-11-25T09:00:00.0001Z` is finer than a millisecond; give at most three decimals",
        ),
        (
            json!({"cron": "@daily", "timezone": "Europe/Berln"}),
            "/timezone",
            "`Europe/Berln` is no IANA time zone; the nearest is `Europe/Berlin`",
        ),
        (
            json!({"cron": "@daily", "start_at": "2027-01-02T00:00:00Z", "end_at": "2027-01-01T00:00:00Z"}),
            "/end_at",
            "it is before `start_at`, 2027-01-02T00:00:00Z",
        ),
        (json!({"cron": "@daily", "missed_after": "0s"}), "/missed_after", "it is shorter than a second"),
        (json!({"cron": "@daily", "catch_up": "lst"}), "/catch_up", "`lst` is not known; perhaps `last`"),
        (json!({"cron": "@daily", "is_active": "yes"}), "/is_active", "a string was found"),
        (json!({"cron": "@daily", "input": []}), "/input", "an array was found"),
        (json!({"cron": "@daily", "input": {"a": "x".repeat(65_536)}}), "/input", "it is 65544 bytes as JSON"),
        (json!({"cron": "@daily", "name": "a b"}), "/name", "`a b` is no name"),
        (json!({"cron": "@daily", "name": name}), "/name", &format!("`{name}` is no name")),
    ]);
}

#[test]
fn one_fault_hides_no_other() {
    let value = json!({"cron": "61 * * * *", "timezone": "Mars", "missed_after": "0s", "nam": "x"});
    let violations = parse_schedule(&value, now(), None).unwrap_err();
    let mut pointers: Vec<&str> = violations.0.iter().map(|violation| violation.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/cron", "/missed_after", "/nam", "/timezone"]);
}

#[test]
fn a_schedule_that_would_never_fire_is_refused() {
    assert_refused(&[
        (json!({"at": "2026-11-25T09:00:00Z"}), "/at", "it has passed: now is 2026-11-25T09:00:00Z"),
        (json!({"at": "2026-11-25T09:59", "timezone": "Europe/Berlin"}), "/at", "it has passed: now is 2026-11-25T09:00:00Z"),
        (json!({"specs": [{"at": "2026-11-25T08:00:00Z"}]}), "/specs/0/at", "it has passed: now is 2026-11-25T09:00:00Z"),
        (json!({"specs": [{"at": "2026-11-25T08:00:00Z"}, {"at": "2025-11-25T08:00:00Z"}]}), "", "no time is left: it would never fire"),
        (
            json!({"cron": "@daily", "end_at": "2026-11-25T08:00:00Z"}),
            "/end_at",
            "it has passed: now is 2026-11-25T09:00:00Z, so no time is left",
        ),
        (
            json!({"cron": "0 9 1 1 *", "start_at": "2027-01-02T00:00:00Z", "end_at": "2027-12-31T00:00:00Z"}),
            "",
            "it would never fire: no time of its spec lies between `start_at` and `end_at`",
        ),
    ]);
    let day = "day-of-month `30` does not come in month `2`, so this would never fire; use a day that the month has";
    assert_refused(&[(json!({"cron": "0 0 30 2 *"}), "/cron", day)]);
}

#[test]
fn one_spec_of_several_may_have_passed() {
    parsed(&json!({"specs": [{"at": "2026-11-25T08:00:00Z"}, {"at": "2027-11-25T08:00:00Z"}]}));
}

#[test]
fn an_interval_without_start_counts_from_now_or_goes_on_as_it_stands() {
    let standing = parsed(&json!({"every": "15m", "start": "2026-01-01T00:07:00Z"})).content;
    let start = |value: &Value, standing| match &parse_schedule(value, now(), standing).unwrap().content.specs[0] {
        Spec::Every(every) => every.start,
        other => panic!("{other:?} is no interval"),
    };
    assert_eq!(start(&json!({"every": "15m"}), None), now());
    assert_eq!(start(&json!({"every": "PT15M"}), Some(&standing)), at("2026-01-01T00:07:00Z"));
    assert_eq!(start(&json!({"every": "15m", "start": "2026-02-02T00:00:00Z"}), Some(&standing)), at("2026-02-02T00:00:00Z"));
    assert_eq!(start(&json!({"every": "20m"}), Some(&standing)), now());
    assert_eq!(start(&json!({"specs": [{"every": "15m"}, {"cron": "@daily"}]}), Some(&standing)), at("2026-01-01T00:07:00Z"));
}

#[test]
fn what_has_ended_may_be_kept_as_it_is_but_not_be_made_anew() {
    let ended = json!({"at": "2026-11-25T10:00:00Z"});
    let standing = parsed(&ended).content;
    let later = at("2026-11-26T00:00:00Z");
    assert!(parse_schedule(&ended, later, Some(&standing)).is_ok());
    assert!(parse_schedule(&json!({"at": "2026-11-25T10:00:00Z", "input": {"a": 1}}), later, Some(&standing)).is_ok());
    assert!(parse_schedule(&json!({"at": "2026-11-25T11:00:00Z"}), later, Some(&standing)).is_err());
    assert!(parse_schedule(&ended, later, None).is_err());
}
