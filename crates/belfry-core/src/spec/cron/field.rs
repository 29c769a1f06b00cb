//! The fields of a cron expression: their values, their names, and how people are told of them.

use std::fmt;

use super::days::{DaysOfMonth, Weekdays};
use super::error::CronError;
use super::item::{items, steps};
use super::special::{day_of_month, weekday};
use super::years::{FIRST_YEAR, LAST_YEAR, Years};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
    /// Counted from 1, Sunday.
    QuartzDayOfWeek,
    Year,
}

/// What a field says.
pub(super) struct Parsed<T> {
    pub(super) values: T,
    /// The text starts with `*`, or is `?`. That, not the set, decides between *both* and *either* for the day fields
    /// and between rhythm and fixed time for the others, as in Vixie's cron.
    pub(super) starts_with_star: bool,
    /// There is an `N/S` in it.
    pub(super) open_step: bool,
}

/// Of second, minute, hour or month: bit `n` for the value `n`.
pub(super) fn parse_numbers(field: Field, text: &str) -> Result<Parsed<u64>, CronError> {
    let mut parsed = Parsed { values: 0, starts_with_star: text.starts_with('*'), open_step: false };
    for item in items(field, text) {
        let steps = steps(field, item?)?;
        parsed.values |= steps.bits();
        parsed.open_step |= steps.is_open;
    }
    Ok(parsed)
}

pub(super) fn parse_days(text: &str) -> Result<Parsed<DaysOfMonth>, CronError> {
    let (text, field) = (or_star(text), Field::DayOfMonth);
    let mut days = DaysOfMonth::default();
    for item in items(field, text) {
        let item = item?;
        if !day_of_month(item, &mut days)? {
            days.plain |= steps(field, item)?.bits() as u32;
        }
    }
    Ok(Parsed { values: days, starts_with_star: text.starts_with('*'), open_step: false })
}

/// `field` says whose numbers they are.
pub(super) fn parse_weekdays(field: Field, text: &str) -> Result<Parsed<Weekdays>, CronError> {
    let text = or_star(text);
    let mut weekdays = Weekdays::default();
    for item in items(field, text) {
        let item = item?;
        if !weekday(field, item, &mut weekdays)? {
            weekdays.plain |= steps(field, item)?.weekday_bits();
        }
    }
    Ok(Parsed { values: weekdays, starts_with_star: text.starts_with('*'), open_step: false })
}

/// `None` for every year.
pub(super) fn parse_years(text: &str) -> Result<Option<Years>, CronError> {
    let mut years = Years::default();
    let mut any = false;
    for item in items(Field::Year, text) {
        let item = item?;
        any |= item == "*";
        steps(Field::Year, item)?.values().for_each(|year| years.insert(year as i16));
    }
    Ok(if any { None } else { Some(years) })
}

fn or_star(text: &str) -> &str {
    if text == "?" { "*" } else { text }
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    pub(super) fn low(self) -> u16 {
        match self {
            Field::Second | Field::Minute | Field::Hour | Field::DayOfWeek => 0,
            Field::DayOfMonth | Field::Month | Field::QuartzDayOfWeek => 1,
            Field::Year => FIRST_YEAR as u16,
        }
    }

    /// The end of the field, which an open step runs to. For weekdays it is 7: a second Sunday, or Quartz's Saturday.
    pub(super) fn high(self) -> u16 {
        match self {
            Field::Second | Field::Minute => 59,
            Field::Hour => 23,
            Field::DayOfMonth => 31,
            Field::Month => 12,
            Field::DayOfWeek | Field::QuartzDayOfWeek => 7,
            Field::Year => LAST_YEAR as u16,
        }
    }

    /// A longer step would only ever reach the value that it starts from.
    pub(super) fn longest_step(self) -> u16 {
        if self == Field::Year { self.high() - self.low() } else { self.high() }
    }

    /// Where a range that runs past the end goes on; after a Sunday that was 7 comes Monday.
    pub(super) fn lowest_after_the_end(self) -> u16 {
        if self == Field::DayOfWeek { 1 } else { self.low() }
    }

    pub(super) fn is_weekday(self) -> bool {
        matches!(self, Field::DayOfWeek | Field::QuartzDayOfWeek)
    }

    /// In the order of their values, from the lowest on.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Field::Month => &MONTHS,
            Field::DayOfWeek | Field::QuartzDayOfWeek => &WEEKDAYS,
            _ => &[],
        }
    }

    pub(super) fn accepts(self) -> &'static str {
        match self {
            Field::Second | Field::Minute => "0 to 59",
            Field::Hour => "0 to 23",
            Field::DayOfMonth => "1 to 31",
            Field::Month => "1 to 12 or JAN to DEC",
            Field::DayOfWeek => "0 to 7 (0 and 7 are Sunday) or SUN to SAT",
            Field::QuartzDayOfWeek => "1 to 7 (1 is Sunday) or SUN to SAT",
            Field::Year => "1970 to 2199",
        }
    }

    pub(super) fn example(self) -> &'static str {
        match self {
            Field::Second | Field::Minute => "0-29",
            Field::Hour => "9-17",
            Field::DayOfMonth => "1-7",
            Field::Month => "JAN-MAR",
            Field::DayOfWeek | Field::QuartzDayOfWeek => "MON-FRI",
            Field::Year => "2026-2030",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day-of-month",
            Field::Month => "month",
            Field::DayOfWeek | Field::QuartzDayOfWeek => "day-of-week",
            Field::Year => "year",
        })
    }
}
