//! The times of a schedule: those of its specs together, inside its bounds, less what it leaves out.

use jiff::Timestamp;

use super::Spec;
use super::calendar::CalendarSpecError;
use super::rrule::SearchTooLong;
use crate::calendar::{CalendarError, Exclusion};
use crate::schedule::ScheduleContent;
use crate::time::UnixMillis;

/// The most times, or whole days, in a row that may be left out.
const MOST_EXCLUDED: usize = 100_000;

/// Why a schedule cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A fault of the engine, never passed on.
    #[error("the spec answered {answered} as the next time after {after}")]
    NotLater { after: UnixMillis, answered: UnixMillis },
    #[error(transparent)]
    Rrule(#[from] SearchTooLong),
    #[error(transparent)]
    Calendar(#[from] CalendarSpecError),
    #[error("{MOST_EXCLUDED} times in a row are excluded; leave out fewer, or give the schedule other times")]
    AllExcluded,
}

impl From<CalendarError> for SpecError {
    fn from(error: CalendarError) -> SpecError {
        SpecError::Calendar(error.into())
    }
}

/// A stretch of time that is left out, both ends inclusive.
struct LeftOut {
    from: UnixMillis,
    to: UnixMillis,
}

impl ScheduleContent {
    /// Whether this version can evaluate every spec.
    pub fn is_known(&self) -> bool {
        let excluded = self.exclude.iter().filter_map(|exclusion| if let Exclusion::Spec(spec) = exclusion { Some(spec) } else { None });
        !self.specs.iter().chain(excluded).any(|spec| matches!(spec, Spec::Unknown(_)))
    }

    /// The first occurrence after `after`, exclusive, inside the schedule's bounds.
    pub fn next_after(&self, after: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
        let mut after = match self.start_at {
            Some(start) => after.max(UnixMillis::saturating(start.get() - 1)),
            None => after,
        };
        for _ in 0..MOST_EXCLUDED {
            let Some(next) = self.first_after(after)?.filter(|next| self.end_at.is_none_or(|end| *next <= end)) else {
                return Ok(None);
            };
            match self.left_out_at(next)? {
                None => return Ok(Some(next)),
                Some(left_out) => after = left_out.to,
            }
        }
        Err(SpecError::AllExcluded)
    }

    /// The last occurrence before `before`, exclusive, inside the schedule's bounds.
    pub fn previous_before(&self, before: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
        let mut before = match self.end_at {
            Some(end) => before.min(UnixMillis::saturating(end.get() + 1)),
            None => before,
        };
        for _ in 0..MOST_EXCLUDED {
            let Some(previous) = self.last_before(before)?.filter(|previous| self.start_at.is_none_or(|start| *previous >= start)) else {
                return Ok(None);
            };
            match self.left_out_at(previous)? {
                None => return Ok(Some(previous)),
                Some(left_out) => before = left_out.from,
            }
        }
        Err(SpecError::AllExcluded)
    }

    /// The latest occurrence in `from..=to`.
    pub fn latest_in(&self, from: UnixMillis, to: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
        Ok(self.previous_before(UnixMillis::saturating(to.get() + 1))?.filter(|latest| *latest >= from))
    }

    /// The occurrences on both sides of `nominal`, by the spec alone.
    pub fn neighbours(&self, nominal: UnixMillis) -> Result<(Option<UnixMillis>, Option<UnixMillis>), SpecError> {
        Ok((self.previous_before(nominal)?, self.next_after(nominal)?))
    }

    /// The next `count` occurrences after `after`.
    pub fn times_after(&self, after: UnixMillis, count: usize) -> Result<Vec<UnixMillis>, SpecError> {
        let mut times = Vec::new();
        let mut last = after;
        while times.len() < count {
            let Some(next) = self.next_after(last)? else { break };
            times.push(next);
            last = next;
        }
        Ok(times)
    }

    /// The last `count` occurrences before `before`, the earliest first.
    pub fn times_before(&self, before: UnixMillis, count: usize) -> Result<Vec<UnixMillis>, SpecError> {
        let mut times = Vec::new();
        let mut first = before;
        while times.len() < count {
            let Some(previous) = self.previous_before(first)? else { break };
            times.push(previous);
            first = previous;
        }
        times.reverse();
        Ok(times)
    }

    /// Of all specs, whatever is left out.
    fn first_after(&self, after: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
        let mut first: Option<UnixMillis> = None;
        for spec in &self.specs {
            let next = spec.next_after(&self.timezone, self.rules, self.calendars.calendars(), after)?;
            first = [first, next].into_iter().flatten().min();
        }
        match first {
            Some(answered) if answered <= after => Err(SpecError::NotLater { after, answered }),
            first => Ok(first),
        }
    }

    fn last_before(&self, before: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
        let mut last: Option<UnixMillis> = None;
        for spec in &self.specs {
            last = last.max(spec.previous_before(&self.timezone, self.rules, self.calendars.calendars(), before)?);
        }
        // One that is not earlier would be asked for again and again.
        Ok(last.filter(|last| *last < before))
    }

    /// What is left out around `at`: it alone, or the whole day.
    fn left_out_at(&self, at: UnixMillis) -> Result<Option<LeftOut>, SpecError> {
        for exclusion in &self.exclude {
            match exclusion {
                Exclusion::Days(days) if days.excludes(at, self.timezone.rules(), self.calendars.calendars())? => {
                    return Ok(Some(self.day_of(at)));
                }
                Exclusion::Spec(spec) => {
                    let before = UnixMillis::saturating(at.get() - 1);
                    if spec.next_after(&self.timezone, self.rules, self.calendars.calendars(), before)? == Some(at) {
                        return Ok(Some(LeftOut { from: at, to: at }));
                    }
                }
                Exclusion::Days(_) => {}
            }
        }
        Ok(None)
    }

    /// The local day of `at`; no less than `at` itself, whatever a zone does at midnight.
    fn day_of(&self, at: UnixMillis) -> LeftOut {
        let zone = self.timezone.rules();
        let date = zone.to_datetime(at.to_timestamp()).date();
        let midnight = |date: jiff::civil::Date| zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0)).compatible().ok();
        let floor = |instant: Timestamp| UnixMillis::floor(instant);
        let from = midnight(date).map_or(at, floor);
        let to = date.tomorrow().ok().and_then(midnight).map_or(at, |next| UnixMillis::saturating(floor(next).get() - 1));
        LeftOut { from: from.min(at), to: to.max(at) }
    }
}

#[cfg(test)]
#[path = "times/tests.rs"]
mod tests;
