//! From local times to instants: what a cron expression does when clocks change.
//!
//! A zone is read as a row of spans of one offset each. Inside a span local time and absolute time run in parallel, so
//! a search on the calendar suffices; every question that is left is asked where a span begins or ends. Between two
//! changes of a zone's clocks lie days, so a gap or a fold never reaches past the next change.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneTransition};
use jiff::{SignedDuration, Timestamp};

use super::civil::Pattern;
use super::rules::{CronRules, Fold, Gap, LONGEST_GAP};

/// The extreme offsets are 52 hours apart, and so no change moves clocks further, nor is a clock further from UTC.
pub(super) const LONGEST_CHANGE: SignedDuration = SignedDuration::from_hours(53);

/// A time without change of clocks.
pub(super) struct Span {
    offset: Offset,
    /// The change that it begins with; absent where it does not matter.
    entry: Option<Change>,
    /// The change that it ends with, which belongs to the following span.
    exit: Option<Change>,
}

#[derive(Clone, Copy)]
struct Change {
    /// The first second of the new offset. The bundled zones change at whole seconds only.
    at: Timestamp,
    before: Offset,
    after: Offset,
}

/// The local times of a span that fire when a clock shows them: `from` up to but excluding `end`.
struct Shown {
    from: DateTime,
    end: DateTime,
}

impl Span {
    /// The span that holds `at`, for a search forwards: what it begins with is known only if it can matter from `at` on.
    pub(super) fn from(zone: &TimeZone, at: Timestamp, fixed_time: bool) -> Span {
        let offset = zone.to_offset(at);
        if fixed_time {
            // Mostly the next change from two days ago on is the span's end as well, and so one look is enough.
            let shortly_before = at.checked_sub(LONGEST_CHANGE).unwrap_or(Timestamp::MIN);
            match zone.following(shortly_before).next() {
                Some(entry) if entry.timestamp() <= at => {
                    let entry = Change::to(zone, entry.timestamp(), offset);
                    return Span { offset, entry, exit: Change::after(zone, at, offset) };
                }
                exit => return Span { offset, entry: None, exit: exit.map(|exit| Change::by(&exit, offset)) },
            }
        }
        Span { offset, entry: None, exit: Change::after(zone, at, offset) }
    }

    /// The span that holds `at`, with both its ends.
    pub(super) fn around(zone: &TimeZone, at: Timestamp) -> Span {
        let offset = zone.to_offset(at);
        Span { offset, entry: Change::up_to(zone, at, offset), exit: Change::after(zone, at, offset) }
    }

    /// The first instant after it, and what clocks would show then without the change.
    pub(super) fn end(&self) -> Option<(Timestamp, DateTime)> {
        self.exit.map(|exit| (exit.at, self.local(exit.at)))
    }

    /// Its first instant, where that is known, and what clocks show then.
    pub(super) fn start(&self) -> Option<(Timestamp, DateTime)> {
        self.entry.map(|entry| (entry.at, self.local(entry.at)))
    }

    /// What comes after it, with its first instant.
    pub(super) fn following(&self, zone: &TimeZone) -> Option<(Span, Timestamp)> {
        let entry = self.exit?;
        let exit = Change::after(zone, entry.at, entry.after);
        Some((Span { offset: entry.after, entry: self.exit, exit }, entry.at))
    }

    /// What comes before it, with its last second.
    pub(super) fn preceding(&self, zone: &TimeZone) -> Option<(Span, Timestamp)> {
        let exit = self.entry?;
        let last = exit.at.checked_sub(SignedDuration::from_secs(1)).ok()?;
        Some((Span { offset: exit.before, entry: Change::up_to(zone, last, exit.before), exit: self.entry }, last))
    }

    pub(super) fn local(&self, at: Timestamp) -> DateTime {
        self.offset.to_datetime(at)
    }

    /// The first occurrence from `from` on, which lies in this span, whose local time is before `horizon`.
    pub(super) fn first(&self, pattern: Pattern<'_>, rules: CronRules, from: Timestamp, horizon: DateTime) -> Option<Timestamp> {
        let shown = self.shown(pattern, rules, DateTime::MIN, horizon);
        let local = shown.from.max(self.local(from));
        let Some(entry) = self.entry.filter(|entry| entry.is_gap() && pattern.is_fixed_time()) else {
            return self.instant(pattern.first_match(local, shown.end)?);
        };
        match rules.gap {
            Gap::Next if from == entry.at => {
                // Lost times and the first instant after them are searched as one, so that they fire as one.
                let found = pattern.first_match(entry.local_before(), shown.end)?;
                self.instant(found.max(local))
            }
            Gap::Next | Gap::Skip => self.instant(pattern.first_match(local, shown.end)?),
            Gap::Shift => {
                let lost = pattern.first_match(entry.before.to_datetime(from), entry.local_after());
                let shifted = lost.and_then(|lost| entry.before.to_timestamp(lost).ok());
                let shown = pattern.first_match(local, shown.end).and_then(|found| self.instant(found));
                shifted.into_iter().chain(shown).min()
            }
        }
    }

    /// The last occurrence up to and including `to`, which lies in this span, whose local time is not before `horizon`.
    pub(super) fn last(&self, pattern: Pattern<'_>, rules: CronRules, to: Timestamp, horizon: DateTime) -> Option<Timestamp> {
        let shown = self.shown(pattern, rules, horizon, DateTime::MAX);
        let local = if shown.end <= self.local(to) { before(shown.end)? } else { self.local(to) };
        let found = pattern.last_match(shown.from, local).and_then(|found| self.instant(found));
        let Some(entry) = self.entry.filter(|entry| entry.is_gap() && pattern.is_fixed_time()) else { return found };
        match rules.gap {
            // What is shown is not earlier than the first instant after the gap.
            Gap::Next if found.is_none() => pattern.first_match(entry.local_before(), entry.local_after()).map(|_| entry.at),
            Gap::Next | Gap::Skip => found,
            Gap::Shift => {
                let lost_up_to = entry.before.to_datetime(to).min(before(entry.local_after())?);
                let lost = pattern.last_match(entry.local_before(), lost_up_to);
                let shifted = lost.and_then(|lost| entry.before.to_timestamp(lost).ok());
                shifted.into_iter().chain(found).max()
            }
        }
    }

    /// Of a repeated time one pass may not count: then the first span ends early or the second begins late.
    fn shown(&self, pattern: Pattern<'_>, rules: CronRules, earliest: DateTime, latest: DateTime) -> Shown {
        let from = self.entry.map_or(earliest, |entry| earliest.max(self.local(entry.at)));
        let end = self.exit.map_or(latest, |exit| latest.min(self.local(exit.at)));
        let of_fold =
            |change: Option<Change>, fold| change.filter(|change| pattern.is_fixed_time() && rules.fold == fold && change.is_fold());
        Shown {
            from: of_fold(self.entry, Fold::First).map_or(from, |entry| from.max(entry.local_before())),
            end: of_fold(self.exit, Fold::Second).map_or(end, |exit| end.min(exit.local_after())),
        }
    }

    /// When the clocks of this span show `local`.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        self.offset.to_timestamp(local).ok()
    }
}

fn before(local: DateTime) -> Option<DateTime> {
    local.checked_sub(SignedDuration::from_secs(1)).ok()
}

impl Change {
    fn after(zone: &TimeZone, at: Timestamp, before: Offset) -> Option<Change> {
        Some(Change::by(&zone.following(at).next()?, before))
    }

    fn by(transition: &TimeZoneTransition<'_>, before: Offset) -> Change {
        Change { at: transition.timestamp(), before, after: transition.offset() }
    }

    /// The last change up to `at`, as the one after which the next is later than `at`: after the last change that the
    /// database lists one by one, `preceding` answers with one of the rule that follows, even if it did not apply yet
    /// (jiff 0.2, seen in America/Ciudad_Juarez after 2022-11-30).
    fn up_to(zone: &TimeZone, at: Timestamp, after: Offset) -> Option<Change> {
        let just_after = at.checked_add(SignedDuration::from_nanos(1)).ok()?;
        let mut change = zone.preceding(just_after).next()?.timestamp();
        let later = zone.following(change).map(|later| later.timestamp());
        for later in later.take_while(|later| *later <= at) {
            change = later;
        }
        Change::to(zone, change, after)
    }

    fn to(zone: &TimeZone, at: Timestamp, after: Offset) -> Option<Change> {
        let before = zone.to_offset(at.checked_sub(SignedDuration::from_secs(1)).ok()?);
        Some(Change { at, before, after })
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
        let length = self.after.duration_since(self.before);
        length.is_positive() && length <= LONGEST_GAP
    }
}
