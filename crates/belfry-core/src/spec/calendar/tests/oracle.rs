//! The engine against [`Naive`], and laws that hold for every rule.

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::all_calendars;
use super::naive::{Kind, Naive};
use crate::calendar::{BusinessDays, Calendars};
use crate::spec::calendar::{CalendarRule, CalendarSpecError, Setting};
use crate::spec::cron::{Fold, Gap};
use crate::time::{UnixMillis, Zone};

const ZONES: [&str; 15] = [
    "Europe/Berlin",
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "America/Havana",
    "Pacific/Kwajalein",
    "America/Scoresbysund",
    "Asia/Gaza",
    // Until 2011 its clocks changed at 00:01, from one day into another.
    "America/St_Johns",
];

const RULES: [(Gap, Fold); 5] =
    [(Gap::Next, Fold::First), (Gap::Skip, Fold::Second), (Gap::Shift, Fold::Both), (Gap::Next, Fold::Both), (Gap::Shift, Fold::Second)];

fn any_date() -> impl Strategy<Value = Date> {
    prop_oneof![
        4 => (0..366 * 40_i32).prop_map(|days| date(1990, 1, 1).checked_add(days.days()).unwrap()),
        // Days that Apia and Kwajalein lost, and the ends of years and Februaries.
        1 => prop::sample::select(&[(2011, 12, 30), (1993, 8, 21), (2024, 2, 29), (2026, 12, 31), (2028, 1, 1)][..])
            .prop_map(|(year, month, day)| date(year, month, day)),
    ]
}

fn any_kind() -> impl Strategy<Value = Kind> {
    let weekdays = |least| prop::collection::vec(0..7_usize, least..4);
    let months = |least| prop::collection::vec(1..=12_i8, least..6);
    let day = || prop_oneof![1..=31_i8, -31..=-1_i8, Just(31_i8), Just(-1_i8)];
    prop_oneof![
        (1..40_i32, any_date()).prop_map(|(every, from)| Kind::Days { every, from }),
        (1..6_i32, any_date(), weekdays(1)).prop_map(|(every, from, weekdays)| Kind::Weeks { every, from, weekdays }),
        (1..8_i32, any_date(), day(), any::<bool>()).prop_map(|(every, from, day, clamp)| Kind::Months { every, from, day, clamp }),
        (1..5_i32, any_date(), 0..6_usize, 0..7_usize).prop_map(|(every, from, nth, weekday)| Kind::MonthsNth {
            every,
            from,
            nth,
            weekday
        }),
        (months(0), prop::collection::vec(day(), 0..4), weekdays(0), prop::option::of((0..6_usize, 0..7_usize)))
            .prop_map(|(months, days, weekdays, nth)| Kind::Fields { months, days, weekdays, nth }),
        (months(1), prop_oneof![1..=23_i8, -23..=-1_i8]).prop_map(|(months, nth)| Kind::Business { months, nth }),
    ]
}

fn any_rule() -> impl Strategy<Value = Naive> {
    let times = prop::collection::vec(
        (prop_oneof![0..4_i8, 0..24_i8, Just(23_i8), Just(0_i8)], prop::sample::select(&[0_i8, 15, 30, 59][..])),
        1..4,
    );
    let on_holiday = prop::sample::select(&[None, Some("skip"), Some("previous"), Some("next")][..]);
    let calendar = prop::sample::select(&[None, Some("DE"), Some("company"), Some("every_day")][..]);
    (any_kind(), times, on_holiday, calendar).prop_map(|(kind, times, on_holiday, calendar)| {
        let business = matches!(kind, Kind::Business { .. });
        let on_holiday = on_holiday.filter(|_| !business);
        Naive { kind, times, on_holiday, calendar: calendar.filter(|_| business || on_holiday.is_some()) }
    })
}

struct Case {
    rule: CalendarRule,
    naive: Naive,
    zone: Zone,
    rules: (Gap, Fold),
    calendars: Calendars,
}

fn any_case() -> impl Strategy<Value = Case> {
    (any_rule(), prop::sample::select(&ZONES[..]), prop::sample::select(&RULES[..])).prop_filter_map(
        "never fires",
        |(naive, zone, rules)| {
            let rule = CalendarRule::parse(&naive.json()).ok()?;
            Some(Case { rule, naive, zone: Zone::named(zone).unwrap(), rules, calendars: all_calendars() })
        },
    )
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {:?}, {:?}", self.naive.json(), self.zone, self.rules)
    }
}

impl Case {
    fn setting(&self) -> Setting<'_> {
        Setting { zone: self.zone.rules(), gap: self.rules.0, fold: self.rules.1, calendars: &self.calendars }
    }

    fn business(&self) -> &BusinessDays {
        self.naive.calendar.map_or(BusinessDays::monday_to_friday(), |name| self.calendars.get(name).unwrap())
    }

    fn naive(&self, first: Date, last: Date) -> Vec<UnixMillis> {
        let found = self.naive.instants(first, last, self.business(), self.zone.rules(), self.rules);
        found.into_iter().map(UnixMillis::floor).collect()
    }

    fn next(&self, after: UnixMillis) -> Option<UnixMillis> {
        self.found(self.rule.next_after(self.setting(), after))
    }

    fn previous(&self, before: UnixMillis) -> Option<UnixMillis> {
        self.found(self.rule.previous_before(self.setting(), before))
    }

    /// A search whose budget is spent has passed over more than any walk here.
    fn found(&self, answer: Result<Option<UnixMillis>, CalendarSpecError>) -> Option<UnixMillis> {
        match answer {
            Err(CalendarSpecError::BudgetSpent) => None,
            other => other.unwrap_or_else(|error| panic!("{self:?}: {error}")),
        }
    }
}

fn moved(at: UnixMillis, millis: i64) -> UnixMillis {
    UnixMillis::saturating(at.get() + millis)
}

/// Forwards and backwards through half a year, the engine finds what the walk finds.
fn agrees(case: &Case, around: Date) -> Result<(), TestCaseError> {
    let edge = |days: i32| -> UnixMillis {
        let day = around.checked_add(days.days()).unwrap();
        UnixMillis::floor(day.to_zoned(case.zone.rules().clone()).unwrap().timestamp())
    };
    let (first, last) = (edge(-90), edge(90));
    let mut expected = case.naive(around.checked_sub(95.days()).unwrap(), around.checked_add(95.days()).unwrap());
    expected.retain(|at| (first..last).contains(at));
    let steps = |from: UnixMillis, step: &dyn Fn(UnixMillis) -> Option<UnixMillis>| -> Vec<UnixMillis> {
        std::iter::successors(step(from), |at| step(*at)).take_while(|at| (first..last).contains(at)).collect()
    };
    prop_assert_eq!(&steps(moved(first, -1), &|at| case.next(at)), &expected, "{:?} around {}", case, around);
    expected.reverse();
    prop_assert_eq!(&steps(last, &|at| case.previous(at)), &expected, "{:?} around {}, backwards", case, around);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_rules_agree_with_a_walk_over_every_day(case in any_case(), around in any_date()) {
        agrees(&case, around)?;
    }

    #[test]
    fn around_changes_of_clocks_random_rules_agree_with_the_walk(case in any_case(), from in 631_152_000..2_300_000_000_i64) {
        let from = Timestamp::from_second(from).unwrap();
        let Some(change) = case.zone.rules().following(from).next() else { return Ok(()) };
        agrees(&case, case.zone.rules().to_datetime(change.timestamp()).date())?;
    }

    #[test]
    fn occurrences_rise_and_nothing_lies_between_them(case in any_case(), start in 631_152_000_000..2_300_000_000_000_i64, part in 0.0..1.0_f64) {
        let mut last = UnixMillis::saturating(start);
        for _ in 0..6 {
            let Some(next) = case.next(last) else { break };
            prop_assert!(next > last && next.get() % 1000 == 0);
            let between = moved(last, ((next.get() - last.get() - 1) as f64 * part) as i64);
            for after in [between, moved(next, -1)] {
                prop_assert_eq!(case.next(after), Some(next), "{:?} after {}", case, after);
            }
            prop_assert_eq!(case.previous(moved(next, 1)), Some(next));
            last = next;
        }
    }

    #[test]
    fn next_and_previous_undo_each_other(case in any_case(), start in 631_152_000_000..2_300_000_000_000_i64) {
        let Some(first) = case.next(UnixMillis::saturating(start)) else { return Ok(()) };
        if let Some(second) = case.next(first) {
            prop_assert_eq!(case.previous(second), Some(first), "{:?}", case);
        }
        if let Some(before) = case.previous(first) {
            prop_assert!(before < first);
            prop_assert_eq!(case.next(before), Some(first), "{:?}", case);
        }
    }

    #[test]
    fn a_rule_that_was_written_is_the_same_when_it_is_read(case in any_case()) {
        let text = serde_json::to_string(&case.rule).unwrap();
        prop_assert_eq!(&serde_json::from_str::<CalendarRule>(&text).unwrap(), &case.rule);
        prop_assert!(!case.rule.describe().contains("  "), "{}", case.rule.describe());
    }
}
