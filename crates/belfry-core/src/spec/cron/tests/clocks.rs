//! Gaps and folds, case by case; the times are what the clocks show.

use super::super::{CronRules, Fold, Gap};
use super::{next, next_with};

#[track_caller]
fn assert_next(text: &str, zone: &str, after: &str, expected: &[&str]) {
    assert_eq!(next(text, zone, after, expected.len()), expected, "{text} in {zone} after {after}");
}

#[test]
fn a_lost_time_fires_at_the_first_instant_after_the_gap() {
    let table = [
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"),
        ("30 1 * * *", "Antarctica/Troll", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00", "2026-03-30T01:30:00+02:00"),
        ("45 2 * * *", "Antarctica/Troll", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00", "2026-03-30T02:45:00+02:00"),
        ("30 1 * * *", "Europe/Dublin", "2026-03-28T12:00:00Z", "2026-03-29T02:00:00+01:00", "2026-03-30T01:30:00+01:00"),
        ("30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00:00Z", "2026-03-22T03:00:00+01:00", "2026-03-23T02:30:00+01:00"),
        ("30 2 * * *", "Europe/Berlin", "2080-03-30T12:00:00Z", "2080-03-31T03:00:00+02:00", "2080-04-01T02:30:00+02:00"),
    ];
    for (text, zone, after, made_up, then) in table {
        assert_next(text, zone, after, &[made_up, then]);
    }
}

#[test]
fn a_lost_midnight_fires_on_its_day() {
    assert_next("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", &["2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"]);
    assert_next("30 0 * * SUN", "America/Santiago", "2026-09-05T12:00:00Z", &["2026-09-06T01:00:00-03:00", "2026-09-13T00:30:00-03:00"]);
    assert_next("0 0 * * FRI", "Africa/Cairo", "2026-04-20T12:00:00Z", &["2026-04-24T01:00:00+03:00", "2026-05-01T00:00:00+03:00"]);
    assert_next("@daily", "Asia/Beirut", "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"]);
    assert_next("@monthly", "America/Asuncion", "2017-09-15T12:00:00Z", &["2017-10-01T01:00:00-03:00", "2017-11-01T00:00:00-03:00"]);
}

#[test]
fn many_lost_times_fire_once_and_not_twice_with_the_first_instant_after() {
    let after = "2026-03-28T12:00:00Z";
    let [at_three, next_day] = ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"];
    assert_next("0,15,30,45 2 * * *", "Europe/Berlin", after, &[at_three, next_day]);
    assert_next("0-59 0-59 2 * * *", "Europe/Berlin", after, &[at_three, next_day]);
    assert_next("0 2,3 * * *", "Europe/Berlin", after, &[at_three, next_day]);
    assert_next("0,30 2,3 * * *", "Europe/Berlin", after, &[at_three, "2026-03-29T03:30:00+02:00", next_day]);
    assert_next("0 3 * * *", "Europe/Berlin", after, &[at_three, "2026-03-30T03:00:00+02:00"]);
}

#[test]
fn the_made_up_time_is_later_than_after_like_every_other() {
    assert_next("30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59.999Z", &["2026-03-29T03:00:00+02:00"]);
    assert_next("30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59Z", &["2026-03-29T03:00:00+02:00"]);
    assert_next("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", &["2026-03-30T02:30:00+02:00"]);
}

#[test]
fn a_gap_of_more_than_three_hours_is_skipped() {
    assert_next("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-29T09:00:00-10:00", "2011-12-31T09:00:00+14:00"]);
    assert_next("0 0 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", &["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"]);
    assert_next("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", &["2012-12-30T09:00:00+14:00"]);
    assert_next("0 */12 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", &["2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00"]);
}

#[test]
fn a_repeated_time_fires_at_its_first_pass_only() {
    let table = [
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"),
        ("30 1 * * *", "Antarctica/Troll", "2026-10-24T12:00:00Z", "2026-10-25T01:30:00+02:00", "2026-10-26T01:30:00+00:00"),
        ("30 1 * * *", "Europe/Dublin", "2026-10-24T12:00:00Z", "2026-10-25T01:30:00+01:00", "2026-10-26T01:30:00+00:00"),
        ("30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00Z", "2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00+00:00"),
        ("30 23 * * SAT", "America/Santiago", "2026-04-04T12:00:00Z", "2026-04-04T23:30:00-03:00", "2026-04-11T23:30:00-04:00"),
    ];
    for (text, zone, after, first, then) in table {
        assert_next(text, zone, after, &[first, then]);
    }
}

#[test]
fn inside_the_second_pass_nothing_fires_again() {
    // 02:10 for the second time, at which 02:30 has fired and 03:00 has not.
    assert_next("0,30 2,3 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", &["2026-10-25T03:00:00+01:00"]);
    assert_next("0-59 0-23 * * *", "Europe/Berlin", "2026-10-25T00:59:00Z", &["2026-10-25T03:00:00+01:00"]);
    assert_next("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", &["2026-10-26T02:30:00+01:00"]);
}

#[test]
fn a_rhythm_follows_the_clock() {
    let spring = ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"];
    assert_next("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", &spring);
    assert_next("*/30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", &["2026-03-30T02:00:00+02:00"]);
    assert_next("15 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", &["2026-03-29T03:15:00+02:00"]);
    let autumn = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00"];
    assert_next("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", &autumn);
    assert_next("5/50 2 * * *", "Europe/Berlin", "2026-10-25T00:10:00Z", &["2026-10-25T02:55:00+02:00", "2026-10-25T02:05:00+01:00"]);
    let howe = ["2026-04-05T01:45:00+11:00", "2026-04-05T01:30:00+10:30", "2026-04-05T01:45:00+10:30"];
    assert_next("*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:30:00Z", &howe);
}

#[test]
fn the_other_answers_to_a_gap() {
    let answers = |gap, text| next_with(text, "Europe/Berlin", "2026-03-29T00:00:00Z", 3, CronRules { gap, ..CronRules::default() });
    let text = "0,30 2,3 29,30 3 *";
    assert_eq!(answers(Gap::Skip, text), ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"]);
    assert_eq!(answers(Gap::Skip, "45 2 * * *")[..1], ["2026-03-30T02:45:00+02:00"]);
    assert_eq!(answers(Gap::Shift, "45 2 * * *")[..2], ["2026-03-29T03:45:00+02:00", "2026-03-30T02:45:00+02:00"]);
    assert_eq!(answers(Gap::Shift, "0,45 2,3 * * *")[..2], ["2026-03-29T03:00:00+02:00", "2026-03-29T03:45:00+02:00"]);
}

#[test]
fn the_other_answers_to_a_fold() {
    let answers = |fold| next_with("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", 3, CronRules { fold, ..CronRules::default() });
    let [first, second, day_after] = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"];
    assert_eq!(answers(Fold::First)[..2], [first, day_after]);
    assert_eq!(answers(Fold::Second)[..2], [second, day_after]);
    assert_eq!(answers(Fold::Both), [first, second, day_after]);
}

#[test]
fn a_time_that_clocks_lose_every_year_never_fires_when_it_is_skipped() {
    let rules = |gap| CronRules { gap, ..CronRules::default() };
    let text = "30 2 * 3 SUNL";
    assert_eq!(next_with(text, "Europe/Berlin", "2026-01-01T00:00:00Z", 1, rules(Gap::Skip)), Vec::<String>::new());
    assert_eq!(next_with(text, "Europe/Berlin", "2026-01-01T00:00:00Z", 1, rules(Gap::Next)), ["2026-03-29T03:00:00+02:00"]);
    assert_eq!(next_with(text, "Europe/Berlin", "2026-01-01T00:00:00Z", 1, rules(Gap::Shift)), ["2026-03-29T03:30:00+02:00"]);
}
