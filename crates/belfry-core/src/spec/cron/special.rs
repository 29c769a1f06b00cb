//! `L`, `W` and `#`: days that depend on the month.

use super::days::{DaysOfMonth, Weekdays};
use super::error::CronError;
use super::field::Field;
use super::item::{digits, value};

/// In a month of 31 days this is the first.
const MOST_BEFORE_LAST: u16 = 30;

/// Reads `L`, `L-3`, `LW` or `15W` into `days`; false when the item is of another form.
pub(super) fn day_of_month(item: &str, days: &mut DaysOfMonth) -> Result<bool, CronError> {
    let field = Field::DayOfMonth;
    let upper = item.to_ascii_uppercase();
    if upper == "L" {
        days.before_last |= 1;
    } else if upper == "LW" {
        days.last_working = true;
    } else if let Some(count) = upper.strip_prefix("L-") {
        let before = digits(count).filter(|count| !upper.ends_with('-') && *count <= MOST_BEFORE_LAST);
        days.before_last |= 1 << before.ok_or_else(|| CronError::SpecialDay { item: item.to_owned() })?;
    } else if let Some(day) = upper.strip_suffix('W').filter(|day| digits(day).is_some() && !day.is_empty()) {
        days.nearest |= 1 << value(field, item, day)?;
    } else if upper.contains(['L', 'W']) && upper.chars().all(|c| c.is_ascii_digit() || "LW-/*".contains(c)) {
        return Err(CronError::SpecialDay { item: item.to_owned() });
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// Reads `5L` or `5#2` into `weekdays`; false when the item is of another form.
pub(super) fn weekday(field: Field, item: &str, weekdays: &mut Weekdays) -> Result<bool, CronError> {
    // From a number or a name to a bit of which Sunday is 0.
    let bit = |day: &str| Ok::<u8, CronError>(1 << ((value(field, item, day)? - field.low()) % 7));
    if let Some((day, week)) = item.split_once('#') {
        let bit = bit(day)?;
        let week = digits(week).filter(|week| (1..=5).contains(week));
        let week = week.ok_or_else(|| CronError::NoSuchWeek { item: item.to_owned(), day: day.to_owned() })?;
        weekdays.nth[usize::from(week) - 1] |= bit;
        return Ok(true);
    }
    match item.strip_suffix(['l', 'L']) {
        None => return Ok(false),
        // Quartz: "in the day-of-week field by itself, it simply means 7 or SAT".
        Some("") if field == Field::QuartzDayOfWeek => weekdays.plain |= bit("SAT")?,
        Some("") => return Err(CronError::LastWhat),
        Some(day) if day.contains(['-', '/', '*']) => return Err(CronError::LastOfMany { item: item.to_owned() }),
        Some(day) => weekdays.last |= bit(day)?,
    }
    Ok(true)
}
