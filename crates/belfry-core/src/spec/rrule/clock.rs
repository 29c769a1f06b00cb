//! From wall times to instants, as RFC 5545 3.3.5 has it: a time lost when clocks go forward is read with the offset before
//! (02:30 becomes 03:30), a repeated one means its first pass.
//!
//! So the order of wall times is not that of instants: 02:45, when lost, comes after 03:30. And a time that is lost may
//! fall together with one that is not.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::days;

/// No offset is further from UTC, and no zone's clocks were ever put forward or back by more, in seconds.
pub(super) const FURTHEST_OFFSET: i64 = 26 * 3600;

/// The instant, in seconds, at which clocks show `wall`.
pub(super) fn instant(zone: &TimeZone, wall: i64) -> Option<i64> {
    shown(zone, wall).map(|(at, _)| at)
}

/// What clocks show at the instant `at`.
pub(super) fn wall(zone: &TimeZone, at: i64) -> Option<i64> {
    offset(zone, at).map(|offset| at + offset)
}

pub(super) fn offset(zone: &TimeZone, at: i64) -> Option<i64> {
    Timestamp::from_second(at).ok().map(|at| seconds(zone.to_offset(at)))
}

/// The first instant later than `after`, of wall times that `first_from` gives in their own order: the first that is at
/// least its argument.
pub(super) fn next_after<E>(
    zone: &TimeZone,
    after: i64,
    mut first_from: impl FnMut(i64) -> Result<Option<i64>, E>,
) -> Result<Option<i64>, E> {
    let Some(offset) = offset(zone, after) else { return Ok(None) };
    let mut from = after + 1 + offset;
    let mut lost = None;
    if let Some(change) = Change::shortly_before(zone, after, offset) {
        from = if change.before > change.after { from.max(change.at + change.before) } else { from };
        let first_lost = after + 1 + change.before;
        if first_lost < change.at + change.after {
            lost = first_from(first_lost)?.filter(|wall| *wall < change.at + change.after).map(|wall| wall - change.before);
        }
    }
    let Some(wall) = first_from(from)? else { return Ok(lost) };
    let mut found = shown(zone, wall);
    if let Some((at, Some(gap))) = found {
        // A time after the gap may come before one that was lost in it.
        let rival = first_from(gap.at + gap.after)?.filter(|wall| *wall < at + gap.after);
        found = Some((at.min(rival.and_then(|wall| instant(zone, wall)).unwrap_or(at)), None));
    }
    Ok(found.map(|(at, _)| at).into_iter().chain(lost).min())
}

/// A change of clocks, in seconds.
#[derive(Clone, Copy)]
struct Change {
    at: i64,
    before: i64,
    after: i64,
}

impl Change {
    /// The last change up to `at`, at which the offset is `after`, if it may still matter: no gap and no fold is longer than
    /// [`FURTHEST_OFFSET`].
    fn shortly_before(zone: &TimeZone, at: i64, after: i64) -> Option<Change> {
        // To compare offsets is ten times faster than to ask for changes; a test holds that no zone changes there and back
        // so quickly.
        if offset(zone, at - FURTHEST_OFFSET)? == after {
            return None;
        }
        let change = zone.preceding(Timestamp::from_second(at + 1).ok()?).next()?.timestamp();
        let before = zone.to_offset(change.checked_sub(SignedDuration::from_secs(1)).ok()?);
        Some(Change { at: change.as_second(), before: seconds(before), after })
    }
}

/// The instant at which clocks show `wall`, and the gap in which it was lost.
fn shown(zone: &TimeZone, wall: i64) -> Option<(i64, Option<Change>)> {
    match zone.to_ambiguous_timestamp(days::local(wall)?).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some((wall - seconds(offset), None)),
        AmbiguousOffset::Fold { before, .. } => Some((wall - seconds(before), None)),
        AmbiguousOffset::Gap { before, after } => {
            let at = wall - seconds(before);
            let gap = Change::shortly_before(zone, at, seconds(after));
            Some((at, gap))
        }
    }
}

fn seconds(offset: Offset) -> i64 {
    offset.seconds().into()
}
