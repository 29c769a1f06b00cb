//! Business calendars: which days nobody works, as named sets that schedules share.
//!
//! A calendar lists its own holidays and may build on others (`DE`, and the company's days on top, less exceptions).
//! [`Calendars`] holds the named ones, each at one version, and answers what they come to together. Everything is a
//! function of a local date: zones and clocks belong to [`crate::spec`].

pub mod change;
mod date_rule;
mod date_set;
pub(crate) mod document;
mod easter;
mod exclusion;
pub mod ics;
pub mod names;
mod pinned;
mod read;
mod resolve;
#[cfg(test)]
pub(crate) mod tests;

use jiff::civil::Weekday;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

pub use change::MAX_USERS;
pub(crate) use date_rule::days_between;
pub use date_rule::{DateRule, DateRuleError, LONGEST_RANGE, parse_date};
pub use date_set::{DateEntry, DateSet};
pub use easter::easter;
pub use exclusion::{DateExclusion, Exclusion};
pub use pinned::{MAX_PINNED_BYTES, PinnedCalendars};
pub use resolve::{BusinessDays, CalendarError, CalendarVersion, Calendars, DayKind, Said};

use crate::violation::Violations;

/// The most entries of one calendar's list.
pub const MAX_ENTRIES: usize = 5_000;
/// The most days that the dates and ranges of one calendar's list come to.
pub const MAX_DAYS: usize = 20_000;
/// The most calendars that one calendar names.
pub const MAX_UNION: usize = 20;

/// A business calendar as its author wrote it.
///
/// ```json
/// { "union": ["DE", "company"],
///   "weekend": ["SAT", "SUN"],
///   "holidays": ["2026-12-24..2026-12-31", "12-25", {"on": "easter-2", "label": "Good Friday"},
///                {"on": "10-31", "since": 2018}, "last MON of MAY"],
///   "except": ["2026-12-29"],
///   "workdays": ["2026-02-14"] }
/// ```
///
/// A day is a holiday when it or a calendar of `union` says so and `except` does not name it. It is a business day when
/// it is no holiday and either no weekend or named in `workdays` (of it or of a calendar of `union`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BusinessCalendar {
    /// Absent: the weekends of the calendars of `union` that have one, else Saturday and Sunday. Empty: none.
    pub weekend: Option<Vec<Weekday>>,
    /// The names of the calendars that it builds on.
    pub union: Vec<String>,
    pub holidays: Vec<DateEntry>,
    /// Days that are no holidays, whatever the lists say. It does not turn a weekend into a business day.
    pub except: Vec<DateEntry>,
    /// Days of a weekend on which people work, as China has them around its long holidays.
    pub workdays: Vec<DateEntry>,
}

impl BusinessCalendar {
    /// Reads a calendar; pointers begin at `value`.
    ///
    /// # Errors
    /// Everything that is wrong, at most fifty places. Whether the names of `union` exist is not known here, see
    /// [`Calendars::get`].
    pub fn parse(value: &Value) -> Result<BusinessCalendar, Violations> {
        read::calendar(value)
    }
}

impl Serialize for BusinessCalendar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(weekend) = &self.weekend {
            let codes: Vec<&str> = weekend.iter().map(|day| names::weekday_code(*day)).collect();
            map.serialize_entry("weekend", &codes)?;
        }
        if !self.union.is_empty() {
            map.serialize_entry("union", &self.union)?;
        }
        for (name, entries) in [("holidays", &self.holidays), ("except", &self.except), ("workdays", &self.workdays)] {
            if !entries.is_empty() {
                map.serialize_entry(name, entries)?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for BusinessCalendar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<BusinessCalendar, D::Error> {
        BusinessCalendar::parse(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A text when there is nothing but the rule, else an object.
impl Serialize for DateEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if (self.since, self.until, &self.label) == (None, None, &None) {
            return serializer.collect_str(&self.on);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("on", &self.on.to_string())?;
        if let Some(since) = self.since {
            map.serialize_entry("since", &since)?;
        }
        if let Some(until) = self.until {
            map.serialize_entry("until", &until)?;
        }
        if let Some(label) = &self.label {
            map.serialize_entry("label", label)?;
        }
        map.end()
    }
}
