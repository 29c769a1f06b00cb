//! What the parts of an RRULE say, as bit sets: parsed once, copied freely, searched without allocation.

use super::days::{self, Bits};
use super::stamp::Stamp;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
    Minutely,
    Secondly,
}

/// Numbers that count from the start, or, when they were negative, from the end: bit `n` for `n` and for `-n`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Ordinals<T> {
    pub from_start: T,
    pub from_end: T,
}

/// A set of zero means that the part was not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rule {
    pub frequency: Frequency,
    /// At least 1.
    pub interval: u32,
    pub count: Option<u32>,
    pub until: Option<Stamp>,
    /// 0 is Monday, as everywhere here.
    pub week_start: u8,
    pub seconds: u64,
    pub minutes: u64,
    pub hours: u32,
    /// Bits 1 to 12.
    pub months: u16,
    pub month_days: Ordinals<u32>,
    pub year_days: Ordinals<Bits>,
    pub weeks: Ordinals<u64>,
    /// The weekdays that were named without a number.
    pub weekdays: u8,
    /// By weekday, the numbers that it was named with.
    pub nth_weekdays: [Ordinals<u64>; 7],
    pub positions: Ordinals<Bits>,
}

impl Frequency {
    pub fn name(self) -> &'static str {
        match self {
            Frequency::Yearly => "YEARLY",
            Frequency::Monthly => "MONTHLY",
            Frequency::Weekly => "WEEKLY",
            Frequency::Daily => "DAILY",
            Frequency::Hourly => "HOURLY",
            Frequency::Minutely => "MINUTELY",
            Frequency::Secondly => "SECONDLY",
        }
    }

    /// Whether its periods are hours, minutes or seconds, which elapse whatever clocks do.
    pub fn is_elapsed(self) -> bool {
        self >= Frequency::Hourly
    }
}

impl Rule {
    pub fn new(frequency: Frequency) -> Rule {
        Rule {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: 0,
            seconds: 0,
            minutes: 0,
            hours: 0,
            months: 0,
            month_days: Ordinals::default(),
            year_days: Ordinals::default(),
            weeks: Ordinals::default(),
            weekdays: 0,
            nth_weekdays: [Ordinals::default(); 7],
            positions: Ordinals::default(),
        }
    }

    pub fn has_month_days(&self) -> bool {
        self.month_days.from_start | self.month_days.from_end != 0
    }

    pub fn has_year_days(&self) -> bool {
        !(self.year_days.from_start.is_empty() && self.year_days.from_end.is_empty())
    }

    pub fn has_weeks(&self) -> bool {
        self.weeks.from_start | self.weeks.from_end != 0
    }

    pub fn has_nth_weekdays(&self) -> bool {
        self.nth_weekdays.iter().any(|nth| nth.from_start | nth.from_end != 0)
    }

    pub fn has_weekdays(&self) -> bool {
        self.weekdays != 0 || self.has_nth_weekdays()
    }

    pub fn has_positions(&self) -> bool {
        !(self.positions.from_start.is_empty() && self.positions.from_end.is_empty())
    }

    pub fn has_days_or_months(&self) -> bool {
        self.months != 0 || self.has_days()
    }

    /// Whether any part speaks of days.
    fn has_days(&self) -> bool {
        self.has_weeks() || self.has_year_days() || self.has_month_days() || self.has_weekdays()
    }

    /// The rule with all that it leaves open taken from DTSTART (RFC 5545 3.3.10: what the rule does not say "is derived
    /// from DTSTART"), `wall` being its local time. For DAILY and slower.
    pub fn completed_from(&self, wall: i64) -> Rule {
        let mut rule = *self;
        rule.complete_times(wall.rem_euclid(days::DAY));
        rule.complete_days(wall.div_euclid(days::DAY));
        rule
    }

    fn complete_times(&mut self, second: i64) {
        if self.hours == 0 {
            self.hours = 1 << (second / 3600);
        }
        if self.minutes == 0 {
            self.minutes = 1 << (second / 60 % 60);
        }
        if self.seconds == 0 {
            self.seconds = 1 << (second % 60);
        }
    }

    fn complete_days(&mut self, day: i64) {
        let weekday = 1 << days::weekday(day);
        let Some(date) = days::date(day) else { return };
        match self.frequency {
            Frequency::Yearly if !self.has_days() => {
                self.month_days.from_start = 1 << date.day();
                if self.months == 0 {
                    self.months = 1 << date.month();
                }
            }
            Frequency::Yearly if self.has_weeks() && !(self.has_year_days() || self.has_month_days() || self.has_weekdays()) => {
                self.weekdays = weekday;
            }
            Frequency::Monthly if !self.has_days() => self.month_days.from_start = 1 << date.day(),
            Frequency::Weekly if !self.has_days() => self.weekdays = weekday,
            _ => {}
        }
    }

    /// The rule without all that depends on DTSTART, as one for calendar days. If no day matches it, none does whatever
    /// DTSTART is.
    pub fn loosened(&self) -> Rule {
        let mut rule = Rule { interval: 1, count: None, until: None, ..*self };
        if rule.frequency.is_elapsed() {
            rule.frequency = Frequency::Daily;
            rule.positions = Ordinals::default();
        }
        if rule.frequency == Frequency::Weekly && rule.weekdays == 0 {
            rule.weekdays = 0b111_1111;
        }
        rule.complete_times(0);
        rule
    }
}
