//! The engine against [`Naive`], around the changes of thirty zones' clocks from 2000 to 2045.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::{ClockChanges, Cron, Fold, Gap};
use super::naive::{Clock, Naive, walk};
use crate::time::{UnixMillis, Zone};

const ZONES: [&str; 30] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Europe/London",
    "America/Sao_Paulo",
    "America/Asuncion",
    "America/Havana",
    "America/St_Johns",
    "America/Caracas",
    "America/Nuuk",
    "America/Scoresbysund",
    "Asia/Tehran",
    "Asia/Amman",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "America/Mexico_City",
    "Asia/Novosibirsk",
    "Pacific/Chatham",
    "Pacific/Fakaofo",
    "Pacific/Norfolk",
    "Antarctica/Casey",
    "Europe/Istanbul",
    "Atlantic/Azores",
];

const BY_MINUTE: [&str; 34] = [
    "* * * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 * * * *",
    "7/20 * * * *",
    "*/30 1-3 * * *",
    "45 */2 * * *",
    "0 0/3 * * *",
    "0 0 * * *",
    "30 0 * * *",
    "15 1 * * *",
    "30 1 * * *",
    "0 2 * * *",
    "15 2 * * *",
    "30 2 * * *",
    "59 2 * * *",
    "0 3 * * *",
    "30 23 * * *",
    "0,30 2 * * *",
    "0-59 2 * * *",
    "0-59 0-23 * * *",
    "0,20,40 0-3 * * *",
    "10-50/20 1-3 * * *",
    "0 2,3 * * *",
    "0 1,2 * * 0",
    "30 0 * * SUN",
    "0 0 1,15 * FRI",
    "0 0 * * FRI-SUN",
    "30 2 25-31 3,10 *",
    "30 1 */2 * 0",
    "0 9 * * MON-FRI",
    "0 0 30 12 *",
    "30 2 */2 * *",
    "5 4 1-7 * SAT",
];

const BY_SECOND: [&str; 6] =
    ["*/7 * * * * *", "10 30 * * * *", "0,30 0-59 2 * * *", "59 59 1,23 * * *", "5-15/5 0 0,3 * * *", "0-59 59 0-2 * * *"];

const RULES: [(Gap, Fold); 5] =
    [(Gap::Next, Fold::First), (Gap::Skip, Fold::Second), (Gap::Shift, Fold::Both), (Gap::Next, Fold::Both), (Gap::Shift, Fold::First)];

fn zone(name: &str) -> TimeZone {
    Zone::named(name).unwrap().rules().clone()
}

fn changes(zone: &TimeZone) -> Vec<i64> {
    let [from, to] = ["2000-01-01T00:00:00Z", "2045-01-01T00:00:00Z"].map(|at| at.parse::<Timestamp>().unwrap());
    zone.following(from).take_while(|change| change.timestamp() < to).map(|change| change.timestamp().as_second()).collect()
}

fn around(zone: &TimeZone, naive: &Naive, change: i64) -> Vec<Clock> {
    if naive.has_seconds() { walk(zone, change - 3700, change + 8000, 1) } else { walk(zone, change - 26 * 3600, change + 27 * 3600, 60) }
}

/// What fires on the walk must be what the engine finds after every occurrence, and from a sample of the instants
/// between: before and after each full second. Answers how many calls were compared.
fn compare(text: &str, zone: &TimeZone, clocks: &[Clock], rule: (Gap, Fold)) -> Result<usize, TestCaseError> {
    let (cron, naive) = (Cron::parse(text).unwrap(), Naive::new(text));
    let changes = ClockChanges { gap: rule.0, fold: rule.1 };
    let millis = |clock: &Clock| clock.at.as_millisecond();
    let expected: Vec<i64> = clocks.iter().filter(|clock| naive.fires(clock, zone, changes)).map(millis).collect();
    let end = millis(clocks.last().unwrap());
    let mut calls = 0;
    let mut check = |after: i64, expected: Option<&i64>| {
        calls += 1;
        let found = cron.next_after_with(zone, UnixMillis::saturating(after), changes).map(UnixMillis::get);
        let found = found.filter(|found| *found <= end);
        let name = zone.iana_name();
        prop_assert_eq!(found, expected.copied(), "`{}` in {:?}, {:?}, after {}", text, name, rule, UnixMillis::saturating(after));
        Ok(())
    };
    let first = clocks.first().map(millis).unwrap();
    let mut previous = first - 1;
    for (index, at) in expected.iter().enumerate() {
        check(previous, Some(at))?;
        check(at - 1, Some(at))?;
        previous = *at;
        if index > 200 {
            return Ok(calls);
        }
    }
    check(previous, None)?;
    for clock in clocks.iter().step_by(clocks.len() / 12) {
        let after = millis(clock) + 1;
        check(after, expected.iter().find(|at| **at > after))?;
    }
    Ok(calls)
}

#[test]
fn the_engine_agrees_with_a_walk_through_every_minute_or_second() {
    let (mut calls, mut walks) = (0, 0);
    for (turn, name) in ZONES.iter().enumerate() {
        let zone = zone(name);
        let changes = changes(&zone);
        let stride = changes.len().div_ceil(7).max(1) | 1;
        for (round, change) in changes.iter().skip(turn % stride).step_by(stride).enumerate() {
            let minutes = around(&zone, &Naive::new("0 0 * * *"), *change);
            for text in BY_MINUTE.iter().skip((turn + round) % 2).step_by(2) {
                calls += compare(text, &zone, &minutes, RULES[0]).unwrap();
                walks += 1;
            }
            let (other, text) = (RULES[1 + (turn + round) % 4], BY_MINUTE[(turn * 7 + round) % BY_MINUTE.len()]);
            calls += compare(text, &zone, &minutes, other).unwrap();
            if round == 2 {
                let text = BY_SECOND[turn % BY_SECOND.len()];
                calls += compare(text, &zone, &around(&zone, &Naive::new(text), *change), RULES[0]).unwrap();
            }
        }
    }
    println!("{walks} walks, {calls} calls compared");
    assert!(calls > 250_000, "the sample shrank to {calls} calls");
}

/// A field of `low..=high` in any form; small values of hours come often, for clocks change at night.
fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
    let item = (0..8, low..=high, low..=high, 1..=high.max(2) / 2).prop_map(move |(form, a, b, step)| {
        let (a, b) = (a.min(b), a.max(b));
        match form {
            0 => "*".to_owned(),
            1 => format!("*/{step}"),
            2 => format!("{a}/{step}"),
            3 => format!("{a}-{b}"),
            4 => format!("{a}-{b}/{step}"),
            _ => a.to_string(),
        }
    });
    prop::collection::vec(item, 1..3).prop_map(|items| items.join(","))
}

fn any_cron() -> impl Strategy<Value = String> {
    let star = || Just("*".to_owned());
    let hour = prop_oneof![field(0, 3), field(0, 23)];
    let day = prop_oneof![3 => star(), 1 => field(1, 31)];
    let weekday = prop_oneof![2 => star(), 1 => field(0, 7)];
    let month = prop_oneof![4 => star(), 1 => field(1, 12)];
    (field(0, 59), hour, day, month, weekday)
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_crons_agree_with_the_walk(
        text in any_cron(),
        name in prop::sample::select(&ZONES[..]),
        which in any::<prop::sample::Index>(),
        rule in prop::sample::select(&RULES[..]),
    ) {
        prop_assume!(Cron::parse(&text).is_ok());
        let zone = zone(name);
        let change = *which.get(&changes(&zone));
        compare(&text, &zone, &around(&zone, &Naive::new(&text), change), rule)?;
    }

    #[test]
    fn occurrences_rise_and_nothing_lies_between_them(
        text in any_cron(),
        name in prop::sample::select(&ZONES[..]),
        start in 0..4_000_000_000_000_i64,
        part in 0.0..1.0_f64,
    ) {
        prop_assume!(Cron::parse(&text).is_ok());
        let (cron, zone) = (Cron::parse(&text).unwrap(), zone(name));
        let mut previous = UnixMillis::saturating(start);
        for _ in 0..10 {
            let next = cron.next_after(&zone, previous).unwrap();
            prop_assert!(next > previous && next.get() % 1000 == 0);
            let between = previous.get() + ((next.get() - previous.get() - 1) as f64 * part) as i64;
            for after in [between, next.get() - 1] {
                prop_assert_eq!(cron.next_after(&zone, UnixMillis::saturating(after)), Some(next));
            }
            previous = next;
        }
    }
}
