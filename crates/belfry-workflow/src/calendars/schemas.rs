//! What is asked and answered about calendars.

use belfry_core::calendar::{BusinessCalendar, DateEntry, ics, names};
use belfry_core::ports::{Calendar, CalendarRevision, CalendarWritten};
use belfry_core::time::UnixMillis;
use jiff::civil::Weekday;
use serde::Serialize;
use utoipa::ToSchema;

/// The query of a list of calendars.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListCalendars {
    /// Part of the name, in any case.
    pub q: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// A business calendar, as it is written. A day is a holiday when `holidays` or a calendar of `union` says so and `except` does
/// not name it; it is a business day when it is no holiday, and either no weekend or named in `workdays`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CalendarWrite)]
#[allow(dead_code, reason = "described; the calendar reads itself")]
pub struct CalendarRequest {
    /// Absent: the weekends of the calendars of `union` that have one, else Saturday and Sunday. Empty: none.
    #[schema(examples(json!(["SAT", "SUN"])))]
    weekend: Option<WeekdaysSchema>,
    /// The names of the calendars that it builds on, 20 at most.
    #[schema(examples(json!(["DE", "company"])))]
    union: Option<CalendarNamesSchema>,
    /// 5,000 entries at most, as in the other lists of days.
    holidays: Option<DateEntriesSchema>,
    /// Days that are no holidays, whatever the lists say. It does not turn a weekend into a business day.
    except: Option<DateEntriesSchema>,
    /// Days of a weekend on which people work.
    workdays: Option<DateEntriesSchema>,
}

/// One, or a list.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = Weekdays)]
#[allow(dead_code, reason = "described, never made")]
pub enum WeekdaysSchema {
    One(WeekdaySchema),
    Several(Vec<WeekdaySchema>),
}

/// One, or a list.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = CalendarNames)]
#[allow(dead_code, reason = "described, never made")]
pub enum CalendarNamesSchema {
    One(CalendarNameSchema),
    Several(Vec<CalendarNameSchema>),
}

/// One, or a list.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = CalendarEntries)]
#[allow(dead_code, reason = "described, never made")]
pub enum DateEntriesSchema {
    One(DateEntrySchema),
    Several(Vec<DateEntrySchema>),
}

/// `MON` to `SUN`.
#[derive(ToSchema)]
#[schema(as = WeekdayName, pattern = "^(MON|TUE|WED|THU|FRI|SAT|SUN)$", examples("SAT"))]
#[allow(dead_code, reason = "described, never made")]
pub struct WeekdaySchema(String);

/// The name of a calendar.
#[derive(ToSchema)]
#[schema(as = CalendarName, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$", examples("DE"))]
#[allow(dead_code, reason = "described, never made")]
pub struct CalendarNameSchema(String);

/// A day: `2026-12-24`, `2026-12-24..2026-12-31`, `12-25`, `easter-2` or `last MON of MAY`, by itself or with what there is to say
/// of it.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = CalendarEntry)]
#[allow(dead_code, reason = "described, never made")]
pub enum DateEntrySchema {
    Day(String),
    Detailed(DetailedEntrySchema),
}

#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CalendarEntryDetails)]
#[allow(dead_code, reason = "described, never made")]
pub struct DetailedEntrySchema {
    #[schema(examples("easter-2"))]
    on: String,
    /// The first year in which a day that recurs is meant.
    #[schema(minimum = 1, maximum = 9999)]
    since: Option<i16>,
    /// The last one.
    #[schema(minimum = 1, maximum = 9999)]
    until: Option<i16>,
    #[schema(max_length = 200, examples("Good Friday"))]
    label: Option<String>,
}

/// A business calendar as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Calendar)]
pub struct CalendarResponse {
    #[schema(examples("DE"))]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub weekend: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub union: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<DateEntrySchema>, required = false)]
    pub holidays: Vec<DateEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<DateEntrySchema>, required = false)]
    pub except: Vec<DateEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<DateEntrySchema>, required = false)]
    pub workdays: Vec<DateEntry>,
    /// Its ETag: raised by every change, and never used again, though the calendar is deleted and made anew.
    pub revision: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: UnixMillis,
    /// Beside the answer to a write: how many schedules it planned anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub planned_anew: Option<usize>,
}

/// A calendar in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CalendarItem {
    pub name: String,
    pub revision: i64,
    /// The names of the calendars that it builds on.
    pub union: Vec<String>,
    /// How many entries its own list has.
    pub holidays: usize,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: UnixMillis,
}

/// A calendar as it was at one revision.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CalendarRevision)]
pub struct CalendarRevisionResponse {
    pub revision: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    /// In the shape in which calendars are written.
    #[schema(value_type = CalendarRequest)]
    pub calendar: BusinessCalendar,
}

/// What came of an iCalendar file.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CalendarImport)]
pub struct CalendarImportResponse {
    pub calendar: CalendarResponse,
    /// The first hundred of what is in the file and not in the calendar.
    pub left_out: Vec<LeftOutResponse>,
    pub left_out_count: usize,
}

/// A component of the file that is not in the calendar, and why.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = LeftOut)]
pub struct LeftOutResponse {
    /// On which it begins, from 1.
    pub line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub label: Option<String>,
    pub reason: String,
}

impl From<Calendar> for CalendarResponse {
    fn from(calendar: Calendar) -> CalendarResponse {
        let Calendar { name, revision, calendar, created_at, updated_at } = calendar;
        let BusinessCalendar { weekend, union, holidays, except, workdays } = calendar;
        let codes = |days: Vec<Weekday>| days.into_iter().map(names::weekday_code).collect();
        CalendarResponse {
            name,
            weekend: weekend.map(codes),
            union,
            holidays,
            except,
            workdays,
            revision,
            created_at,
            updated_at,
            planned_anew: None,
        }
    }
}

impl From<CalendarWritten> for CalendarResponse {
    fn from(written: CalendarWritten) -> CalendarResponse {
        CalendarResponse { planned_anew: Some(written.planned_anew), ..written.calendar.into() }
    }
}

impl From<Calendar> for CalendarItem {
    fn from(calendar: Calendar) -> CalendarItem {
        let Calendar { name, revision, calendar, created_at, updated_at } = calendar;
        CalendarItem { name, revision, union: calendar.union, holidays: calendar.holidays.len(), created_at, updated_at }
    }
}

impl From<CalendarRevision> for CalendarRevisionResponse {
    fn from(revision: CalendarRevision) -> CalendarRevisionResponse {
        let CalendarRevision { revision, calendar, created_at } = revision;
        CalendarRevisionResponse { revision, created_at, calendar }
    }
}

impl From<ics::LeftOut> for LeftOutResponse {
    fn from(left_out: ics::LeftOut) -> LeftOutResponse {
        let ics::LeftOut { line, label, reason } = left_out;
        LeftOutResponse { line, label, reason }
    }
}
