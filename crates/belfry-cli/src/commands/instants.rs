//! Instants as people type them: absolute, local, or so long from now.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use belfry_core::ports::WallClock;

use crate::edge::Host;
use crate::failure::Failure;

/// Where a length of time leads to from now.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Past,
    Future,
}

/// As the API reads it; a local time is of the host's zone.
pub fn instant(flag: &str, text: &str, direction: Direction) -> Result<String, Failure> {
    instant_in(flag, text, direction, &TimeZone::system())
}

/// As the API reads it; a local time is of `zone`.
pub fn instant_in(flag: &str, text: &str, direction: Direction, zone: &TimeZone) -> Result<String, Failure> {
    read(text, direction, Host.now().to_timestamp(), zone).map(|at| at.to_string()).ok_or_else(|| {
        Failure::WrongUse(format!(
            "{flag}: `{text}` is no instant; write 2026-11-25T09:00:00Z, a local time such as 2026-11-25T09:00 or 2026-11-25, \
             or a length of time such as 90d, 24h or 15m"
        ))
    })
}

/// A local time as it stands, for whoever reads it in a schedule's zone; what is none is an instant.
pub fn local_or_instant(flag: &str, text: &str, direction: Direction) -> Result<String, Failure> {
    let text = text.trim();
    match (text.parse::<Timestamp>(), text.parse::<Date>(), text.parse::<DateTime>()) {
        (Err(_), Ok(date), _) if !text.contains([':', 'T', 't', ' ']) => Ok(format!("{date}T00:00")),
        (Err(_), _, Ok(_)) => Ok(text.to_owned()),
        _ => instant(flag, text, direction),
    }
}

fn read(text: &str, direction: Direction, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|date| date.at(0, 0, 0, 0)));
    if let Ok(local) = local {
        return local.to_zoned(zone.clone()).ok().map(|at| at.timestamp());
    }
    // A day is 24 hours here: what is looked for or expires is not planned.
    let length = text.parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let moved = if direction == Direction::Past { now.checked_sub(length) } else { now.checked_add(length) };
    // The API takes whole milliseconds.
    moved.ok().and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_absolute_local_or_so_long_from_now() {
        let now = "2026-11-25T09:00:00.123Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let read = |text: &str, direction| read(text, direction, now, &zone).map(|at| at.to_string());
        let past = |text: &str| read(text, Direction::Past);
        assert_eq!(past("2026-11-25T09:00:00+01:00").as_deref(), Some("2026-11-25T08:00:00Z"));
        assert_eq!(past("2026-11-25T09:00").as_deref(), Some("2026-11-25T08:00:00Z"));
        assert_eq!(past("2026-11-25").as_deref(), Some("2026-11-24T23:00:00Z"));
        assert_eq!(past("24h").as_deref(), Some("2026-11-24T09:00:00.123Z"));
        assert_eq!(read("90d", Direction::Future).as_deref(), Some("2027-02-23T09:00:00.123Z"));
        assert_eq!(read("PT15M", Direction::Future).as_deref(), Some("2026-11-25T09:15:00.123Z"));
        let local = |text| local_or_instant("--at", text, Direction::Future).ok();
        assert_eq!(local("2026-11-25T09:00").as_deref(), Some("2026-11-25T09:00"));
        assert_eq!(local("2026-11-25").as_deref(), Some("2026-11-25T00:00"));
        assert_eq!(local("2026-11-25T09:00:00+01:00").as_deref(), Some("2026-11-25T08:00:00Z"));
        assert!(local("2h").is_some_and(|at| at.ends_with('Z')));
        for refused in ["", "yesterday", "3 months", "25:00"] {
            assert_eq!(past(refused), None, "{refused}");
        }
    }
}
