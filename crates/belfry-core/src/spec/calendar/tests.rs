mod business;
mod clocks;
mod days;
mod describing;
mod naive;
mod oracle;
mod reading;

use serde_json::{Value, json};

use super::{CalendarRule, Setting};
use crate::calendar::Calendars;
use crate::calendar::tests::composing::{calendars, germany};
use crate::spec::cron::{Fold, Gap};
use crate::time::{UnixMillis, Zone};

fn rule(value: Value) -> CalendarRule {
    CalendarRule::parse(&value).unwrap_or_else(|violations| panic!("{value}: {violations:?}"))
}

/// Germany's holidays, and those of a company there.
fn all_calendars() -> Calendars {
    calendars(json!({
        "DE": germany(),
        "company": {"union": ["DE"], "holidays": ["2026-12-28..2026-12-31"]},
        "every_day": {"weekend": []},
        "shut": {"holidays": ["2026-01-01..2026-12-31", "2027-01-01..2027-12-31"]},
    }))
}

fn setting<'a>(zone: &'a Zone, calendars: &'a Calendars) -> Setting<'a> {
    Setting { zone: zone.rules(), gap: Gap::Next, fold: Fold::First, calendars }
}

fn instant(text: &str) -> UnixMillis {
    UnixMillis::parse_exact(text).unwrap()
}

/// The next `count` times as the clocks of `zone` show them, such as `2026-01-05T09:00`.
fn times(value: Value, zone: &str, after: &str, count: usize) -> Vec<String> {
    let (zone, calendars, rule) = (Zone::named(zone).unwrap(), all_calendars(), rule(value));
    let mut last = instant(after);
    let mut times = Vec::new();
    while times.len() < count
        && let Some(next) = rule.next_after(setting(&zone, &calendars), last).unwrap()
    {
        assert_eq!(rule.previous_before(setting(&zone, &calendars), UnixMillis::saturating(next.get() + 1)), Ok(Some(next)));
        times.push(zone.rules().to_datetime(next.to_timestamp()).strftime("%Y-%m-%dT%H:%M").to_string());
        last = next;
    }
    times
}

/// Only the dates of [`times`].
fn dates(value: Value, after: &str, count: usize) -> Vec<String> {
    times(value, "Europe/Berlin", after, count).into_iter().map(|time| time[..10].to_owned()).collect()
}
