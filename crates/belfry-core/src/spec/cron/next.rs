//! The search for an occurrence, span after span, forwards and backwards.
//!
//! Both searches are bounded by the calendar: a day that matches is at most 40 years away, or in one of the years that
//! the expression names. They pass over spans in which the calendar has nothing.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use super::Cron;
use super::civil::Pattern;
use super::rules::CronRules;
use super::spans::{LONGEST_CHANGE, Span};
use crate::time::UnixMillis;

/// 29 February falls on a given weekday at least every 40 years, the last of them included.
const HORIZON_YEARS: i16 = 41;

/// Each round passes a change of clocks near a local time that matches, and no zone changes its clocks more than four
/// times a year in the long run.
const MOST_ROUNDS: usize = 500;

pub(super) fn next_after(cron: &Cron, zone: &TimeZone, after: UnixMillis, rules: CronRules) -> Option<UnixMillis> {
    let pattern = Pattern::new(cron, rules.dom_dow);
    let mut from = second(after.get().div_euclid(1000) + 1)?;
    let mut span = Span::from(zone, from, cron.is_fixed_time());
    let horizon = latest(cron, span.local(from));
    for _ in 0..MOST_ROUNDS {
        if let Some(found) = span.first(pattern, rules, from, horizon) {
            return Some(UnixMillis::floor(found)).filter(|found| *found > after);
        }
        // Nothing fires that is not a local time near it, so where none is near, the changes up to there are passed over.
        let (end, local) = span.end()?;
        let skip_to = earlier_instant(pattern.first_match(earlier(local), horizon)?);
        (span, from) = if skip_to > end { (Span::from(zone, skip_to, cron.is_fixed_time()), skip_to) } else { span.following(zone)? };
    }
    None
}

pub(super) fn previous_before(cron: &Cron, zone: &TimeZone, before: UnixMillis, rules: CronRules) -> Option<UnixMillis> {
    let pattern = Pattern::new(cron, rules.dom_dow);
    let mut to = second((before.get() - 1).div_euclid(1000))?;
    let mut span = Span::around(zone, to);
    let horizon = earliest(cron, span.local(to));
    for _ in 0..MOST_ROUNDS {
        if let Some(found) = span.last(pattern, rules, to, horizon) {
            return Some(UnixMillis::floor(found)).filter(|found| *found < before);
        }
        let (start, local) = span.start()?;
        let skip_to = later_instant(pattern.last_match(horizon, later(local))?);
        (span, to) = if skip_to < start { (Span::around(zone, skip_to), skip_to) } else { span.preceding(zone)? };
    }
    None
}

fn second(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// The first local time that is too late.
fn latest(cron: &Cron, from: DateTime) -> DateTime {
    let last_year = cron.last_year().unwrap_or(from.year().saturating_add(HORIZON_YEARS - 1));
    Date::new(last_year.saturating_add(1), 1, 1).map_or(DateTime::MAX, |date| date.at(0, 0, 0, 0))
}

/// The first local time that is not too early.
fn earliest(cron: &Cron, to: DateTime) -> DateTime {
    let first_year = cron.years.map_or(to.year().saturating_sub(HORIZON_YEARS), |years| years.first());
    Date::new(first_year, 1, 1).map_or(DateTime::MIN, |date| date.at(0, 0, 0, 0))
}

fn earlier(local: DateTime) -> DateTime {
    local.saturating_sub(LONGEST_CHANGE)
}

fn later(local: DateTime) -> DateTime {
    local.saturating_add(LONGEST_CHANGE)
}

/// Before any clock on Earth shows `local`.
fn earlier_instant(local: DateTime) -> Timestamp {
    Offset::UTC.to_timestamp(earlier(local)).unwrap_or(Timestamp::MIN)
}

/// After every clock on Earth has shown `local`.
fn later_instant(local: DateTime) -> Timestamp {
    Offset::UTC.to_timestamp(later(local)).unwrap_or(Timestamp::MAX)
}
