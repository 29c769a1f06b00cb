//! The day and month fields, as the end of a sentence: " on day 1 of the month", ", Monday to Friday".

use super::words::{list, members, ordinal, runs};
use crate::spec::cron::{Cron, DayRule};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
/// Monday first, so that a weekend is one piece.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Whether every day of the months that match does.
pub(super) fn is_every_day(cron: &Cron) -> bool {
    let (any_day, any_weekday) = (cron.days.count_ones() == 31, cron.weekdays.count_ones() == 7);
    match cron.day_rule {
        DayRule::Both => any_day && any_weekday,
        DayRule::Either => any_day || any_weekday,
    }
}

/// Empty when nothing is restricted.
pub(super) fn describe(cron: &Cron) -> String {
    let days = members(u64::from(cron.days));
    let weekdays = monday_first(cron.weekdays);
    let months = members(u64::from(cron.months));
    let in_months = if months.len() == 12 { String::new() } else { format!(" in {}", month_names(&months)) };
    if is_every_day(cron) {
        return in_months;
    }
    match (cron.day_rule, days.len(), weekdays.len()) {
        (DayRule::Either, ..) => {
            // The months come first, so that they are not read as part of the second half only.
            let in_months = if in_months.is_empty() { in_months } else { in_months + "," };
            format!("{in_months} on the {}, or on {}", day_numbers(&days), weekday_names(&weekdays))
        }
        (DayRule::Both, _, 7) => on_days(&days, &months),
        (DayRule::Both, 31, 1..=2) => format!(" on {}{in_months}", weekday_names(&weekdays)),
        (DayRule::Both, 31, _) => format!(", {}{in_months}", weekday_names(&weekdays)),
        (DayRule::Both, ..) => format!("{}, but only if it is {}", on_days(&days, &months), weekday_choice(&weekdays)),
    }
}

fn on_days(days: &[u8], months: &[u8]) -> String {
    let of_every_month = months.len() == 12;
    match *days {
        [day] if months.len() == 1 => format!(" on {day} {}", month_names(months)),
        [day] if of_every_month && day > 28 => format!(" on day {day} of the months that have it"),
        [day] if of_every_month => format!(" on day {day} of the month"),
        _ if of_every_month => format!(" on the {}", day_numbers(days)),
        _ => format!(" on the {} in {}", day_numbers(days), month_names(months)),
    }
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

/// Bit 0 is Sunday; here 0 is Monday.
fn monday_first(weekdays: u8) -> Vec<u8> {
    members(u64::from(weekdays >> 1 | (weekdays & 1) << 6))
}

fn weekday_names(weekdays: &[u8]) -> String {
    runs(weekdays, weekday)
}

fn weekday_choice(weekdays: &[u8]) -> String {
    let names: Vec<String> = weekdays.iter().map(|day| weekday(*day)).collect();
    match names.as_slice() {
        [start @ .., last] if !start.is_empty() => format!("{} or {last}", start.join(", ")),
        _ => list(&names),
    }
}

fn weekday(day: u8) -> String {
    WEEKDAYS[usize::from(day)].to_owned()
}

fn month_names(months: &[u8]) -> String {
    runs(months, |month| MONTHS[usize::from(month) - 1].to_owned())
}
