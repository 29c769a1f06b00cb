//! What a recurrence rule means, in English; said from the sets that decide when it fires, never from the text.

use jiff::tz::TimeZone;

use super::days::{self, Bits};
use super::rule::{Frequency, Ordinals, Rule};
use super::stamp::Stamp;
use super::{Anchor, Rrule, clock};
use crate::spec::describe::words::{list, members, ordinal, runs};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/// More single times of a day than these are not listed.
const MOST_LISTED: u32 = 6;

impl Rrule {
    /// When the rule fires, such as "every 2 weeks on Monday and Friday at 09:00, from 2026-01-05 09:00, 10 times".
    /// `zone` is the schedule's.
    pub fn describe(&self, zone: &TimeZone) -> String {
        let start = self.start_wall(self.zone(zone));
        let rule = match start {
            Some(wall) if !self.rule.frequency.is_elapsed() => self.rule.completed_from(wall),
            _ => *self.rule,
        };
        let mut text = every(&rule);
        text += &day_parts(&rule);
        text += &if rule.frequency.is_elapsed() { clock_parts(&rule) } else { times(&rule) };
        text += &positions(&rule);
        if let Some(wall) = start {
            text += &format!(", from {}{}", shown(wall), self.own_zone());
        }
        text + &end(&rule) + &self.exceptions()
    }

    fn start_wall(&self, zone: &TimeZone) -> Option<i64> {
        match &self.start {
            Anchor::None => None,
            Anchor::Text(start) => Some(start.wall),
            Anchor::Given(at) => clock::wall(zone, at.get().div_euclid(1000)),
        }
    }

    /// Named where the text names it; otherwise it is the schedule's.
    fn own_zone(&self) -> String {
        match &self.start {
            Anchor::Text(start) => start.zone.as_ref().map(|zone| format!(" ({})", zone.name())).unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn exceptions(&self) -> String {
        let times = |count: usize| if count == 1 { "1 time".to_owned() } else { format!("{count} times") };
        let more = match self.dates.len() {
            0 => String::new(),
            count => format!(", and at {} of its own", times(count)),
        };
        match self.exceptions.len() {
            0 => more,
            count => format!("{more}, except at {}", times(count)),
        }
    }
}

fn every(rule: &Rule) -> String {
    let unit = match rule.frequency {
        Frequency::Yearly => "year",
        Frequency::Monthly => "month",
        Frequency::Weekly => "week",
        Frequency::Daily => "day",
        Frequency::Hourly => "hour",
        Frequency::Minutely => "minute",
        Frequency::Secondly => "second",
    };
    if rule.interval == 1 { format!("every {unit}") } else { format!("every {} {unit}s", rule.interval) }
}

/// The days that match must match every part that is given.
fn day_parts(rule: &Rule) -> String {
    let parts = [weekdays(rule), month_days(rule), year_days(rule), weeks(rule), months(rule)];
    let mut text = String::new();
    for (index, (preposition, part)) in parts.into_iter().flatten().enumerate() {
        text += &match (index, preposition) {
            (0, _) if rule.frequency < Frequency::Daily => format!(" {preposition} {part}"),
            (_, "in") => format!(", only in {part}"),
            _ => format!(", only if on {part}"),
        };
    }
    let counts_weeks = rule.has_weeks() || (rule.frequency == Frequency::Weekly && rule.interval > 1);
    if counts_weeks && rule.week_start != 0 {
        text += &format!(" (weeks begin on {})", WEEKDAYS[usize::from(rule.week_start)]);
    }
    text
}

fn weekdays(rule: &Rule) -> Option<(&'static str, String)> {
    let mut words: Vec<String> = Vec::new();
    if rule.weekdays != 0 {
        words.push(runs(&members(rule.weekdays.into()), |weekday| WEEKDAYS[usize::from(weekday)].to_owned()));
    }
    for (weekday, nth) in WEEKDAYS.iter().zip(rule.nth_weekdays) {
        words.extend(ordinals(nth).iter().map(|nth| format!("the {nth} {weekday}")));
    }
    let scope = match (rule.has_nth_weekdays(), rule.frequency == Frequency::Yearly && rule.months == 0) {
        (false, _) => "",
        (true, false) => " of the month",
        (true, true) => " of the year",
    };
    (!words.is_empty()).then(|| ("on", list(&words) + scope))
}

fn month_days(rule: &Rule) -> Option<(&'static str, String)> {
    let days = Ordinals { from_start: rule.month_days.from_start.into(), from_end: rule.month_days.from_end.into() };
    rule.has_month_days().then(|| ("on", format!("the {} day of the month", list(&ordinals(days)))))
}

fn year_days(rule: &Rule) -> Option<(&'static str, String)> {
    let numbers = |bits: &Bits| bits.members().map(|day| day.to_string()).collect::<Vec<_>>();
    let (from_start, from_end) = (numbers(&rule.year_days.from_start), numbers(&rule.year_days.from_end));
    let mut words = Vec::new();
    if !from_start.is_empty() {
        words.push(format!("day {} of the year", list(&from_start)));
    }
    if !from_end.is_empty() {
        words.push(format!("day {} from the end of the year", list(&from_end)));
    }
    (!words.is_empty()).then(|| ("on", list(&words)))
}

fn weeks(rule: &Rule) -> Option<(&'static str, String)> {
    rule.has_weeks().then(|| ("in", format!("the {} week of the year", list(&ordinals(rule.weeks)))))
}

fn months(rule: &Rule) -> Option<(&'static str, String)> {
    (rule.months != 0).then(|| ("in", runs(&members(rule.months.into()), |month| MONTHS[usize::from(month) - 1].to_owned())))
}

/// "1st", "2nd to 8th", "last", "3rd-to-last".
fn ordinals(numbers: Ordinals<u64>) -> Vec<String> {
    let mut words = Vec::new();
    for run in members(numbers.from_start).chunk_by(|a, b| a + 1 == *b) {
        match run {
            [_, _, _, ..] => words.push(runs(run, ordinal)),
            _ => words.extend(run.iter().map(|number| ordinal(*number))),
        }
    }
    words.extend(members(numbers.from_end).into_iter().rev().map(|number| match number {
        1 => "last".to_owned(),
        _ => format!("{}-to-last", ordinal(number)),
    }));
    words
}

/// Of DAILY and slower. A part that is open still, for want of a start, is not spoken of.
fn times(rule: &Rule) -> String {
    let count = rule.hours.count_ones() * rule.minutes.count_ones() * rule.seconds.count_ones();
    if !(1..=MOST_LISTED).contains(&count) {
        return clock_parts(rule);
    }
    let mut words = Vec::new();
    for hour in members(rule.hours.into()) {
        for minute in members(rule.minutes) {
            for second in members(rule.seconds) {
                words.push(if rule.seconds == 1 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") });
            }
        }
    }
    format!(" at {}", list(&words))
}

fn clock_parts(rule: &Rule) -> String {
    let part = |name: &str, bits: u64| match members(bits).as_slice() {
        [] => None,
        [one] => Some(format!("{name} {one}")),
        several => Some(format!("{name}s {}", runs(several, |number| number.to_string()))),
    };
    let seconds = if rule.seconds == 1 && !rule.frequency.is_elapsed() { None } else { part("second", rule.seconds) };
    let parts: Vec<String> = [seconds, part("minute", rule.minutes), part("hour", rule.hours.into())].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" at {}", parts.join(" of ")) }
}

fn positions(rule: &Rule) -> String {
    if !rule.has_positions() {
        return String::new();
    }
    let from_start = rule.positions.from_start.members().map(position);
    let from_end = rule.positions.from_end.members().map(|number| match number {
        1 => "last".to_owned(),
        _ => format!("{}-to-last", position(number)),
    });
    let words: Vec<String> = from_start.chain(from_end).collect();
    format!(", of these only the {} in each {}", list(&words), every(&Rule::new(rule.frequency)).trim_start_matches("every "))
}

/// Of numbers up to 366: only the last two digits tell the ending.
fn position(number: u32) -> String {
    let last = ordinal((number % 100) as u8);
    if number < 100 { last } else { format!("{}{:0>4}", number / 100, last) }
}

fn end(rule: &Rule) -> String {
    match (rule.count, rule.until) {
        (Some(1), _) => ", once".to_owned(),
        (Some(count), _) => format!(", {count} times"),
        (None, Some(Stamp::Instant(at))) => format!(", until {} UTC", shown(at)),
        (None, Some(Stamp::Local(wall) | Stamp::Date(wall))) => format!(", until {}", shown(wall)),
        (None, None) => String::new(),
    }
}

fn shown(wall: i64) -> String {
    let format = if wall % 60 == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    days::local(wall).map(|local| local.strftime(format).to_string()).unwrap_or_default()
}
