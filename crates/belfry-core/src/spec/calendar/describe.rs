//! What a calendar rule means, in English; said from what decides when it fires, not from its text.

use jiff::civil::{Date, Time};

use super::days::{Days, Months};
use super::month::{MonthDays, Numbers, Weekdays};
use super::{CalendarRule, OnHoliday};
use crate::calendar::names::ordinal_word;
use crate::spec::describe::words::{list, members, ordinal, runs};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) fn rule(rule: &CalendarRule) -> String {
    let times: Vec<String> = rule.at.iter().map(time).collect();
    format!("at {} {}{}", list(&times), days(rule), on_holiday(rule))
}

fn time(time: &Time) -> String {
    if time.second() == 0 { format!("{:02}:{:02}", time.hour(), time.minute()) } else { format!("{time:.0}") }
}

fn days(rule: &CalendarRule) -> String {
    match &rule.days {
        Days::Daily { every, from } => format!("{}, beginning on {from}", counted(*every, "day")),
        Days::Weekly { every, from, weekdays } => {
            format!("{} on {}, beginning {}", counted(*every, "week"), weekly(*weekdays), in_week_of(*every, *from))
        }
        Days::Monthly { every, from, on, clamp } => {
            let too_short = match (clamp, has_short_months(on)) {
                (true, true) => " (or the last day of a month that is too short)",
                (false, true) => " (months without it are left out)",
                (_, false) => "",
            };
            let beginning = if *every == 1 { format!("on {from}") } else { format!("in the month of {from}") };
            format!("{} {}{too_short}, beginning {beginning}", counted(*every, "month"), on_days(on, None))
        }
        Days::Fields { months, on } if *on == MonthDays::default() => format!("every day{}", in_months(months)),
        Days::Fields { months, on } => on_days(on, Some(months)),
        Days::Business { months, nth } => {
            let calendar = rule.business_calendar.as_ref().map(|name| format!(" by calendar `{name}`")).unwrap_or_default();
            format!("on the {}{}{calendar}", numbered(*nth, "business day"), of_months(months))
        }
    }
}

fn on_holiday(rule: &CalendarRule) -> String {
    let moved = match rule.on_holiday {
        None => return String::new(),
        Some(OnHoliday::Skip) => "left out",
        Some(OnHoliday::Previous) => "on the business day before",
        Some(OnHoliday::Next) => "on the business day after",
    };
    match &rule.business_calendar {
        Some(name) => format!("; {moved} when that is no business day by calendar `{name}`"),
        None => format!("; {moved} when that is a Saturday or Sunday"),
    }
}

fn counted(every: i32, unit: &str) -> String {
    if every == 1 { format!("every {unit}") } else { format!("every {every} {unit}s") }
}

/// The week matters only where some are left out.
fn in_week_of(every: i32, from: Date) -> String {
    if every == 1 { format!("on {from}") } else { format!("in the week of {from}") }
}

/// "on the 1st, 15th and last days of every month, but only if it is Monday"; without `months` those of an interval.
fn on_days(on: &MonthDays, months: Option<&Months>) -> String {
    let of_months = months.map_or_else(|| " of the month".to_owned(), of_months);
    match (on.days, &on.weekdays) {
        (Some(days), None) => format!("on the {}{of_months}", numbered(days, "day")),
        (Some(days), Some(weekdays)) => {
            format!("on the {}{of_months}, but only if it is {}", numbered(days, "day"), choice(weekdays, "", " of the month"))
        }
        (None, Some(weekdays)) => {
            let in_months = months.map_or_else(|| " of the month".to_owned(), in_months);
            format!("on {}", choice(weekdays, &in_months, &of_months))
        }
        (None, None) => "every day".to_owned(),
    }
}

/// "1st to 5th, 3rd-last and last days": those counted from the end come last.
fn numbered(numbers: Numbers, noun: &str) -> String {
    // The last one is 100, so that from both ends higher is later.
    const LAST: u8 = 100;
    let from_end = members(u64::from(numbers.from_end)).into_iter().rev().map(|number| LAST + 1 - number);
    let places: Vec<u8> = members(u64::from(numbers.from_start)).into_iter().chain(from_end).collect();
    let word = |place: u8| match LAST + 1 - place {
        1 => "last".to_owned(),
        number if number <= 31 => format!("{}-last", ordinal(number)),
        _ => ordinal(place),
    };
    format!("{} {noun}{}", runs(&places, word), if places.len() > 1 { "s" } else { "" })
}

fn choice(weekdays: &Weekdays, in_months: &str, of_months: &str) -> String {
    let every = (weekdays.every != 0).then(|| {
        // "Monday of the month" is one of four or five.
        let each = if in_months.starts_with(" of") { "each " } else { "" };
        format!("{each}{}{in_months}", weekly(weekdays.every))
    });
    let nth = weekdays.nth.iter().map(|(nth, weekday)| {
        let weekday = WEEKDAYS[usize::from(weekday.to_monday_zero_offset().unsigned_abs())];
        format!("the {} {weekday}{of_months}", ordinal_word(*nth))
    });
    every.into_iter().chain(nth).collect::<Vec<_>>().join(" or ")
}

fn weekly(weekdays: u8) -> String {
    if weekdays == 0b111_1111 {
        return "every day of the week".to_owned();
    }
    runs(&members(u64::from(weekdays)), |day| WEEKDAYS[usize::from(day)].to_owned())
}

/// " of every month", " of March and June in 2026 to 2028"
fn of_months(months: &Months) -> String {
    let names = names(months).unwrap_or_else(|| "every month".to_owned());
    format!(" of {names}{}", in_years(months))
}

/// "", " in March and June of 2026"
fn in_months(months: &Months) -> String {
    let names = names(months).map(|names| format!(" in {names}")).unwrap_or_default();
    format!("{names}{}", in_years(months))
}

fn names(months: &Months) -> Option<String> {
    let numbers = members(u64::from(months.months));
    (numbers.len() < 12).then(|| runs(&numbers, |month| MONTHS[usize::from(month) - 1].to_owned()))
}

fn in_years(months: &Months) -> String {
    let Some(years) = &months.years else { return String::new() };
    // Years as the numbers after 1970, for which words are made.
    let numbers: Vec<u8> = years.iter().filter_map(|year| u8::try_from(year - 1970).ok()).collect();
    format!(" in {}", runs(&numbers, |number| (1970 + u16::from(number)).to_string()))
}

fn has_short_months(on: &MonthDays) -> bool {
    on.days.is_some_and(|days| days.from_start >> 29 != 0 || days.from_end >> 29 != 0)
}
