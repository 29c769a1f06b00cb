//! From JSON to calendars.

use jiff::civil::Weekday;
use serde_json::Value;

use super::document::{Document, Item, as_text};
use super::{BusinessCalendar, DateEntry, DateRule, MAX_DAYS, MAX_ENTRIES, MAX_UNION, names};
use crate::violation::Violations;
use crate::workflow::is_name;

const FIELDS: [&str; 5] = ["weekend", "union", "holidays", "except", "workdays"];
const ENTRY_FIELDS: [&str; 4] = ["on", "since", "until", "label"];
const A_NAME: &str = "the name of a calendar: letters, digits, `_`, `.` and `-`";
const A_YEAR: &str = "a year, 1 to 9999";
const LONGEST_LABEL: usize = 200;

pub(super) fn calendar(value: &Value) -> Result<BusinessCalendar, Violations> {
    let mut document = Document::open(value, &FIELDS)?;
    let weekend = weekend(&mut document);
    let union = document.each("union", MAX_UNION, A_NAME, name).unwrap_or_default();
    let [holidays, except, workdays] = ["holidays", "except", "workdays"].map(|list| entries(&mut document, list));
    document.violations.or(BusinessCalendar { weekend, union, holidays, except, workdays })
}

/// The days of the field `list`; empty when it is absent.
pub(super) fn entries(document: &mut Document, list: &str) -> Vec<DateEntry> {
    let mut entries = Vec::new();
    for item in document.items(list, MAX_ENTRIES, DateRule::ACCEPTED).unwrap_or_default() {
        entries.extend(entry(document, &item));
    }
    let days: usize = entries.iter().map(|entry| entry.on.size()).sum();
    if days > MAX_DAYS {
        document.wrong(list, format!("it comes to {days} days"), format!("at most {MAX_DAYS} days"));
    }
    entries
}

fn weekend(document: &mut Document) -> Option<Vec<Weekday>> {
    const ACCEPTED: &str = "up to six of `MON`, `TUE`, `WED`, `THU`, `FRI`, `SAT`, `SUN`";
    let mut days = document.each("weekend", 7, ACCEPTED, weekday)?;
    days.sort_by_key(|day| day.to_monday_zero_offset());
    days.dedup();
    if days.len() == 7 {
        document.wrong("weekend", "it leaves no day of the week to work on", ACCEPTED);
    }
    Some(days)
}

fn weekday(value: &Value) -> Result<Weekday, String> {
    let text = as_text(value)?;
    names::weekday(text).ok_or_else(|| format!("`{text}` is no weekday"))
}

fn name(value: &Value) -> Result<String, String> {
    let text = as_text(value)?;
    if is_name(text) { Ok(text.to_owned()) } else { Err(format!("`{text}` is no name")) }
}

fn entry(document: &mut Document, item: &Item) -> Option<DateEntry> {
    if !item.value.is_object() {
        return match rule(item.value) {
            Ok(on) => Some(DateEntry::new(on)),
            Err(detail) => {
                document.violations.add(&item.pointer, Some(item.value.clone()), detail, DateRule::ACCEPTED);
                None
            }
        };
    }
    detailed(item.value).map_err(|violations| document.violations.append_under(&item.pointer, violations)).ok()
}

fn detailed(value: &Value) -> Result<DateEntry, Violations> {
    let mut document = Document::open(value, &ENTRY_FIELDS)?;
    let Some(on) = document.each("on", 1, DateRule::ACCEPTED, rule).and_then(|rules| rules.into_iter().next()) else {
        if document.violations.0.is_empty() {
            document.wrong("on", "it is missing", DateRule::ACCEPTED);
        }
        return Err(document.violations);
    };
    let [since, until] = ["since", "until"].map(|field| year(&mut document, field, on));
    if let (Some(since), Some(until)) = (since, until)
        && until < since
    {
        document.wrong("until", format!("it is before `since`, {since}"), "a later year");
    }
    let label = document.text("label", "a text").map(str::to_owned);
    if label.as_ref().is_some_and(|label| label.chars().count() > LONGEST_LABEL) {
        document.wrong("label", "it is too long", format!("at most {LONGEST_LABEL} characters"));
    }
    document.violations.or(DateEntry { on, since, until, label })
}

fn rule(value: &Value) -> Result<DateRule, String> {
    as_text(value)?.parse::<DateRule>().map_err(|error| error.to_string())
}

fn year(document: &mut Document, field: &str, on: DateRule) -> Option<i16> {
    let found = document.given(field)?;
    let year = found.as_i64().and_then(|year| i16::try_from(year).ok()).filter(|year| (1..=9999).contains(year));
    match year {
        None => document.wrong(field, "it is no year", A_YEAR),
        Some(_) if !on.is_recurring() => document.wrong(field, format!("`{on}` does not recur"), "a recurring day beside it, or none"),
        Some(_) => return year,
    }
    None
}
