//! When a schedule fires: its specs, evaluated in its zone.
//!
//! Pure functions of (specs, zone, zone data, bounds, after): no clock, and no state.

pub mod cron;
pub mod describe;

use std::fmt;

use jiff::SignedDuration;
use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schedule::ScheduleContent;
use crate::time::{InstantError, UnixMillis, Zone, duration};
use cron::Cron;

/// The part of a schedule that generates times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Spec {
    Cron(CronSpec),
    Every(Every),
    At(AtSpec),
    /// A kind that this version does not know, stored by a newer one: passed over, not failed.
    Unknown(Value),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CronSpec {
    pub cron: Cron,
}

/// `start + k × every` for k = 0, 1, …, in absolute time: clocks that change have no effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// At least [`SHORTEST_INTERVAL`].
    #[serde(with = "duration")]
    pub every: SignedDuration,
    pub start: UnixMillis,
}

pub const SHORTEST_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtSpec {
    pub at: At,
}

/// One instant: with an offset that instant, without one a local time of the schedule's zone.
#[derive(Debug, Clone, PartialEq)]
pub enum At {
    Instant(UnixMillis),
    /// In a gap the offset before the gap applies (02:30 becomes 03:30), in a fold the first pass (RFC 5545 3.3.5).
    Local(civil::DateTime),
}

impl At {
    pub fn parse(text: &str) -> Result<At, InstantError> {
        // A civil time refuses only `Z`; text with a numeric offset would lose the offset, so instants are tried first.
        match UnixMillis::parse_exact(text) {
            Err(InstantError::NotAnInstant(_)) => {}
            result => return result.map(At::Instant),
        }
        let local: civil::DateTime = text.parse().map_err(|_| InstantError::NotAnInstant(text.to_owned()))?;
        if local.subsec_nanosecond() % 1_000_000 != 0 {
            return Err(InstantError::TooFine(text.to_owned()));
        }
        Ok(At::Local(local))
    }

    pub fn instant(&self, zone: &Zone) -> Option<UnixMillis> {
        match self {
            At::Instant(at) => Some(*at),
            At::Local(local) => zone.rules().to_ambiguous_timestamp(*local).compatible().ok().map(UnixMillis::floor),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Instant(at) => write!(f, "{at}"),
            At::Local(local) => write!(f, "{local}"),
        }
    }
}

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<At, D::Error> {
        At::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Every {
    fn next_after(&self, after: UnixMillis) -> Option<UnixMillis> {
        if after < self.start {
            return Some(self.start);
        }
        let every = i64::try_from(self.every.as_millis()).ok().filter(|every| *every > 0)?;
        let passed = (after.get() - self.start.get()) / every;
        UnixMillis::new(self.start.get().checked_add(every.checked_mul(passed + 1)?)?)
    }
}

impl Spec {
    pub fn cron(cron: Cron) -> Spec {
        Spec::Cron(CronSpec { cron })
    }

    pub fn every(every: SignedDuration, start: UnixMillis) -> Spec {
        Spec::Every(Every { every, start })
    }

    pub fn at(at: At) -> Spec {
        Spec::At(AtSpec { at })
    }

    /// The first time after `after`, exclusive; `None` when none is left.
    pub fn next_after(&self, zone: &Zone, after: UnixMillis) -> Option<UnixMillis> {
        match self {
            Spec::Cron(spec) => spec.cron.next_after(zone.rules(), after),
            Spec::Every(every) => every.next_after(after),
            Spec::At(spec) => spec.at.instant(zone).filter(|at| *at > after),
            Spec::Unknown(_) => None,
        }
    }
}

/// A spec answered with a time that is not later than what it was asked for: a fault of the engine, never passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the spec answered {answered} as the next time after {after}")]
pub struct NotLater {
    pub after: UnixMillis,
    pub answered: UnixMillis,
}

impl ScheduleContent {
    /// Whether this version can evaluate every spec.
    pub fn is_known(&self) -> bool {
        !self.specs.iter().any(|spec| matches!(spec, Spec::Unknown(_)))
    }

    /// The first occurrence after `after`, exclusive, inside the schedule's bounds.
    pub fn next_after(&self, after: UnixMillis) -> Result<Option<UnixMillis>, NotLater> {
        let after = match self.start_at {
            Some(start) => after.max(UnixMillis::saturating(start.get() - 1)),
            None => after,
        };
        let next = self.specs.iter().filter_map(|spec| spec.next_after(&self.timezone, after)).min();
        match next {
            Some(answered) if answered <= after => Err(NotLater { after, answered }),
            next => Ok(next.filter(|next| self.end_at.is_none_or(|end| *next <= end))),
        }
    }

    /// The latest occurrence in `from..=to`: by bisection, so a gap of years costs some forty searches, not one an occurrence.
    pub fn latest_in(&self, from: UnixMillis, to: UnixMillis) -> Result<Option<UnixMillis>, NotLater> {
        let mut low = from.get() - 1;
        let mut high = to.get();
        let mut latest = None;
        // There is an occurrence in (low, high], or there is none at all: each round halves the range.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.next_after(UnixMillis::saturating(middle))?.filter(|next| next.get() <= to.get()) {
                Some(next) => {
                    latest = Some(next);
                    low = next.get();
                }
                None => high = middle,
            }
        }
        Ok(latest)
    }

    /// The occurrences on both sides of `nominal`, by the spec alone.
    pub fn neighbours(&self, nominal: UnixMillis) -> Result<(Option<UnixMillis>, Option<UnixMillis>), NotLater> {
        let mut back = SignedDuration::from_secs(1);
        let earliest = nominal.minus(LONGEST_LOOK_BACK);
        let before = UnixMillis::saturating(nominal.get() - 1);
        let previous = loop {
            let from = nominal.minus(back).max(earliest);
            match self.latest_in(from, before)? {
                None if from > earliest => back = back.saturating_mul(4),
                found => break found,
            }
        };
        Ok((previous, self.next_after(nominal)?))
    }

    /// The next `count` occurrences after `after`.
    pub fn times_after(&self, after: UnixMillis, count: usize) -> Result<Vec<UnixMillis>, NotLater> {
        let mut times = Vec::new();
        let mut last = after;
        while times.len() < count {
            let Some(next) = self.next_after(last)? else { break };
            times.push(next);
            last = next;
        }
        Ok(times)
    }
}

/// 29 February on a given weekday comes back after 40 years at most.
const LONGEST_LOOK_BACK: SignedDuration = SignedDuration::from_hours(41 * 366 * 24);
