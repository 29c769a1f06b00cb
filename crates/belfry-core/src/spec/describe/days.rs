//! The day and month fields, as the end of a sentence: " on day 1 of the month", ", Monday to Friday".

use super::words::{list, members, ordinal, runs};
use crate::spec::cron::{Cron, DayFields, DayRule, DaysOfMonth, Weekdays};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
/// Monday first, so that a weekend is one piece.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Whether every day of the months that match does.
pub(super) fn is_every_day(cron: &Cron, dom_dow: DayFields) -> bool {
    let (any_day, any_weekday) = (cron.days.is_every_day(), cron.weekdays.is_every_day());
    if either(cron, dom_dow) { any_day || any_weekday } else { any_day && any_weekday }
}

/// Empty when nothing is restricted.
pub(super) fn describe(cron: &Cron, dom_dow: DayFields) -> String {
    let months = members(u64::from(cron.months));
    let in_months = if months.len() == 12 { String::new() } else { format!(" in {}", month_names(&months)) };
    if is_every_day(cron, dom_dow) {
        return in_months;
    }
    if either(cron, dom_dow) {
        // The months come first, so that they are not read as part of the second half only.
        let in_months = if in_months.is_empty() { in_months } else { in_months + "," };
        let days = with_end(list(&day_words(&cron.days)), has_special_day(&cron.days), " of the month");
        return format!("{in_months} on {days}, or on {}", list(&weekday_words(&cron.weekdays)));
    }
    match (cron.days.is_every_day(), cron.weekdays.is_every_day()) {
        (_, true) => on_days(&cron.days, &months),
        (true, _) => format!("{}{in_months}", on_weekdays(&cron.weekdays)),
        _ => format!("{}, but only if it is {}", on_days(&cron.days, &months), choice(&cron.weekdays)),
    }
}

fn either(cron: &Cron, dom_dow: DayFields) -> bool {
    cron.day_rule == DayRule::Restricted && dom_dow == DayFields::Or
}

fn on_days(days: &DaysOfMonth, months: &[u8]) -> String {
    let of_every_month = months.len() == 12;
    if has_special_day(days) {
        let of_months = match months {
            [_] => format!(" of {}", month_names(months)),
            _ if of_every_month => " of the month".to_owned(),
            _ => format!(" of the month in {}", month_names(months)),
        };
        return format!(" on {}{of_months}", list(&day_words(days)));
    }
    match *members(u64::from(days.plain)).as_slice() {
        [day] if months.len() == 1 => format!(" on {day} {}", month_names(months)),
        [day] if of_every_month && day > 28 => format!(" on day {day} of the months that have it"),
        [day] if of_every_month => format!(" on day {day} of the month"),
        ref days if of_every_month => format!(" on the {}", day_numbers(days)),
        ref days => format!(" on the {} in {}", day_numbers(days), month_names(months)),
    }
}

fn has_special_day(days: &DaysOfMonth) -> bool {
    days.before_last != 0 || days.nearest != 0 || days.last_working
}

/// "the 1st and 15th", "the last day".
fn day_words(days: &DaysOfMonth) -> Vec<String> {
    let mut words = Vec::new();
    if days.plain != 0 {
        words.push(format!("the {}", day_numbers(&members(u64::from(days.plain)))));
    }
    for day in members(u64::from(days.nearest)) {
        words.push(format!("the Monday to Friday nearest to the {}", ordinal(day)));
    }
    for before in members(u64::from(days.before_last)).into_iter().rev() {
        words.push(match before {
            0 => "the last day".to_owned(),
            1 => "the day before the last day".to_owned(),
            _ => format!("the {} day before the last day", ordinal(before)),
        });
    }
    if days.last_working {
        words.push("the last Monday to Friday".to_owned());
    }
    words
}

/// "1st and 15th", "1st to 7th", "1st, 3rd, … and 31st" as every second one.
fn day_numbers(days: &[u8]) -> String {
    match *days {
        [first, second, .., last]
            if days.len() > 6 && second - first > 1 && days.windows(2).all(|pair| pair[1] - pair[0] == second - first) =>
        {
            format!("{} and every {} day after it up to the {}", ordinal(first), ordinal(second - first), ordinal(last))
        }
        _ => runs(days, ordinal),
    }
}

fn on_weekdays(weekdays: &Weekdays) -> String {
    let words = list(&weekday_words(weekdays));
    if weekdays.plain.count_ones() > 2 && special_weekdays(weekdays).is_empty() { format!(", {words}") } else { format!(" on {words}") }
}

/// "Monday to Friday", "the last Friday of the month".
fn weekday_words(weekdays: &Weekdays) -> Vec<String> {
    let mut words = Vec::new();
    if weekdays.plain != 0 {
        words.push(runs(&monday_first(weekdays.plain), weekday));
    }
    words.extend(of_the_month(special_weekdays(weekdays)));
    words
}

/// "Monday or Wednesday".
fn choice(weekdays: &Weekdays) -> String {
    let mut words: Vec<String> = monday_first(weekdays.plain).into_iter().map(weekday).collect();
    words.extend(of_the_month(special_weekdays(weekdays)));
    match words.as_slice() {
        [start @ .., last] if !start.is_empty() => format!("{} or {last}", start.join(", ")),
        _ => list(&words),
    }
}

/// "the 2nd Monday", "the last Friday".
fn special_weekdays(weekdays: &Weekdays) -> Vec<String> {
    let mut words = Vec::new();
    for (week, set) in weekdays.nth.iter().enumerate() {
        words.extend(monday_first(*set).into_iter().map(|day| format!("the {} {}", ordinal(week as u8 + 1), weekday(day))));
    }
    words.extend(monday_first(weekdays.last).into_iter().map(|day| format!("the last {}", weekday(day))));
    words
}

/// Said once, after the last of them.
fn of_the_month(mut words: Vec<String>) -> Vec<String> {
    if let Some(last) = words.last_mut() {
        last.push_str(" of the month");
    }
    words
}

fn with_end(words: String, wanted: bool, end: &str) -> String {
    if wanted { words + end } else { words }
}

/// Bit 0 is Sunday; here 0 is Monday.
fn monday_first(weekdays: u8) -> Vec<u8> {
    members(u64::from(weekdays >> 1 | (weekdays & 1) << 6))
}

fn weekday(day: u8) -> String {
    WEEKDAYS[usize::from(day)].to_owned()
}

pub(super) fn weekday_names(weekdays: u8) -> String {
    runs(&monday_first(weekdays), weekday)
}

pub(super) fn month_names(months: &[u8]) -> String {
    runs(months, |month| MONTHS[usize::from(month) - 1].to_owned())
}
