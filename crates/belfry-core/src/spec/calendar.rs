//! Calendar specs: days named as people name them, at times of day.
//!
//! Three kinds, told apart by their fields, all inside `{"calendar": {…}}`, so that none is taken for an elapsed
//! interval (`{"every": "PT15M"}`):
//!
//! | kind | example |
//! |---|---|
//! | interval of local time | `{"every": "2 weeks", "weekdays": ["MON", "THU"], "from": "2026-01-05", "at": ["09:00", "17:30"]}` |
//! | | `{"every": "3 months", "days": [31], "clamp": true, "from": "2026-01-31", "at": "18:00"}` |
//! | fields, which must all match | `{"years": ["2026-2028"], "months": ["JAN", 7], "days": ["1-5", -1], "weekdays": ["MON-FRI"], "at": "09:00"}` |
//! | nth business days of months | `{"business_day": -1, "months": [3, 6, 9, 12], "business_calendar": "DE", "at": "18:00"}` |
//!
//! * A single value stands for a list of one. Days and business days are counted from the end when negative. Weekdays
//!   are also the nth of a month: `"2nd TUE"`, `"last FRI"`. A month too short for a day has none, unless `clamp`.
//! * `from` begins an interval: its day, week (from Monday on) or month is the first; nothing comes before it. Without
//!   `weekdays` or `days` the interval takes those of `from`.
//! * `on_holiday`: what becomes of a day that is no business day of `business_calendar` (without one: Monday to Friday,
//!   no holidays): `skip`, or the `previous` or `next` business day. Days that meet there fire once.
//! * Times of day are local. One that does not exist or comes twice is treated as by a fixed-time cron expression.

mod days;
mod describe;
pub mod local;
mod month;
mod read;
mod search;
#[cfg(test)]
mod tests;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use self::days::Days;
use self::search::{Search, Way};
use super::cron::{Fold, Gap};
use crate::calendar::{CalendarError, Calendars};
use crate::time::UnixMillis;
use crate::violation::Violations;

/// Steps of one search: months and days that are looked at. Forty years of months are 480.
pub const MOST_STEPS: u32 = 2_000;
/// The most times of day of one spec.
pub const MAX_TIMES: usize = 48;

/// A spec of the kind `calendar`, as it stands among a schedule's specs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    pub calendar: CalendarRule,
}

/// What a calendar spec says; written as its author wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarRule {
    /// Kept because people must find what they wrote.
    given: Value,
    days: Days,
    /// Ascending, without doubles, one at least.
    at: Vec<Time>,
    business_calendar: Option<String>,
    on_holiday: Option<OnHoliday>,
}

/// What becomes of a day that is no business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnHoliday {
    Skip,
    /// The last business day before it.
    Previous,
    /// The first business day after it.
    Next,
}

crate::run::words!(OnHoliday: Skip = "skip", Previous = "previous", Next = "next");

/// Where a rule is evaluated, and by which rules for a change of clocks.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    pub zone: &'a TimeZone,
    pub gap: Gap,
    pub fold: Fold,
    pub calendars: &'a Calendars,
}

/// Why no answer was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarSpecError {
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    #[error("no time was found in {MOST_STEPS} steps; its days may all be holidays, or lost when clocks change")]
    BudgetSpent,
}

impl CalendarRule {
    /// Reads what stands in `{"calendar": …}`; pointers begin there.
    ///
    /// # Errors
    /// Everything that is wrong. A rule that can never fire, such as 30 February, is refused; whether its business
    /// calendar exists is not known here, see [`CalendarRule::check`].
    pub fn parse(value: &Value) -> Result<CalendarRule, Violations> {
        read::rule(value)
    }

    /// [`CalendarRule::parse`], but an interval without `from` begins `today`, which is then written down in it.
    pub fn parse_anchored(value: &Value, today: Date) -> Result<CalendarRule, Violations> {
        let mut value = value.clone();
        if let Value::Object(fields) = &mut value
            && fields.get("every").is_some_and(|every| !every.is_null())
            && fields.get("from").is_none_or(Value::is_null)
        {
            fields.insert("from".to_owned(), Value::from(today.to_string()));
        }
        CalendarRule::parse(&value)
    }

    /// Whether the business calendar that the rule needs is there and can be used.
    pub fn check(&self, calendars: &Calendars) -> Result<(), Violations> {
        let mut violations = Violations::default();
        if let Some(name) = &self.business_calendar
            && let Err(error) = calendars.get(name)
        {
            let found = Some(Value::from(name.as_str()));
            violations.add("/business_calendar", found, error.to_string(), "the name of a calendar that can be used");
        }
        violations.or(())
    }

    /// The name of the business calendar that it needs; absent for Monday to Friday.
    pub fn business_calendar(&self) -> Option<&str> {
        self.business_calendar.as_deref()
    }

    /// The first occurrence strictly later than `after`, always at a whole second; `None` when none is left.
    ///
    /// # Errors
    /// When the business calendar cannot be used, or nothing was found within [`MOST_STEPS`].
    pub fn next_after(&self, setting: Setting, after: UnixMillis) -> Result<Option<UnixMillis>, CalendarSpecError> {
        Search::new(self, setting, Way::Later)?.occurrence(after)
    }

    /// The last occurrence strictly earlier than `before`; `None` when there is none. Errors as for
    /// [`CalendarRule::next_after`].
    pub fn previous_before(&self, setting: Setting, before: UnixMillis) -> Result<Option<UnixMillis>, CalendarSpecError> {
        Search::new(self, setting, Way::Earlier)?.occurrence(before)
    }

    /// When it fires, such as "at 18:00 on the last business day of every month".
    pub fn describe(&self) -> String {
        describe::rule(self)
    }
}

impl Serialize for CalendarRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.given.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CalendarRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<CalendarRule, D::Error> {
        CalendarRule::parse(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
