//! The recurrence rules that a calendar can say: once a year, on a date or on a weekday of a month.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::IcsError;
use super::event::basic_date;
use super::lines::Line;
use crate::calendar::names::LAST;
use crate::calendar::{DateEntry, DateRule};

/// The parts of an RRULE with FREQ=YEARLY and INTERVAL=1, read but not yet compared with the event.
#[derive(Default)]
pub(super) struct Recurrence {
    until: Option<Date>,
    count: Option<u32>,
    month: Option<i8>,
    day: Option<i8>,
    weekday: Option<(i8, Weekday)>,
}

impl Recurrence {
    /// `Err` inside: a rule that a calendar cannot say.
    pub fn parse(line: &Line) -> Result<Result<Recurrence, String>, IcsError> {
        let mut recurrence = Recurrence::default();
        let mut frequency = None;
        for part in line.value.trim().split(';') {
            let Some((name, value)) = part.split_once('=') else {
                let (property, value) = (line.name.clone(), line.value.chars().take(60).collect());
                return Err(IcsError::Value { line: line.number, property, value, expected: "a rule such as FREQ=YEARLY" });
            };
            let (name, value) = (name.to_uppercase(), value.to_uppercase());
            match name.as_str() {
                "FREQ" => frequency = Some(value),
                // The first day of a week matters to rules about weeks only.
                "WKST" => {}
                _ => {
                    if recurrence.part(&name, &value).is_none() {
                        return Ok(Err(format!("RRULE:{} cannot be said: of {name}={value} nothing is known", line.value.trim())));
                    }
                }
            }
        }
        match frequency.as_deref() {
            Some("YEARLY") => Ok(Ok(recurrence)),
            _ => Ok(Err(format!("RRULE:{} cannot be said: only FREQ=YEARLY is", line.value.trim()))),
        }
    }

    /// `None` for what a calendar cannot say.
    fn part(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "INTERVAL" if value == "1" => {}
            "UNTIL" => self.until = Some(basic_date(value.get(..8)?)?),
            "COUNT" => self.count = Some(value.parse().ok().filter(|count| (1..=9_999).contains(count))?),
            "BYMONTH" => self.month = Some(value.parse().ok().filter(|month| (1..=12).contains(month))?),
            "BYMONTHDAY" => self.day = Some(value.parse().ok()?),
            "BYDAY" => self.weekday = Some(nth_weekday(value)?),
            _ => return None,
        }
        Some(())
    }

    /// The entries of an event of `days` days that begins on `first`.
    pub fn entries(&self, first: Date, days: i32) -> Result<Vec<DateEntry>, String> {
        match self.weekday {
            Some((nth, weekday)) => self.on_weekday(first, days, nth, weekday).map(|entry| vec![entry]),
            None if self.is_on(first) => self.on_date(first, days),
            None => Err("the rule falls on other days than DTSTART".to_owned()),
        }
    }

    /// Whether BYMONTH and BYMONTHDAY, where they are given, say what DTSTART says already.
    fn is_on(&self, first: Date) -> bool {
        self.month.is_none_or(|month| month == first.month()) && self.day.is_none_or(|day| day == first.day())
            // BYMONTHDAY alone would fall on that day of every month.
            && (self.day.is_none() || self.month.is_some())
    }

    fn on_weekday(&self, first: Date, days: i32, nth: i8, weekday: Weekday) -> Result<DateEntry, String> {
        let (Some(month), None, 1) = (self.month, self.day, days) else {
            return Err("BYDAY can only be said of one day, with BYMONTH and without BYMONTHDAY".to_owned());
        };
        if first.month() != month || first.nth_weekday_of_month(nth, weekday).ok() != Some(first) {
            return Err("the rule falls on other days than DTSTART".to_owned());
        }
        let happens = |year| Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok();
        let until = self.last_year(first, happens)?;
        Ok(DateEntry { since: Some(first.year()), until, ..DateEntry::new(DateRule::Nth { nth, weekday, month }) })
    }

    fn on_date(&self, first: Date, days: i32) -> Result<Vec<DateEntry>, String> {
        let until = self.last_year(first, |year| Date::new(year, first.month(), first.day()).ok())?;
        let year_long = |year: i16| days_from(Date::new(year, first.month(), first.day()).ok()?, days);
        // From 28 February to 1 March it is two days in one year and three in the next.
        if days > 1 && year_long(2003).is_none_or(|common| year_long(2004) != Some(common)) {
            return Err("it lasts over the end of February, which is not the same each year".to_owned());
        }
        let entry = |date: Date| {
            let later = date.year() - first.year();
            let on = DateRule::Yearly { month: date.month(), day: date.day() };
            DateEntry { since: Some(date.year()), until: until.map(|year| year + later), ..DateEntry::new(on) }
        };
        let dates: Option<Vec<Date>> = (0..days).map(|day| first.checked_add(day.days()).ok()).collect();
        dates.map(|dates| dates.into_iter().map(entry).collect()).ok_or_else(|| "it ends after the year 9999".to_owned())
    }

    /// The year of the last time, `happens` being the day of a year on which it happens; `None` without an end.
    fn last_year(&self, first: Date, happens: impl Fn(i16) -> Option<Date>) -> Result<Option<i16>, String> {
        match (self.until, self.count) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err("the rule has both UNTIL and COUNT".to_owned()),
            (Some(until), None) if until < first => Err("the rule ends before DTSTART".to_owned()),
            (Some(until), None) => Ok((first.year()..=until.year()).rev().find(|year| happens(*year).is_some_and(|day| day <= until))),
            (None, Some(count)) => {
                let mut years = (first.year()..=9998).filter(|year| happens(*year).is_some());
                Ok(years.nth(count as usize - 1))
            }
        }
    }
}

/// Month and day of each of `days` days.
fn days_from(first: Date, days: i32) -> Option<Vec<(i8, i8)>> {
    (0..days).map(|day| first.checked_add(day.days()).ok().map(|date| (date.month(), date.day()))).collect()
}

/// `4TH`, `-1MO`.
fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth: i8 = nth.parse().ok().filter(|nth| (1..=5).contains(nth) || *nth == LAST)?;
    let days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let index = days.iter().position(|code| *code == day)?;
    Some((nth, Weekday::from_monday_zero_offset(index as i8).ok()?))
}
