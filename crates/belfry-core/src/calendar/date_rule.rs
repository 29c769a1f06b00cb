//! One entry of a calendar: a day, days, or a rule that names a day of every year.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};

use super::names::{month, month_code, ordinal, ordinal_word, weekday, weekday_code};

/// Which days an entry names. Written and read as text, see [`DateRule::ACCEPTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateRule {
    /// `2026-12-24`
    Date(Date),
    /// `2026-12-24..2026-12-31`, both included, of at most [`LONGEST_RANGE`] days.
    Range { from: Date, to: Date },
    /// `12-25`: every year that has the day.
    Yearly { month: i8, day: i8 },
    /// `easter`, `easter-2`, `easter+39`: days after Easter Sunday, negative before it.
    Easter(i16),
    /// `last MON of MAY`, `4th THU of NOV`.
    Nth { nth: i8, weekday: Weekday, month: i8 },
}

/// A longer one is more likely a slip of the year than a holiday.
pub const LONGEST_RANGE: i32 = 366;

/// With these a rule stays in the year of its Easter.
const EASTER_OFFSETS: std::ops::RangeInclusive<i16> = -80..=240;

/// Why a text names no days.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateRuleError {
    #[error("`{0}` names no day")]
    Unreadable(String),
    #[error("`{0}` is a day that no year has")]
    NeverThere(String),
    #[error("`{0}` ends before it begins")]
    Backwards(String),
    #[error("`{0}` is longer than {LONGEST_RANGE} days")]
    TooLong(String),
    #[error("`{0}` is too far from Easter")]
    TooFarFromEaster(String),
}

impl DateRule {
    pub const ACCEPTED: &'static str = "a date (`2026-12-24`), dates (`2026-12-24..2026-12-31`, 366 days at most), a day of every \
        year (`12-25`), days from Easter Sunday (`easter-2`, -80 to 240) or a weekday of a month (`last MON of MAY`, `4th THU of NOV`)";

    /// How many days it takes in an index of days.
    pub(super) fn size(self) -> usize {
        match self {
            DateRule::Range { from, to } => days_between(from, to).unsigned_abs() as usize + 1,
            _ => 1,
        }
    }

    /// Whether it names a day in every year, or in many.
    pub fn is_recurring(self) -> bool {
        !matches!(self, DateRule::Date(_) | DateRule::Range { .. })
    }
}

/// From `from` to `to`; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    to.duration_since(from).as_hours() as i32 / 24
}

/// Strictly `YYYY-MM-DD`: other forms of ISO 8601 would not be found again by people who search for a date.
pub fn parse_date(text: &str) -> Option<Date> {
    let shape = |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    let well_formed = text.len() == 10 && text.bytes().enumerate().all(shape);
    well_formed.then(|| text.parse().ok()).flatten()
}

impl FromStr for DateRule {
    type Err = DateRuleError;

    fn from_str(text: &str) -> Result<DateRule, DateRuleError> {
        let text = text.trim();
        let unreadable = || DateRuleError::Unreadable(text.to_owned());
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (parse_date(from.trim()).ok_or_else(unreadable)?, parse_date(to.trim()).ok_or_else(unreadable)?);
            return range(text, from, to);
        }
        if let Some(date) = parse_date(text) {
            return Ok(DateRule::Date(date));
        }
        if text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("easter")) {
            return from_easter(text);
        }
        if let Some((month, day)) = month_and_day(text) {
            // 2000 is a leap year.
            Date::new(2000, month, day).map_err(|_| DateRuleError::NeverThere(text.to_owned()))?;
            return Ok(DateRule::Yearly { month, day });
        }
        nth_weekday(text).ok_or_else(unreadable)
    }
}

fn range(text: &str, from: Date, to: Date) -> Result<DateRule, DateRuleError> {
    match days_between(from, to) {
        ..=-1 => Err(DateRuleError::Backwards(text.to_owned())),
        LONGEST_RANGE.. => Err(DateRuleError::TooLong(text.to_owned())),
        _ => Ok(DateRule::Range { from, to }),
    }
}

fn from_easter(text: &str) -> Result<DateRule, DateRuleError> {
    let rest = text[6..].replace(' ', "");
    let signed = rest.is_empty() || rest.starts_with(['+', '-']);
    let offset = if rest.is_empty() { Ok(0) } else { rest.parse() };
    match offset {
        Ok(offset) if signed && EASTER_OFFSETS.contains(&offset) => Ok(DateRule::Easter(offset)),
        Ok(_) if signed => Err(DateRuleError::TooFarFromEaster(text.to_owned())),
        _ => Err(DateRuleError::Unreadable(text.to_owned())),
    }
}

/// `MM-DD`, in range or not.
fn month_and_day(text: &str) -> Option<(i8, i8)> {
    let (month, day) = text.split_once('-')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(month) && digits(day)).then(|| Some((month.parse().ok()?, day.parse().ok()?))).flatten()
}

fn nth_weekday(text: &str) -> Option<DateRule> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [nth, day, of, of_month] if of.eq_ignore_ascii_case("of") => {
            Some(DateRule::Nth { nth: ordinal(nth)?, weekday: weekday(day)?, month: month(of_month)? })
        }
        _ => None,
    }
}

impl fmt::Display for DateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DateRule::Date(date) => write!(f, "{date}"),
            DateRule::Range { from, to } => write!(f, "{from}..{to}"),
            DateRule::Yearly { month, day } => write!(f, "{month:02}-{day:02}"),
            DateRule::Easter(0) => f.write_str("easter"),
            DateRule::Easter(offset) => write!(f, "easter{offset:+}"),
            DateRule::Nth { nth, weekday, month } => {
                write!(f, "{} {} of {}", ordinal_word(*nth), weekday_code(*weekday), month_code(*month))
            }
        }
    }
}
