//! The second, minute and hour fields: "at 09:00", "every 15 minutes from 09:00 to 17:45".

use super::words::{Shape, list, members, ordinal, runs, shape};
use crate::spec::cron::Cron;

/// More single times than these are not read but counted.
const MOST_LISTED: usize = 6;

pub(super) fn describe(cron: &Cron) -> String {
    let (seconds, minutes, hours) = (cron.seconds, cron.minutes, u64::from(cron.hours));
    if let Some(times) = listed(seconds, minutes, hours) {
        return times;
    }
    let rhythm = if seconds == 1 { minute_rhythm(minutes, hours) } else { second_rhythm(seconds, minutes, hours) };
    rhythm.unwrap_or_else(|| field_by_field(seconds, minutes, hours))
}

/// "at 09:00, 12:00 and 17:30".
fn listed(seconds: u64, minutes: u64, hours: u64) -> Option<String> {
    let count = [seconds, minutes, hours].iter().map(|bits| bits.count_ones() as usize).product::<usize>();
    if count > MOST_LISTED {
        return None;
    }
    let mut times = Vec::with_capacity(count);
    for hour in members(hours) {
        for minute in members(minutes) {
            for second in members(seconds) {
                times.push(if seconds == 1 { clock(hour, minute) } else { clock_with(hour, minute, second) });
            }
        }
    }
    Some(format!("at {}", list(&times)))
}

/// For expressions that fire at second 0.
fn minute_rhythm(minutes: u64, hours: u64) -> Option<String> {
    let (every, first, last) = match shape(minutes, 60) {
        Shape::All => ("every minute".to_owned(), 0, 59),
        Shape::Cycle { first, last, step } => (format!("every {step} minutes"), first, last),
        Shape::One(minute) => return hour_rhythm(minute, hours),
        Shape::Steps { .. } | Shape::List(_) => return None,
    };
    match (unbroken(hours)?, first) {
        ((0, 23), 0) => Some(every),
        ((0, 23), _) => Some(format!("{every} from minute {first} of every hour")),
        ((from, to), _) => Some(format!("{every} from {} to {}", clock(from, first), clock(to, last))),
    }
}

/// For expressions that fire once in each of their hours.
fn hour_rhythm(minute: u8, hours: u64) -> Option<String> {
    let (every, first, last) = match shape(hours, 24) {
        Shape::All if minute == 0 => return Some("every hour".to_owned()),
        Shape::All => return Some(format!("every hour at minute {minute}")),
        Shape::Steps { first, last, step: 1 } => ("every hour".to_owned(), first, last),
        Shape::Steps { first, last, step } | Shape::Cycle { first, last, step } => (format!("every {step} hours"), first, last),
        Shape::One(_) | Shape::List(_) => return None,
    };
    Some(format!("{every} from {} to {}", clock(first, minute), clock(last, minute)))
}

fn second_rhythm(seconds: u64, minutes: u64, hours: u64) -> Option<String> {
    let (every, first, last) = match shape(seconds, 60) {
        Shape::All => ("every second".to_owned(), 0, 59),
        Shape::Cycle { first, last, step } => (format!("every {step} seconds"), first, last),
        Shape::One(second) if minutes.count_ones() == 60 => ("every minute".to_owned(), second, second),
        Shape::One(_) | Shape::Steps { .. } | Shape::List(_) => return None,
    };
    let unbroken_minutes = shape(minutes, 60) == Shape::All;
    match (unbroken(hours)?, first) {
        _ if !unbroken_minutes => None,
        ((0, 23), 0) => Some(every),
        ((0, 23), _) if first == last => Some(format!("{every} at second {first}")),
        ((0, 23), _) => Some(format!("{every} from second {first} of every minute")),
        ((from, to), _) => Some(format!("{every} from {} to {}", clock_with(from, 0, first), clock_with(to, 59, last))),
    }
}

/// The first and last of hours that follow each other without a break.
fn unbroken(hours: u64) -> Option<(u8, u8)> {
    match shape(hours, 24) {
        Shape::All => Some((0, 23)),
        Shape::One(hour) => Some((hour, hour)),
        Shape::Steps { first, last, step: 1 } => Some((first, last)),
        Shape::List(hours) if hours.len() == 2 && hours[0] + 1 == hours[1] => Some((hours[0], hours[1])),
        _ => None,
    }
}

/// Says each field for itself, which is always right: "at minutes 5 and 20 of hours 9, 11 and 14".
fn field_by_field(seconds: u64, minutes: u64, hours: u64) -> String {
    let mut parts = vec![field(minutes, 60, "minute")];
    if seconds != 1 {
        parts.insert(0, field(seconds, 60, "second"));
    }
    // Every minute is one of every hour.
    if shape(minutes, 60) != Shape::All || shape(hours, 24) != Shape::All {
        parts.push(field(hours, 24, "hour"));
    }
    format!("at {}", parts.join(" of "))
}

fn field(bits: u64, size: u8, name: &str) -> String {
    match shape(bits, size) {
        Shape::All => format!("every {name}"),
        Shape::One(value) => format!("{name} {value}"),
        Shape::Cycle { first, last, step } | Shape::Steps { first, last, step } if step > 1 && bits.count_ones() > 4 => {
            format!("every {} {name} from {first} to {last}", ordinal(step))
        }
        _ => format!("{name}s {}", runs(&members(bits), |value| value.to_string())),
    }
}

fn clock(hour: u8, minute: u8) -> String {
    format!("{hour:02}:{minute:02}")
}

fn clock_with(hour: u8, minute: u8, second: u8) -> String {
    format!("{hour:02}:{minute:02}:{second:02}")
}
