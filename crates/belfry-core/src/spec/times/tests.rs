use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn content(document: &Value) -> ScheduleContent {
    let mut document = document.clone();
    let defaults = json!({"timezone": "Europe/Berlin", "missed_after": "PT1M", "catch_up": "last", "catch_up_window": "PT1H"});
    for (field, value) in defaults.as_object().unwrap() {
        document.as_object_mut().unwrap().entry(field).or_insert_with(|| value.clone());
    }
    let content: ScheduleContent = serde_json::from_value(document).unwrap();
    assert!(content.is_known(), "{content:?}");
    content
}

fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_exact(text).unwrap()
}

fn times(content: &ScheduleContent, after: &str, count: usize) -> Vec<String> {
    content.times_after(at(after), count).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn specs_of_every_kind_are_one_union_without_doubles() {
    let content = content(&json!({"specs": [
        {"cron": "0 9 * * *"},
        {"cron": "0 0 9 ? * 2", "dialect": "quartz"},
        {"rrule": "FREQ=DAILY", "start": "2026-11-23T08:00:00Z"},
        {"calendar": {"every": "1 day", "from": "2026-11-24", "at": "10:00"}},
        {"at": "2026-11-24T08:30:00Z"},
        {"every": "PT24H", "start": "2026-11-24T09:00:00Z"},
    ]}));
    let expected = ["2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z", "2026-11-24T09:00:00Z", "2026-11-25T08:00:00Z"];
    assert_eq!(times(&content, "2026-11-22T12:00:00Z", 5), expected);
}

#[test]
fn what_is_excluded_is_no_occurrence() {
    let content = content(&json!({
        "specs": [{"cron": "0 9,12 * * *"}],
        "exclude": [{"dates": ["2026-12-24..2026-12-26", "easter"]}, {"cron": "0 12 * * MON"}],
    }));
    let expected = [
        "2026-12-21T08:00:00Z",
        "2026-12-22T08:00:00Z",
        "2026-12-22T11:00:00Z",
        "2026-12-23T08:00:00Z",
        "2026-12-23T11:00:00Z",
        "2026-12-27T08:00:00Z",
    ];
    assert_eq!(times(&content, "2026-12-20T12:00:00Z", 6), expected);
}

#[test]
fn a_day_of_which_every_second_is_excluded_is_passed_over_whole() {
    let content = content(&json!({"specs": [{"cron": "* * * * * *"}], "exclude": [{"dates": ["2026-12-24..2026-12-26"]}]}));
    assert_eq!(times(&content, "2026-12-23T22:59:59Z", 1), ["2026-12-26T23:00:00Z"]);
    assert_eq!(content.previous_before(at("2026-12-26T23:00:00Z")).unwrap(), Some(at("2026-12-23T22:59:59Z")));
}

#[test]
fn a_schedule_that_excludes_everything_says_so() {
    let content = content(&json!({"specs": [{"cron": "* * * * * *"}], "exclude": [{"cron": "* * * * * *"}]}));
    assert_eq!(content.next_after(at("2026-11-25T00:00:00Z")), Err(SpecError::AllExcluded));
    assert_eq!(content.previous_before(at("2026-11-25T00:00:00Z")), Err(SpecError::AllExcluded));
}

#[test]
fn the_rules_for_a_change_of_clocks_are_the_schedules() {
    let spec = json!([{"cron": "30 2 * * *"}]);
    let first = |rules: Value| {
        let mut document = json!({"specs": spec});
        document.as_object_mut().unwrap().extend(rules.as_object().unwrap().clone());
        times(&content(&document), "2026-03-28T12:00:00Z", 1)
    };
    assert_eq!(first(json!({})), ["2026-03-29T01:00:00Z"]);
    assert_eq!(first(json!({"gap": "shift"})), ["2026-03-29T01:30:00Z"]);
    assert_eq!(first(json!({"gap": "skip"})), ["2026-03-30T00:30:00Z"]);
}

#[test]
fn a_stored_schedule_is_read_as_it_was_written() {
    let document = json!({
        "specs": [{"cron": "0 0 9 ? * 2", "dialect": "quartz"}, {"rrule": "FREQ=DAILY", "start": "2026-11-23T08:00:00Z"},
                  {"calendar": {"business_day": -1, "at": "18:00"}}],
        "exclude": [{"dates": ["12-24"]}, {"at": "2026-11-24T08:00:00Z"}],
        "timezone": "Europe/Berlin", "input": {}, "gap": "skip", "fold": "both", "dom_dow": "and",
        "missed_after": "PT1M", "catch_up": "last", "catch_up_window": "PT1H",
    });
    assert_eq!(serde_json::to_value(content(&document)).unwrap(), document);
}

proptest! {
    #[test]
    fn previous_is_the_way_back_of_next(after in 1_500_000_000_000_i64..1_900_000_000_000, minute in 0..60, days in 1..5) {
        let content = content(&json!({
            "specs": [{"cron": format!("{minute} 2,3 * * *")}, {"every": "PT7H", "start": "2020-01-01T00:00:00Z"}],
            "exclude": [{"cron": format!("{minute} 3 */{days} * *")}, {"dates": ["10-25", "easter"]}],
        }));
        let next = content.next_after(UnixMillis::saturating(after)).unwrap().unwrap();
        prop_assert!(next.get() > after);
        let second = content.next_after(next).unwrap().unwrap();
        prop_assert_eq!(content.previous_before(second).unwrap(), Some(next));
        prop_assert!(content.previous_before(next).unwrap().is_none_or(|previous| previous.get() <= after));
    }
}
