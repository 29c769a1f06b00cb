//! The dates and times of RFC 5545: `19970902`, `19970902T090000`, `19970902T130000Z`.

use jiff::civil::{Date, Time};

use super::days;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stamp {
    /// Seconds since the epoch.
    Instant(i64),
    /// A wall time, of whichever zone applies.
    Local(i64),
    /// The wall time at which the day begins.
    Date(i64),
}

impl Stamp {
    /// `None` when it is written differently, or does not exist (30 February, second 60).
    pub fn parse(text: &str) -> Option<Stamp> {
        let (text, is_utc) = match text.strip_suffix(['Z', 'z']) {
            Some(text) => (text, true),
            None => (text, false),
        };
        let Some((date, time)) = text.split_once(['T', 't']) else {
            let date = parse_date(text).filter(|_| !is_utc)?;
            return days::day(date).map(|day| Stamp::Date(day * days::DAY));
        };
        let wall = days::wall(parse_date(date)?.to_datetime(parse_time(time)?))?;
        Some(if is_utc { Stamp::Instant(wall) } else { Stamp::Local(wall) })
    }
}

fn parse_date(text: &str) -> Option<Date> {
    let digits = number(text, 8)?;
    Date::new((digits / 10_000) as i16, (digits / 100 % 100) as i8, (digits % 100) as i8).ok()
}

fn parse_time(text: &str) -> Option<Time> {
    let digits = number(text, 6)?;
    Time::new((digits / 10_000) as i8, (digits / 100 % 100) as i8, (digits % 100) as i8, 0).ok()
}

/// Exactly `length` digits.
fn number(text: &str, length: usize) -> Option<u32> {
    if text.len() != length || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
