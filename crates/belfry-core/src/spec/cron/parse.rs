//! From a text to a [`Cron`]: macros, the number of fields, and what must hold between fields.

use super::error::CronError;
use super::field::{Field, parse_days, parse_numbers, parse_weekdays, parse_years};
use super::rules::{DayFields, Dialect};
use super::{Cron, DayRule, DaysOfMonth, Weekdays};
use crate::time::parse_duration;
use crate::violation::nearest;

/// Every value of every field but the year, listed singly, fits; what is longer was not written by a person.
const MOST_CHARACTERS: usize = 1000;

/// The macros, their fields, and those that mean the same to Quartz.
const MACROS: [(&str, &str, &str); 7] = [
    ("@yearly", "0 0 1 1 *", "0 0 0 1 1 ?"),
    ("@annually", "0 0 1 1 *", "0 0 0 1 1 ?"),
    ("@monthly", "0 0 1 * *", "0 0 0 1 * ?"),
    ("@weekly", "0 0 * * 0", "0 0 0 ? * SUN"),
    ("@daily", "0 0 * * *", "0 0 0 * * ?"),
    ("@midnight", "0 0 * * *", "0 0 0 * * ?"),
    ("@hourly", "0 * * * *", "0 0 * * * ?"),
];

pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Cron, CronError> {
    let text = text.trim();
    let length = text.chars().count();
    if length > MOST_CHARACTERS {
        return Err(CronError::TooLong { length, most: MOST_CHARACTERS });
    }
    let expanded = if text.starts_with('@') { expand_macro(text, dialect)? } else { text };
    refuse_zone(expanded)?;
    let cron = from_fields(text, &split(expanded, dialect)?, dialect)?;
    cron.check_can_fire(DayFields::Or)?;
    Ok(cron)
}

/// Why no day matches: only the day fields, months and years can make it so.
pub(super) fn never_fires(cron: &Cron) -> CronError {
    let fields = split(&cron.text, cron.dialect).unwrap_or_default();
    let [day, month, weekday] = [fields.day, fields.month, fields.weekday];
    let of_days_alone = Cron { weekdays: Weekdays::every_day(), ..cron.clone() };
    let of_weekdays_alone = Cron { days: DaysOfMonth::every_day(), ..cron.clone() };
    let comes = |cron: &Cron| cron.can_ever_fire(DayFields::And);
    let days = match (comes(&of_days_alone), comes(&of_weekdays_alone)) {
        (true, true) => format!("no day is both day-of-month `{day}` and day-of-week `{weekday}`"),
        (true, false) => format!("day-of-week `{weekday}` does not come"),
        (false, true) => format!("day-of-month `{day}` does not come"),
        (false, false) => format!("neither day-of-month `{day}` nor day-of-week `{weekday}` comes"),
    };
    let months = if month.starts_with('*') { "in any month".to_owned() } else { format!("in month `{month}`") };
    let years = fields.year.filter(|_| cron.years.is_some()).map(|year| format!(" of year `{year}`")).unwrap_or_default();
    CronError::NeverFires { days, months: months + &years }
}

fn expand_macro(text: &str, dialect: Dialect) -> Result<&'static str, CronError> {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "@reboot" => return Err(CronError::Reboot),
        "@every" => return Err(every(text, rest.trim())),
        _ => {}
    }
    let known = MACROS.iter().find(|(macro_name, ..)| *macro_name == lower);
    match known {
        None => Err(CronError::UnknownMacro { given: name.to_owned(), nearest: nearest(name, MACROS.map(|(name, ..)| name)) }),
        Some(_) if !rest.is_empty() => Err(CronError::AfterMacro { name: name.to_owned(), rest: rest.trim().to_owned() }),
        Some((.., instead)) if dialect == Dialect::Quartz => Err(CronError::QuartzMacro { name: name.to_owned(), instead }),
        Some((_, fields, _)) => Ok(fields),
    }
}

/// Offers the length that was given, if it is one.
fn every(text: &str, length: &str) -> CronError {
    let every = if parse_duration(length).is_ok() { length } else { "15m" };
    CronError::Every { text: text.to_owned(), every: every.to_owned() }
}

/// `CRON_TZ=Europe/Berlin 0 9 * * *`, as Kubernetes and Go's cron once took it.
fn refuse_zone(text: &str) -> Result<(), CronError> {
    let first = text.split_whitespace().next().unwrap_or_default();
    let is_zone = first.split_once('=').is_some_and(|(name, _)| ["CRON_TZ", "TZ"].iter().any(|tz| tz.eq_ignore_ascii_case(name)));
    if is_zone { Err(CronError::ZoneInside(first.to_owned())) } else { Ok(()) }
}

#[derive(Default)]
struct Fields<'a> {
    second: &'a str,
    minute: &'a str,
    hour: &'a str,
    day: &'a str,
    month: &'a str,
    weekday: &'a str,
    year: Option<&'a str>,
}

fn split(text: &str, dialect: Dialect) -> Result<Fields<'_>, CronError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let ([second, minute, hour, day, month, weekday], year) = match (dialect, fields.as_slice()) {
        (Dialect::Standard, &[minute, hour, day, month, weekday]) => (["0", minute, hour, day, month, weekday], None),
        (_, &[second, minute, hour, day, month, weekday]) => ([second, minute, hour, day, month, weekday], None),
        (_, &[second, minute, hour, day, month, weekday, year]) => ([second, minute, hour, day, month, weekday], Some(year)),
        (Dialect::Standard, _) => return Err(CronError::FieldCount(fields.len())),
        (Dialect::Quartz, _) => return Err(CronError::QuartzFieldCount(fields.len())),
    };
    Ok(Fields { second, minute, hour, day, month, weekday, year })
}

fn from_fields(text: &str, fields: &Fields<'_>, dialect: Dialect) -> Result<Cron, CronError> {
    let seconds = parse_numbers(Field::Second, fields.second)?;
    let minutes = parse_numbers(Field::Minute, fields.minute)?;
    let hours = parse_numbers(Field::Hour, fields.hour)?;
    let days = parse_days(fields.day)?;
    let months = parse_numbers(Field::Month, fields.month)?;
    let weekday_field = match dialect {
        Dialect::Standard => Field::DayOfWeek,
        Dialect::Quartz => Field::QuartzDayOfWeek,
    };
    let weekdays = parse_weekdays(weekday_field, fields.weekday)?;
    let years = fields.year.map(parse_years).transpose()?.flatten();
    if dialect == Dialect::Quartz {
        check_question_marks(fields.day, fields.weekday)?;
    }
    Ok(Cron {
        text: text.into(),
        dialect,
        seconds: seconds.values,
        minutes: minutes.values,
        hours: hours.values as u32,
        days: days.values,
        months: months.values as u16,
        weekdays: weekdays.values,
        years,
        day_rule: if days.starts_with_star || weekdays.starts_with_star { DayRule::Both } else { DayRule::Restricted },
        fixed_time: [seconds, minutes, hours].iter().all(|field| !field.starts_with_star && !field.open_step),
    })
}

/// In Quartz one of the day fields says which days, and the other that it says nothing.
fn check_question_marks(day: &str, weekday: &str) -> Result<(), CronError> {
    let instead = match (day, weekday) {
        ("?", "?") => "write `*` for one of them".to_owned(),
        ("?", _) | (_, "?") => return Ok(()),
        (day, "*") => format!("write day-of-month `{day}` and day-of-week `?`"),
        ("*", weekday) => format!("write day-of-month `?` and day-of-week `{weekday}`"),
        _ => "write `?` for one of them, or use the standard dialect, which takes both".to_owned(),
    };
    Err(CronError::QuartzDays { day: day.to_owned(), weekday: weekday.to_owned(), instead })
}
