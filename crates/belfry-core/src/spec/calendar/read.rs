//! From JSON to calendar rules.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use serde_json::Value;

use super::days::{Days, Months};
use super::month::{Month, MonthDays, Numbers, Weekdays, is_on, on_weekdays};
use super::{CalendarRule, MAX_TIMES, OnHoliday};
use crate::calendar::document::{Document, as_text};
use crate::calendar::names::{month, ordinal, weekday, weekday_bit};
use crate::calendar::{BusinessDays, parse_date};
use crate::violation::Violations;
use crate::workflow::is_name;

const FIELDS: [&str; 11] =
    ["every", "from", "clamp", "years", "months", "days", "weekdays", "business_day", "business_calendar", "on_holiday", "at"];

const TIMES: &str = "local times such as `09:00` or `17:30:15`, 00:00 to 23:59:59";
const EVERY: &str = "a number of days (up to 3660), weeks (520) or months (120), such as `2 weeks`";
const DAYS: &str = "days 1 to 31, -1 (the last) to -31, and ranges such as `1-5` or `-3--1`";
const WEEKDAYS: &str = "`MON` to `SUN`, 0 to 7 (0 and 7 are Sunday), ranges such as `MON-FRI`, and `2nd TUE` or `last FRI` of the month";
const PLAIN_WEEKDAYS: &str = "`MON` to `SUN`, 0 to 7 (0 and 7 are Sunday), and ranges such as `MON-FRI`";
const MONTHS: &str = "months 1 to 12 or `JAN` to `DEC`, and ranges such as `4-9`";
const YEARS: &str = "years 1970 to 2199, and ranges such as `2026-2028`";
const BUSINESS_DAYS: &str = "business days of a month: 1 (the first) to 31, -1 (the last) to -31";
const A_DATE: &str = "a date such as `2026-01-05`, in the years 1970 to 2199";
const ON_HOLIDAY: &str = "`skip`, `previous` or `next`";

const MAX_ITEMS: usize = 64;

/// After this many months the calendar of the next 400 years is the same again, weekdays included.
const MONTHS_OF_THE_CALENDAR: usize = 4_800;

pub(super) fn rule(value: &Value) -> Result<CalendarRule, Violations> {
    let mut document = Document::open(value, &FIELDS)?;
    let at = times(&mut document);
    let business_calendar = business_calendar(&mut document);
    let on_holiday = on_holiday(&mut document);
    let days = days(&mut document);
    if business_calendar.is_some() && document.given("on_holiday").is_none() && document.given("business_day").is_none() {
        document.wrong("business_calendar", "nothing says what its days off change", format!("`on_holiday` beside it: {ON_HOLIDAY}"));
    }
    let Some(days) = days.filter(|_| document.violations.0.is_empty()) else { return Err(document.violations) };
    let rule = CalendarRule { given: value.clone(), days, at, business_calendar, on_holiday };
    if !can_ever_fire(&rule) {
        document.violations.add("", Some(value.clone()), "no day ever matches, so it would never fire", "days that the months have");
    }
    document.violations.or(rule)
}

fn times(document: &mut Document) -> Vec<Time> {
    let times: BTreeSet<Time> = document.each("at", MAX_TIMES, TIMES, time).unwrap_or_default().into_iter().collect();
    if times.is_empty() && document.violations.0.iter().all(|violation| !violation.pointer.starts_with("/at")) {
        document.wrong("at", "no time of day is given", TIMES);
    }
    times.into_iter().collect()
}

fn business_calendar(document: &mut Document) -> Option<String> {
    let name = document.text("business_calendar", "the name of a calendar")?;
    if !is_name(name) {
        document.wrong("business_calendar", format!("`{name}` is no name"), "the name of a calendar");
    }
    Some(name.to_owned())
}

fn on_holiday(document: &mut Document) -> Option<OnHoliday> {
    let word = document.text("on_holiday", ON_HOLIDAY)?;
    if document.given("business_day").is_some() {
        document.wrong("on_holiday", "`business_day` never falls on a holiday", "`business_day` or `on_holiday`, not both");
    }
    let known = OnHoliday::parse(word);
    if known.is_none() {
        document.wrong("on_holiday", format!("`{word}` is not known"), ON_HOLIDAY);
    }
    known
}

fn days(document: &mut Document) -> Option<Days> {
    if document.given("every").is_some() {
        refuse(document, &["years", "months", "business_day"], "it does not go with `every`", "`every`, or fields that days must match");
        return interval(document);
    }
    let expected = "`every` beside it, such as `\"every\": \"2 weeks\"`";
    refuse(document, &["from", "clamp"], "it goes with `every` only", expected);
    let months = Months { years: years(document), months: months(document) };
    if document.given("business_day").is_none() {
        return Some(Days::Fields { months, on: month_days(document) });
    }
    refuse(document, &["days", "weekdays"], "it does not go with `business_day`", "`years` and `months` beside `business_day`");
    Some(Days::Business { months, nth: numbers(document, "business_day", BUSINESS_DAYS)? })
}

fn refuse(document: &mut Document, fields: &[&str], detail: &str, expected: &str) {
    for field in fields {
        if document.given(field).is_some() {
            document.wrong(field, detail, expected);
        }
    }
}

fn interval(document: &mut Document) -> Option<Days> {
    let from = from(document);
    let text = document.text("every", EVERY)?;
    let Some((every, unit)) = every(text) else {
        document.wrong("every", format!("`{text}` is no interval of the calendar"), EVERY);
        return None;
    };
    let clamp = document.given("clamp").map(|clamp| clamp.as_bool());
    match (clamp, unit) {
        (Some(None), _) => document.wrong("clamp", "it is neither true nor false", "true or false"),
        (Some(_), Unit::Days | Unit::Weeks) => document.wrong("clamp", "only months can be too short", "`every` with months"),
        _ => {}
    }
    match unit {
        Unit::Days => {
            refuse(document, &["days", "weekdays"], "it does not go with an interval of days", "`every` with weeks or months");
            Some(Days::Daily { every, from: from? })
        }
        Unit::Weeks => {
            refuse(document, &["days"], "it does not go with an interval of weeks", "`weekdays`, or `every` with months");
            let given = document.each("weekdays", MAX_ITEMS, PLAIN_WEEKDAYS, plain_weekdays);
            let given = given.map(|bits| bits.into_iter().fold(0, |all, bits| all | bits));
            refuse_empty(document, "weekdays", given == Some(0), PLAIN_WEEKDAYS);
            let from = from?;
            Some(Days::Weekly { every, from, weekdays: given.unwrap_or(weekday_bit(from.weekday())) })
        }
        Unit::Months => {
            let (on, from) = (month_days(document), from?);
            let on = if on == MonthDays::default() { same_day(from) } else { on };
            Some(Days::Monthly { every, from, on, clamp: clamp.flatten().unwrap_or(false) })
        }
    }
}

fn same_day(from: Date) -> MonthDays {
    let mut numbers = Numbers::default();
    numbers.add(i16::from(from.day()));
    MonthDays { days: Some(numbers), weekdays: None }
}

fn from(document: &mut Document) -> Option<Date> {
    if document.given("from").is_none() {
        document.wrong("from", "it is missing, and an interval needs a first day", A_DATE);
    }
    let text = document.text("from", A_DATE)?;
    let date = parse_date(text).filter(|date| (1970..=2199).contains(&date.year()));
    if date.is_none() {
        document.wrong("from", format!("`{text}` is no such date"), A_DATE);
    }
    date
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Days,
    Weeks,
    Months,
}

/// `2 weeks`, `1 day`, `month`.
fn every(text: &str) -> Option<(i32, Unit)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (count, unit) = match words.as_slice() {
        [unit] => (1, *unit),
        [count, unit] => (count.parse().ok()?, *unit),
        _ => return None,
    };
    let (most, unit) = match unit {
        "day" | "days" => (3_660, Unit::Days),
        "week" | "weeks" => (520, Unit::Weeks),
        "month" | "months" => (120, Unit::Months),
        _ => return None,
    };
    (1..=most).contains(&count).then_some((count, unit))
}

fn month_days(document: &mut Document) -> MonthDays {
    let days = numbers(document, "days", DAYS);
    let given = document.each("weekdays", MAX_ITEMS, WEEKDAYS, weekdays);
    let weekdays = given.map(|parts| {
        parts.into_iter().fold(Weekdays::default(), |mut all, part| {
            all.every |= part.every;
            all.nth.extend(part.nth);
            all
        })
    });
    refuse_empty(document, "weekdays", weekdays == Some(Weekdays::default()), WEEKDAYS);
    MonthDays { days, weekdays }
}

fn numbers(document: &mut Document, field: &str, expected: &str) -> Option<Numbers> {
    let one = |text: &str| text.parse::<i16>().ok().filter(|number| (1..=31).contains(&number.abs()));
    let spans = document.each(field, MAX_ITEMS, expected, |value| span(value, one, false))?;
    let mut numbers = Numbers::default();
    for (first, last) in spans {
        (first..=last).for_each(|number| numbers.add(number));
    }
    refuse_empty(document, field, numbers == Numbers::default(), expected);
    Some(numbers)
}

fn months(document: &mut Document) -> u16 {
    let one = |text: &str| month(text).map(i16::from).or_else(|| text.parse().ok()).filter(|month| (1..=12).contains(month));
    let Some(spans) = document.each("months", MAX_ITEMS, MONTHS, |value| span(value, one, false)) else { return 0b1_1111_1111_1110 };
    let bits = spans.into_iter().flat_map(|(first, last)| first..=last).fold(0, |bits, month| bits | 1 << month);
    refuse_empty(document, "months", bits == 0, MONTHS);
    bits
}

fn years(document: &mut Document) -> Option<Vec<i16>> {
    let one = |text: &str| text.parse().ok().filter(|year| (1970..=2199).contains(year));
    let spans = document.each("years", MAX_ITEMS, YEARS, |value| span(value, one, false))?;
    let years: BTreeSet<i16> = spans.into_iter().flat_map(|(first, last)| first..=last).collect();
    refuse_empty(document, "years", years.is_empty(), YEARS);
    Some(years.into_iter().collect())
}

/// A list that is there and empty would match nothing; its author more likely meant everything.
fn refuse_empty(document: &mut Document, field: &str, is_empty: bool, expected: &str) {
    let reported = document.violations.0.iter().any(|violation| violation.pointer.starts_with(&format!("/{field}")));
    if is_empty && !reported {
        document.wrong(field, "it is empty; leave it away to match every one", expected);
    }
}

fn time(value: &Value) -> Result<Time, String> {
    let text = as_text(value)?;
    let number = |part: &str| {
        let two_digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        two_digits.then(|| part.parse().ok()).flatten()
    };
    let parts: Option<Vec<i8>> = text.split(':').map(number).collect();
    let time = match parts.as_deref() {
        Some([hour, minute]) => Time::new(*hour, *minute, 0, 0).ok(),
        // A time zone has no leap seconds, and jiff reads a 60 as 59.
        Some([hour, minute, second]) => Time::new(*hour, *minute, *second, 0).ok(),
        _ => None,
    };
    time.ok_or_else(|| format!("`{text}` is no time of day"))
}

/// A value or a range of values; with `around` a range may begin with a Sunday, 7, as its 0.
fn span(value: &Value, one: impl Fn(&str) -> Option<i16>, around: bool) -> Result<(i16, i16), String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return Err("it is neither a number nor a text".to_owned()),
    };
    if let Some(value) = one(&text) {
        return Ok((value, value));
    }
    // A minus at the start belongs to the number.
    let dash = text.char_indices().skip(1).find(|(_, character)| *character == '-');
    let ends = dash.and_then(|(index, _)| Some((one(text[..index].trim())?, one(text[index + 1..].trim())?)));
    match ends {
        Some((first, last)) if around && first == 7 && last < 7 => Ok((0, last)),
        Some((first, last)) if (first < 0) != (last < 0) => Err(format!("`{text}` counts from both ends of the month")),
        Some((first, last)) if first > last => Err(format!("`{text}` runs backwards")),
        Some(ends) => Ok(ends),
        None => Err(format!("`{text}` is not accepted here")),
    }
}

/// Bit `n` for the weekday that is `n` days after Monday.
fn plain_weekdays(value: &Value) -> Result<u8, String> {
    let one = |text: &str| {
        let named = weekday(text).map(|day| i16::from(day.to_monday_one_offset()));
        named.or_else(|| text.parse().ok()).filter(|day| (0..=7).contains(day))
    };
    let (first, last) = span(value, one, true)?;
    Ok((first..=last).fold(0, |bits, day| bits | 1 << ((day + 6) % 7)))
}

fn weekdays(value: &Value) -> Result<Weekdays, String> {
    if let Some((nth, day)) = value.as_str().and_then(|text| text.trim().split_once(' ')) {
        let nth = ordinal(nth).zip(weekday(day.trim()));
        return nth.map(|nth| Weekdays { every: 0, nth: vec![nth] }).ok_or_else(|| format!("{value} is no weekday of a month"));
    }
    Ok(Weekdays { every: plain_weekdays(value)?, nth: Vec::new() })
}

/// Whether some day matches, as far as that can be known without the business calendars of others.
fn can_ever_fire(rule: &CalendarRule) -> bool {
    if rule.business_calendar.is_some() && rule.days.is_about_business_days() {
        return true;
    }
    let plain = BusinessDays::monday_to_friday();
    let skips = rule.business_calendar.is_none() && rule.on_holiday == Some(OnHoliday::Skip);
    let open = |first: Date| if skips { on_weekdays(first, |date| is_on(0b001_1111, date)) } else { u32::MAX };
    let begin = Date::constant(1970, 1, 1);
    let mut month = rule.days.month_from(Month::of(begin));
    for _ in 0..MONTHS_OF_THE_CALENDAR {
        let Some((current, first)) = month.and_then(|month| Some((month, month.first()?))) else { return false };
        if rule.days.days_in(first, plain) & open(first) != 0 {
            return true;
        }
        month = rule.days.month_from(Month(current.0 + 1));
    }
    false
}
