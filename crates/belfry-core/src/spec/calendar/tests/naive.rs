//! The rules once more, as slowly and plainly as they can be said: every day is asked, every offset is tried.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::calendar::BusinessDays;
use crate::spec::cron::{Fold, Gap};

const CODES: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const ORDINALS: [&str; 6] = ["last", "1st", "2nd", "3rd", "4th", "5th"];

#[derive(Debug, Clone)]
pub struct Naive {
    pub kind: Kind,
    pub times: Vec<(i8, i8)>,
    pub on_holiday: Option<&'static str>,
    pub calendar: Option<&'static str>,
}

/// Weekdays are 0 (Monday) to 6; an nth of 0 is the last.
#[derive(Debug, Clone)]
pub enum Kind {
    Days { every: i32, from: Date },
    Weeks { every: i32, from: Date, weekdays: Vec<usize> },
    Months { every: i32, from: Date, day: i8, clamp: bool },
    MonthsNth { every: i32, from: Date, nth: usize, weekday: usize },
    Fields { months: Vec<i8>, days: Vec<i8>, weekdays: Vec<usize>, nth: Option<(usize, usize)> },
    Business { months: Vec<i8>, nth: i8 },
}

impl Naive {
    pub fn json(&self) -> Value {
        let mut value = match &self.kind {
            Kind::Days { every, from } => json!({"every": format!("{every} days"), "from": from.to_string()}),
            Kind::Weeks { every, from, weekdays } => {
                let codes: Vec<&str> = weekdays.iter().map(|day| CODES[*day]).collect();
                json!({"every": format!("{every} weeks"), "from": from.to_string(), "weekdays": codes})
            }
            Kind::Months { every, from, day, clamp } => {
                json!({"every": format!("{every} months"), "from": from.to_string(), "days": day, "clamp": clamp})
            }
            Kind::MonthsNth { every, from, nth, weekday } => {
                let weekday = format!("{} {}", ORDINALS[*nth], CODES[*weekday]);
                json!({"every": format!("{every} months"), "from": from.to_string(), "weekdays": weekday})
            }
            Kind::Fields { months, days, weekdays, nth } => {
                let mut codes: Vec<String> = weekdays.iter().map(|day| CODES[*day].to_owned()).collect();
                codes.extend(nth.map(|(nth, weekday)| format!("{} {}", ORDINALS[nth], CODES[weekday])));
                let given = |values: Value| if values == json!([]) { Value::Null } else { values };
                json!({"months": given(json!(months)), "days": given(json!(days)), "weekdays": given(json!(codes))})
            }
            Kind::Business { months, nth } => json!({"business_day": nth, "months": months}),
        };
        value["at"] = self.times.iter().map(|(hour, minute)| Value::from(format!("{hour:02}:{minute:02}"))).collect();
        value["on_holiday"] = json!(self.on_holiday);
        value["business_calendar"] = json!(self.calendar);
        value
    }

    /// Every instant that belongs to a local day from `first` to `last`.
    pub fn instants(&self, first: Date, last: Date, business: &BusinessDays, zone: &TimeZone, rules: (Gap, Fold)) -> BTreeSet<Timestamp> {
        let candidates = walk(first.checked_sub(40.days()).unwrap()).take_while(|date| *date <= last.checked_add(40.days()).unwrap());
        let days: BTreeSet<Date> =
            candidates.filter(|date| self.names(*date, business)).filter_map(|date| self.moved(date, business)).collect();
        let days = days.into_iter().filter(|date| (first..=last).contains(date));
        days.flat_map(|date| self.times.iter().map(move |(hour, minute)| date.at(*hour, *minute, 0, 0)))
            .flat_map(|local| shown(local, zone, rules))
            .collect()
    }

    fn moved(&self, date: Date, business: &BusinessDays) -> Option<Date> {
        let back = || std::iter::successors(Some(date), |date| date.yesterday().ok());
        match self.on_holiday {
            Some("skip") => Some(date).filter(|date| business.is_business_day(*date)),
            Some("previous") => back().find(|date| business.is_business_day(*date)),
            Some("next") => walk(date).find(|date| business.is_business_day(*date)),
            _ => Some(date),
        }
    }

    fn names(&self, date: Date, business: &BusinessDays) -> bool {
        let weekday = date.weekday().to_monday_zero_offset() as usize;
        match &self.kind {
            Kind::Days { every, from } => date >= *from && (date - *from).get_days() % every == 0,
            Kind::Weeks { every, from, weekdays } => {
                let weeks = (monday(date) - monday(*from)).get_days() / 7;
                date >= *from && weeks % every == 0 && weekdays.contains(&weekday)
            }
            Kind::Months { every, from, day, clamp } => {
                let length = date.days_in_month();
                let wanted = match *day {
                    day if day < 0 => length + 1 + day,
                    day if *clamp => day.min(length),
                    day => day,
                };
                in_phase(*every, *from, date) && date.day() == wanted
            }
            Kind::MonthsNth { every, from, nth, weekday: wanted } => in_phase(*every, *from, date) && is_nth(date, *nth, *wanted),
            Kind::Fields { months, days, weekdays, nth } => {
                let day = days.iter().any(|day| *day == date.day() || *day == date.day() - date.days_in_month() - 1);
                let on = weekdays.contains(&weekday) || nth.is_some_and(|(nth, wanted)| is_nth(date, nth, wanted));
                (months.is_empty() || months.contains(&date.month()))
                    && (days.is_empty() || day)
                    && (weekdays.is_empty() && nth.is_none() || on)
            }
            Kind::Business { months, nth } => {
                let month = walk(date.first_of_month()).take_while(|day| day.month() == date.month());
                let mut open: Vec<Date> = month.filter(|day| business.is_business_day(*day)).collect();
                if *nth < 0 {
                    open.reverse();
                }
                months.contains(&date.month()) && open.get(nth.unsigned_abs() as usize - 1) == Some(&date)
            }
        }
    }
}

fn walk(from: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(from), |date| date.tomorrow().ok())
}

/// The Monday of the week that holds `date`.
fn monday(date: Date) -> Date {
    std::iter::successors(Some(date), |date| date.yesterday().ok()).find(|date| date.weekday() == jiff::civil::Weekday::Monday).unwrap()
}

fn in_phase(every: i32, from: Date, date: Date) -> bool {
    let months = (i32::from(date.year()) - i32::from(from.year())) * 12 + i32::from(date.month()) - i32::from(from.month());
    date >= from && months % every == 0
}

fn is_nth(date: Date, nth: usize, weekday: usize) -> bool {
    let month = walk(date.first_of_month()).take_while(|day| day.month() == date.month());
    let days: Vec<Date> = month.filter(|day| day.weekday().to_monday_zero_offset() as usize == weekday).collect();
    let wanted = if nth == 0 { days.last() } else { days.get(nth - 1) };
    wanted == Some(&date)
}

/// When clocks show `local`, found by trying every offset that the zone has in the days around it.
fn shown(local: DateTime, zone: &TimeZone, (gap, fold): (Gap, Fold)) -> Vec<Timestamp> {
    let around = |hours: i64| Offset::UTC.to_timestamp(local).unwrap() + SignedDuration::from_hours(hours);
    let offsets: BTreeSet<Offset> = (-60..=60).step_by(12).map(|hours| zone.to_offset(around(hours))).collect();
    let mut at: Vec<Timestamp> = offsets.iter().map(|offset| offset.to_timestamp(local).unwrap()).collect();
    at.retain(|at| zone.to_datetime(*at) == local);
    at.sort();
    match (at.as_slice(), fold) {
        ([], _) => made_up(local, zone, gap),
        ([first, _], Fold::First) => vec![*first],
        ([_, second], Fold::Second) => vec![*second],
        _ => at,
    }
}

/// Walks through the minutes of the gap.
fn made_up(local: DateTime, zone: &TimeZone, gap: Gap) -> Vec<Timestamp> {
    let begin = Offset::UTC.to_timestamp(local).unwrap() - SignedDuration::from_hours(40);
    let minutes = (0..80 * 60).map(|minute| begin + SignedDuration::from_mins(minute));
    let after = minutes.into_iter().find(|at| zone.to_datetime(*at) > local).unwrap();
    let last_before = zone.to_datetime(after - SignedDuration::from_mins(1)) + 1.minute();
    let length = zone.to_datetime(after).duration_since(last_before);
    match gap {
        _ if length > SignedDuration::from_hours(3) => Vec::new(),
        Gap::Skip => Vec::new(),
        Gap::Next => vec![after],
        Gap::Shift => vec![after + local.duration_since(last_before)],
    }
}
