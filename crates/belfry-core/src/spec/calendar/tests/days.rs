//! Which days the kinds of rule name.

use serde_json::{Value, json};

use super::{dates, rule};

#[test]
fn days_are_counted_from_the_first() {
    let every_third = json!({"every": "3 days", "from": "2026-02-26", "at": "09:00"});
    assert_eq!(dates(every_third.clone(), "2026-01-01T00:00:00Z", 3), ["2026-02-26", "2026-03-01", "2026-03-04"]);
    assert_eq!(dates(every_third, "2026-12-28T00:00:00Z", 2), ["2026-12-29", "2027-01-01"]);
    assert_eq!(dates(json!({"every": "day", "from": "2026-01-01", "at": "09:00"}), "2026-01-05T12:00:00Z", 1), ["2026-01-06"]);
}

#[test]
fn every_second_week_keeps_its_phase_across_a_year_of_53_weeks() {
    // 2026 has 53 ISO weeks, so that counting by the number of the week would break the phase.
    let value = json!({"every": "2 weeks", "weekdays": ["MON", "THU"], "from": "2026-12-14", "at": "09:00"});
    let expected = ["2026-12-14", "2026-12-17", "2026-12-28", "2026-12-31", "2027-01-11", "2027-01-14", "2027-01-25"];
    assert_eq!(dates(value, "2026-12-01T00:00:00Z", 7), expected);
}

#[test]
fn the_first_week_begins_on_monday_and_nothing_comes_before_the_first_day() {
    let value = json!({"every": "2 weeks", "weekdays": ["MON", "SUN"], "from": "2026-01-07", "at": "09:00"});
    assert_eq!(dates(value, "2025-01-01T00:00:00Z", 3), ["2026-01-11", "2026-01-19", "2026-01-25"]);
    let of_its_first_day = json!({"every": "2 weeks", "from": "2026-01-07", "at": "09:00"});
    assert_eq!(dates(of_its_first_day, "2025-01-01T00:00:00Z", 2), ["2026-01-07", "2026-01-21"]);
}

#[test]
fn months_anchored_on_31_skip_short_ones_unless_clamped() {
    let monthly = |more: Value| {
        let mut value = json!({"every": "1 month", "from": "2026-01-31", "at": "09:00"});
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        dates(value, "2026-01-01T00:00:00Z", 4)
    };
    assert_eq!(monthly(json!({})), ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]);
    assert_eq!(monthly(json!({"clamp": true})), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    assert_eq!(monthly(json!({"days": -1})), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]);
    assert_eq!(monthly(json!({"days": [1, -1]})), ["2026-01-31", "2026-02-01", "2026-02-28", "2026-03-01"]);
    assert_eq!(monthly(json!({"days": [30], "clamp": true})), ["2026-02-28", "2026-03-30", "2026-04-30", "2026-05-30"]);
}

#[test]
fn every_third_month_counts_from_the_month_of_the_first_day() {
    let value = json!({"every": "3 months", "weekdays": "2nd TUE", "from": "2026-11-20", "at": "09:00"});
    assert_eq!(dates(value, "2026-01-01T00:00:00Z", 3), ["2027-02-09", "2027-05-11", "2027-08-10"]);
}

#[test]
fn all_fields_must_match() {
    let first_of_january = json!({"months": ["JAN"], "days": [1], "at": "09:00"});
    assert_eq!(dates(first_of_january, "2026-06-01T00:00:00Z", 2), ["2027-01-01", "2028-01-01"]);
    let friday_13 = json!({"days": 13, "weekdays": "FRI", "at": "09:00"});
    assert_eq!(dates(friday_13, "2026-01-01T00:00:00Z", 4), ["2026-02-13", "2026-03-13", "2026-11-13", "2027-08-13"]);
    let ends = json!({"days": ["-3--1"], "months": ["2-3"], "years": [2028, "2030-2031"], "at": "09:00"});
    let of = ["2028-02-27", "2028-02-28", "2028-02-29", "2028-03-29", "2028-03-30", "2028-03-31", "2030-02-26"];
    assert_eq!(dates(ends.clone(), "2026-01-01T00:00:00Z", 7), of);
    assert_eq!(dates(ends, "2031-03-30T23:00:00Z", 7), ["2031-03-31"]);
    let mixed = json!({"weekdays": ["last FRI", "2nd TUE", "SUN"], "months": "JUN", "years": 2026, "at": "09:00"});
    assert_eq!(
        dates(mixed, "2026-01-01T00:00:00Z", 9),
        ["2026-06-07", "2026-06-09", "2026-06-14", "2026-06-21", "2026-06-26", "2026-06-28"]
    );
}

#[test]
fn weekdays_are_numbered_as_in_cron() {
    let days = |weekdays: Value| dates(json!({"weekdays": weekdays, "at": "09:00"}), "2026-01-04T12:00:00Z", 7);
    assert_eq!(days(json!([0, 1]))[..3], ["2026-01-05", "2026-01-11", "2026-01-12"]);
    assert_eq!(days(json!([7, 1])), days(json!(["SUN-MON"])));
    assert_eq!(days(json!("0-1")), days(json!("7-1")));
    assert_eq!(days(json!("FRI-SUN")), days(json!("5-7")));
    assert_eq!(days(json!("MON-SUN")), days(json!("0-6")));
}

#[test]
fn leap_days_are_found_across_2100_and_on_a_weekday_after_forty_years() {
    assert_eq!(dates(json!({"months": 2, "days": 29, "at": "09:00"}), "2096-03-01T00:00:00Z", 1), ["2104-02-29"]);
    // 29 February 2088 is a Sunday; the next one that is comes in 2128.
    let on_sunday = json!({"months": 2, "days": 29, "weekdays": "SUN", "at": "09:00"});
    assert_eq!(dates(on_sunday, "2088-03-01T00:00:00Z", 1), ["2128-02-29"]);
    let fifth = json!({"every": "120 months", "weekdays": "5th MON", "from": "2032-02-01", "at": "09:00"});
    assert_eq!(dates(fifth, "2032-02-01T00:00:00Z", 1), ["2072-02-29"]);
}

#[test]
fn times_of_day_come_in_order_and_once() {
    let value = json!({"days": 1, "at": ["17:30", "09:00:30", "09:00", "17:30"]});
    let times = super::times(value, "UTC", "2026-01-01T09:00:00Z", 4);
    assert_eq!(times, ["2026-01-01T09:00", "2026-01-01T17:30", "2026-02-01T09:00", "2026-02-01T09:00"]);
}

#[test]
fn a_rule_has_no_time_before_its_beginning_nor_after_its_last_year() {
    let (zone, calendars) = (crate::time::Zone::utc(), super::all_calendars());
    let setting = super::setting(&zone, &calendars);
    let interval = rule(json!({"every": "1 day", "from": "2026-01-01", "at": "09:00"}));
    assert_eq!(interval.previous_before(setting, super::instant("2026-01-01T09:00:00Z")), Ok(None));
    let year = rule(json!({"years": 2026, "at": "09:00"}));
    assert_eq!(year.next_after(setting, super::instant("2026-12-31T09:00:00Z")), Ok(None));
    assert_eq!(year.previous_before(setting, super::instant("2026-01-01T09:00:00Z")), Ok(None));
    let endless = rule(json!({"at": "09:00"}));
    for edge in ["-009999-01-03T00:00:00Z", "9999-12-30T22:00:00Z"] {
        let edge = super::instant(edge);
        let (next, previous) = (endless.next_after(setting, edge).unwrap(), endless.previous_before(setting, edge).unwrap());
        assert!(next.is_none_or(|next| next > edge) && previous.is_none_or(|previous| previous < edge));
    }
}
