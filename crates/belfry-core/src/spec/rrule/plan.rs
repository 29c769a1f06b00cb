//! A rule with its DTSTART: what a search needs.

use jiff::tz::TimeZone;

use super::calendar::Calendar;
use super::clock::{self, FURTHEST_OFFSET};
use super::elapsed::Elapsed;
use super::rule::Rule;
use super::stamp::Stamp;
use super::steps::{SearchTooLong, Steps};

#[derive(Clone, Copy)]
pub(super) enum Plan {
    Calendar(Limited),
    Elapsed(Elapsed),
    /// DTSTART lies where no clock can show it.
    Never,
}

/// The times of a calendar that lie in a range of instants, in seconds, ends included.
#[derive(Clone, Copy)]
pub(super) struct Limited {
    calendar: Calendar,
    earliest: i64,
    latest: i64,
}

impl Plan {
    /// For DAILY and slower, from the wall time of DTSTART.
    pub fn calendar(rule: &Rule, wall: i64) -> Result<Plan, SearchTooLong> {
        let mut calendar = Calendar::new(rule, wall)?;
        let mut latest = i64::MAX;
        match rule.until {
            Some(Stamp::Local(wall) | Stamp::Date(wall)) => calendar.end_at(wall),
            Some(Stamp::Instant(at)) => {
                // So that a search ends there, too; no clock is further ahead.
                calendar.end_at(at + FURTHEST_OFFSET);
                latest = at;
            }
            None => {}
        }
        Ok(Plan::Calendar(Limited { calendar, earliest: i64::MIN, latest }))
    }

    /// For DAILY and slower, from an instant: local time is what the zone's clocks show then. Where that time is repeated
    /// and `at` is in the second pass, the first time is the next.
    pub fn calendar_from(rule: &Rule, at: i64, zone: &TimeZone) -> Result<Plan, SearchTooLong> {
        let Some(wall) = clock::wall(zone, at) else { return Ok(Plan::Never) };
        match Plan::calendar(rule, wall)? {
            Plan::Calendar(limited) => Ok(Plan::Calendar(Limited { earliest: at, ..limited })),
            plan => Ok(plan),
        }
    }

    /// For HOURLY and faster, from the instant of DTSTART.
    pub fn elapsed(rule: &Rule, at: i64, zone: &TimeZone) -> Result<Plan, SearchTooLong> {
        let Some(mut elapsed) = Elapsed::new(rule, at, zone)? else { return Ok(Plan::Never) };
        match rule.until {
            Some(Stamp::Local(wall) | Stamp::Date(wall)) => elapsed.end_at(clock::instant(zone, wall).unwrap_or(i64::MAX)),
            Some(Stamp::Instant(at)) => elapsed.end_at(at),
            None => {}
        }
        Ok(Plan::Elapsed(elapsed))
    }

    /// Whether its calendar names the wall time; elapsed time names none.
    pub fn names(&self, wall: i64) -> bool {
        match self {
            Plan::Calendar(limited) => limited.calendar.first_from(wall, &mut Steps::of_the_calendar()) == Ok(Some(wall)),
            Plan::Elapsed(_) | Plan::Never => false,
        }
    }

    /// The first instant later than `after`, in seconds.
    pub fn next_after(&self, zone: &TimeZone, after: i64) -> Result<Option<i64>, SearchTooLong> {
        match self {
            Plan::Calendar(limited) => {
                let after = after.max(limited.earliest.saturating_sub(1));
                let mut steps = Steps::of_the_calendar();
                let next = clock::next_after(zone, after, |bound| limited.calendar.first_from(bound, &mut steps))?;
                Ok(next.filter(|next| *next <= limited.latest))
            }
            Plan::Elapsed(elapsed) => elapsed.first_from(zone, after + 1, &mut Steps::of_elapsed_time()),
            Plan::Never => Ok(None),
        }
    }
}
