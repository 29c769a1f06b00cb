//! Cron expressions: which local times they name, and the instants at which a zone's clocks show one.
//!
//! Five fields as POSIX and Vixie's cron read them, six with the second first, seven with the year last. What happens
//! when clocks change is decided in [`spans`], everything about text in [`parse`], [`field`], [`item`] and [`special`].
//! Nothing here knows of schedules.

mod civil;
mod days;
mod error;
mod field;
mod item;
mod next;
mod parse;
mod rules;
mod spans;
mod special;
#[cfg(test)]
mod tests;
mod years;

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use self::civil::Pattern;
pub(super) use self::days::{DaysOfMonth, Weekdays};
pub use self::error::CronError;
pub use self::field::Field;
pub use self::rules::{CronRules, DayFields, Dialect, Fold, Gap, LONGEST_GAP};
use self::years::Years;
use crate::time::UnixMillis;

/// A cron expression that can fire, as its author wrote it and as bit sets: bit `n` is set when the value `n` matches.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    /// Kept because people must find what they wrote; macros stay macros.
    text: Box<str>,
    /// The same text means other days in another dialect.
    dialect: Dialect,
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u32,
    pub(super) days: DaysOfMonth,
    /// Bits 1 to 12.
    pub(super) months: u16,
    pub(super) weekdays: Weekdays,
    /// `None` for every year, also those outside the field's range.
    pub(super) years: Option<Years>,
    pub(super) day_rule: DayRule,
    /// Decides how the expression lives through a change of clocks; only the text tells, for `0-59` and `*` differ.
    fixed_time: bool,
}

/// How the two day fields are combined, as far as the text tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DayRule {
    /// One of them starts with `*` or is `?`: a day must match both.
    Both,
    /// Neither does: [`DayFields`] decides.
    Restricted,
}

impl Cron {
    /// Reads five fields, six with the second first, seven with the year last, or a macro such as `@daily`.
    ///
    /// # Errors
    /// Says which field is wrong, what was found there and what would be accepted. An expression that can never fire,
    /// such as 30 February, is refused too.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        Cron::parse_in(text, Dialect::Standard)
    }

    /// [`Cron::parse`], in another dialect.
    pub fn parse_in(text: &str, dialect: Dialect) -> Result<Cron, CronError> {
        parse::parse(text, dialect)
    }

    /// What the user wrote, without the white space around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the expression names times of day rather than a rhythm: no second, minute or hour field starts with
    /// `*` or has an open step such as `5/15`. Only such an expression makes up for times that a change of clocks
    /// loses, and ignores those that it repeats.
    pub fn is_fixed_time(&self) -> bool {
        self.fixed_time
    }

    /// Whether both day fields are restricted, so that [`CronRules::dom_dow`] decides between days that match *either*
    /// of them, the default, and days that match both, which many people expect.
    pub fn day_fields_both_restricted(&self) -> bool {
        self.day_rule == DayRule::Restricted
    }

    /// The last year in which it can fire; `None` when it goes on for ever.
    pub fn last_year(&self) -> Option<i16> {
        self.years.map(|years| years.last())
    }

    /// Whether there is a day that matches. What was parsed can fire by the default rule, but `0 0 1 * 1#2` cannot by
    /// [`DayFields::And`].
    pub fn can_ever_fire(&self, dom_dow: DayFields) -> bool {
        Pattern::new(self, dom_dow).can_ever_match()
    }

    /// Refuses what [`Cron::can_ever_fire`] denies, with the reason.
    pub fn check_can_fire(&self, dom_dow: DayFields) -> Result<(), CronError> {
        if self.can_ever_fire(dom_dow) { Ok(()) } else { Err(parse::never_fires(self)) }
    }

    /// Whether the fields match a local time. An occurrence that does not show such a time was made up for a gap.
    pub fn shows(&self, local: DateTime, rules: CronRules) -> bool {
        Pattern::new(self, rules.dom_dow).matches(local)
    }

    /// The first occurrence strictly later than `after`, always at a whole second; `None` when no year is left, or the
    /// next 40 years, or those up to 9999, have none.
    ///
    /// A time lost when clocks go forward is made up for at the first instant after the gap, a repeated one fires once.
    pub fn next_after(&self, zone: &TimeZone, after: UnixMillis) -> Option<UnixMillis> {
        self.next_after_with(zone, after, CronRules::default())
    }

    /// [`Cron::next_after`], by other rules.
    pub fn next_after_with(&self, zone: &TimeZone, after: UnixMillis, rules: CronRules) -> Option<UnixMillis> {
        next::next_after(self, zone, after, rules)
    }

    /// The last occurrence strictly earlier than `before`: of the same occurrences as [`Cron::next_after_with`], and as
    /// far back as that looks ahead.
    pub fn previous_before(&self, zone: &TimeZone, before: UnixMillis, rules: CronRules) -> Option<UnixMillis> {
        next::previous_before(self, zone, before, rules)
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
        match self.dialect {
            Dialect::Standard => write!(f, "Cron({})", self.text),
            Dialect::Quartz => write!(f, "Cron({}, of Quartz)", self.text),
        }
    }
}

/// Its text alone: the dialect is stored beside it.
impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Of the standard dialect; another one is read by [`Cron::parse_in`].
impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cron, D::Error> {
        let text = String::deserialize(deserializer)?;
        Cron::parse(&text).map_err(de::Error::custom)
    }
}
