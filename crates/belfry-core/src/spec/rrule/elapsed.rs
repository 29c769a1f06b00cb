//! HOURLY and faster: periods of absolute time, counted from DTSTART, whatever clocks do; the parts of the rule say what
//! the clock must show.
//!
//! So every hour is one real hour after the last, also where clocks change; `BYHOUR=2` fires in both passes through a
//! repeated hour, and not at all on the day that has none.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::clock;
use super::days::{self, DAY};
use super::period::{Times, day_matches, month_matches};
use super::rule::{Frequency, Rule};
use super::steps::{SearchTooLong, Steps};

#[derive(Clone, Copy)]
pub(super) struct Elapsed {
    rule: Rule,
    /// The instant of DTSTART, in seconds.
    start: i64,
    /// Where the first period begins, as far back as the clock shows a full hour or minute.
    origin: i64,
    /// From one period to the next.
    stride: i64,
    /// A time lies at `window.0` or later in its period, by less than `window.1`.
    window: (i64, i64),
    times: Times,
    /// Whether every instant of the window is one of the rule's.
    unfiltered: bool,
    last: i64,
}

/// A time without change of clocks.
#[derive(Clone, Copy)]
struct Span {
    end: i64,
    offset: i64,
}

impl Elapsed {
    /// `None` when `start` is outside the calendar. Walks to the last time of a COUNT, so that no search need ever count.
    pub fn new(rule: &Rule, start: i64, zone: &TimeZone) -> Result<Option<Elapsed>, SearchTooLong> {
        let Some(wall) = clock::wall(zone, start) else { return Ok(None) };
        let period = period_length(rule.frequency);
        let window = window(rule, wall.rem_euclid(period));
        let mut elapsed = Elapsed {
            rule: *rule,
            start,
            origin: start - wall.rem_euclid(period),
            stride: period * i64::from(rule.interval),
            window,
            times: times(rule, wall.rem_euclid(60)),
            unfiltered: window.1 == 1 && !has_filters(rule),
            last: i64::MAX,
        };
        if let Some(count) = rule.count {
            elapsed.last = elapsed.last_of(count, zone)?;
        }
        Ok(Some(elapsed))
    }

    /// No time later than the instant `last`.
    pub fn end_at(&mut self, last: i64) {
        self.last = self.last.min(last);
    }

    /// The first instant that is at least `bound`.
    pub fn first_from(&self, zone: &TimeZone, bound: i64, steps: &mut Steps) -> Result<Option<i64>, SearchTooLong> {
        let bound = bound.max(self.start);
        if bound > self.last {
            return Ok(None);
        }
        let found = if self.rule.has_positions() {
            self.first_chosen_from(zone, bound, steps)?
        } else {
            self.first_match_from(zone, bound, self.last, steps)?
        };
        Ok(found.filter(|found| *found <= self.last))
    }

    fn last_of(&self, count: u32, zone: &TimeZone) -> Result<i64, SearchTooLong> {
        if self.unfiltered && !self.rule.has_positions() {
            return Ok(self.stride.checked_mul(i64::from(count) - 1).and_then(|length| length.checked_add(self.start)).unwrap_or(i64::MAX));
        }
        let mut steps = Steps::of_a_count();
        let mut last = self.start - 1;
        for _ in 0..count {
            steps.take()?;
            match self.first_from(zone, last + 1, &mut steps)? {
                Some(found) => last = found,
                None => return Ok(i64::MAX),
            }
        }
        Ok(last)
    }

    /// Of each period the times at the rule's positions, counted from the period's beginning even where DTSTART is later.
    fn first_chosen_from(&self, zone: &TimeZone, bound: i64, steps: &mut Steps) -> Result<Option<i64>, SearchTooLong> {
        let mut from = self.period_holding(bound);
        while from <= self.last {
            steps.take()?;
            let Some(first) = self.first_match_from(zone, from, self.last, steps)? else { return Ok(None) };
            let end = self.period_holding(first) + period_length(self.rule.frequency);
            let mut members = vec![first];
            let mut last = first;
            while let Some(next) = self.first_match_from(zone, last + 1, end - 1, steps)? {
                members.push(next);
                last = next;
            }
            if let Some(found) = self.chosen(&members).filter(|at| *at >= bound).min() {
                return Ok(Some(found));
            }
            from = self.period_holding(first) + self.stride;
        }
        Ok(None)
    }

    fn chosen(&self, members: &[i64]) -> impl Iterator<Item = i64> {
        let from_start = self.rule.positions.from_start.members().map(|position| position as usize - 1);
        let from_end = self.rule.positions.from_end.members().filter_map(|position| members.len().checked_sub(position as usize));
        from_start.chain(from_end).filter_map(|index| members.get(index).copied())
    }

    /// The first instant in `bound..=last` of a period that shows what the rule wants, DTSTART and positions aside.
    fn first_match_from(&self, zone: &TimeZone, bound: i64, last: i64, steps: &mut Steps) -> Result<Option<i64>, SearchTooLong> {
        let mut at = self.first_in_window(bound);
        if self.unfiltered {
            return Ok(Some(at).filter(|at| *at <= last && Timestamp::from_second(*at).is_ok()));
        }
        let mut span = Span { end: i64::MIN, offset: 0 };
        while at <= last {
            if at >= span.end {
                let Some(holding) = Span::holding(zone, at) else { return Ok(None) };
                span = holding;
            }
            let wall = at + span.offset;
            match self.better_wall(wall) {
                Some(better) if better == wall => return Ok(Some(at)),
                Some(better) => at = self.first_in_window((better - span.offset).min(span.end)),
                None => return Ok(None),
            }
            steps.take()?;
        }
        Ok(None)
    }

    /// `wall` itself when it matches, otherwise a later one that no match comes before; `None` at the end of the calendar.
    fn better_wall(&self, wall: i64) -> Option<i64> {
        let day = wall.div_euclid(DAY);
        let date = days::date(day)?;
        if !month_matches(&self.rule, date) {
            return days::day(date.first_of_month().checked_add(1.month()).ok()?).map(|day| day * DAY);
        }
        let time = if day_matches(&self.rule, day, date) { self.times.first_from(wall.rem_euclid(DAY)) } else { None };
        Some(time.map_or((day + 1) * DAY, |time| day * DAY + time))
    }

    fn first_in_window(&self, at: i64) -> i64 {
        let period = self.period_holding(at);
        let (first, length) = self.window;
        match at - period - first {
            early if early < 0 => period + first,
            inside if inside < length => at,
            _ => period.saturating_add(self.stride).saturating_add(first),
        }
    }

    /// The beginning of the last period that begins at `at` or before.
    fn period_holding(&self, at: i64) -> i64 {
        at - (at - self.origin).rem_euclid(self.stride)
    }
}

impl Span {
    fn holding(zone: &TimeZone, at: i64) -> Option<Span> {
        let at = Timestamp::from_second(at).ok()?;
        let end = zone.following(at).next().map_or(i64::MAX, |change| change.timestamp().as_second());
        Some(Span { end, offset: zone.to_offset(at).seconds().into() })
    }
}

fn period_length(frequency: Frequency) -> i64 {
    match frequency {
        Frequency::Hourly => 3600,
        Frequency::Minutely => 60,
        _ => 1,
    }
}

/// What DTSTART, `into` its period, leaves of each period: the whole, one minute or one second of it.
fn window(rule: &Rule, into: i64) -> (i64, i64) {
    match rule.frequency {
        Frequency::Hourly if rule.minutes != 0 => (0, 3600),
        Frequency::Hourly if rule.seconds != 0 => (into - into % 60, 60),
        Frequency::Minutely if rule.seconds != 0 => (0, 60),
        _ => (into, 1),
    }
}

/// What the clock must show. A second that the rule leaves open is that of DTSTART, in the window or here.
fn times(rule: &Rule, start_second: i64) -> Times {
    let implied_second = rule.frequency == Frequency::Hourly && rule.minutes != 0;
    Times {
        hours: if rule.hours != 0 { rule.hours } else { (1 << 24) - 1 },
        minutes: if rule.minutes != 0 { rule.minutes } else { (1 << 60) - 1 },
        seconds: match rule.seconds {
            0 if implied_second => 1 << start_second,
            0 => (1 << 60) - 1,
            seconds => seconds,
        },
    }
}

fn has_filters(rule: &Rule) -> bool {
    rule.hours != 0 || rule.minutes != 0 || rule.seconds != 0 || rule.has_days_or_months()
}
