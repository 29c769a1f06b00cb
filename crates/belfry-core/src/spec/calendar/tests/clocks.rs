//! Times of day when clocks change. What is expected is what a fixed-time cron expression does.

use serde_json::{Value, json};

use super::{all_calendars, instant, rule, times};
use crate::spec::calendar::Setting;
use crate::spec::cron::{Cron, Fold, Gap};
use crate::time::{UnixMillis, Zone};

fn instants(value: Value, zone: &str, rules: (Gap, Fold), after: &str, count: usize) -> Vec<String> {
    let (zone, calendars, rule) = (Zone::named(zone).unwrap(), all_calendars(), rule(value));
    let setting = Setting { zone: zone.rules(), gap: rules.0, fold: rules.1, calendars: &calendars };
    let mut last = instant(after);
    let mut found = Vec::new();
    for _ in 0..count {
        last = rule.next_after(setting, last).unwrap().unwrap();
        found.push(last.to_string());
    }
    found
}

#[test]
fn a_time_in_a_gap_follows_the_rule() {
    let at = |gap| instants(json!({"at": ["02:15", "02:45", "03:00"]}), "Europe/Berlin", (gap, Fold::First), "2026-03-28T12:00:00Z", 3);
    let next_day = "2026-03-30T00:15:00Z";
    assert_eq!(at(Gap::Next), ["2026-03-29T01:00:00Z", next_day, "2026-03-30T00:45:00Z"]);
    assert_eq!(at(Gap::Skip), ["2026-03-29T01:00:00Z", next_day, "2026-03-30T00:45:00Z"]);
    assert_eq!(at(Gap::Shift), ["2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z", "2026-03-29T01:45:00Z"]);
    let alone = |gap| instants(json!({"at": "02:30"}), "Europe/Berlin", (gap, Fold::First), "2026-03-28T12:00:00Z", 1);
    assert_eq!(
        [alone(Gap::Next), alone(Gap::Skip), alone(Gap::Shift)],
        [["2026-03-29T01:00:00Z"], ["2026-03-30T00:30:00Z"], ["2026-03-29T01:30:00Z"]]
    );
}

#[test]
fn a_repeated_time_follows_the_rule() {
    let at = |fold| instants(json!({"at": ["02:15", "02:45"]}), "Europe/Berlin", (Gap::Next, fold), "2026-10-24T12:00:00Z", 4);
    assert_eq!(at(Fold::First), ["2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z", "2026-10-26T01:15:00Z", "2026-10-26T01:45:00Z"]);
    assert_eq!(at(Fold::Second), ["2026-10-25T01:15:00Z", "2026-10-25T01:45:00Z", "2026-10-26T01:15:00Z", "2026-10-26T01:45:00Z"]);
    assert_eq!(at(Fold::Both), ["2026-10-25T00:15:00Z", "2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", "2026-10-25T01:45:00Z"]);
}

#[test]
fn a_search_that_begins_in_the_second_pass_does_not_fire_again() {
    let found = instants(json!({"at": "02:30"}), "Europe/Berlin", (Gap::Next, Fold::First), "2026-10-25T01:10:00Z", 1);
    assert_eq!(found, ["2026-10-26T01:30:00Z"]);
}

#[test]
fn apia_had_no_30_december_2011() {
    let daily = json!({"at": "09:00"});
    let expected = ["2011-12-29T09:00", "2011-12-31T09:00", "2012-01-01T09:00"];
    assert_eq!(times(daily, "Pacific/Apia", "2011-12-28T20:00:00Z", 3), expected);
    let every_second = json!({"every": "2 days", "from": "2011-12-28", "at": "09:00"});
    assert_eq!(times(every_second, "Pacific/Apia", "2011-12-28T20:00:00Z", 2), ["2012-01-01T09:00", "2012-01-03T09:00"]);
    let that_day = rule(json!({"years": 2011, "months": 12, "days": 30, "at": "09:00"}));
    let (zone, calendars) = (Zone::named("Pacific/Apia").unwrap(), all_calendars());
    assert_eq!(that_day.next_after(super::setting(&zone, &calendars), instant("2000-01-01T00:00:00Z")), Ok(None));
}

#[test]
fn midnight_that_does_not_exist_fires_at_the_first_instant_of_the_day() {
    let midnight = || json!({"at": "00:00"});
    // Santiago goes from 24:00 to 01:00 on 6 September 2026, Cairo at midnight of 24 April 2026.
    let found = instants(midnight(), "America/Santiago", (Gap::Next, Fold::First), "2026-09-05T12:00:00Z", 2);
    assert_eq!(found, ["2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"]);
    let found = instants(midnight(), "Africa/Cairo", (Gap::Next, Fold::First), "2026-04-23T12:00:00Z", 2);
    assert_eq!(found, ["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"]);
    // The hour before midnight comes twice in Santiago on 4 April 2026.
    let found = instants(json!({"at": "23:30"}), "America/Santiago", (Gap::Next, Fold::Both), "2026-04-04T12:00:00Z", 3);
    assert_eq!(found, ["2026-04-05T02:30:00Z", "2026-04-05T03:30:00Z", "2026-04-06T03:30:00Z"]);
}

/// In St John's a minute of 7 November 2010 was over when the clocks went back to 23:01 of the 6th.
#[test]
fn a_day_that_begins_twice_has_the_end_of_the_day_before_between() {
    let at = |fold| instants(json!({"at": ["00:00", "23:30"]}), "America/St_Johns", (Gap::Next, fold), "2010-11-06T12:00:00Z", 5);
    let [first_evening, first_midnight] = ["2010-11-07T02:00:00Z", "2010-11-07T02:30:00Z"];
    let [second_evening, second_midnight] = ["2010-11-07T03:00:00Z", "2010-11-07T03:30:00Z"];
    let [evening, midnight, later] = ["2010-11-08T03:00:00Z", "2010-11-08T03:30:00Z", "2010-11-09T03:00:00Z"];
    assert_eq!(at(Fold::Both), [first_evening, first_midnight, second_evening, second_midnight, evening]);
    assert_eq!(at(Fold::First), [first_evening, first_midnight, evening, midnight, later]);
    assert_eq!(at(Fold::Second), [second_evening, second_midnight, evening, midnight, later]);
}

#[test]
fn times_that_clocks_always_lose_are_an_error_and_not_an_endless_search() {
    let (zone, calendars) = (Zone::named("Europe/Berlin").unwrap(), all_calendars());
    let lost = rule(json!({"months": 3, "weekdays": "last SUN", "at": "02:30"}));
    let setting = Setting { gap: Gap::Skip, ..super::setting(&zone, &calendars) };
    assert!(lost.next_after(setting, instant("2026-01-01T00:00:00Z")).is_err());
    assert!(lost.next_after(super::setting(&zone, &calendars), instant("2026-01-01T00:00:00Z")).is_ok());
}

/// The same days and times, once as fields and once as a cron expression.
#[test]
fn a_rule_agrees_with_the_cron_expression_of_the_same_times() {
    let pairs = [
        (json!({"at": "00:00"}), "0 0 * * *"),
        (json!({"at": ["00:30", "02:30"]}), "30 0,2 * * *"),
        (json!({"at": ["02:00", "02:20", "02:40"]}), "0,20,40 2 * * *"),
        (json!({"weekdays": "SUN", "at": ["01:30", "03:30"]}), "30 1,3 * * 0"),
        (json!({"days": "20-31", "months": [3, 4, 9, 10, 11], "at": "23:45"}), "45 23 20-31 3,4,9,10,11 *"),
    ];
    let zones = [
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/Santiago",
        "Africa/Cairo",
        "Asia/Beirut",
        "Antarctica/Troll",
        "Africa/Casablanca",
        "America/Havana",
        "America/Asuncion",
        "Pacific/Kwajalein",
        "America/Scoresbysund",
        "Asia/Gaza",
    ];
    let (calendars, mut compared) = (all_calendars(), 0);
    for name in zones {
        let zone = Zone::named(name).unwrap();
        for (value, text) in &pairs {
            let (rule, cron) = (rule(value.clone()), Cron::parse(text).unwrap());
            for year in (1993..2045).step_by(7) {
                let mut last = instant(&format!("{year}-01-01T00:00:00Z"));
                let end = UnixMillis::saturating(last.get() + 400 * 86_400_000);
                while last < end {
                    let next = rule.next_after(super::setting(&zone, &calendars), last).unwrap().unwrap();
                    assert_eq!(Some(next), cron.next_after(zone.rules(), last), "`{text}` in {name} after {last}");
                    (last, compared) = (next, compared + 1);
                }
            }
        }
    }
    assert!(compared > 60_000, "the sample shrank to {compared}");
}
