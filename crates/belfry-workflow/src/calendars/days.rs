//! What the days of a calendar are.

use belfry_core::calendar::{BusinessDays, DayKind, names, parse_date};
use belfry_core::violation::Violations;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The most days that are asked for at once.
const MOST_DAYS: usize = 366;
const A_DATE: &str = "a date such as `2027-01-01`, in the years 1970 to 2199";

/// Which days are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListDays {
    pub from: Option<String>,
    /// Inclusive; a year from `from` on when absent.
    pub to: Option<String>,
}

/// The days from `from` to `to`, both inclusive, that are no plain business days.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CalendarDays)]
pub struct DaysResponse {
    pub calendar: String,
    /// The calendar's.
    pub revision: i64,
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// How many days of the range are business days.
    pub business_days: usize,
    pub items: Vec<DayResponse>,
}

/// A day that is no plain business day.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CalendarDay)]
pub struct DayResponse {
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    #[schema(value_type = String, examples("FRI"))]
    pub weekday: &'static str,
    /// `holiday`, `weekend`, or `workday`: a day on which people work although the weekend, or a calendar that this one builds
    /// on, has it off.
    #[schema(value_type = String, examples("holiday"))]
    pub kind: &'static str,
    /// What the day is called where it is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub label: Option<String>,
    /// The calendar that says so; absent for a weekend.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub calendar: Option<String>,
}

pub(super) fn range(query: &ListDays) -> Result<(Date, Date), Violations> {
    let mut violations = Violations::default();
    let from = query.from.as_deref().and_then(|text| date("/from", text, &mut violations));
    let to = query.to.as_deref().and_then(|text| date("/to", text, &mut violations));
    if query.from.is_none() {
        violations.add("/from", None, "it is missing", A_DATE);
    }
    violations.or(())?;
    let from = from.unwrap_or(Date::MIN);
    let to = to.unwrap_or_else(|| from.saturating_add(1.year()).saturating_sub(1.day()));
    let days = from.until(to).map_or(-1, |span| i64::from(span.get_days())) + 1;
    let mut violations = Violations::default();
    if days < 1 || usize::try_from(days).is_ok_and(|days| days > MOST_DAYS) {
        let expected = format!("a date from {from} on, at most {MOST_DAYS} days in all");
        violations.add("/to", Some(Value::from(to.to_string())), "it is out of range", expected);
    }
    violations.or((from, to))
}

fn date(pointer: &str, text: &str, violations: &mut Violations) -> Option<Date> {
    let date = parse_date(text).filter(|date| (1970..=2199).contains(&date.year()));
    if date.is_none() {
        violations.add(pointer, Some(Value::from(text)), format!("`{text}` is no such date"), A_DATE);
    }
    date
}

pub(super) fn list(days: &BusinessDays, revision: i64, from: Date, to: Date) -> DaysResponse {
    let all = || from.series(1.day()).take_while(|date| *date <= to);
    let items = all().filter_map(|date| Some(day(date, &days.kind(date)?)));
    DaysResponse {
        calendar: days.name().to_owned(),
        revision,
        from,
        to,
        business_days: all().filter(|date| days.is_business_day(*date)).count(),
        items: items.collect(),
    }
}

fn day(date: Date, kind: &DayKind<'_>) -> DayResponse {
    let (kind, said) = match kind {
        DayKind::Holiday(said) => ("holiday", Some(said)),
        DayKind::Weekend => ("weekend", None),
        DayKind::Workday(said) => ("workday", Some(said)),
    };
    DayResponse {
        date,
        weekday: names::weekday_code(date.weekday()),
        kind,
        label: said.and_then(|said| said.entry.label.clone()),
        calendar: said.map(|said| said.calendar.to_owned()),
    }
}
