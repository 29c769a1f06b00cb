//! How long the next time of a recurrence rule takes to find, side by side with the crate rrule where it answers the same
//! question: `cargo bench -p belfry-core --bench rrule`.
//!
//! That crate always walks from DTSTART. So it is asked two things: the first time after one of many instants within two
//! years of DTSTART, and the first hundred times.

mod instants;

use std::hint::black_box;
use std::iter::successors;

use belfry_core::spec::rrule::Rrule;
use belfry_core::time::{UnixMillis, Zone};
use chrono::TimeZone as _;
use criterion::{Criterion, criterion_group, criterion_main};
use instants::{START, instants};
use rrule::{RRuleSet, Tz};

const RULES: [(&str, &str); 9] = [
    ("daily", "FREQ=DAILY"),
    ("weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    ("every_other_week", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU"),
    ("last_friday", "FREQ=MONTHLY;BYDAY=-1FR"),
    ("last_weekday", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    ("friday_the_13th", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"),
    ("yearly_week_20", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO"),
    ("hourly", "FREQ=HOURLY;INTERVAL=3"),
    ("working_hours", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16"),
];

/// What the other crate takes too long for.
const HARD: [(&str, &str); 6] = [
    ("years_leap_day_on_monday", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"),
    ("one_day_a_year_of_daily", "FREQ=DAILY;BYMONTH=12;BYMONTHDAY=31"),
    ("one_day_a_year_of_secondly", "FREQ=SECONDLY;BYYEARDAY=-1;BYHOUR=0;BYMINUTE=0;BYSECOND=0"),
    ("every_7_minutes_at_nine", "FREQ=MINUTELY;INTERVAL=7;BYHOUR=9;BYMINUTE=0"),
    ("all_parts_of_a_year", "FREQ=YEARLY;BYMONTH=1,6,12;BYWEEKNO=1,23,24,52,-1;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,17;BYSETPOS=1,5,-1"),
    ("positions_of_all_seconds_of_an_hour", "FREQ=HOURLY;BYMINUTE=0,10,20,30,40,50;BYSECOND=0,10,20,30,40,50;BYSETPOS=-1"),
];

/// Asked after their last time but one.
const COUNTS: [(&str, &str, &str); 3] = [
    ("daily", "FREQ=DAILY;COUNT=10000", "2053-05-16T12:00:00Z"),
    ("weekdays_twice", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,17;COUNT=10000", "2045-02-27T12:00:00Z"),
    ("hours_of_the_day", "FREQ=HOURLY;BYHOUR=9,10,11,12;COUNT=10000", "2032-11-03T12:00:00Z"),
];

fn text(rule: &str) -> String {
    format!("DTSTART;TZID=Europe/Berlin:20260101T090000\nRRULE:{rule}")
}

fn ours(rule: &str) -> Rrule {
    Rrule::parse(&text(rule)).expect("it is a rule")
}

fn next_after(c: &mut Criterion) {
    let zone = Zone::utc();
    for (name, rule) in RULES {
        let mut group = c.benchmark_group(format!("rrule_next/{name}"));
        let ours = ours(rule);
        let mut at = instants();
        group.bench_function("belfry", |b| b.iter(|| ours.next_after(zone.rules(), UnixMillis::saturating(black_box(at())))));
        let bare = Rrule::parse(rule).and_then(|rule| rule.with_start(UnixMillis::saturating(START))).expect("it is a rule");
        let berlin = Zone::named("Europe/Berlin").expect("the bundled database has it");
        group.bench_function("belfry, start beside it", |b| {
            b.iter(|| bare.next_after(berlin.rules(), UnixMillis::saturating(black_box(at()))))
        });
        let theirs: RRuleSet = text(rule).parse().expect("it reads it");
        group.sample_size(10);
        group.bench_function("rrule", |b| {
            b.iter(|| {
                let after = Tz::UTC.timestamp_millis_opt(black_box(at())).single().expect("it is an instant");
                theirs.clone().after(after).all(1).dates
            })
        });
    }
}

fn first_hundred(c: &mut Criterion) {
    let zone = Zone::utc();
    for (name, rule) in RULES {
        let mut group = c.benchmark_group(format!("rrule_first_100/{name}"));
        let ours = ours(rule);
        group.bench_function("belfry", |b| {
            b.iter(|| {
                let next = |after: &UnixMillis| ours.next_after(zone.rules(), *after).expect("it is found");
                successors(next(&UnixMillis::EPOCH), next).take(black_box(100)).last()
            })
        });
        let theirs: RRuleSet = text(rule).parse().expect("it reads it");
        group.bench_function("rrule", |b| b.iter(|| theirs.into_iter().take(black_box(100)).last()));
    }
}

fn hard(c: &mut Criterion) {
    let zone = Zone::utc();
    let mut group = c.benchmark_group("rrule_hard");
    for (name, rule) in HARD {
        let ours = ours(rule);
        let mut at = instants();
        group.bench_function(name, |b| b.iter(|| ours.next_after(zone.rules(), UnixMillis::saturating(black_box(at())))));
    }
    let mut at = instants();
    let daily = ours("FREQ=DAILY");
    group.bench_function("previous_of_daily", |b| {
        b.iter(|| daily.previous_before(zone.rules(), UnixMillis::saturating(black_box(at() + 86_400_000))))
    });
    let rare = Rrule::parse("DTSTART:20260105T040000\nRRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5").expect("it is a rule");
    group.bench_function("given_up", |b| b.iter(|| rare.next_after(zone.rules(), UnixMillis::saturating(black_box(START)))));
}

fn counts(c: &mut Criterion) {
    let zone = Zone::named("Europe/Berlin").expect("the bundled database has it");
    let mut group = c.benchmark_group("rrule_end_of_10000");
    for (name, rule, after) in COUNTS {
        let after = UnixMillis::parse_exact(after).expect("it is an instant");
        let own = ours(rule);
        group.bench_function(format!("{name}/DTSTART"), |b| b.iter(|| own.next_after(zone.rules(), black_box(after))));
        let bare = Rrule::parse(rule).and_then(|rule| rule.with_start(UnixMillis::saturating(START))).expect("it is a rule");
        group.bench_function(format!("{name}/start beside it"), |b| b.iter(|| bare.next_after(zone.rules(), black_box(after))));
        group.bench_function(format!("{name}/parse"), |b| b.iter(|| ours(black_box(rule))));
    }
    group.bench_function("no count/parse", |b| b.iter(|| ours(black_box("FREQ=DAILY"))));
}

criterion_group!(benches, next_after, first_hundred, hard, counts);
criterion_main!(benches);
