//! What is refused, and what is said about it.

use super::at;
use crate::spec::rrule::{Rrule, RruleError};

const START: &str = "DTSTART;TZID=Europe/Berlin:20260105T090000\n";

fn refusal(text: &str) -> String {
    match Rrule::parse(text) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{text} was accepted"),
    }
}

#[test]
fn a_refusal_names_the_part_the_value_and_what_would_be_accepted() {
    for (text, expected) in [
        ("FREQ=FORTNIGHTLY", "`FORTNIGHTLY` in FREQ: use YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY"),
        ("FREQ=DAILY;INTERVAL=0", "`0` in INTERVAL: use 1 to 4294967295"),
        ("FREQ=DAILY;COUNT=0", "`0` in COUNT: use 1 to 100000 (all of them have to be counted), or UNTIL for a later end"),
        ("FREQ=DAILY;COUNT=100001", "`100001` in COUNT: use 1 to 100000 (all of them have to be counted), or UNTIL for a later end"),
        ("FREQ=DAILY;BYHOUR=9,24", "`24` in BYHOUR: use 0 to 23"),
        ("FREQ=DAILY;BYHOUR=", "`` in BYHOUR: use 0 to 23"),
        ("FREQ=DAILY;BYHOUR=+9", "`+9` in BYHOUR: use 0 to 23"),
        ("FREQ=DAILY;BYSECOND=60", "`60` in BYSECOND: use 0 to 59, for there are no leap seconds in Unix time"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "`0` in BYMONTHDAY: use 1 to 31, or -1 to -31 to count from the end"),
        ("FREQ=YEARLY;BYYEARDAY=-367", "`-367` in BYYEARDAY: use 1 to 366, or -1 to -366 to count from the end"),
        ("FREQ=YEARLY;BYWEEKNO=54", "`54` in BYWEEKNO: use 1 to 53, or -1 to -53 to count from the end"),
        ("FREQ=DAILY;WKST=XX", "`XX` in WKST: use MO, TU, WE, TH, FR, SA or SU"),
        (
            "FREQ=MONTHLY;BYDAY=0MO",
            "`0MO` in BYDAY: use MO, TU, WE, TH, FR, SA and SU, with MONTHLY and YEARLY also numbered: 1MO to 53MO, -1MO to -53MO",
        ),
        ("FREQ=DAILY;UNTIL=soon", "`soon` in UNTIL: use a time in UTC such as 20261231T235959Z"),
        (
            "FREQ=DAILY;BYHUOR=9",
            "`BYHUOR` is no part of a rule (perhaps BYHOUR); use FREQ, INTERVAL, COUNT, UNTIL, WKST, BYSECOND, BYMINUTE, BYHOUR, \
             BYDAY, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYMONTH and BYSETPOS",
        ),
        ("FREQ=DAILY;BYHOUR=9;BYHOUR=10", "BYHOUR is given twice; give it once (values are separated by commas)"),
        ("FREQ=DAILY;", "`` is no part of a rule; write NAME=VALUE, with `;` between the parts"),
        ("INTERVAL=2", "FREQ is missing; use YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231T000000Z", "COUNT does not go with UNTIL; give one of them"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS does not go with FREQ=DAILY alone; give another BY part, from whose times it chooses"),
        ("FREQ=MONTHLY;BYWEEKNO=20", "BYWEEKNO does not go with FREQ=MONTHLY; use FREQ=YEARLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY does not go with FREQ=WEEKLY; use FREQ=MONTHLY, or BYDAY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY does not go with FREQ=MONTHLY; use FREQ=YEARLY"),
        (
            "FREQ=WEEKLY;BYDAY=1MO",
            "BYDAY with a number does not go with FREQ=WEEKLY; use weekdays without a number, or FREQ=MONTHLY or FREQ=YEARLY",
        ),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYDAY with a number does not go with BYWEEKNO; use weekdays without a number"),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "this rule would never fire: there is no time at which BYMONTH=2 and BYMONTHDAY=30 hold together; change or leave out one of them",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
            "this rule would never fire: there is no time at which BYDAY=MO and BYSETPOS=6 hold together; change or leave out one of them",
        ),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
        assert_eq!(refusal(&format!("{START}RRULE:{text}")), expected, "{text}");
    }
}

#[test]
fn a_refusal_of_a_property_says_what_would_be_accepted() {
    for (text, expected) in [
        ("", "there is no RRULE; write one such as RRULE:FREQ=DAILY (single times need none: use the schedule's `at`)"),
        (
            "RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY",
            "there are several RRULE lines, and RFC 5545 leaves open what that means; give each a spec of its own in `specs`",
        ),
        ("DTSTART:20260105T090000\nDTSTART:20260105T090000\nRRULE:FREQ=DAILY", "there are several DTSTART lines; give one"),
        (
            "RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY",
            "EXRULE is no longer part of iCalendar (RFC 5545); list the times in EXDATE, or use the schedule's `exclude`",
        ),
        ("BEGIN:VEVENT", "`BEGIN` does not belong here; use DTSTART, RRULE, RDATE and EXDATE, each on a line of its own"),
        ("every day", "`every day` is no property; write lines such as DTSTART;TZID=Europe/Berlin:20260105T090000 and RRULE:FREQ=DAILY"),
        (
            "DTSTART;TZID=Europe/Berln:20260105T090000",
            "TZID in DTSTART: `Europe/Berln` is no IANA time zone; the nearest is `Europe/Berlin`",
        ),
        ("DTSTART;VALUE=PERIOD:20260105", "`VALUE=PERIOD` in DTSTART: use VALUE=DATE or VALUE=DATE-TIME"),
        ("RRULE;X=1:FREQ=DAILY", "`X=1` in RRULE: use no parameter here"),
        ("DTSTART:20260105", "`20260105` in DTSTART: use a time such as 20260105T090000, or VALUE=DATE"),
        (
            "DTSTART:20260230T090000",
            "`20260230T090000` in DTSTART: use a time that exists, such as 20260105T090000, or 20260105T090000Z in UTC",
        ),
        ("DTSTART;TZID=UTC:20260105T090000Z", "`20260105T090000Z` in DTSTART: use a time without Z, for TZID says of which zone it is"),
        ("DTSTART;VALUE=DATE:20260105T090000", "`20260105T090000` in DTSTART: use a day that exists, such as 20260105"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn until_exdate_and_rdate_are_of_the_kind_of_dtstart() {
    for (start, until, expected) in [
        (
            "DTSTART;TZID=Europe/Berlin:20260105T090000",
            "20261231T000000",
            "`20261231T000000` in UNTIL: use a time in UTC such as 20261231T235959Z",
        ),
        ("DTSTART:20260105T090000Z", "20261231", "`20261231` in UNTIL: use a time in UTC such as 20261231T235959Z"),
        (
            "DTSTART:20260105T090000",
            "20261231T000000Z",
            "`20261231T000000Z` in UNTIL: use a local time such as 20261231T235959, as DTSTART is one",
        ),
        ("DTSTART;VALUE=DATE:20260105", "20261231T000000Z", "`20261231T000000Z` in UNTIL: use a day such as 20261231, as DTSTART is a day"),
    ] {
        assert_eq!(refusal(&format!("{start}\nRRULE:FREQ=DAILY;UNTIL={until}")), expected);
    }
    assert_eq!(refusal("FREQ=DAILY;UNTIL=20261231"), "`20261231` in UNTIL: use a time in UTC such as 20261231T235959Z");
    let day_beside_time = refusal(&format!("{START}RRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:20260106"));
    assert_eq!(day_beside_time, "`VALUE=DATE` in EXDATE: use times, as DTSTART is no day but a time");
    let time_beside_day = refusal("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY\nRDATE:20260106T090000");
    assert_eq!(time_beside_day, "`a time` in RDATE: use VALUE=DATE, as DTSTART is a day");
}

#[test]
fn a_day_has_no_time_of_day() {
    for part in ["FREQ=DAILY;BYHOUR=9", "FREQ=DAILY;BYMINUTE=9", "FREQ=DAILY;BYSECOND=9", "FREQ=HOURLY"] {
        let expected = "does not go with a DTSTART that is a day; give DTSTART a time: DTSTART:20260105T090000";
        assert!(refusal(&format!("DTSTART;VALUE=DATE:20260105\nRRULE:{part}")).ends_with(expected), "{part}");
    }
}

#[test]
fn a_rule_that_cannot_fire_from_its_dtstart_on_is_refused() {
    let weekly = "DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;INTERVAL=7;BYDAY=TU";
    assert!(matches!(Rrule::parse(weekly), Err(RruleError::NeverFires { .. })));
    let over = refusal("DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;UNTIL=20260101T000000Z");
    assert_eq!(over, "this rule would never fire: it has no time from DTSTART up to UNTIL=20260101T000000Z; use a later one");
    // That 05:00 never comes every 24 hours after 04:00 is not proved, but no search would find it.
    let rare = "DTSTART:20260105T040000Z\nRRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5";
    assert!(matches!(Rrule::parse(rare), Err(RruleError::TooRare { .. })));
    // In a zone that changes its clocks it does come.
    assert!(Rrule::parse(&rare.replace("DTSTART:20260105T040000Z", "DTSTART;TZID=Europe/Berlin:20260105T040000")).is_ok());
}

#[test]
fn a_rule_has_one_start_and_no_fraction_of_a_second() {
    let start = at("2026-01-05T09:00:00Z");
    let own = Rrule::parse(&format!("{START}RRULE:FREQ=DAILY")).unwrap();
    assert_eq!(own.with_start(start), Err(RruleError::TwoStarts));
    let bare = Rrule::parse("FREQ=DAILY").unwrap();
    assert!(bare.needs_start());
    assert_eq!(bare.next_after(&jiff::tz::TimeZone::UTC, start), Ok(None));
    let fine = at("2026-01-05T09:00:00.500Z");
    assert_eq!(bare.clone().with_start(fine), Err(RruleError::StartTooFine(fine)));
    assert_eq!(bare.with_start(start).unwrap().given_start(), Some(start));
}

#[test]
fn long_texts_are_refused_and_quoted_in_part() {
    let long = format!("FREQ=DAILY;BYHOUR={}", "1".repeat(20_000));
    assert_eq!(refusal(&long), "a recurrence rule is at most 16384 bytes long, but 20018 were found");
    assert!(refusal(&format!("FREQ=DAILY;BYHOUR={}", "1".repeat(10_000))).len() < 200);
    assert!(refusal(&format!("DTSTART;TZID={}:20260105T090000", "x".repeat(10_000))).len() < 200);
}
