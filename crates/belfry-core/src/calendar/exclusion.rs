//! What a schedule leaves out.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::document::Document;
use super::{CalendarError, Calendars, DateRule, DateSet, read};
use crate::spec::Spec;
use crate::time::UnixMillis;
use crate::violation::Violations;
use crate::workflow::is_name;

/// One item of a schedule's `exclude`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exclusion {
    Days(DateExclusion),
    /// Every time that the spec has.
    Spec(Spec),
}

/// Whole days of the schedule's zone.
///
/// `{"dates": ["2026-12-24", "2026-12-27..2026-12-31", "easter-2"]}`, entries as in a calendar, or `{"holidays": "DE"}`:
/// the holidays of a named calendar, but not its weekends.
#[derive(Debug, Clone, PartialEq)]
pub enum DateExclusion {
    Dates(DateSet),
    Holidays(String),
}

impl DateExclusion {
    /// Whether `value` is meant as one, rightly or wrongly written; otherwise it is a spec.
    pub fn is_meant_by(value: &Value) -> bool {
        value.get("dates").is_some() || value.get("holidays").is_some()
    }

    /// Reads one; pointers begin at `value`. Whether the calendar exists is not known here.
    pub fn parse(value: &Value) -> Result<DateExclusion, Violations> {
        let mut document = Document::open(value, &["dates", "holidays"])?;
        let holidays = document.text("holidays", "the name of a calendar");
        let given = (document.given("dates").is_some(), document.given("holidays").is_some());
        match given {
            (true, true) => document.wrong("holidays", "it stands beside `dates`", "two exclusions, one for each"),
            (false, false) => document.wrong("dates", "it is missing", DateRule::ACCEPTED),
            _ => {}
        }
        if holidays.is_some_and(|name| !is_name(name)) {
            document.wrong("holidays", "it is no name", "the name of a calendar");
        }
        let entries = read::entries(&mut document, "dates");
        if given.0 && entries.is_empty() && document.violations.0.is_empty() {
            document.wrong("dates", "it is empty", DateRule::ACCEPTED);
        }
        document.violations.or(match holidays {
            Some(name) => DateExclusion::Holidays(name.to_owned()),
            None => DateExclusion::Dates(DateSet::new(entries)),
        })
    }

    /// Whether `at` falls on an excluded day, as the clocks of `zone` show it.
    pub fn excludes(&self, at: UnixMillis, zone: &TimeZone, calendars: &Calendars) -> Result<bool, CalendarError> {
        self.excludes_day(zone.to_datetime(at.to_timestamp()).date(), calendars)
    }

    pub fn excludes_day(&self, date: Date, calendars: &Calendars) -> Result<bool, CalendarError> {
        match self {
            DateExclusion::Dates(dates) => Ok(dates.entry(date).is_some()),
            DateExclusion::Holidays(name) => Ok(calendars.get(name)?.holiday(date).is_some()),
        }
    }
}

impl Serialize for DateExclusion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            DateExclusion::Dates(dates) => map.serialize_entry("dates", dates.entries())?,
            DateExclusion::Holidays(name) => map.serialize_entry("holidays", name)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for DateExclusion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DateExclusion, D::Error> {
        DateExclusion::parse(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
