//! Calendars that build on each other.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use serde_json::{Value, json};

use crate::calendar::{BusinessCalendar, BusinessDays, CalendarError, CalendarVersion, Calendars};

pub fn calendars(of: Value) -> Calendars {
    let version = |(name, value): (&String, &Value)| {
        let calendar = BusinessCalendar::parse(value).unwrap();
        (name.clone(), CalendarVersion { version: 1, calendar })
    };
    Calendars::new(of.as_object().unwrap().iter().map(version).collect::<BTreeMap<_, _>>())
}

/// The nationwide holidays of Germany.
pub fn germany() -> Value {
    json!({ "holidays": ["01-01", {"on": "easter-2", "label": "Karfreitag"}, "easter+1", "05-01", "easter+39", "easter+50", "10-03",
        {"on": "2017-10-31", "label": "500 Jahre Reformation"}, "12-25", "12-26"] })
}

fn holidays(days: &BusinessDays, year: i16) -> Vec<String> {
    let all = date(year, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| day.year() == year);
    all.filter(|day| days.holiday(*day).is_some()).map(|day| day.to_string()[5..].to_owned()).collect()
}

fn closed(days: &BusinessDays, of: &[Date]) -> Vec<bool> {
    of.iter().map(|day| !days.is_business_day(*day)).collect()
}

#[test]
fn german_holidays_follow_easter() {
    let calendars = calendars(json!({"DE": germany()}));
    let days = calendars.get("DE").unwrap();
    // Published by the Federal Ministry of the Interior.
    assert_eq!(holidays(days, 2026), ["01-01", "04-03", "04-06", "05-01", "05-14", "05-25", "10-03", "12-25", "12-26"]);
    assert_eq!(holidays(days, 2025), ["01-01", "04-18", "04-21", "05-01", "05-29", "06-09", "10-03", "12-25", "12-26"]);
    // Ascension Day fell on Labour Day in 2008.
    assert_eq!(holidays(days, 2008), ["01-01", "03-21", "03-24", "05-01", "05-12", "10-03", "12-25", "12-26"]);
    assert_eq!(holidays(days, 2017).iter().filter(|day| *day == "10-31").count(), 1);
    assert_eq!(days.holiday(date(2026, 4, 3)).unwrap().label.as_deref(), Some("Karfreitag"));
}

#[test]
fn a_union_has_the_holidays_of_all_less_its_exceptions() {
    let calendars = calendars(json!({
        "DE": germany(),
        "company": {"holidays": ["12-24", "2026-12-28..2026-12-31"]},
        "plant": {"union": ["DE", "company"], "holidays": ["06-24"], "except": ["12-24", "2026-12-29"]},
    }));
    let of = [date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 28), date(2026, 12, 29), date(2026, 6, 24)];
    assert_eq!(closed(calendars.get("plant").unwrap(), &of), [false, true, true, false, true]);
    assert_eq!(closed(calendars.get("company").unwrap(), &of), [true, false, true, true, false]);
    assert_eq!(calendars.get("plant").unwrap().versions().collect::<Vec<_>>(), [("DE", 1), ("company", 1), ("plant", 1)]);
    assert_eq!(calendars.get("plant").unwrap().name(), "plant");
}

#[test]
fn an_exception_holds_for_its_own_calendar_and_those_above_it_only() {
    let calendars = calendars(json!({
        "DE": germany(),
        "open": {"union": ["DE"], "except": ["12-26"]},
        "both": {"union": ["open", "DE"]},
        "above": {"union": ["open"]},
    }));
    let of = [date(2025, 12, 26)];
    let closed = ["DE", "open", "both", "above"].map(|name| closed(calendars.get(name).unwrap(), &of)[0]);
    assert_eq!(closed, [true, false, true, false]);
}

#[test]
fn an_exception_does_not_open_a_weekend_and_a_workday_does_not_open_a_holiday() {
    let calendars = calendars(json!({
        "CN": {"holidays": ["2026-02-16..2026-02-23"], "workdays": ["2026-02-14", "2026-02-28", "2026-02-20"]},
        "office": {"union": ["CN"], "except": ["2026-02-21"]},
    }));
    let of = [date(2026, 2, 14), date(2026, 2, 15), date(2026, 2, 20), date(2026, 2, 21), date(2026, 2, 28)];
    assert_eq!(closed(calendars.get("CN").unwrap(), &of), [false, true, true, true, false]);
    assert_eq!(closed(calendars.get("office").unwrap(), &of), [false, true, true, true, false]);
}

#[test]
fn a_weekend_is_its_own_or_that_of_those_it_builds_on() {
    let calendars = calendars(json!({
        "plain": {},
        "AE": {"weekend": ["FRI", "SAT"]},
        "always": {"weekend": []},
        "from_AE": {"union": ["AE", "plain"]},
        "from_both": {"union": ["AE", "SUN"]},
        "SUN": {"weekend": ["SUN"]},
        "own": {"union": ["AE"], "weekend": ["SUN"]},
    }));
    let week: Vec<Date> = (5..12).map(|day| date(2026, 1, day)).collect();
    let open = |name: &str| closed(calendars.get(name).unwrap(), &week).iter().filter(|closed| **closed).count();
    assert_eq!(["plain", "AE", "always", "from_AE", "from_both", "own"].map(open), [2, 2, 0, 2, 3, 1]);
    assert!(calendars.get("from_AE").unwrap().is_business_day(date(2026, 1, 11)));
}

#[test]
fn circles_unknown_names_and_towers_are_named_and_harm_only_who_asks_for_them() {
    let calendars = calendars(json!({
        "DE": germany(),
        "a": {"union": ["b"]}, "b": {"union": ["c"]}, "c": {"union": ["a"]}, "self": {"union": ["self"]},
        "lost": {"union": ["DEE"]},
        "t1": {"union": ["t2"]}, "t2": {"union": ["t3"]}, "t3": {"union": ["t4"]}, "t4": {"union": ["t5"]}, "t5": {"union": ["t6"]},
        "t6": {"union": ["t7"]}, "t7": {"union": ["t8"]}, "t8": {"union": ["t9"]}, "t9": {},
    }));
    let error = |name: &str| calendars.get(name).unwrap_err().to_string();
    assert_eq!(
        error("a"),
        "the calendars `a` → `b` → `c` → `a` build on each other in a circle; take one of them out of another's `union`"
    );
    assert!(matches!(calendars.get("self"), Err(CalendarError::Cycle(_))));
    assert_eq!(error("lost"), "there is no calendar `DEE`, which `lost` builds on; the nearest is `DE`");
    assert_eq!(error("de"), "there is no calendar `de`; the nearest is `DE`");
    assert!(error("t1").starts_with("the calendars `t1` → `t2` → `t3`"), "{}", error("t1"));
    assert!(calendars.get("t2").is_ok() && calendars.get("DE").is_ok());
}

#[test]
fn a_diamond_of_many_levels_is_resolved_once_a_calendar() {
    let mut all = serde_json::Map::new();
    for level in 0..8 {
        let below: Vec<String> = if level == 0 { Vec::new() } else { (0..7).map(|index| format!("l{}-{index}", level - 1)).collect() };
        for index in 0..7 {
            all.insert(format!("l{level}-{index}"), json!({"union": below, "holidays": [format!("{:02}-{:02}", level + 1, index + 1)]}));
        }
    }
    let calendars = calendars(Value::Object(all));
    let top = calendars.get("l7-0").unwrap();
    assert_eq!(top.versions().count(), 50);
    assert_eq!(holidays(top, 2026).len(), 50);
}

#[test]
fn more_than_sixty_four_calendars_in_one_are_refused() {
    let mut all = serde_json::Map::new();
    for index in 0..64 {
        all.insert(format!("leaf{index}"), json!({}));
    }
    for group in 0..4 {
        let names: Vec<String> = (group * 16..group * 16 + 16).map(|index| format!("leaf{index}")).collect();
        all.insert(format!("group{group}"), json!({"union": names}));
    }
    all.insert("all".to_owned(), json!({"union": ["group0", "group1", "group2", "group3"]}));
    let error = calendars(Value::Object(all)).get("all").unwrap_err();
    assert_eq!(error, CalendarError::TooMany("all".to_owned()));
}

#[test]
fn a_year_without_a_business_day_is_an_error_that_names_the_calendar() {
    let calendars = calendars(json!({"shut": {"holidays": ["2026-01-01..2026-12-31", "2027-01-01..2027-12-31"]}}));
    let shut = calendars.get("shut").unwrap();
    let error = shut.next_business_day(date(2026, 1, 1)).unwrap_err();
    assert_eq!(error.to_string(), "calendar `shut` has no business day within a year of 2026-01-01");
    assert_eq!(shut.next_business_day(date(2027, 6, 1)), Ok(date(2028, 1, 3)));
    assert_eq!(shut.previous_business_day(date(2026, 6, 1)), Ok(date(2025, 12, 31)));
}
