//! Days that a schedule leaves out.

use serde_json::{Value, json};

use super::composing::{calendars, germany};
use crate::calendar::{DateExclusion, Exclusion};
use crate::time::{UnixMillis, Zone};

fn excludes(value: Value, at: &str, zone: &str) -> bool {
    let exclusion = DateExclusion::parse(&value).unwrap();
    let zone = Zone::named(zone).unwrap();
    exclusion.excludes(UnixMillis::parse_exact(at).unwrap(), zone.rules(), &calendars(json!({"DE": germany()}))).unwrap()
}

#[test]
fn a_day_is_that_of_the_zone() {
    let dates = || json!({"dates": ["2026-12-24", "2027-02-01..2027-02-03"]});
    assert!(excludes(dates(), "2026-12-23T23:30:00Z", "Europe/Berlin"));
    assert!(!excludes(dates(), "2026-12-23T22:59:59.999Z", "Europe/Berlin"));
    assert!(excludes(dates(), "2026-12-24T22:59:59.999Z", "Europe/Berlin"));
    assert!(!excludes(dates(), "2026-12-24T23:00:00Z", "Europe/Berlin"));
    assert!(excludes(dates(), "2027-02-02T12:00:00Z", "Pacific/Apia"));
}

#[test]
fn holidays_are_excluded_and_weekends_are_not() {
    assert!(excludes(json!({"holidays": "DE"}), "2026-04-03T10:00:00Z", "Europe/Berlin"));
    assert!(!excludes(json!({"holidays": "DE"}), "2026-04-04T10:00:00Z", "Europe/Berlin"));
}

#[test]
fn an_unknown_calendar_is_an_error_and_not_an_open_day() {
    let exclusion = DateExclusion::parse(&json!({"holidays": "FR"})).unwrap();
    let at = UnixMillis::EPOCH;
    let error = exclusion.excludes(at, Zone::utc().rules(), &calendars(json!({"DE": germany()}))).unwrap_err();
    assert_eq!(error.to_string(), "there is no calendar `FR`; the nearest is `DE`");
}

#[test]
fn exclusions_of_all_kinds_are_written_as_they_were_read() {
    for value in [json!({"dates": ["12-24", "easter-2"]}), json!({"holidays": "DE"}), json!({"cron": "0 9 * * *"})] {
        let exclusion: Exclusion = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(matches!(exclusion, Exclusion::Days(_)), DateExclusion::is_meant_by(&value));
        assert_eq!(serde_json::to_value(&exclusion).unwrap(), value);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let wrong = |value: Value| {
        let violation = &DateExclusion::parse(&value).unwrap_err().0[0];
        (violation.pointer.clone(), violation.detail.clone())
    };
    let case = |pointer: &str, detail: &str| (pointer.to_owned(), detail.to_owned());
    assert_eq!(wrong(json!({"dates": ["12-24", "x"]})), case("/dates/1", "`x` names no day"));
    assert_eq!(wrong(json!({"dates": []})), case("/dates", "it is empty"));
    assert_eq!(wrong(json!({"dates": ["12-24"], "holidays": "DE"})), case("/holidays", "it stands beside `dates`"));
    assert_eq!(wrong(json!({"holidays": "d e"})), case("/holidays", "it is no name"));
    assert_eq!(wrong(json!({"date": ["12-24"]})), case("/date", "`date` is no field here; perhaps `dates`"));
}
