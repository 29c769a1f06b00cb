//! Far searches, ends, and what is written down of a rule.

use jiff::tz::TimeZone;

use super::{at, instants, rule, times};
use crate::spec::rrule::Rrule;
use crate::time::{UnixMillis, Zone};

#[test]
fn the_29th_of_february_is_found_across_a_century_without_one() {
    let leap = rule("DTSTART:20960229T000000Z\nRRULE:FREQ=YEARLY");
    assert_eq!(times(&leap, "UTC", "2096-02-29T00:00:00Z", 1), ["2104-02-29T00:00:00+00:00"]);
    let monday = rule("DTSTART:20260101T090000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO");
    assert_eq!(times(&monday, "UTC", "2080-01-01T00:00:00Z", 1), ["2112-02-29T09:00:00+00:00"]);
}

#[test]
fn a_count_ends_where_it_ends_whatever_is_asked() {
    let counted = rule("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;BYHOUR=0,12;COUNT=10000");
    assert_eq!(times(&counted, "UTC", "2039-09-08T12:00:00Z", 5), ["2039-09-09T00:00:00+00:00", "2039-09-09T12:00:00+00:00"]);
    let all = instants(&counted, &Zone::utc(), UnixMillis::EPOCH, 20_000);
    assert_eq!(all.len(), 10_000);
    assert!(counted.ends() && !rule("FREQ=DAILY").ends());
}

#[test]
fn a_count_is_the_same_with_a_start_given_beside_the_rule() {
    let zone = Zone::named("Europe/Berlin").unwrap();
    for text in [
        "FREQ=DAILY;BYHOUR=2,3;COUNT=500",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1,20;COUNT=77",
        "FREQ=HOURLY;BYHOUR=1,2,3;BYMINUTE=0,30;COUNT=900",
        "FREQ=MINUTELY;INTERVAL=50;COUNT=333",
    ] {
        let own = rule(&format!("DTSTART;TZID=Europe/Berlin:20260105T090000\nRRULE:{text}"));
        let given = rule(text).with_start(at("2026-01-05T08:00:00Z")).unwrap();
        let all = instants(&own, &zone, UnixMillis::EPOCH, 2000);
        assert_eq!(all, instants(&given, &zone, UnixMillis::EPOCH, 2000), "{text}");
    }
}

#[test]
fn positions_named_from_both_ends_count_once() {
    let both = rule("DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;BYHOUR=1,2,3;BYSETPOS=1,-3,-1;COUNT=3");
    let expected = ["2026-01-01T01:00:00+00:00", "2026-01-01T03:00:00+00:00", "2026-01-02T01:00:00+00:00"];
    assert_eq!(times(&both, "UTC", "2025-01-01T00:00:00Z", 9), expected);
}

#[test]
fn a_week_without_a_day_means_the_weekday_of_dtstart() {
    let weeks = rule("DTSTART:20260107T090000Z\nRRULE:FREQ=YEARLY;BYWEEKNO=20");
    assert_eq!(times(&weeks, "UTC", "2026-01-01T00:00:00Z", 2), ["2026-05-13T09:00:00+00:00", "2027-05-19T09:00:00+00:00"]);
}

#[test]
fn numbered_and_plain_weekdays_stand_side_by_side() {
    let both = rule("DTSTART:20260101T090000Z\nRRULE:FREQ=MONTHLY;BYDAY=MO,1TU,-1TU");
    let days: Vec<String> = times(&both, "UTC", "2026-01-01T00:00:00Z", 6).iter().map(|time| time[5..10].to_owned()).collect();
    assert_eq!(days, ["01-05", "01-06", "01-12", "01-19", "01-26", "01-27"]);
}

#[test]
fn the_set_of_the_first_week_begins_with_the_week() {
    // Thursday: the week's first time, Monday, is over.
    let first = rule("DTSTART:20260101T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1");
    assert_eq!(times(&first, "UTC", "2025-01-01T00:00:00Z", 1), ["2026-01-05T09:00:00+00:00"]);
}

#[test]
fn a_dtstart_that_does_not_match_is_not_a_time_and_not_counted() {
    let mondays = rule("DTSTART:20260101T090000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2");
    assert_eq!(times(&mondays, "UTC", "2025-01-01T00:00:00Z", 9), ["2026-01-05T09:00:00+00:00", "2026-01-12T09:00:00+00:00"]);
}

#[test]
fn a_search_that_is_given_up_is_not_an_end() {
    // Without a zone in its text, whether it ever fires is seen only here.
    let rare = rule("DTSTART:20260105T040000\nRRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5");
    let error = rare.next_after(&TimeZone::UTC, at("2026-01-01T00:00:00Z")).unwrap_err();
    assert_eq!(error.to_string(), "no time was found within the 50000 steps that a search may take; use a rule that fires more often");
}

#[test]
fn the_calendar_ends_and_so_do_rules() {
    let zone = Zone::utc();
    let last = at("9999-12-01T00:00:00Z");
    for text in
        ["FREQ=YEARLY", "FREQ=MONTHLY", "FREQ=WEEKLY;INTERVAL=60", "FREQ=DAILY;INTERVAL=4000000000", "FREQ=HOURLY;INTERVAL=4000000000"]
    {
        let rule = rule(&format!("DTSTART:99990101T000000Z\nRRULE:{text}"));
        let all = instants(&rule, &zone, last, 1000);
        assert!(all.len() < 1000, "{text}");
    }
    let daily = rule("DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY");
    assert_eq!(daily.next_after(&TimeZone::UTC, UnixMillis::saturating(i64::MAX)), Ok(None));
    assert_eq!(daily.next_after(&TimeZone::UTC, UnixMillis::saturating(i64::MIN)).unwrap().unwrap().to_string(), "0001-01-01T00:00:00Z");
}

#[test]
fn the_text_is_kept_and_read_again() {
    let text = "dtstart;tzid=\"europe/berlin\":20260105T090000\r\nrrule:freq=weekly;\r\n byday=mo,we\r\n\r\nEXDATE:20260107T080000Z";
    let rule = rule(&format!("  {text}\n"));
    assert_eq!(rule.text(), text);
    let json = serde_json::to_string(&rule).unwrap();
    assert_eq!(serde_json::from_str::<Rrule>(&json).unwrap(), rule);
    let expected = ["2026-01-05T09:00:00+01:00", "2026-01-12T09:00:00+01:00"];
    assert_eq!(times(&rule, "Europe/Berlin", "2026-01-01T00:00:00Z", 2), expected);
}

#[test]
fn a_rule_is_described_as_it_fires() {
    let berlin = Zone::named("Europe/Berlin").unwrap();
    for (text, expected) in [
        ("FREQ=DAILY", "every day at 09:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU", "every 2 weeks on Monday and Friday (weeks begin on Sunday) at 09:00"),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "every month on the last Friday of the month at 09:00, 3 times"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15,-1", "every month on the 1st, 15th and last day of the month at 09:00"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on Friday, only if on the 13th day of the month at 09:00"),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "every 4 years on Tuesday, only if on the 2nd to 8th day of the month, only in November at 09:00",
        ),
        ("FREQ=YEARLY;BYWEEKNO=20,-1;BYDAY=MO", "every year on Monday, only in the 20th and last week of the year at 09:00"),
        ("FREQ=YEARLY;BYYEARDAY=100,-1", "every year on day 100 of the year and day 1 from the end of the year at 09:00"),
        ("FREQ=YEARLY;BYDAY=20MO", "every year on the 20th Monday of the year at 09:00"),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "every month on Monday to Friday at 09:00, of these only the 2nd-to-last in each month",
        ),
        ("FREQ=DAILY;BYMONTH=1;UNTIL=20261231T000000Z", "every day, only in January at 09:00, until 2026-12-31 00:00 UTC"),
        ("FREQ=DAILY;BYHOUR=9,10,11,12;BYMINUTE=0,30", "every day at minutes 0 and 30 of hours 9 to 12"),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11", "every 20 minutes at hours 9 to 11"),
        ("FREQ=HOURLY;BYDAY=SA,SU;BYMINUTE=0,30", "every hour, only if on Saturday and Sunday at minutes 0 and 30"),
    ] {
        let given = rule(text).with_start(at("2026-01-05T08:00:00Z")).unwrap();
        let (head, tail) =
            given.describe(berlin.rules()).split_once(", from 2026-01-05 09:00").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(head + &tail, expected, "{text}");
    }
    let own = rule("DTSTART;TZID=Asia/Tokyo:20260105T090030\nRRULE:FREQ=DAILY;COUNT=1\nRDATE:20270105T090000\nEXDATE:20260105T090030");
    let expected = "every day at 09:00:30, from 2026-01-05 09:00:30 (Asia/Tokyo), once, and at 1 time of its own, except at 1 time";
    assert_eq!(own.describe(berlin.rules()), expected);
    assert_eq!(rule("FREQ=DAILY").describe(berlin.rules()), "every day");
}
