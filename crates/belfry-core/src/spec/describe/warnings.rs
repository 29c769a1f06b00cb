//! What an expression does that its author may not expect.

use std::fmt;

use super::cron_with;
use super::days::{month_names, weekday_names};
use super::words::{list, members};
use crate::spec::cron::{Cron, CronRules, DayFields};

/// Something legal that surprises. Its text is a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CronWarning {
    /// Both day fields are restricted and a day may match either; with both readings as sentences.
    EitherDay {
        either: String,
        /// Absent when no day matches both.
        both: Option<String>,
    },
    /// Days of the month from 29 on, and the months among those named that do not have them, or not every year.
    ShortMonths { days: Vec<u8>, months: Vec<u8> },
    /// A fifth weekday, which no month has of every weekday.
    FifthWeekday { weekdays: String },
    /// It never fires after this year.
    EndsAfter { year: i16 },
    /// Every second of each minute that it names.
    EverySecond,
}

pub fn warnings(cron: &Cron, rules: CronRules) -> Vec<CronWarning> {
    let fifth = cron.weekdays.nth[4];
    let found = [
        either_day(cron, rules.dom_dow),
        short_months(cron),
        (fifth != 0).then(|| CronWarning::FifthWeekday { weekdays: weekday_names(fifth) }),
        cron.last_year().map(|year| CronWarning::EndsAfter { year }),
        (cron.seconds.count_ones() == 60).then_some(CronWarning::EverySecond),
    ];
    found.into_iter().flatten().collect()
}

fn either_day(cron: &Cron, dom_dow: DayFields) -> Option<CronWarning> {
    (cron.day_fields_both_restricted() && dom_dow == DayFields::Or).then(|| CronWarning::EitherDay {
        either: cron_with(cron, DayFields::Or),
        both: cron.can_ever_fire(DayFields::And).then(|| cron_with(cron, DayFields::And)),
    })
}

/// More days than these are a span or a step, in which nobody misses the 31st.
const MOST_SINGLE_DAYS: u32 = 6;

fn short_months(cron: &Cron) -> Option<CronWarning> {
    let days = cron.days.plain | cron.days.nearest;
    // A day that ends a span, such as 28-31, means the end of the month and not that day.
    let single = members(u64::from(days & !(days << 1))).into_iter().filter(|day| *day > 28).collect::<Vec<u8>>();
    let lacking = |month: &u8| {
        let length = match month {
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        single.iter().any(|day| *day > length)
    };
    let months: Vec<u8> = members(u64::from(cron.months)).into_iter().filter(lacking).collect();
    (!months.is_empty() && days.count_ones() <= MOST_SINGLE_DAYS).then_some(CronWarning::ShortMonths { days: single, months })
}

impl fmt::Display for CronWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CronWarning::EitherDay { either, both } => {
                let both = both.as_deref().unwrap_or("never");
                write!(f, "both day fields are restricted, and a day that matches either fires: {either}; with `dom_dow: and`: {both}")
            }
            CronWarning::ShortMonths { days, months } if days == &[29] => {
                write!(f, "{} has a day 29 in leap years only; the last day of every month is `L`", month_names(months))
            }
            CronWarning::ShortMonths { days, months } => {
                let (which, missing) = match days.as_slice() {
                    [day] => (format!("day {day}"), "it is missing"),
                    days => (format!("the days {}", list(&days.iter().map(u8::to_string).collect::<Vec<String>>())), "one is missing"),
                };
                let months = month_names(months);
                write!(f, "not every month has {which}: {missing} in {months}; the last day of every month is `L`")
            }
            CronWarning::FifthWeekday { weekdays } => {
                write!(f, "not every month has a fifth {weekdays}; the last one of every month is written with `L`")
            }
            CronWarning::EndsAfter { year } => write!(f, "it never fires again after the year {year}"),
            CronWarning::EverySecond => {
                f.write_str("it fires every second of the minutes that it names; a 0 for the seconds fires once a minute")
            }
        }
    }
}
