//! The answers that people look up first: what nights of a change do to everyday expressions, in real zones.

use super::next;

#[track_caller]
fn assert_next(text: &str, zone: &str, after: &str, expected: &[&str]) {
    assert_eq!(next(text, zone, after, expected.len()), expected, "{text} in {zone} after {after}");
}

#[test]
fn berlin_when_clocks_go_back() {
    let half_hours = [
        "2026-10-25T01:30:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ];
    assert_next("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", &half_hours);
    let once = ["2026-10-24T01:45:00+02:00", "2026-10-25T01:45:00+02:00", "2026-10-26T01:45:00+01:00"];
    assert_next("45 1 * * *", "Europe/Berlin", "2026-10-23T12:00:00Z", &once);
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    let spring = ["2026-10-03T02:00:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-05T02:00:00+11:00"];
    assert_next("0 2 * * *", "Australia/Lord_Howe", "2026-10-02T12:00:00Z", &spring);
    // 02:00 becomes 01:30: two o'clock comes once, half past one twice.
    let autumn = ["2026-04-04T02:00:00+11:00", "2026-04-05T02:00:00+10:30", "2026-04-06T02:00:00+10:30"];
    assert_next("0 2 * * *", "Australia/Lord_Howe", "2026-04-03T12:00:00Z", &autumn);
}

#[test]
fn apia_lost_a_day() {
    let days = ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"];
    assert_next("@daily", "Pacific/Apia", "2011-12-28T12:00:00Z", &days);
    assert_next("0 0 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", &["2012-12-30T00:00:00+14:00"]);
}

#[test]
fn midnight_where_clocks_change_at_midnight() {
    let forward = [
        ("America/Havana", "2026-03-07T12:00:00Z", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00"),
        ("Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"),
        ("Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"),
        ("America/Asuncion", "2023-09-30T12:00:00Z", "2023-10-01T01:00:00-03:00", "2023-10-02T00:00:00-03:00"),
        ("Atlantic/Azores", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00+00:00", "2026-03-30T00:00:00+00:00"),
    ];
    for (zone, after, made_up, then) in forward {
        assert_next("0 0 * * *", zone, after, &[made_up, then]);
    }
    // Going back, midnight is repeated where one o'clock becomes midnight, and does not exist twice where midnight becomes 23:00.
    let back = [
        ("America/Havana", "2025-11-01T12:00:00Z", "2025-11-02T00:00:00-04:00", "2025-11-03T00:00:00-05:00"),
        ("Africa/Cairo", "2026-10-29T12:00:00Z", "2026-10-30T00:00:00+02:00", "2026-10-31T00:00:00+02:00"),
        ("Asia/Beirut", "2026-10-24T12:00:00Z", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+02:00"),
        ("America/Asuncion", "2023-03-25T12:00:00Z", "2023-03-26T00:00:00-04:00", "2023-03-27T00:00:00-04:00"),
        ("Atlantic/Azores", "2026-10-24T12:00:00Z", "2026-10-25T00:00:00+00:00", "2026-10-26T00:00:00-01:00"),
    ];
    for (zone, after, first, then) in back {
        assert_next("0 0 * * *", zone, after, &[first, then]);
    }
}

#[test]
fn the_last_day_of_the_month_and_the_leap_day() {
    let last_days = ["2026-11-30T00:00:00+01:00", "2026-12-31T00:00:00+01:00", "2027-01-31T00:00:00+01:00", "2027-02-28T00:00:00+01:00"];
    assert_next("0 0 L * *", "Europe/Berlin", "2026-11-25T00:00:00Z", &last_days);
    let leap_days = ["2088-02-29T00:00:00+01:00", "2092-02-29T00:00:00+01:00", "2096-02-29T00:00:00+01:00", "2104-02-29T00:00:00+01:00"];
    assert_next("0 0 29 2 *", "Europe/Berlin", "2084-03-01T00:00:00Z", &leap_days);
}
