//! Old offsets, and the ends of the range of instants.

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use super::super::CronRules;
use super::{cron, instant};
use crate::time::{UnixMillis, Zone};

#[test]
fn nothing_is_found_past_the_last_instant() {
    let last = UnixMillis::saturating(i64::MAX);
    for name in ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let zone = Zone::named(name).unwrap();
        for text in ["* * * * * *", "0 0 * * *", "0 0 29 2 *"] {
            assert_eq!(cron(text).next_after(zone.rules(), last), None, "{text} in {name}");
        }
        assert_eq!(cron("0 0 1 1 *").next_after(zone.rules(), instant("9999-06-01T00:00:00Z")), None, "{name}");
        assert_eq!(cron("0 0 29 2 *").next_after(zone.rules(), instant("9996-06-01T00:00:00Z")), None, "{name}");
        assert!(cron("0 0 * * *").next_after(zone.rules(), instant("9999-12-01T00:00:00Z")).is_some(), "{name}");
    }
}

#[test]
fn the_first_instants_have_a_next_one() {
    let first = UnixMillis::new(Timestamp::MIN.as_millisecond()).unwrap();
    for name in ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let zone = Zone::named(name).unwrap();
        for text in ["* * * * * *", "0 0 * * *", "0 0 29 2 *"] {
            assert!(cron(text).next_after(zone.rules(), first).is_some_and(|next| next > first), "{text} in {name}");
        }
    }
}

#[test]
fn offsets_with_seconds_are_kept_to_the_second() {
    let noon = cron("0 12 * * *").next_after(Zone::named("Africa/Monrovia").unwrap().rules(), instant("1960-01-01T00:00:00Z"));
    assert_eq!(noon, Some(instant("1960-01-01T12:44:30Z")));
}

/// Every zone, through every change of its clocks, in steps that land on odd seconds.
#[test]
fn no_zone_makes_the_engine_panic_or_stand_still() {
    let crons = ["0 0 * * *", "30 2 * * *", "*/7 * * * *", "0 0 29 2 *"].map(cron);
    let database = TimeZoneDatabase::bundled();
    for (turn, name) in database.available().enumerate() {
        let zone = database.get(name.as_str()).unwrap();
        for change in zone.following(Timestamp::MIN).take(30).chain(zone.following("2080-01-01T00:00:00Z".parse().unwrap()).take(20)) {
            for seconds in [-3601, -1, 0, 1801] {
                let after = UnixMillis::saturating(change.timestamp().as_millisecond() + seconds * 1000 + turn as i64 % 3);
                let cron = &crons[turn % crons.len()];
                let found = cron.next_after(&zone, after);
                assert!(found.is_some_and(|found| found > after), "{cron} in {} after {after}: {found:?}", name.as_str());
            }
        }
    }
}

/// The engine relies on it: an occurrence at the end of a gap is a whole second only if the change is one.
#[test]
fn every_bundled_zone_changes_at_whole_seconds() {
    let database = TimeZoneDatabase::bundled();
    for name in database.available() {
        let zone = database.get(name.as_str()).unwrap();
        let odd = zone.following(Timestamp::MIN).take(500).find(|change| change.timestamp().subsec_nanosecond() != 0);
        assert!(odd.is_none(), "{}: {odd:?}", name.as_str());
    }
}

/// The engine relies on it: a gap or a fold does not reach past the next change, and no change is longer than two days.
#[test]
fn days_lie_between_two_changes_of_every_bundled_zone() {
    let database = TimeZoneDatabase::bundled();
    for name in database.available() {
        let zone = database.get(name.as_str()).unwrap();
        let changes: Vec<i64> = zone.following(Timestamp::MIN).take(500).map(|change| change.timestamp().as_second()).collect();
        let near = changes.windows(2).find(|pair| pair[1] - pair[0] < 4 * 86_400);
        assert!(near.is_none(), "{}: {near:?}", name.as_str());
    }
}

#[test]
fn both_ends_of_the_range_are_searched_from_inside() {
    let rules = CronRules::default();
    let [first, last] = [UnixMillis::saturating(i64::MIN), UnixMillis::saturating(i64::MAX)];
    for name in ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let zone = Zone::named(name).unwrap();
        for text in ["* * * * * *", "0 0 * * *", "0 0 29 2 *", "0 0 0 1 1 * 1970-2199"] {
            assert_eq!(cron(text).previous_before(zone.rules(), first, rules), None, "{text} in {name}");
            let found = cron(text).previous_before(zone.rules(), last, rules).unwrap();
            assert!(found < last, "{text} in {name}");
            assert!(cron(text).next_after_with(zone.rules(), found, rules).is_none_or(|next| next >= last), "{text} in {name}");
        }
    }
}

/// The last change of these that the database lists is not one of the rule that follows: a place where one may stumble.
#[test]
fn the_last_listed_change_counts_like_any_other() {
    let rules = CronRules::default();
    // 23:30 came twice in Ciudad Juárez, where clocks went back from 00:00 to 23:00 at the end of 29 November 2022.
    let zone = Zone::named("America/Ciudad_Juarez").unwrap();
    let [first, after] = ["2022-11-30T05:30:00Z", "2022-12-01T05:30:00Z"].map(instant);
    for asked in ["2022-11-30T05:30:00Z", "2022-11-30T06:00:00Z", "2022-11-30T06:20:00Z", "2022-11-30T06:30:00Z"] {
        assert_eq!(cron("30 23 * * *").next_after(zone.rules(), instant(asked)), Some(instant("2022-12-01T06:30:00Z")), "{asked}");
        let before = instant(asked).plus(jiff::SignedDuration::from_secs(1));
        assert_eq!(cron("30 23 * * *").previous_before(zone.rules(), before, rules), Some(first), "{asked}");
    }
    assert_eq!(cron("30 23 * * *").previous_before(zone.rules(), after, rules), Some(first));
}
