//! From a text to a [`Cron`]: macros, the number of fields, and what must hold between fields.

use super::error::CronError;
use super::field::{self, Field};
use super::{Cron, DayRule};
use crate::time::parse_duration;
use crate::violation::nearest;

/// Every value of every field, listed singly, fits; what is longer was not written by a person.
const MOST_CHARACTERS: usize = 1000;

const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

pub(super) fn parse(text: &str) -> Result<Cron, CronError> {
    let text = text.trim();
    let length = text.chars().count();
    if length > MOST_CHARACTERS {
        return Err(CronError::TooLong { length, most: MOST_CHARACTERS });
    }
    let fields = if text.starts_with('@') { expand_macro(text)? } else { text };
    refuse_zone(fields)?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    match *fields {
        [minute, hour, day, month, weekday] => from_fields(text, ["0", minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => from_fields(text, [second, minute, hour, day, month, weekday]),
        [_, _, _, _, _, _, _] => Err(CronError::Years(text.to_owned())),
        _ => Err(CronError::FieldCount(fields.len())),
    }
}

fn expand_macro(text: &str) -> Result<&'static str, CronError> {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "@reboot" => return Err(CronError::Reboot),
        "@every" => return Err(every(text, rest.trim())),
        _ => {}
    }
    let known = MACROS.iter().find(|(macro_name, _)| *macro_name == lower);
    match known {
        None => Err(CronError::UnknownMacro { given: name.to_owned(), nearest: nearest(name, MACROS.map(|(name, _)| name)) }),
        Some(_) if !rest.is_empty() => Err(CronError::AfterMacro { name: name.to_owned(), rest: rest.trim().to_owned() }),
        Some((_, fields)) => Ok(fields),
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

fn from_fields(text: &str, fields: [&str; 6]) -> Result<Cron, CronError> {
    let [second, minute, hour, day, month, weekday] = fields;
    let seconds = field::parse(Field::Second, second)?;
    let minutes = field::parse(Field::Minute, minute)?;
    let hours = field::parse(Field::Hour, hour)?;
    let days = field::parse(Field::DayOfMonth, day)?;
    let months = field::parse(Field::Month, month)?;
    let weekdays = field::parse(Field::DayOfWeek, weekday)?;
    let cron = Cron {
        text: text.into(),
        seconds: seconds.bits,
        minutes: minutes.bits,
        hours: hours.bits as u32,
        days: days.bits as u32,
        months: months.bits as u16,
        weekdays: weekdays.bits as u8,
        day_rule: if days.starts_with_star || weekdays.starts_with_star { DayRule::Both } else { DayRule::Either },
        fixed_time: [seconds, minutes, hours].iter().all(|field| !field.starts_with_star && !field.open_step),
    };
    if !cron.can_ever_fire() {
        return Err(CronError::NeverFires { days: day.to_owned(), months: month.to_owned() });
    }
    Ok(cron)
}
