//! From a rule to the next or previous instant: candidate date, holiday rule, time of day, change of clocks.

use std::ops::ControlFlow;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::local::Shown;
use super::month::Month;
use super::{CalendarRule, CalendarSpecError, MOST_STEPS, OnHoliday, Setting};
use crate::calendar::BusinessDays;
use crate::time::UnixMillis;

/// Two days in which no instant of a day comes before one of the other: zones are at most 26 hours apart, and none ever
/// jumped by more than a day.
const APART_DAYS: i64 = 2;

/// Which way time is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Later,
    Earlier,
}

pub(super) struct Search<'a> {
    rule: &'a CalendarRule,
    setting: Setting<'a>,
    business: &'a BusinessDays,
    way: Way,
    steps: u32,
}

impl<'a> Search<'a> {
    pub fn new(rule: &'a CalendarRule, setting: Setting<'a>, way: Way) -> Result<Search<'a>, CalendarSpecError> {
        let business = match &rule.business_calendar {
            Some(name) => setting.calendars.get(name)?,
            None => BusinessDays::monday_to_friday(),
        };
        Ok(Search { rule, setting, business, way, steps: 0 })
    }

    /// The nearest occurrence beyond `edge`, exclusive.
    pub fn occurrence(&mut self, edge: UnixMillis) -> Result<Option<UnixMillis>, CalendarSpecError> {
        let today = self.setting.zone.to_datetime(edge.to_timestamp()).date();
        let (mut from, mut last) = (self.way.reversed().moved(today, APART_DAYS), self.way.end());
        let mut nearest: Option<UnixMillis> = None;
        while let Some(day) = self.day(from, last)? {
            self.step()?;
            let found = self.instants(day).filter(|at| self.way.is_beyond(*at, edge));
            nearest = found.chain(nearest).reduce(|one, other| self.way.nearer(one, other));
            if nearest.is_some() && last == self.way.end() {
                last = self.way.moved(day, APART_DAYS);
            }
            let Some(following) = self.way.step(day) else { break };
            from = following;
        }
        Ok(nearest)
    }

    /// The first day from `from` to `last`, both inclusive, after the holiday rule. The rule never changes the order of
    /// candidates, so doubles are neighbours and the first that reaches `from` is the one.
    pub fn day(&mut self, from: Date, last: Date) -> Result<Option<Date>, CalendarSpecError> {
        let (mut start, limit) = self.candidates_for(from, last)?;
        while let Some(candidate) = self.candidate(start, limit)? {
            self.step()?;
            if let Some(day) = self.moved(candidate)?
                && !self.way.is_beyond(from, day)
            {
                return Ok(Some(day).filter(|day| !self.way.is_beyond(*day, last)));
            }
            let Some(following) = self.way.step(candidate) else { break };
            start = following;
        }
        Ok(None)
    }

    fn instants(&self, day: Date) -> impl Iterator<Item = UnixMillis> {
        let Setting { zone, gap, fold, .. } = self.setting;
        let shown = self.rule.at.iter().filter_map(move |time| Shown::of(day.to_datetime(*time), zone));
        shown.flat_map(move |shown| shown.instants(gap, fold)).map(UnixMillis::floor)
    }

    /// Where `candidate` ends up; `None` when it is left out.
    fn moved(&self, candidate: Date) -> Result<Option<Date>, CalendarSpecError> {
        Ok(match self.rule.on_holiday {
            None => Some(candidate),
            Some(OnHoliday::Skip) => Some(candidate).filter(|day| self.business.is_business_day(*day)),
            Some(OnHoliday::Previous) => Some(self.business.previous_business_day(candidate)?),
            Some(OnHoliday::Next) => Some(self.business.next_business_day(candidate)?),
        })
    }

    /// The range that holds every candidate that may end up in `from..=last`.
    fn candidates_for(&self, from: Date, last: Date) -> Result<(Date, Date), CalendarSpecError> {
        let moves = match self.rule.on_holiday {
            Some(OnHoliday::Previous) => Way::Earlier,
            Some(OnHoliday::Next) => Way::Later,
            None | Some(OnHoliday::Skip) => return Ok((from, last)),
        };
        // A candidate before the range gets into it when nothing is open between: seen from its far end, up to the
        // first open day.
        let end = if moves == self.way { from } else { last };
        let Some(outside) = moves.reversed().step(end) else { return Ok((from, last)) };
        let open = match moves {
            Way::Later => self.business.previous_business_day(outside)?,
            Way::Earlier => self.business.next_business_day(outside)?,
        };
        let farthest = moves.step(open).unwrap_or(end);
        Ok(if moves == self.way { (farthest, last) } else { (from, farthest) })
    }

    /// The first candidate from `from` to `last`, both inclusive, before the holiday rule.
    fn candidate(&mut self, from: Date, last: Date) -> Result<Option<Date>, CalendarSpecError> {
        let mut month = self.month(Month::of(from));
        while let Some(current) = month {
            self.step()?;
            match self.candidate_in(current, from, last) {
                ControlFlow::Break(found) => return Ok(found),
                ControlFlow::Continue(()) => month = self.month(Month(current.0 + if self.way == Way::Later { 1 } else { -1 })),
            }
        }
        Ok(None)
    }

    fn candidate_in(&self, month: Month, from: Date, last: Date) -> ControlFlow<Option<Date>> {
        let beyond = |date: Date| self.way.is_beyond(Month::of(date).0, Month::of(last).0);
        let Some(first) = month.first().filter(|first| !beyond(*first)) else { return ControlFlow::Break(None) };
        let mut bits = self.rule.days.days_in(first, self.business);
        if month == Month::of(from) {
            bits &= if self.way == Way::Later { u32::MAX << from.day() } else { !(u32::MAX << 1 << from.day()) };
        }
        let day = match self.way {
            Way::Later => bits.trailing_zeros(),
            Way::Earlier => 31_u32.saturating_sub(bits.leading_zeros()),
        };
        match Date::new(first.year(), first.month(), day as i8) {
            Ok(date) if bits != 0 => ControlFlow::Break(Some(date).filter(|date| !self.way.is_beyond(*date, last))),
            _ => ControlFlow::Continue(()),
        }
    }

    fn month(&self, from: Month) -> Option<Month> {
        match self.way {
            Way::Later => self.rule.days.month_from(from),
            Way::Earlier => self.rule.days.month_until(from),
        }
    }

    fn step(&mut self) -> Result<(), CalendarSpecError> {
        self.steps += 1;
        if self.steps > MOST_STEPS { Err(CalendarSpecError::BudgetSpent) } else { Ok(()) }
    }
}

impl Way {
    fn reversed(self) -> Way {
        if self == Way::Later { Way::Earlier } else { Way::Later }
    }

    /// The day after, or before.
    fn step(self, date: Date) -> Option<Date> {
        if self == Way::Later { date.tomorrow().ok() } else { date.yesterday().ok() }
    }

    /// `date` moved by `days`, held inside the range of dates.
    fn moved(self, date: Date, days: i64) -> Date {
        let span: Span = days.days();
        if self == Way::Later { date.saturating_add(span) } else { date.saturating_sub(span) }
    }

    fn end(self) -> Date {
        if self == Way::Later { Date::MAX } else { Date::MIN }
    }

    /// Whether `one` comes after `other`, seen this way.
    fn is_beyond<T: PartialOrd>(self, one: T, other: T) -> bool {
        if self == Way::Later { one > other } else { one < other }
    }

    fn nearer<T: Ord>(self, one: T, other: T) -> T {
        if self == Way::Later { one.min(other) } else { one.max(other) }
    }
}
