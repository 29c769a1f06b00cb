//! The instants at which a zone's clocks show a local time: one, none in a gap, two in a fold, and what is made of it.
//!
//! The answers are those of a fixed-time cron expression (`spec::cron::next`), for one local time instead of a search.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::spec::cron::{Fold, Gap, LONGEST_GAP};

/// A local time in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The clocks show it once.
    Once(Timestamp),
    /// The clocks jump over it, from the first instant with the new offset on.
    Never { gap_ends: Timestamp, shifted: Timestamp, length: SignedDuration },
    /// The clocks show it twice.
    Twice { first: Timestamp, second: Timestamp },
}

impl Shown {
    /// `None` beyond the range of instants, the years -9999 to 9999.
    pub fn of(local: DateTime, zone: &TimeZone) -> Option<Shown> {
        Some(match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Shown::Once(offset.to_timestamp(local).ok()?),
            AmbiguousOffset::Fold { before, after } => {
                Shown::Twice { first: before.to_timestamp(local).ok()?, second: after.to_timestamp(local).ok()? }
            }
            AmbiguousOffset::Gap { before, after } => Shown::Never {
                gap_ends: gap_end(zone, after.to_timestamp(local).ok()?, after)?,
                shifted: before.to_timestamp(local).ok()?,
                length: after.duration_since(before),
            },
        })
    }

    /// When it fires.
    pub fn instants(self, gap: Gap, fold: Fold) -> impl Iterator<Item = Timestamp> {
        let both = match self {
            Shown::Once(at) => [Some(at), None],
            Shown::Never { length, .. } if length > LONGEST_GAP => [None, None],
            Shown::Never { gap_ends, shifted, .. } => match gap {
                Gap::Next => [Some(gap_ends), None],
                Gap::Shift => [Some(shifted), None],
                Gap::Skip => [None, None],
            },
            Shown::Twice { first, second } => match fold {
                Fold::First => [Some(first), None],
                Fold::Second => [Some(second), None],
                Fold::Both => [Some(first), Some(second)],
            },
        };
        both.into_iter().flatten()
    }
}

/// The first instant of the offset `after`, which begins shortly after `inside`.
fn gap_end(zone: &TimeZone, inside: Timestamp, after: Offset) -> Option<Timestamp> {
    // Not every transition changes the offset, but a zone has few within the length of a gap.
    const MOST_TRANSITIONS: usize = 4;
    let mut transitions = zone.following(inside).take(MOST_TRANSITIONS);
    transitions.find(|transition| transition.offset() == after).map(|transition| transition.timestamp())
}
