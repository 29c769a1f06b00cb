//! Cron expressions: which local times they name, and the next instant at which a zone's clocks show one.
//!
//! Five fields as POSIX and Vixie's cron read them, six with the second first. What happens when clocks change is
//! decided in [`next`], everything about text in [`parse`] and [`field`]. Nothing here knows of schedules.

mod civil;
mod error;
mod field;
mod next;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::error::CronError;
pub use self::field::Field;
pub use self::next::{ClockChanges, Fold, Gap};
use crate::time::UnixMillis;

/// A cron expression that can fire, as its author wrote it and as bit sets: bit `n` is set when the value `n` matches.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    /// Kept because people must find what they wrote; macros stay macros.
    text: Box<str>,
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u32,
    /// Bits 1 to 31.
    pub(super) days: u32,
    /// Bits 1 to 12.
    pub(super) months: u16,
    /// Bits 0 (Sunday) to 6; a 7 was moved to 0.
    pub(super) weekdays: u8,
    pub(super) day_rule: DayRule,
    /// Decides how the expression lives through a change of clocks; only the text tells, for `0-59` and `*` differ.
    fixed_time: bool,
}

/// How the two day fields are combined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DayRule {
    /// One of them starts with `*` or is `?`: a day must match both.
    Both,
    /// Neither does: a day may match either, as in POSIX.
    Either,
}

impl Cron {
    /// Reads five fields, six with the second first, or a macro such as `@daily`.
    ///
    /// # Errors
    /// Says which field is wrong, what was found there and what would be accepted. An expression that can never fire,
    /// such as 30 February, is refused too.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        parse::parse(text)
    }

    /// What the user wrote, without the white space around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the expression names times of day rather than a rhythm: no second, minute or hour field starts with
    /// `*` or has an open step such as `5/15`. Only such an expression makes up for times that a change of clocks
    /// loses, and ignores those that it repeats.
    pub fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// Whether both day fields are restricted, so that a day that matches *either* of them will do. Many people expect
    /// that it must match both.
    pub fn day_fields_both_restricted(&self) -> bool {
        self.day_rule == DayRule::Either
    }

    /// Whether there is a day that matches. Always so for what [`Cron::parse`] accepted.
    pub fn can_ever_fire(&self) -> bool {
        civil::can_ever_match(self)
    }

    /// The first occurrence strictly later than `after`, always at a whole second; `None` when the next 40 years,
    /// or the years up to 9999, have none.
    ///
    /// A time lost when clocks go forward is made up for at the first instant after the gap, a repeated one fires once.
    pub fn next_after(&self, zone: &TimeZone, after: UnixMillis) -> Option<UnixMillis> {
        self.next_after_with(zone, after, ClockChanges::default())
    }

    /// [`Cron::next_after`], with other answers to a change of clocks.
    pub fn next_after_with(&self, zone: &TimeZone, after: UnixMillis, changes: ClockChanges) -> Option<UnixMillis> {
        next::next_after(self, zone, after, changes)
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Cron, CronError> {
        Cron::parse(text)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.text)
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cron, D::Error> {
        let text = String::deserialize(deserializer)?;
        Cron::parse(&text).map_err(de::Error::custom)
    }
}
