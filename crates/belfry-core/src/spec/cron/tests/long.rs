//! The engine against [`Naive`](super::naive::Naive) around every change of every zone's clocks from 2000 to 2045, by all
//! rules: `scripts/soak time`.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::super::Cron;
use super::naive::Clock;
use super::oracle::{BY_MINUTE, BY_SECOND, around, changes, compare, every_rule};

/// By rule and change, of the table in turn.
const FROM_TABLE: usize = 2;

#[test]
#[ignore = "minutes long: scripts/soak time"]
fn every_change_of_every_zone_by_every_rule() {
    let database = TimeZoneDatabase::bundled();
    let names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    let [turn, seen, walks, calls] = [const { AtomicUsize::new(0) }; 4];
    let work = || {
        while let Some(name) = names.get(turn.fetch_add(1, Ordering::Relaxed)) {
            let zone = database.get(name).unwrap();
            for (index, change) in changes(&zone).into_iter().enumerate() {
                let (more_walks, more_calls) = around_change(&zone, change, index + name.len());
                walks.fetch_add(more_walks, Ordering::Relaxed);
                calls.fetch_add(more_calls, Ordering::Relaxed);
                seen.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let [seen, walks, calls] = [seen, walks, calls].map(AtomicUsize::into_inner);
    println!("{} zones, {seen} changes of clocks, {walks} walks, {calls} calls compared", names.len());
    assert!(names.len() > 500 && seen > 15_000 && calls > 100_000_000);
}

fn around_change(zone: &TimeZone, change: i64, turn: usize) -> (usize, usize) {
    let minutes = around(zone, BY_MINUTE[0], change);
    let aimed = aimed_at(zone, change);
    let (mut walks, mut calls) = (0, 0);
    let mut one = |text: &str, clocks: &[Clock], rules| {
        walks += 1;
        calls += compare(text, zone, clocks, rules).unwrap();
    };
    for (index, rules) in every_rule().into_iter().enumerate() {
        for round in 0..FROM_TABLE {
            one(BY_MINUTE[(turn * 7 + index * FROM_TABLE + round) % BY_MINUTE.len()], &minutes, rules);
        }
        one(&aimed[(turn + index) % aimed.len()], &minutes, rules);
    }
    let text = BY_SECOND[turn % BY_SECOND.len()];
    one(text, &around(zone, text, change), every_rule()[turn % 18]);
    (walks, calls)
}

/// Expressions for the very times that the change loses or repeats.
fn aimed_at(zone: &TimeZone, change: i64) -> Vec<String> {
    let at = |second| zone.to_offset(Timestamp::from_second(second).unwrap());
    let (before, after) = (at(change - 1), at(change));
    let local = before.min(after).to_datetime(Timestamp::from_second(change).unwrap());
    let [minute, hour, day, month] = [local.minute(), local.hour(), local.day(), local.month()];
    let weekday = local.weekday().to_sunday_zero_offset();
    let (next_hour, later) = ((hour + 1) % 24, (minute + 29) % 60);
    let texts = [
        format!("{minute} {hour} * * *"),
        format!("{later} {hour} * * *"),
        format!("{minute},{later} {hour},{next_hour} * * *"),
        format!("*/15 {hour} * * *"),
        format!("{minute} */{} * * *", hour.max(1)),
        format!("0-59 {hour} {day} {month} *"),
        format!("0-59/7 {hour},{next_hour} * {month} {weekday}"),
        format!("{later} {hour} {day}W,L * {weekday}L"),
        format!("{minute},{later} {hour} {day} {month} {weekday}#{}", (day - 1) / 7 + 1),
        format!("{minute}/10 {hour} {day} {month} *"),
    ];
    texts.into_iter().filter(|text| Cron::parse(text).is_ok()).collect()
}
