//! From local times to instants: what a cron expression does when clocks change.
//!
//! A zone is read as a row of spans of one offset each. Inside a span local time and absolute time run in parallel, so
//! a search on the calendar suffices; every question that is left is asked where a span begins or ends.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Cron;
use super::civil::next_match;
use crate::time::UnixMillis;

/// What a fixed-time expression does when clocks change. An expression that follows the clock has no choice: it does
/// not fire at times that do not exist, and fires at every instant that shows a matching time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockChanges {
    pub gap: Gap,
    pub fold: Fold,
}

/// What becomes of the times that are lost when clocks go forward by at most three hours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Gap {
    /// All of them together fire once, at the first instant after the gap.
    #[default]
    Next,
    /// They do not fire.
    Skip,
    /// Each fires later by the length of the gap.
    Shift,
}

/// Which of the two passes through a repeated time fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fold {
    #[default]
    First,
    Second,
    Both,
}

/// A longer gap is a change of calendar rather than of clocks: Apia had no 30 December 2011.
const LONGEST_GAP_SECONDS: i32 = 3 * 3600;

/// 29 February falls on a given weekday at least every 40 years, the last of them included.
const HORIZON_YEARS: i16 = 41;

/// No zone changes its clocks more than four times a year in the long run, so the horizon comes first.
const MOST_SPANS: usize = 500;

pub(super) fn next_after(cron: &Cron, zone: &TimeZone, after: UnixMillis, changes: ClockChanges) -> Option<UnixMillis> {
    let mut span = Span::holding(zone, Timestamp::from_second(after.get().div_euclid(1000)).ok()?, cron.is_fixed_time())?;
    let horizon = horizon(span.local(span.start));
    for _ in 0..MOST_SPANS {
        if let Some(found) = span.first_occurrence(cron, changes, horizon) {
            return Some(UnixMillis::floor(found)).filter(|found| *found > after);
        }
        span = span.following(zone)?;
        if span.local(span.start) >= horizon {
            return None;
        }
    }
    None
}

fn horizon(from: DateTime) -> DateTime {
    Date::new(from.year().saturating_add(HORIZON_YEARS), 1, 1).map_or(DateTime::MAX, |date| date.at(0, 0, 0, 0))
}

/// A time without change of clocks.
struct Span {
    /// The first instant that may be an occurrence; not always the beginning of the span.
    start: Timestamp,
    offset: Offset,
    entry: Option<Change>,
    exit: Option<Change>,
}

#[derive(Clone, Copy)]
struct Change {
    /// The first second of the new offset. The bundled zones change at whole seconds only.
    at: Timestamp,
    before: Offset,
    after: Offset,
}

impl Span {
    /// The span that holds `at`, of which only what is later than `at` counts.
    fn holding(zone: &TimeZone, at: Timestamp, with_entry: bool) -> Option<Span> {
        let offset = zone.to_offset(at);
        let start = at.checked_add(SignedDuration::from_secs(1)).ok()?;
        let entry = if with_entry { Change::shortly_before(zone, at, offset) } else { None };
        Some(Span { start, offset, entry, exit: Change::next(zone, at, offset) })
    }

    fn following(&self, zone: &TimeZone) -> Option<Span> {
        let entry = self.exit?;
        Some(Span { start: entry.at, offset: entry.after, entry: self.exit, exit: Change::next(zone, entry.at, entry.after) })
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.offset.to_datetime(at)
    }

    fn first_occurrence(&self, cron: &Cron, changes: ClockChanges, horizon: DateTime) -> Option<Timestamp> {
        let end = self.exit.map_or(horizon, |exit| horizon.min(self.local(exit.at)));
        let start = self.local(self.start);
        if !cron.is_fixed_time() {
            return self.shown(next_match(cron, start, end)?);
        }
        let end = match self.exit {
            Some(exit) if exit.is_fold() && changes.fold == Fold::Second => end.min(exit.local_after()),
            _ => end,
        };
        match self.entry {
            Some(entry) if entry.is_fold() && changes.fold == Fold::First => {
                self.shown(next_match(cron, start.max(entry.local_before()), end)?)
            }
            Some(entry) if entry.is_gap() => self.first_after_gap(cron, changes.gap, entry, end),
            _ => self.shown(next_match(cron, start, end)?),
        }
    }

    fn first_after_gap(&self, cron: &Cron, gap: Gap, entry: Change, end: DateTime) -> Option<Timestamp> {
        let start = self.local(self.start);
        match gap {
            Gap::Next if self.start == entry.at => {
                // Lost times and the first instant after them are searched as one, so that they fire as one.
                let found = next_match(cron, entry.local_before(), end)?;
                self.shown(found.max(start))
            }
            Gap::Next | Gap::Skip => self.shown(next_match(cron, start, end)?),
            Gap::Shift => {
                let lost = next_match(cron, entry.before.to_datetime(self.start), entry.local_after());
                let shifted = lost.and_then(|lost| entry.before.to_timestamp(lost).ok());
                let shown = next_match(cron, start, end).and_then(|found| self.shown(found));
                shifted.into_iter().chain(shown).min()
            }
        }
    }

    /// When the clocks of this span show `local`.
    fn shown(&self, local: DateTime) -> Option<Timestamp> {
        self.offset.to_timestamp(local).ok()
    }
}

impl Change {
    fn next(zone: &TimeZone, from: Timestamp, before: Offset) -> Option<Change> {
        let transition = zone.following(from).next()?;
        Some(Change { at: transition.timestamp(), before, after: transition.offset() })
    }

    /// The last change up to `at`, if it still matters: the extreme offsets are 52 hours apart, and so no fold or gap
    /// is longer.
    fn shortly_before(zone: &TimeZone, at: Timestamp, after: Offset) -> Option<Change> {
        let just_after = at.checked_add(SignedDuration::from_nanos(1)).ok()?;
        let change = zone.preceding(just_after).next()?.timestamp();
        if at.duration_since(change) > SignedDuration::from_hours(53) {
            return None;
        }
        let before = zone.to_offset(change.checked_sub(SignedDuration::from_secs(1)).ok()?);
        Some(Change { at: change, before, after })
    }

    fn local_before(&self) -> DateTime {
        self.before.to_datetime(self.at)
    }

    fn local_after(&self) -> DateTime {
        self.after.to_datetime(self.at)
    }

    fn is_fold(&self) -> bool {
        self.after < self.before
    }

    fn is_gap(&self) -> bool {
        let length = self.after.seconds() - self.before.seconds();
        (1..=LONGEST_GAP_SECONDS).contains(&length)
    }
}
