//! What happens when clocks change: by the clock for DAILY and slower, in absolute time for HOURLY and faster.

use jiff::civil::{DateTime, Weekday};

use super::{at, instants, rule, times};
use crate::time::{UnixMillis, Zone};

#[test]
fn a_time_lost_in_a_gap_is_read_with_the_offset_before_and_a_repeated_one_means_its_first_pass() {
    let daily = rule("DTSTART;TZID=Europe/Berlin:20260101T023000\nRRULE:FREQ=DAILY");
    let spring = ["2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"];
    assert_eq!(times(&daily, "Europe/Berlin", "2026-03-28T00:00:00Z", 3), spring);
    let autumn = ["2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"];
    assert_eq!(times(&daily, "Europe/Berlin", "2026-10-24T00:00:00Z", 3), autumn);
    // Asked in the second pass, the first is not given again.
    assert_eq!(times(&daily, "Europe/Berlin", "2026-10-25T01:10:00Z", 1), ["2026-10-26T02:30:00+01:00"]);
}

#[test]
fn midnights_that_do_not_exist_are_the_hour_after() {
    for (zone, after, expected) in [
        ("Africa/Cairo", "2026-04-22T12:00:00Z", ["2026-04-23T00:00:00+02:00", "2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"]),
        ("America/Havana", "2025-03-07T12:00:00Z", ["2025-03-08T00:00:00-05:00", "2025-03-09T01:00:00-04:00", "2025-03-10T00:00:00-04:00"]),
    ] {
        for start in ["DTSTART;VALUE=DATE:20250101", "DTSTART:20250101T000000"] {
            assert_eq!(times(&rule(&format!("{start}\nRRULE:FREQ=DAILY")), zone, after, 3), expected, "{start} {zone}");
        }
    }
}

#[test]
fn a_repeated_midnight_fires_once() {
    let daily = rule("DTSTART:20250101T003000\nRRULE:FREQ=DAILY");
    let expected = ["2025-11-01T00:30:00-04:00", "2025-11-02T00:30:00-04:00", "2025-11-03T00:30:00-05:00"];
    assert_eq!(times(&daily, "America/Havana", "2025-11-01T00:00:00Z", 3), expected);
}

#[test]
fn a_civil_day_that_never_was_falls_together_with_the_next() {
    let daily = rule("DTSTART;TZID=Pacific/Apia:20111228T090000\nRRULE:FREQ=DAILY;COUNT=4");
    let expected = ["2011-12-28T09:00:00-10:00", "2011-12-29T09:00:00-10:00", "2011-12-31T09:00:00+14:00"];
    assert_eq!(times(&daily, "Pacific/Apia", "2011-12-01T00:00:00Z", 9), expected);
}

#[test]
fn a_dtstart_in_a_repeated_hour_is_its_first_pass() {
    let text = "DTSTART;TZID=Europe/Berlin:20261025T023000\nRRULE:FREQ=";
    let hourly = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"];
    assert_eq!(times(&rule(&format!("{text}HOURLY")), "Europe/Berlin", "2026-10-01T00:00:00Z", 3), hourly);
    let daily = ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"];
    assert_eq!(times(&rule(&format!("{text}DAILY")), "Europe/Berlin", "2026-10-01T00:00:00Z", 2), daily);
}

#[test]
fn a_start_given_in_the_second_pass_is_not_moved_into_the_first() {
    let given = |text| rule(text).with_start(at("2026-10-25T01:30:00Z")).unwrap();
    let first = |text| times(&given(text), "Europe/Berlin", "2026-10-01T00:00:00Z", 1);
    assert_eq!(first("FREQ=HOURLY"), ["2026-10-25T02:30:00+01:00"]);
    assert_eq!(first("FREQ=DAILY"), ["2026-10-26T02:30:00+01:00"]);
}

#[test]
fn lost_times_come_in_the_order_of_instants() {
    // 02:45 is lost and becomes 03:45, which is later than 03:30.
    let rule = rule("DTSTART;TZID=Europe/Berlin:20260328T000000\nRRULE:FREQ=DAILY;BYHOUR=2,3;BYMINUTE=30,45;BYSETPOS=2,3");
    let expected = [
        "2026-03-28T02:45:00+01:00",
        "2026-03-28T03:30:00+01:00",
        "2026-03-29T03:30:00+02:00",
        "2026-03-29T03:45:00+02:00",
        "2026-03-30T02:45:00+02:00",
    ];
    assert_eq!(times(&rule, "Europe/Berlin", "2026-03-01T00:00:00Z", 5), expected);
    // COUNT counts wall times: of the third day only 02:45.
    let counted = super::rule(&format!("{};COUNT=3", rule.text()));
    let expected = ["2026-03-28T02:45:00+01:00", "2026-03-28T03:30:00+01:00", "2026-03-29T03:45:00+02:00"];
    assert_eq!(times(&counted, "Europe/Berlin", "2026-03-01T00:00:00Z", 5), expected);
}

#[test]
fn hours_elapse_whatever_clocks_show() {
    let hourly = rule("DTSTART;TZID=Europe/Berlin:20260328T220000\nRRULE:FREQ=HOURLY;INTERVAL=2");
    let spring = ["2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T05:00:00+02:00"];
    assert_eq!(times(&hourly, "Europe/Berlin", "2026-03-28T22:00:00Z", 3), spring);
    let half_past = rule("DTSTART;TZID=Australia/Lord_Howe:20260404T233000\nRRULE:FREQ=HOURLY");
    let half_an_hour_repeated =
        ["2026-04-05T00:30:00+11:00", "2026-04-05T01:30:00+11:00", "2026-04-05T02:00:00+10:30", "2026-04-05T03:00:00+10:30"];
    assert_eq!(times(&half_past, "Australia/Lord_Howe", "2026-04-04T13:00:00Z", 4), half_an_hour_repeated);
}

#[test]
fn parts_of_an_hourly_rule_are_what_the_clock_shows() {
    let at_two = rule("DTSTART;TZID=Europe/Berlin:20260101T000000\nRRULE:FREQ=HOURLY;BYHOUR=2");
    let spring = ["2026-03-28T02:00:00+01:00", "2026-03-30T02:00:00+02:00"];
    assert_eq!(times(&at_two, "Europe/Berlin", "2026-03-28T00:00:00Z", 2), spring);
    let autumn = ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"];
    assert_eq!(times(&at_two, "Europe/Berlin", "2026-10-25T00:00:00+02:00", 2), autumn);
    let full_hours = rule("DTSTART;TZID=Australia/Lord_Howe:20260404T230000\nRRULE:FREQ=HOURLY;BYMINUTE=0");
    let full = ["2026-04-05T00:00:00+11:00", "2026-04-05T01:00:00+11:00", "2026-04-05T02:00:00+10:30", "2026-04-05T03:00:00+10:30"];
    assert_eq!(times(&full_hours, "Australia/Lord_Howe", "2026-04-04T12:00:00Z", 4), full);
}

#[test]
fn the_zone_is_that_of_dtstart_and_else_the_schedules() {
    let first = |start: &str| times(&rule(&format!("{start}\nRRULE:FREQ=DAILY")), "Europe/Berlin", "2026-01-01T00:00:00Z", 1);
    assert_eq!(first("DTSTART:20260105T090000"), ["2026-01-05T09:00:00+01:00"]);
    assert_eq!(first("DTSTART:20260105T090000Z"), ["2026-01-05T10:00:00+01:00"]);
    assert_eq!(first("DTSTART;TZID=America/New_York:20260105T090000"), ["2026-01-05T15:00:00+01:00"]);
}

#[test]
fn single_times_may_have_zones_of_their_own() {
    let text = "DTSTART:20260105T090000\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260106T090000,20260107T080000Z\n\
                RDATE;TZID=Asia/Tokyo:20260110T000000\nRDATE:20260111T120000";
    let expected = ["2026-01-05T09:00:00+01:00", "2026-01-08T09:00:00+01:00", "2026-01-09T16:00:00+01:00", "2026-01-11T12:00:00+01:00"];
    assert_eq!(times(&rule(text), "Europe/Berlin", "2026-01-01T00:00:00Z", 9), expected);
}

/// What [`super::super::clock`] takes for granted: 26 hours are longer than any gap or fold, and who sees the same offset at
/// both ends of them has missed no change.
#[test]
fn no_zone_puts_its_clocks_there_and_back_within_26_hours() {
    let (from, to) = (at("1800-01-01T00:00:00Z").to_timestamp(), at("2100-01-01T00:00:00Z").to_timestamp());
    let mut changes = 0;
    for name in jiff::tz::TimeZoneDatabase::bundled().available() {
        let zone = Zone::named(name.as_str()).unwrap();
        let offset = |at: jiff::Timestamp| zone.rules().to_offset(at).seconds();
        let mut last = None;
        for change in zone.rules().following(from).take_while(|change| change.timestamp() < to) {
            let at = change.timestamp();
            let by = offset(at) - offset(at - jiff::SignedDuration::from_secs(1));
            if by == 0 {
                continue;
            }
            assert!(by.abs() < 26 * 3600, "{name:?} {at}");
            assert!(last.is_none_or(|last| at.duration_since(last) > jiff::SignedDuration::from_hours(26)), "{name:?} {at}");
            last = Some(at);
            changes += 1;
        }
    }
    assert!(changes > 10_000);
}

/// Every second of the days around a change is asked whether it is of the rule, by its definition alone.
#[test]
fn elapsed_rules_agree_with_a_walk_over_every_second() {
    // Each with the seconds from one period to the next.
    const RULES: [(&str, i64); 9] = [
        ("FREQ=HOURLY;INTERVAL=5", 5 * 3600),
        ("FREQ=HOURLY;INTERVAL=3;BYMINUTE=0,10,45", 3 * 3600),
        ("FREQ=HOURLY;BYHOUR=1,2,3;BYMINUTE=15", 3600),
        ("FREQ=HOURLY;INTERVAL=2;BYDAY=SU;BYSECOND=0,30", 2 * 3600),
        ("FREQ=MINUTELY;INTERVAL=7", 7 * 60),
        ("FREQ=MINUTELY;INTERVAL=25;BYHOUR=0,1,2,23", 25 * 60),
        ("FREQ=MINUTELY;INTERVAL=11;BYMINUTE=0,15,30,45;BYSECOND=7", 11 * 60),
        ("FREQ=SECONDLY;INTERVAL=97", 97),
        ("FREQ=SECONDLY;INTERVAL=13;BYMINUTE=29,30;BYHOUR=1,2", 13),
    ];
    for (zone, start) in [
        ("Europe/Berlin", "2026-03-28T20:15:00"),
        ("Europe/Berlin", "2026-10-24T20:15:00"),
        ("Australia/Lord_Howe", "2026-04-04T20:15:00"),
        ("Australia/Lord_Howe", "2026-10-03T20:15:00"),
        ("Africa/Cairo", "2026-04-23T20:15:00"),
        ("Pacific/Apia", "2011-12-29T20:15:00"),
    ] {
        let zone = Zone::named(zone).unwrap();
        let local: DateTime = start.parse().unwrap();
        let begin = zone.rules().to_timestamp(local).unwrap().as_second();
        for (text, stride) in RULES {
            let whole = format!("DTSTART;TZID={}:{}\nRRULE:{text}", zone.name(), local.strftime("%Y%m%dT%H%M%S"));
            let definition = Definition::new(text, stride, begin);
            let walked: Vec<i64> = (begin..begin + 2 * 86_400).filter(|at| definition.holds(*at, &zone)).collect();
            let found = instants(&rule(&whole), &zone, UnixMillis::EPOCH, walked.len());
            assert_eq!(found.iter().map(|at| at.get() / 1000).collect::<Vec<_>>(), walked, "{whole}");
        }
    }
}

/// The definition of an elapsed rule, as it is written; DTSTART is at minute 15, second 0 of an hour.
struct Definition {
    text: &'static str,
    stride: i64,
    begin: i64,
    hours: Option<Vec<i8>>,
    minutes: Option<Vec<i8>>,
    seconds: Option<Vec<i8>>,
}

impl Definition {
    fn new(text: &'static str, stride: i64, begin: i64) -> Definition {
        let numbers = |part: &str| -> Option<Vec<i8>> {
            let value = text.split(';').find_map(|item| item.strip_prefix(part))?;
            Some(value.split(',').map(|number| number.parse().unwrap()).collect())
        };
        Definition { text, stride, begin, hours: numbers("BYHOUR="), minutes: numbers("BYMINUTE="), seconds: numbers("BYSECOND=") }
    }

    fn holds(&self, at: i64, zone: &Zone) -> bool {
        self.in_period(at) && self.is_shown(at, zone)
    }

    fn in_period(&self, at: i64) -> bool {
        if self.text.contains("SECONDLY") {
            return (at - self.begin) % self.stride == 0;
        }
        let of_minute = self.seconds.is_some() || at % 60 == 0;
        if self.text.contains("MINUTELY") {
            return of_minute && (at - self.begin) % self.stride < 60;
        }
        let into = (at - self.begin + 15 * 60) % self.stride;
        of_minute && into < 3600 && (self.minutes.is_some() || into / 60 == 15)
    }

    fn is_shown(&self, at: i64, zone: &Zone) -> bool {
        let shown = UnixMillis::saturating(at * 1000).to_timestamp().to_zoned(zone.rules().clone());
        let matches = |wanted: &Option<Vec<i8>>, shown: i8| wanted.as_ref().is_none_or(|wanted| wanted.contains(&shown));
        let is_day = !self.text.contains("BYDAY=SU") || shown.weekday() == Weekday::Sunday;
        is_day && matches(&self.hours, shown.hour()) && matches(&self.minutes, shown.minute()) && matches(&self.seconds, shown.second())
    }
}
