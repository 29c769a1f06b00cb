//! DAILY and slower: times of the clock on days of the calendar. Zones do not matter here; see [`super::clock`].

use super::days::{self, DAY};
use super::period::{Period, Times, month_matches, period_holding};
use super::rule::{Frequency, Rule};
use super::steps::{SearchTooLong, Steps};

#[derive(Clone, Copy)]
pub(super) struct Calendar {
    /// Completed from DTSTART.
    rule: Rule,
    /// The wall time of DTSTART.
    start: i64,
    /// The period that holds DTSTART: a year, a month since the year 0, or the first day of a week or day.
    origin: i64,
    /// The last wall time that may be one of the rule's.
    last: i64,
}

impl Calendar {
    /// Walks to the last time of a COUNT, so that no search need ever count.
    pub fn new(rule: &Rule, start: i64) -> Result<Calendar, SearchTooLong> {
        let rule = rule.completed_from(start);
        let origin = period_holding(&rule, start.div_euclid(DAY)).unwrap_or(i64::MAX);
        let mut calendar = Calendar { rule, start, origin, last: i64::MAX };
        if let Some(count) = rule.count {
            calendar.last = calendar.last_of(count)?;
        }
        Ok(calendar)
    }

    /// Whether any day matches, whatever DTSTART is.
    pub fn can_match(rule: &Rule) -> Result<bool, SearchTooLong> {
        let rule = rule.loosened();
        let origin = period_holding(&rule, 0).unwrap_or(0);
        let calendar = Calendar { rule, start: 0, origin, last: i64::MAX };
        calendar.first_from(0, &mut Steps::of_the_calendar()).map(|found| found.is_some())
    }

    /// No time later than the wall time `last`.
    pub fn end_at(&mut self, last: i64) {
        self.last = self.last.min(last);
    }

    /// The first wall time that is at least `bound`.
    pub fn first_from(&self, bound: i64, steps: &mut Steps) -> Result<Option<i64>, SearchTooLong> {
        let bound = bound.max(self.start);
        if bound > self.last {
            return Ok(None);
        }
        let mut index = self.index_of(bound.div_euclid(DAY));
        while let Some(period) = self.period(index) {
            if period.first_day.saturating_mul(DAY) > self.last {
                return Ok(None);
            }
            if let Some(found) = self.first_in(&period, bound) {
                return Ok(Some(found).filter(|found| *found <= self.last));
            }
            steps.take()?;
            index = self.following(index, &period);
        }
        Ok(None)
    }

    /// The time that COUNT ends with; the end of time when the calendar ends before it.
    fn last_of(&self, count: u32) -> Result<i64, SearchTooLong> {
        let mut steps = Steps::of_a_count();
        let mut left = u64::from(count);
        let mut index = 0;
        while let Some(period) = self.period(index) {
            steps.take()?;
            let ended = if self.rule.has_positions() { self.pass_chosen(&period, &mut left) } else { self.pass_all(&period, &mut left) };
            if let Some(last) = ended {
                return Ok(last);
            }
            index = self.following(index, &period);
        }
        Ok(i64::MAX)
    }

    /// Counts the period's times off `left`; answers the one with which none is left.
    fn pass_all(&self, period: &Period, left: &mut u64) -> Option<i64> {
        let whole = period.len(self.times());
        if period.first_day * DAY >= self.start && whole < *left {
            *left -= whole;
            return None;
        }
        let mut bound = self.start;
        while let Some(found) = period.first_from(self.times(), bound) {
            *left -= 1;
            if *left == 0 {
                return Some(found);
            }
            bound = found + 1;
        }
        None
    }

    fn pass_chosen(&self, period: &Period, left: &mut u64) -> Option<i64> {
        let mut chosen: Vec<i64> = period.chosen(self.times(), &self.rule.positions).filter(|wall| *wall >= self.start).collect();
        chosen.sort_unstable();
        chosen.dedup();
        let last = usize::try_from(*left - 1).ok().and_then(|index| chosen.get(index)).copied();
        *left = left.saturating_sub(chosen.len() as u64);
        last
    }

    fn first_in(&self, period: &Period, bound: i64) -> Option<i64> {
        if self.rule.has_positions() {
            period.chosen(self.times(), &self.rule.positions).filter(|wall| *wall >= bound).min()
        } else {
            period.first_from(self.times(), bound)
        }
    }

    fn times(&self) -> Times {
        Times { hours: self.rule.hours, minutes: self.rule.minutes, seconds: self.rule.seconds }
    }

    /// `None` past the end of the calendar.
    fn period(&self, index: i64) -> Option<Period> {
        let at = self.origin.checked_add(index.checked_mul(self.stride())?)?;
        match self.rule.frequency {
            Frequency::Yearly => Period::year(&self.rule, at),
            Frequency::Monthly => Period::month(&self.rule, at),
            Frequency::Weekly => Period::week(&self.rule, at),
            _ => Period::day(&self.rule, at),
        }
    }

    /// In years, months or days.
    fn stride(&self) -> i64 {
        let interval = i64::from(self.rule.interval);
        if self.rule.frequency == Frequency::Weekly { interval * 7 } else { interval }
    }

    /// The last of the rule's periods that begins at `day` or before.
    fn index_of(&self, day: i64) -> i64 {
        let at = period_holding(&self.rule, day).unwrap_or(i64::MAX);
        at.saturating_sub(self.origin).div_euclid(self.stride()).max(0)
    }

    /// Days of months that are not named are passed over together, or a rule of one month a year would be slow.
    fn following(&self, index: i64, period: &Period) -> i64 {
        let next = index + 1;
        if self.rule.frequency != Frequency::Daily || self.rule.months == 0 {
            return next;
        }
        let Some(date) = days::date(period.first_day).filter(|date| !month_matches(&self.rule, *date)) else { return next };
        let Some(first) = date.first_of_month().checked_add(jiff::ToSpan::month(1)).ok().and_then(days::day) else { return next };
        next.max((first - self.origin + self.stride() - 1).div_euclid(self.stride()))
    }
}
