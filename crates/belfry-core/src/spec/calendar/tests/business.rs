//! Business days, and what holidays do to days.

use serde_json::{Value, json};

use super::{all_calendars, dates, instant, rule, setting};
use crate::time::Zone;

#[test]
fn the_last_business_day_gives_way_to_a_holiday_on_it() {
    let last = |calendar: Option<&str>| {
        dates(json!({"business_day": -1, "business_calendar": calendar, "months": 12, "at": "18:00"}), "2026-01-01T00:00:00Z", 2)
    };
    assert_eq!(last(None), ["2026-12-31", "2027-12-31"]);
    assert_eq!(last(Some("DE")), ["2026-12-31", "2027-12-31"]);
    assert_eq!(last(Some("company")), ["2026-12-24", "2027-12-31"]);
}

#[test]
fn business_days_are_counted_from_both_ends() {
    let nth =
        |nth: Value| dates(json!({"business_day": nth, "business_calendar": "DE", "months": 5, "at": "18:00"}), "2026-01-01T00:00:00Z", 2);
    // May 2026: the 1st and the 14th and 25th are holidays.
    assert_eq!(nth(json!(1)), ["2026-05-04", "2027-05-03"]);
    assert_eq!(nth(json!(9)), ["2026-05-15", "2027-05-14"]);
    assert_eq!(nth(json!([-1, "1-1"])), ["2026-05-04", "2026-05-29"]);
    assert_eq!(nth(json!(-5)), ["2026-05-22", "2027-05-25"]);
    // It has 18 business days, the next May 19 and the one after 21.
    assert_eq!(nth(json!(19)), ["2027-05-31", "2028-05-29"]);
}

#[test]
fn a_holiday_moves_a_day_also_out_of_its_month() {
    let first = |on_holiday: &str| {
        dates(json!({"days": 1, "business_calendar": "DE", "on_holiday": on_holiday, "at": "09:00"}), "2026-04-01T12:00:00Z", 3)
    };
    // 1 May is a Friday and a holiday, 1 August a Saturday.
    assert_eq!(first("skip"), ["2026-06-01", "2026-07-01", "2026-09-01"]);
    assert_eq!(first("previous"), ["2026-04-30", "2026-06-01", "2026-07-01"]);
    assert_eq!(first("next"), ["2026-05-04", "2026-06-01", "2026-07-01"]);
}

#[test]
fn the_first_of_january_moves_back_into_the_old_year() {
    let value =
        json!({"months": 1, "days": 1, "years": ["2027-2028"], "business_calendar": "company", "on_holiday": "previous", "at": "09:00"});
    // 28 to 31 December 2026 are closed, then comes a weekend, then Christmas.
    assert_eq!(dates(value, "2026-01-01T00:00:00Z", 9), ["2026-12-24", "2027-12-31"]);
}

#[test]
fn days_that_meet_fire_once() {
    let daily =
        |on_holiday: &str| dates(json!({"business_calendar": "DE", "on_holiday": on_holiday, "at": "09:00"}), "2026-04-01T12:00:00Z", 5);
    // Good Friday to Easter Monday are closed.
    assert_eq!(daily("next"), ["2026-04-02", "2026-04-07", "2026-04-08", "2026-04-09", "2026-04-10"]);
    assert_eq!(daily("previous"), daily("next"));
    assert_eq!(daily("skip"), daily("next"));
}

#[test]
fn without_a_calendar_weekends_alone_are_closed() {
    let value = json!({"days": 15, "on_holiday": "previous", "at": "09:00"});
    assert_eq!(dates(value, "2026-02-01T00:00:00Z", 4), ["2026-02-13", "2026-03-13", "2026-04-15", "2026-05-15"]);
}

#[test]
fn the_search_before_and_after_closed_days_is_bounded_and_says_which_calendar() {
    let (zone, calendars) = (Zone::utc(), all_calendars());
    let setting = setting(&zone, &calendars);
    let moved = rule(json!({"business_calendar": "shut", "on_holiday": "next", "at": "09:00"}));
    let error = moved.next_after(setting, instant("2026-06-01T00:00:00Z")).unwrap_err();
    assert_eq!(error.to_string(), "calendar `shut` has no business day within a year of 2026-01-01");
    let never = rule(json!({"weekdays": ["SAT"], "business_calendar": "DE", "on_holiday": "skip", "at": "09:00"}));
    let error = never.next_after(setting, instant("2026-06-01T00:00:00Z")).unwrap_err();
    assert_eq!(error.to_string(), "no time was found in 2000 steps; its days may all be holidays, or lost when clocks change");
}

#[test]
fn a_calendar_that_is_not_there_is_an_error_with_its_place() {
    let (zone, calendars) = (Zone::utc(), all_calendars());
    let rule = rule(json!({"business_day": 1, "business_calendar": "company2", "at": "09:00"}));
    let error = rule.next_after(setting(&zone, &calendars), instant("2026-06-01T00:00:00Z")).unwrap_err();
    assert_eq!(error.to_string(), "there is no calendar `company2`; the nearest is `company`");
    let violations = rule.check(&calendars).unwrap_err().0;
    assert_eq!((violations[0].pointer.as_str(), &violations[0].value), ("/business_calendar", &Some(json!("company2"))));
    assert_eq!(rule.business_calendar(), Some("company2"));
}
