//! Calendars as schedules carry them, and what days are.

use std::collections::BTreeMap;

use jiff::civil::date;
use serde_json::{Value, json};

use super::composing::{calendars, germany};
use crate::calendar::{BusinessCalendar, CalendarError, CalendarVersion, DayKind, MAX_PINNED_BYTES, PinnedCalendars};
use crate::schedule::ScheduleContent;
use crate::time::UnixMillis;

fn versions(of: &Value) -> BTreeMap<String, CalendarVersion> {
    let version = |(place, (name, value)): (i64, (&String, &Value))| {
        (name.clone(), CalendarVersion { version: place, calendar: BusinessCalendar::parse(value).unwrap() })
    };
    (1..).zip(of.as_object().unwrap()).map(version).collect()
}

fn content(rest: &Value) -> ScheduleContent {
    let mut document = json!({"timezone": "Europe/Berlin", "missed_after": "PT1M", "catch_up": "last", "catch_up_window": "PT1H"});
    document.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    serde_json::from_value(document).unwrap()
}

fn first(content: &ScheduleContent, after: &str) -> String {
    content.next_after(UnixMillis::parse_exact(after).unwrap()).unwrap().unwrap().to_string()
}

#[test]
fn all_that_is_named_is_pinned_with_what_it_builds_on_and_nothing_else() {
    let known = versions(&json!({"AT": {}, "DE": germany(), "company": {}, "plant": {"union": ["DE", "company"]}}));
    let schedule = content(&json!({
        "specs": [{"calendar": {"business_day": 1, "business_calendar": "plant", "at": "09:00"}}, {"cron": "@daily"}],
        "exclude": [{"holidays": "DE"}, {"calendar": {"days": [1], "on_holiday": "next", "business_calendar": "company", "at": "09:00"}}],
    }));
    assert_eq!(schedule.named_calendars().into_iter().collect::<Vec<_>>(), ["DE", "company", "plant"]);
    let pinned = schedule.pinned_to(&known).unwrap();
    let revisions: Vec<(String, i64)> = pinned.calendars.revisions().into_iter().collect();
    assert_eq!(revisions, [("DE".to_owned(), 2), ("company".to_owned(), 3), ("plant".to_owned(), 4)]);
    // One that is not there stays as it is; one that is nowhere is refused.
    let changed = BTreeMap::from([("DE".to_owned(), CalendarVersion { version: 9, calendar: BusinessCalendar::default() })]);
    assert_eq!(pinned.pinned_to(&changed).unwrap().calendars.revisions()["DE"], 9);
    assert_eq!(pinned.pinned_to(&changed).unwrap().calendars.revisions()["plant"], 4);
    let unknown = CalendarError::Unknown { name: "DE".to_owned(), within: None, nearest: None };
    assert_eq!(schedule.pinned_to(&BTreeMap::new()).unwrap_err(), unknown);
}

/// What is stored must be read by every later version.
#[test]
fn a_content_is_stored_with_its_calendars_and_read_again() {
    let known = versions(&json!({"DE": {"holidays": ["12-25"]}, "plant": {"union": ["DE"], "except": [{"on": "12-25", "until": 1999}]}}));
    let plain = content(&json!({"specs": [{"cron": "0 9 * * *"}]}));
    assert_eq!(serde_json::to_value(&plain).unwrap().get("calendars"), None);
    let pinned = content(&json!({"specs": [{"cron": "0 9 * * *"}], "exclude": [{"holidays": "plant"}]})).pinned_to(&known).unwrap();
    let stored = serde_json::to_value(&pinned).unwrap();
    let expected = json!({
        "DE": {"revision": 1, "calendar": {"holidays": ["12-25"]}},
        "plant": {"revision": 2, "calendar": {"union": ["DE"], "except": [{"on": "12-25", "until": 1999}]}},
    });
    assert_eq!(stored["calendars"], expected);
    let read: ScheduleContent = serde_json::from_value(stored).unwrap();
    assert_eq!(read, pinned);
    assert_eq!(first(&read, "2026-12-25T00:00:00Z"), "2026-12-26T08:00:00Z");
    assert_ne!(read, pinned.pinned_to(&versions(&json!({"DE": {}}))).unwrap());
}

#[test]
fn what_is_pinned_is_bounded_and_known_to_take_memory() {
    let label = "x".repeat(200);
    let list: Vec<Value> =
        (0..300).map(|day| json!({"on": format!("2027-{:02}-{:02}", day / 28 + 1, day % 28 + 1), "label": label})).collect();
    let large = versions(&json!({"large": {"holidays": list}}));
    let error = PinnedCalendars::of(["large"], &large).unwrap_err();
    assert!(matches!(&error, CalendarError::TooLarge { names, bytes } if names == &["large"] && *bytes > MAX_PINNED_BYTES), "{error}");
    let year = versions(&json!({"year": {"holidays": ["2027-01-01..2027-12-31"]}}));
    assert!(PinnedCalendars::of(["year"], &year).unwrap().bytes() > 365 * 50);
    assert_eq!(PinnedCalendars::default().bytes(), 0);
}

#[test]
fn a_day_is_what_the_nearest_calendar_says() {
    let calendars = calendars(json!({
        "DE": germany(),
        "company": {"holidays": [{"on": "12-24", "label": "Heiligabend"}], "workdays": ["2026-12-19"]},
        "plant": {"union": ["DE", "company"], "except": [{"on": "2026-12-24", "label": "Inventur"}, "2026-12-26"]},
    }));
    let kind = |calendar: &str, day: i8| match calendars.get(calendar).unwrap().kind(date(2026, 12, day)) {
        None => "open".to_owned(),
        Some(DayKind::Weekend) => "weekend".to_owned(),
        Some(DayKind::Holiday(said)) => format!("holiday of {}", said.calendar),
        Some(DayKind::Workday(said)) => format!("worked by {} ({})", said.calendar, said.entry.on),
    };
    assert_eq!(kind("plant", 18), "open");
    assert_eq!(kind("plant", 19), "worked by company (2026-12-19)");
    assert_eq!(kind("plant", 20), "weekend");
    assert_eq!((kind("company", 24), kind("plant", 24)), ("holiday of company".to_owned(), "worked by plant (2026-12-24)".to_owned()));
    assert_eq!(kind("plant", 25), "holiday of DE");
    // A Saturday that is no holiday any more is a Saturday.
    assert_eq!((kind("DE", 26), kind("plant", 26)), ("holiday of DE".to_owned(), "weekend".to_owned()));
}
