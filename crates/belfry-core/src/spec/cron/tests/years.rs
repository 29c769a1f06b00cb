//! The seventh field.

use super::super::{Cron, CronRules};
use super::{cron, instant, next};
use crate::time::Zone;

fn years(text: &str, after: &str, count: usize) -> Vec<String> {
    next(text, "Europe/Berlin", after, count).iter().map(|at| at[..4].to_owned()).collect()
}

#[test]
fn years_are_listed_spanned_and_stepped() {
    let after = "2026-11-25T00:00:00Z";
    assert_eq!(years("0 0 9 1 1 * 2030", after, 2), ["2030"]);
    assert_eq!(years("0 0 9 1 1 * 2020,2028,2030-2032", after, 9), ["2028", "2030", "2031", "2032"]);
    assert_eq!(years("0 0 9 1 1 * 2027-2033/3", after, 9), ["2027", "2030", "2033"]);
    assert_eq!(years("0 0 9 1 1 * 2190/4", after, 9), ["2190", "2194", "2198"]);
    assert_eq!(years("0 0 9 1 1 * */50", after, 9), ["2070", "2120", "2170"]);
    assert_eq!(years("0 0 9 1 1 * 1970-2199/229", "1960-01-01T00:00:00Z", 9), ["1970", "2199"]);
}

#[test]
fn every_year_goes_on_past_the_end_of_the_field() {
    assert_eq!(cron("0 0 9 1 1 * *").last_year(), None);
    assert_eq!(years("0 0 9 1 1 * *", "2199-06-01T00:00:00Z", 2), ["2200", "2201"]);
    assert_eq!(cron("0 0 9 1 1 * */1").last_year(), Some(2199));
    assert_eq!(years("0 0 9 1 1 * */1", "2199-06-01T00:00:00Z", 2), Vec::<String>::new());
}

#[test]
fn an_expression_whose_years_are_over_is_legal_and_ends() {
    let past = cron("0 0 0 1 1 ? 1999,2005");
    let zone = Zone::named("Europe/Berlin").unwrap();
    assert_eq!(past.last_year(), Some(2005));
    assert_eq!(past.next_after(zone.rules(), instant("2026-01-01T00:00:00Z")), None);
    assert_eq!(past.next_after(zone.rules(), instant("2004-12-31T23:00:00Z")), None);
    assert_eq!(past.next_after(zone.rules(), instant("2004-12-31T22:59:59Z")), Some(instant("2004-12-31T23:00:00Z")));
    let last = past.previous_before(zone.rules(), instant("9999-01-01T00:00:00Z"), CronRules::default());
    assert_eq!(last, Some(instant("2004-12-31T23:00:00Z")));
    assert_eq!(past.previous_before(zone.rules(), instant("1990-01-01T00:00:00Z"), CronRules::default()), None);
}

#[test]
fn a_year_far_away_is_found_however_often_clocks_change_until_then() {
    let far = cron("30 2 1 29 2 * 2196");
    for name in ["Europe/Berlin", "Africa/Casablanca", "Asia/Gaza", "UTC"] {
        let zone = Zone::named(name).unwrap();
        let found = far.next_after(zone.rules(), instant("1900-01-01T00:00:00Z")).unwrap();
        assert_eq!(found.to_timestamp().to_zoned(zone.rules().clone()).datetime().to_string(), "2196-02-29T01:02:30", "{name}");
        let back = far.previous_before(zone.rules(), instant("9000-01-01T00:00:00Z"), CronRules::default());
        assert_eq!(back, Some(found), "{name}");
    }
}

#[test]
fn the_local_year_counts() {
    assert_eq!(next("0 0 0 * * * 2027", "Asia/Tokyo", "2026-12-01T00:00:00Z", 1), ["2027-01-01T00:00:00+09:00"]);
    assert_eq!(next("59 59 23 31 12 * 2026", "America/New_York", "2027-01-01T00:00:00Z", 1), ["2026-12-31T23:59:59-05:00"]);
}

#[test]
fn every_refusal_names_the_year_and_what_would_do() {
    let table = [
        ("0 0 0 1 1 * 1969", "`1969` in year is out of range; use 1970 to 2199"),
        ("0 0 0 1 1 * 2200", "`2200` in year is out of range; use 1970 to 2199"),
        ("0 0 0 1 1 * 26", "`26` in year is out of range; use 1970 to 2199"),
        ("0 0 0 1 1 * 2030-2027", "`2030-2027` in year runs backwards; write `2027-2030`"),
        ("0 0 0 1 1 * ,2027", "year `,2027` has an empty item; use 1970 to 2199 between commas"),
        ("0 0 0 1 1 * next", "`next` in year: use 1970 to 2199, `*`, a range such as `2026-2030` or a step such as `*/2`"),
        ("0 0 0 1 1 * */230", "step `230` in year `*/230`; use 1 to 229, for a step does not reach past its field (an interval does)"),
        ("0 0 0 1 1 * ?", "`?` in year: it must be the whole of day-of-month or day-of-week, and means `*` there; use 1970 to 2199"),
    ];
    for (text, message) in table {
        assert_eq!(Cron::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}
