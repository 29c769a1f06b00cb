//! Laws of all rules, on random ones.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::spec::rrule::Rrule;
use crate::time::{UnixMillis, Zone};

const ZONES: [&str; 6] = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Apia", "America/New_York"];
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

fn numbers(name: &'static str, low: i32, high: i32, most: usize) -> impl Strategy<Value = Option<String>> {
    let list = prop::collection::vec(low..=high, 1..=most);
    prop::option::weighted(0.3, list).prop_map(move |list| {
        let items: Vec<String> = list?.iter().filter(|number| **number != 0 || low == 0).map(ToString::to_string).collect();
        (!items.is_empty()).then(|| format!("{name}={}", items.join(",")))
    })
}

/// Rules that may well be refused.
fn rules() -> impl Strategy<Value = String> {
    let frequency = select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]);
    let days = prop::option::weighted(0.4, subsequence(&WEEKDAYS[..], 1..=4))
        .prop_map(|days| days.map(|days| format!("BYDAY={}", days.join(","))));
    let parts = (
        numbers("BYMONTH", 1, 12, 3),
        numbers("BYMONTHDAY", -31, 31, 4),
        numbers("BYHOUR", 0, 23, 4),
        numbers("BYMINUTE", 0, 59, 3),
        numbers("BYSECOND", 0, 59, 2),
        numbers("BYSETPOS", -5, 5, 2),
    );
    let end = prop::option::weighted(0.3, 1u32..50).prop_map(|count| count.map(|count| format!("COUNT={count}")));
    // Around changes of clocks of some of the zones.
    let start = (select(vec!["20260328", "20261024", "20260403", "20111229", "20260423"]), 0..24, 0..60)
        .prop_map(|(day, hour, minute)| format!("{day}T{hour:02}{minute:02}00"));
    (frequency, 1u32..40, days, parts, end, start).prop_map(|(frequency, interval, days, parts, end, start)| {
        let (a, b, c, d, e, f) = parts;
        let given: String = [days, a, b, c, d, e, f, end].into_iter().flatten().map(|part| format!(";{part}")).collect();
        format!("DTSTART:{start}\nRRULE:FREQ={frequency};INTERVAL={interval}{given}")
    })
}

/// The first `count` times after `after`, or those before the search of a rare rule is given up.
fn found(rule: &Rrule, zone: &Zone, after: UnixMillis, count: usize) -> Vec<UnixMillis> {
    let next = |after: &UnixMillis| rule.next_after(zone.rules(), *after).ok().flatten();
    std::iter::successors(next(&after), next).take(count).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn times_increase_and_do_not_depend_on_where_the_search_begins(text in rules(), zone in select(&ZONES[..]), into in 0i64..400_000_000) {
        let zone = Zone::named(zone).unwrap();
        let Ok(rule) = Rrule::parse(&text) else { return Ok(()) };
        let Ok(Some(first)) = rule.next_after(zone.rules(), UnixMillis::EPOCH) else { return Ok(()) };
        let all = found(&rule, &zone, UnixMillis::saturating(first.get() - 1), 40);
        prop_assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        let after = UnixMillis::saturating(first.get() + into);
        if let Some(expected) = all.iter().find(|at| **at > after) {
            prop_assert_eq!(rule.next_after(zone.rules(), after), Ok(Some(*expected)));
        }
    }

    #[test]
    fn the_previous_of_the_next_is_where_it_was(text in rules(), zone in select(&ZONES[..])) {
        let zone = Zone::named(zone).unwrap();
        let Ok(rule) = Rrule::parse(&text) else { return Ok(()) };
        let Ok(Some(first)) = rule.next_after(zone.rules(), UnixMillis::EPOCH) else { return Ok(()) };
        prop_assert_eq!(rule.previous_before(zone.rules(), first), Ok(None));
        for pair in found(&rule, &zone, UnixMillis::saturating(first.get() - 1), 12).windows(2) {
            prop_assert_eq!(rule.previous_before(zone.rules(), pair[1]), Ok(Some(pair[0])));
            let between = UnixMillis::saturating(pair[0].get() + 1);
            prop_assert_eq!(rule.previous_before(zone.rules(), between), Ok(Some(pair[0])));
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_written_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn whatever_looks_like_a_rule_is_read_or_refused(words in prop::collection::vec(select(WORDS.to_vec()), 0..25)) {
        read(&words.concat())?;
    }

    #[test]
    fn a_rule_with_a_wrong_character_is_read_or_refused(text in rules(), place in any::<prop::sample::Index>(), put in any::<char>()) {
        let mut characters: Vec<char> = text.chars().collect();
        let place = place.index(characters.len());
        characters[place] = put;
        read(&characters.into_iter().collect::<String>())?;
    }
}

const WORDS: [&str; 38] = [
    "DTSTART",
    "RRULE",
    "RDATE",
    "EXDATE",
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
    "BYHOUR",
    "=",
    "=",
    ";",
    ";",
    ":",
    ":",
    ",",
    "\n",
    "\n ",
    "\"",
    "-",
    "TZID=Europe/Berlin",
    "VALUE=DATE",
    "20260101",
    "99991231T235959",
    "T000000Z",
    "SECONDLY",
    "YEARLY",
    "DAILY",
    "MO",
    "4294967295",
    "1",
    "é",
];

/// What is read answers, too, and is read again from its own text.
fn read(text: &str) -> Result<(), TestCaseError> {
    let zone = Zone::named("Africa/Cairo").unwrap();
    if let Ok(rule) = Rrule::parse(text) {
        prop_assert_eq!(Rrule::parse(rule.text()), Ok(rule.clone()));
        for after in [i64::MIN, 0, 1_800_000_000_000, i64::MAX] {
            let after = UnixMillis::saturating(after);
            if let Ok(Some(next)) = rule.next_after(zone.rules(), after) {
                prop_assert!(next > after);
            }
        }
        prop_assert!(rule.describe(zone.rules()).starts_with("every "));
    }
    Ok(())
}
