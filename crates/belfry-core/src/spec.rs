//! When a schedule fires: its specs, evaluated in its zone.
//!
//! Pure functions of (specs, zone, zone data, bounds, after): no clock, and no state.

pub mod calendar;
pub mod cron;
pub mod describe;
pub mod rrule;

mod times;

use std::fmt;

use jiff::SignedDuration;
use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::times::SpecError;

use crate::calendar::Calendars;
use crate::time::{InstantError, UnixMillis, Zone, duration};
use calendar::{CalendarRule, CalendarSpec, Setting};
use cron::{Cron, CronError, CronRules, Dialect};
use rrule::{Rrule, RruleError};

/// The part of a schedule that generates times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Spec {
    Cron(CronSpec),
    Every(Every),
    At(AtSpec),
    Rrule(RruleSpec),
    Calendar(CalendarSpec),
    /// A kind that this version does not know, stored by a newer one: passed over, not failed.
    Unknown(Value),
}

/// A cron expression, with its dialect where that is not the standard one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CronText", into = "CronText")]
pub struct CronSpec {
    pub cron: Cron,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CronText {
    cron: String,
    #[serde(default, skip_serializing_if = "is_standard")]
    dialect: Dialect,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_standard(dialect: &Dialect) -> bool {
    *dialect == Dialect::Standard
}

impl TryFrom<CronText> for CronSpec {
    type Error = CronError;

    fn try_from(text: CronText) -> Result<CronSpec, CronError> {
        Ok(CronSpec { cron: Cron::parse_in(&text.cron, text.dialect)? })
    }
}

impl From<CronSpec> for CronText {
    fn from(spec: CronSpec) -> CronText {
        CronText { cron: spec.cron.text().to_owned(), dialect: spec.cron.dialect() }
    }
}

/// A recurrence rule; with its start where the text has no DTSTART.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RruleText", into = "RruleText")]
pub struct RruleSpec {
    /// Large, and its neighbours are small.
    pub rrule: Box<Rrule>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RruleText {
    rrule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<UnixMillis>,
}

impl TryFrom<RruleText> for RruleSpec {
    type Error = RruleError;

    fn try_from(text: RruleText) -> Result<RruleSpec, RruleError> {
        let rrule = Rrule::parse(&text.rrule)?;
        let anchored = match text.start {
            Some(start) => rrule.with_start(start)?,
            None => rrule,
        };
        Ok(RruleSpec { rrule: Box::new(anchored) })
    }
}

impl From<RruleSpec> for RruleText {
    fn from(spec: RruleSpec) -> RruleText {
        RruleText { rrule: spec.rrule.text().to_owned(), start: spec.rrule.given_start() }
    }
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
        if after < self.start { Some(self.start) } else { self.nth(self.passed(after)?.checked_add(1)?) }
    }

    fn previous_before(&self, before: UnixMillis) -> Option<UnixMillis> {
        if before <= self.start { None } else { self.nth(self.passed(UnixMillis::saturating(before.get() - 1))?) }
    }

    /// How many intervals lie between the start and `at`, which is not before it.
    fn passed(&self, at: UnixMillis) -> Option<i64> {
        Some((at.get() - self.start.get()) / self.length()?)
    }

    fn nth(&self, number: i64) -> Option<UnixMillis> {
        UnixMillis::new(self.start.get().checked_add(self.length()?.checked_mul(number)?)?)
    }

    fn length(&self) -> Option<i64> {
        i64::try_from(self.every.as_millis()).ok().filter(|every| *every > 0)
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

    pub fn rrule(rrule: Rrule) -> Spec {
        Spec::Rrule(RruleSpec { rrule: Box::new(rrule) })
    }

    pub fn calendar(calendar: CalendarRule) -> Spec {
        Spec::Calendar(CalendarSpec { calendar })
    }

    /// The first time after `after`, exclusive; `None` when none is left.
    ///
    /// # Errors
    /// When the search spent its budget, or a calendar that it names cannot be used: then nothing is known.
    pub fn next_after(
        &self,
        zone: &Zone,
        rules: CronRules,
        calendars: &Calendars,
        after: UnixMillis,
    ) -> Result<Option<UnixMillis>, SpecError> {
        match self {
            Spec::Cron(spec) => Ok(spec.cron.next_after_with(zone.rules(), after, rules)),
            Spec::Every(every) => Ok(every.next_after(after)),
            Spec::At(spec) => Ok(spec.at.instant(zone).filter(|at| *at > after)),
            Spec::Rrule(spec) => Ok(spec.rrule.next_after(zone.rules(), after)?),
            Spec::Calendar(spec) => Ok(spec.calendar.next_after(setting(zone, rules, calendars), after)?),
            Spec::Unknown(_) => Ok(None),
        }
    }

    /// The last time before `before`, exclusive; `None` when there is none.
    ///
    /// # Errors
    /// As [`Spec::next_after`].
    pub fn previous_before(
        &self,
        zone: &Zone,
        rules: CronRules,
        calendars: &Calendars,
        before: UnixMillis,
    ) -> Result<Option<UnixMillis>, SpecError> {
        match self {
            Spec::Cron(spec) => Ok(spec.cron.previous_before(zone.rules(), before, rules)),
            Spec::Every(every) => Ok(every.previous_before(before)),
            Spec::At(spec) => Ok(spec.at.instant(zone).filter(|at| *at < before)),
            Spec::Rrule(spec) => Ok(spec.rrule.previous_before(zone.rules(), before)?),
            Spec::Calendar(spec) => Ok(spec.calendar.previous_before(setting(zone, rules, calendars), before)?),
            Spec::Unknown(_) => Ok(None),
        }
    }
}

fn setting<'a>(zone: &'a Zone, rules: CronRules, calendars: &'a Calendars) -> Setting<'a> {
    Setting { zone: zone.rules(), gap: rules.gap, fold: rules.fold, calendars }
}
