//! Calendars as JSON.

use serde_json::{Value, json};

use crate::calendar::BusinessCalendar;

#[test]
fn a_calendar_is_written_as_it_was_read() {
    let all = json!({
        "weekend": ["FRI", "SAT"], "union": ["DE", "company"],
        "holidays": ["2026-12-24..2026-12-31", "12-25", {"on": "easter-2", "label": "Good Friday"}, {"on": "10-31", "since": 2018, "until": 2030}],
        "except": ["2026-12-29"], "workdays": ["last SAT of NOV"],
    });
    for value in [all, json!({}), json!({"weekend": []})] {
        let calendar: BusinessCalendar = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&calendar).unwrap(), value);
    }
}

#[test]
fn everything_that_is_wrong_is_found_with_its_place() {
    let value = json!({
        "weekends": ["SAT"], "weekend": ["SAT", "Sunday", 6], "union": ["DE", "no name", 7],
        "holidays": ["12-25", "02-30", 5, {"label": "x"}, {"on": "2026-01-01", "since": 2020}, {"on": "01-01", "since": 2020, "until": 2010},
            {"on": "01-01", "untill": 2010}, {"on": "01-01", "since": "2020"}],
        "except": "someday",
    });
    let found = BusinessCalendar::parse(&value).unwrap_err().0;
    let found: Vec<(&str, &str)> = found.iter().map(|violation| (violation.pointer.as_str(), violation.detail.as_str())).collect();
    assert_eq!(
        found,
        [
            ("/weekends", "`weekends` is no field here; perhaps `weekend`"),
            ("/weekend/1", "`Sunday` is no weekday"),
            ("/weekend/2", "it is no text"),
            ("/union/1", "`no name` is no name"),
            ("/union/2", "it is no text"),
            ("/holidays/1", "`02-30` is a day that no year has"),
            ("/holidays/2", "it is no text"),
            ("/holidays/3/on", "it is missing"),
            ("/holidays/4/since", "`2026-01-01` does not recur"),
            ("/holidays/5/until", "it is before `since`, 2020"),
            ("/holidays/6/untill", "`untill` is no field here; perhaps `until`"),
            ("/holidays/7/since", "it is no year"),
            ("/except", "`someday` names no day"),
        ]
    );
}

#[test]
fn a_violation_has_the_value_and_what_would_be_accepted() {
    let found = BusinessCalendar::parse(&json!({"holidays": ["12-32"]})).unwrap_err().0;
    assert_eq!(found[0].value, Some(json!("12-32")));
    assert!(found[0].expected.contains("`12-25`"), "{}", found[0].expected);
}

#[test]
fn what_is_no_object_or_too_much_is_refused() {
    let wrong = |value: Value| BusinessCalendar::parse(&value).unwrap_err().0[0].detail.clone();
    assert_eq!(wrong(json!(["12-25"])), "it is no object");
    assert_eq!(wrong(json!({"holidays": vec!["12-25"; 5001]})), "it has 5001 items");
    assert_eq!(wrong(json!({"holidays": vec!["2026-01-01..2026-12-31"; 55]})), "it comes to 20075 days");
    assert_eq!(wrong(json!({"weekend": ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]})), "it leaves no day of the week to work on");
}
