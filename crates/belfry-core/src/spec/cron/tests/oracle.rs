//! The engine against [`Naive`], around the changes of thirty zones' clocks from 2000 to 2045.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::{Cron, CronRules, DayFields, Fold, Gap};
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

pub(super) const BY_MINUTE: [&str; 50] = [
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
    "0 0 L * *",
    "30 2 L,L-1,L-3 * *",
    "0,30 1-3 LW * *",
    "30 2 31W,28W 3,10 *",
    "0 0 1W,15W * *",
    "30 2 * * SUNL",
    "30 2 * * 0#5,0#4",
    "0-59/20 0-3 * * 0#1,SUN#2,7L",
    "*/20 * * * 6#2,0L",
    "0 3 L * 0L",
    "30 1 1W,LW * 0#1",
    "0 0 1-7 3,11 0",
    "30 2 25-31 3,10 SUN",
    "0 2,3 8-14,L 3 7#2,SUNL",
    "*/30 1-3 1-7,25-31 * SUN",
    "15 0 */2 * SUNL",
];

pub(super) const BY_SECOND: [&str; 8] = [
    "*/7 * * * * *",
    "10 30 * * * *",
    "0,30 0-59 2 * * *",
    "59 59 1,23 * * *",
    "5-15/5 0 0,3 * * *",
    "0-59 59 0-2 * * *",
    "30 30 2 * * SUN#1,SUNL 2000-2044/3,2007-2045",
    "0 0,30 0-3 * * ? 2001/2",
];

pub(super) fn every_rule() -> Vec<CronRules> {
    let mut rules = Vec::new();
    for gap in [Gap::Next, Gap::Skip, Gap::Shift] {
        for fold in [Fold::First, Fold::Second, Fold::Both] {
            for dom_dow in [DayFields::Or, DayFields::And] {
                rules.push(CronRules { gap, fold, dom_dow });
            }
        }
    }
    rules
}

pub(super) fn zone(name: &str) -> TimeZone {
    Zone::named(name).unwrap().rules().clone()
}

pub(super) fn changes(zone: &TimeZone) -> Vec<i64> {
    let [from, to] = ["2000-01-01T00:00:00Z", "2045-01-01T00:00:00Z"].map(|at| at.parse::<Timestamp>().unwrap());
    zone.following(from).take_while(|change| change.timestamp() < to).map(|change| change.timestamp().as_second()).collect()
}

/// A walk that an expression of the form of `text` needs.
pub(super) fn around(zone: &TimeZone, text: &str, change: i64) -> Vec<Clock> {
    if Naive::new(text).has_seconds() {
        walk(zone, change - 3700, change + 8000, 1)
    } else {
        walk(zone, change - 26 * 3600, change + 27 * 3600, 60)
    }
}

/// How often a walk with very many occurrences is compared at all of them.
const MOST_OCCURRENCES: usize = 200;

/// What fires on the walk must be what the engine finds after and before every occurrence, and from a sample of the
/// instants between: before and after each full second. Answers how many calls were compared.
pub(super) fn compare(text: &str, zone: &TimeZone, clocks: &[Clock], rules: CronRules) -> Result<usize, TestCaseError> {
    let (cron, naive) = (Cron::parse(text).unwrap(), Naive::new(text));
    let millis = |clock: &Clock| clock.at.as_millisecond();
    let expected: Vec<i64> = clocks.iter().filter(|clock| naive.fires(clock, rules)).map(millis).collect();
    let (start, end) = (millis(&clocks[0]), millis(clocks.last().unwrap()));
    let mut calls = 0;
    let mut check = |at: i64| {
        calls += 2;
        let instant = UnixMillis::saturating(at);
        let next = cron.next_after_with(zone, instant, rules).map(UnixMillis::get).filter(|found| *found <= end);
        let previous = cron.previous_before(zone, instant, rules).map(UnixMillis::get).filter(|found| *found >= start);
        let name = zone.iana_name();
        let after = expected.get(expected.partition_point(|time| *time <= at)).copied();
        prop_assert_eq!(next, after, "`{}` in {:?}, {:?}, after {}", text, name, rules, instant);
        let before = expected[..expected.partition_point(|time| *time < at)].last().copied();
        prop_assert_eq!(previous, before, "`{}` in {:?}, {:?}, before {}", text, name, rules, instant);
        Ok(())
    };
    let stride = expected.len().div_ceil(MOST_OCCURRENCES).max(1);
    for at in expected.iter().step_by(stride) {
        for at in [at - 1, *at, at + 1] {
            check(at)?;
        }
    }
    for clock in clocks.iter().step_by(clocks.len() / 12) {
        check(millis(clock))?;
        let shows = naive.matches(clock.local, rules.dom_dow);
        prop_assert_eq!(cron.shows(clock.local, rules), shows, "`{}` at {}", text, clock.local);
    }
    Ok(calls)
}

/// Some changes of thirty zones; `scripts/soak time` takes all changes of all zones.
#[test]
fn the_engine_agrees_with_a_walk_through_every_minute_or_second() {
    let (mut calls, mut walks) = (0, 0);
    let rules = every_rule();
    for (turn, name) in ZONES.iter().enumerate() {
        let zone = zone(name);
        let changes = changes(&zone);
        let stride = changes.len().div_ceil(5).max(1) | 1;
        for (round, change) in changes.iter().skip(turn % stride).step_by(stride).enumerate() {
            let minutes = around(&zone, BY_MINUTE[0], *change);
            for (index, text) in BY_MINUTE.iter().enumerate().skip((turn + round) % 3).step_by(3) {
                let rules = if index % 2 == 0 { CronRules::default() } else { rules[(turn + round + index) % rules.len()] };
                calls += compare(text, &zone, &minutes, rules).unwrap();
                walks += 1;
            }
            if round == 2 {
                let text = BY_SECOND[turn % BY_SECOND.len()];
                calls += compare(text, &zone, &around(&zone, text, *change), rules[turn % rules.len()]).unwrap();
                walks += 1;
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
    let special_day = prop_oneof![
        Just("L".to_owned()),
        Just("LW".to_owned()),
        (0..30).prop_map(|before| format!("L-{before}")),
        (1..=31).prop_map(|day| format!("{day}W")),
    ];
    let special_weekday =
        prop_oneof![(0..=7).prop_map(|day| format!("{day}L")), (0..=7, 1..=5).prop_map(|(day, week)| format!("{day}#{week}")),];
    let day = prop_oneof![4 => star(), 1 => field(1, 31), 1 => special_day.clone(), 1 => (field(1, 31), special_day).prop_map(both)];
    let weekday =
        prop_oneof![3 => star(), 1 => field(0, 7), 1 => special_weekday.clone(), 1 => (field(0, 7), special_weekday).prop_map(both)];
    let month = prop_oneof![4 => star(), 1 => field(1, 12)];
    (field(0, 59), hour, day, month, weekday)
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

fn both((a, b): (String, String)) -> String {
    format!("{a},{b}")
}

fn any_rules() -> impl Strategy<Value = CronRules> {
    prop::sample::select(every_rule())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_crons_agree_with_the_walk(
        text in any_cron(),
        name in prop::sample::select(&ZONES[..]),
        which in any::<prop::sample::Index>(),
        rules in any_rules(),
    ) {
        prop_assume!(Cron::parse(&text).is_ok());
        let zone = zone(name);
        let change = *which.get(&changes(&zone));
        compare(&text, &zone, &around(&zone, &text, change), rules)?;
    }

    #[test]
    fn occurrences_rise_and_nothing_lies_between_them(
        text in any_cron(),
        name in prop::sample::select(&ZONES[..]),
        start in 0..4_000_000_000_000_i64,
        part in 0.0..1.0_f64,
        rules in any_rules(),
    ) {
        prop_assume!(Cron::parse(&text).is_ok_and(|cron| cron.can_ever_fire(rules.dom_dow)));
        let (cron, zone) = (Cron::parse(&text).unwrap(), zone(name));
        let mut previous = UnixMillis::saturating(start);
        for round in 0..10 {
            // A time that the clocks always skip or pass twice may never fire by some rules.
            let Some(next) = cron.next_after_with(&zone, previous, rules) else { break };
            prop_assert!(next > previous && next.get() % 1000 == 0);
            let between = previous.get() + ((next.get() - previous.get() - 1) as f64 * part) as i64;
            for after in [between, next.get() - 1] {
                prop_assert_eq!(cron.next_after_with(&zone, UnixMillis::saturating(after), rules), Some(next));
            }
            if round > 0 {
                for before in [between + 1, next.get()] {
                    prop_assert_eq!(cron.previous_before(&zone, UnixMillis::saturating(before), rules), Some(previous));
                }
            }
            previous = next;
        }
    }

    /// A list fires when one of its items does, and only then: also across changes of clocks, where several lost times
    /// fire as one. Each item must be of the list's own kind, fixed-time or rhythm.
    #[test]
    fn a_list_is_the_union_of_its_items(
        (minute, hour, weekday) in (prop::collection::vec(0..60_u8, 1..4), prop::collection::vec(0..5_u8, 1..4), field(0, 7)),
        name in prop::sample::select(&ZONES[..]),
        which in any::<prop::sample::Index>(),
        rules in any_rules(),
    ) {
        let zone = zone(name);
        let from = UnixMillis::saturating((*which.get(&changes(&zone)) - 100_000) * 1000);
        let times = |text: String| {
            let cron = Cron::parse(&text).unwrap();
            let follow = |at: &UnixMillis| cron.next_after_with(&zone, *at, rules);
            std::iter::successors(follow(&from), follow).take(60).collect::<Vec<_>>()
        };
        let numbers = |values: &[u8]| values.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        let list = times(format!("{} {} * * {weekday}", numbers(&minute), numbers(&hour)));
        let mut union: Vec<UnixMillis> = Vec::new();
        for minute in &minute {
            for hour in &hour {
                union.extend(times(format!("{minute} {hour} * * {weekday}")));
            }
        }
        union.sort();
        union.dedup();
        prop_assert_eq!(&union[..list.len()], &list[..]);
    }
}
