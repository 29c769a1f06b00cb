//! Calendar rules as JSON.

use jiff::civil::date;
use serde_json::{Value, json};

use super::rule;
use crate::spec::calendar::{CalendarRule, CalendarSpec};

fn wrong(value: Value) -> Vec<(String, String)> {
    let violations = CalendarRule::parse(&value).expect_err(&value.to_string()).0;
    violations.into_iter().map(|violation| (violation.pointer, violation.detail)).collect()
}

fn case(pointer: &str, detail: &str) -> (String, String) {
    (pointer.to_owned(), detail.to_owned())
}

#[test]
fn a_spec_is_written_as_its_author_wrote_it() {
    let examples = [
        json!({"calendar": {"every": "2 weeks", "weekdays": ["MON", "THU"], "from": "2026-01-05", "at": ["09:00", "17:30"]}}),
        json!({"calendar": {"every": "3 months", "days": [31], "clamp": true, "from": "2026-01-31", "at": "18:00"}}),
        json!({"calendar": {"years": ["2026-2028"], "months": ["JAN", 7], "days": ["1-5", -1], "weekdays": ["MON-FRI"], "at": "09:00"}}),
        json!({"calendar": {"business_day": -1, "months": [3, 6, 9, 12], "business_calendar": "DE", "at": "18:00"}}),
        json!({"calendar": {"at": ["09:00:30"], "business_calendar": "DE", "on_holiday": "next", "days": null}}),
    ];
    for value in examples {
        let spec: CalendarSpec = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), value);
    }
    assert!(serde_json::from_value::<CalendarSpec>(json!({"calendar": {"at": "09:00"}, "every": "PT15M"})).is_err());
}

#[test]
fn an_interval_without_a_beginning_begins_today_which_is_written_down() {
    let today = date(2026, 11, 25);
    let value = json!({"every": "2 weeks", "at": "09:00"});
    let anchored = CalendarRule::parse_anchored(&value, today).unwrap();
    assert_eq!(serde_json::to_value(&anchored).unwrap(), json!({"every": "2 weeks", "at": "09:00", "from": "2026-11-25"}));
    assert_eq!(wrong(value), [case("/from", "it is missing, and an interval needs a first day")]);
    let fields = json!({"at": "09:00"});
    assert_eq!(serde_json::to_value(CalendarRule::parse_anchored(&fields, today).unwrap()).unwrap(), fields);
}

#[test]
fn every_fault_is_found_with_its_place() {
    let value = json!({
        "month": 1, "years": [1969, "2030-2026"], "months": ["JANUARY", 0], "days": [0, 32, "5--1", "x"], "weekdays": ["6th FRI", 8, "FRI-MON"],
        "at": ["9:00", "24:00", "12:60", 5, "12:00:60", "+1:00"], "clamp": true, "on_holiday": "before", "business_calendar": "a b",
    });
    assert_eq!(
        wrong(value),
        [
            case("/month", "`month` is no field here; perhaps `months`"),
            case("/at/0", "`9:00` is no time of day"),
            case("/at/1", "`24:00` is no time of day"),
            case("/at/2", "`12:60` is no time of day"),
            case("/at/3", "it is no text"),
            case("/at/4", "`12:00:60` is no time of day"),
            case("/at/5", "`+1:00` is no time of day"),
            case("/business_calendar", "`a b` is no name"),
            case("/on_holiday", "`before` is not known"),
            case("/clamp", "it goes with `every` only"),
            case("/years/0", "`1969` is not accepted here"),
            case("/years/1", "`2030-2026` runs backwards"),
            case("/months/0", "`JANUARY` is not accepted here"),
            case("/months/1", "`0` is not accepted here"),
            case("/days/0", "`0` is not accepted here"),
            case("/days/1", "`32` is not accepted here"),
            case("/days/2", "`5--1` counts from both ends of the month"),
            case("/days/3", "`x` is not accepted here"),
            case("/weekdays/0", "\"6th FRI\" is no weekday of a month"),
            case("/weekdays/1", "`8` is not accepted here"),
            case("/weekdays/2", "`FRI-MON` runs backwards"),
        ]
    );
}

#[test]
fn fields_of_other_kinds_are_refused() {
    assert_eq!(
        wrong(json!({"every": "2 days", "from": "2026-01-01", "weekdays": "MON", "months": 1, "clamp": false, "at": "09:00"})),
        [
            case("/months", "it does not go with `every`"),
            case("/clamp", "only months can be too short"),
            case("/weekdays", "it does not go with an interval of days"),
        ]
    );
    assert_eq!(
        wrong(json!({"business_day": 1, "days": 1, "on_holiday": "skip", "at": "09:00"})),
        [case("/on_holiday", "`business_day` never falls on a holiday"), case("/days", "it does not go with `business_day`"),]
    );
    let alone = "nothing says what its days off change";
    assert_eq!(wrong(json!({"business_calendar": "DE", "at": "09:00"})), [case("/business_calendar", alone)]);
    assert_eq!(
        wrong(json!({"every": "1 week", "from": "2026-01-01", "weekdays": "2nd MON", "at": "09:00"})),
        [case("/weekdays", "`2nd MON` is not accepted here")]
    );
}

#[test]
fn empty_lists_missing_times_and_long_lists_are_refused() {
    let empty = "it is empty; leave it away to match every one";
    assert_eq!(
        wrong(json!({"days": [], "months": [], "weekdays": [], "years": [], "at": []})),
        [
            case("/at", "no time of day is given"),
            case("/years", empty),
            case("/months", empty),
            case("/days", empty),
            case("/weekdays", empty),
        ]
    );
    assert_eq!(
        wrong(json!({"days": vec![1; 65], "at": vec!["09:00"; 49]})),
        [case("/at", "it has 49 items"), case("/days", "it has 65 items")]
    );
}

#[test]
fn intervals_are_days_weeks_or_months_up_to_ten_years() {
    for every in ["1 day", "day", "3660 days", "520 weeks", "week", "120 months", "1 months"] {
        rule(json!({"every": every, "from": "2026-01-05", "at": "09:00"}));
    }
    for every in ["0 days", "-1 days", "3661 days", "521 weeks", "121 months", "1 year", "PT15M", "2", "", "2 weeks ago", "1.5 days"] {
        let detail = format!("`{every}` is no interval of the calendar");
        assert_eq!(wrong(json!({"every": every, "from": "2026-01-05", "at": "09:00"})), [case("/every", &detail)]);
    }
    for from in ["2026-02-30", "2026-1-5", "1969-12-31", "2200-01-01", "20260105"] {
        let detail = format!("`{from}` is no such date");
        assert_eq!(wrong(json!({"every": "1 day", "from": from, "at": "09:00"})), [case("/from", &detail)]);
    }
}

#[test]
fn what_can_never_fire_is_refused() {
    let never = [
        json!({"months": 2, "days": 30, "at": "09:00"}),
        json!({"months": [4, 6], "days": 31, "at": "09:00"}),
        json!({"years": [2026, 2027, 2100], "months": 2, "days": 29, "at": "09:00"}),
        json!({"months": 2, "days": -30, "at": "09:00"}),
        json!({"days": "1-7", "weekdays": "last MON", "at": "09:00"}),
        json!({"every": "12 months", "days": 30, "from": "2026-02-01", "at": "09:00"}),
        json!({"every": "24 months", "days": 29, "from": "2027-02-01", "at": "09:00"}),
        json!({"business_day": 24, "at": "09:00"}),
        json!({"business_day": 22, "months": 2, "years": 2028, "at": "09:00"}),
        json!({"weekdays": ["SAT", "SUN"], "on_holiday": "skip", "at": "09:00"}),
    ];
    for value in never {
        assert_eq!(wrong(value), [case("", "no day ever matches, so it would never fire")]);
    }
    for value in [
        json!({"months": 2, "days": 29, "weekdays": "SUN", "at": "09:00"}),
        json!({"every": "12 months", "days": 30, "clamp": true, "from": "2026-02-01", "at": "09:00"}),
        json!({"business_day": 23, "at": "09:00"}),
        json!({"business_day": 21, "months": 2, "years": 2028, "at": "09:00"}),
        json!({"business_day": 31, "business_calendar": "every_day", "at": "09:00"}),
    ] {
        rule(value);
    }
}
