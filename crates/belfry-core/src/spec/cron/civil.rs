//! The local times that a cron expression names, on a calendar without zones.

use jiff::civil::{Date, DateTime, Time};

use super::days::Month;
use super::{Cron, DayFields, DayRule};

/// A cron expression with the answer to how its day fields go together.
#[derive(Clone, Copy)]
pub(super) struct Pattern<'a> {
    cron: &'a Cron,
    either: bool,
}

impl<'a> Pattern<'a> {
    pub(super) fn new(cron: &'a Cron, dom_dow: DayFields) -> Pattern<'a> {
        Pattern { cron, either: cron.day_rule == DayRule::Restricted && dom_dow == DayFields::Or }
    }

    pub(super) fn is_fixed_time(self) -> bool {
        self.cron.fixed_time
    }

    /// The first local time that matches in `from..end`; both have whole seconds.
    ///
    /// One step a month that the expression names, so bounded by the length of `from..end`.
    pub(super) fn first_match(self, from: DateTime, end: DateTime) -> Option<DateTime> {
        if from >= end {
            return None;
        }
        let today = from.date();
        let found = match self.first_time(from.time()).filter(|_| self.matches_day(today)) {
            Some(time) => today.to_datetime(time),
            None => self.first_day(today.tomorrow().ok()?, end.date())?.to_datetime(self.first_time(Time::MIN)?),
        };
        (found < end).then_some(found)
    }

    /// The last local time that matches in `from..=to`, bounded alike.
    pub(super) fn last_match(self, from: DateTime, to: DateTime) -> Option<DateTime> {
        if from > to {
            return None;
        }
        let today = to.date();
        let found = match self.last_time(to.time()).filter(|_| self.matches_day(today)) {
            Some(time) => today.to_datetime(time),
            None => self.last_day(today.yesterday().ok()?, from.date())?.to_datetime(self.last_time(Time::MAX)?),
        };
        (found >= from).then_some(found)
    }

    pub(super) fn matches(self, local: DateTime) -> bool {
        let cron = self.cron;
        local.subsec_nanosecond() == 0
            && cron.seconds >> local.second() & 1 == 1
            && cron.minutes >> local.minute() & 1 == 1
            && cron.hours >> local.hour() & 1 == 1
            && self.matches_day(local.date())
    }

    /// Whether there is a day that matches.
    ///
    /// The days of a month depend on its year's length and first weekday only, and without a year field all fourteen
    /// kinds of year come again and again: any 28 years without a century between them have them all.
    pub(super) fn can_ever_match(self) -> bool {
        let in_year = |year| (1..=12).any(|month| self.days_of_month(year, month) != 0);
        match &self.cron.years {
            Some(years) => years.all().any(in_year),
            None => (2000..2028).any(in_year),
        }
    }

    /// The first time of day from `from` on; the fields carry as the digits of a clock do.
    fn first_time(self, from: Time) -> Option<Time> {
        let cron = self.cron;
        let (hour, minute, second) = (from.hour(), from.minute(), from.second());
        let in_minute = |minute| lowest_from(cron.seconds, second).filter(|_| cron.minutes >> minute & 1 == 1);
        let in_hour = || match in_minute(minute) {
            Some(second) => Some((minute, second)),
            None => Some((lowest_from(cron.minutes, minute + 1)?, lowest_from(cron.seconds, 0)?)),
        };
        if let Some((minute, second)) = in_hour().filter(|_| cron.hours >> hour & 1 == 1) {
            return Time::new(hour, minute, second, 0).ok();
        }
        let hour = lowest_from(u64::from(cron.hours), hour + 1)?;
        Time::new(hour, lowest_from(cron.minutes, 0)?, lowest_from(cron.seconds, 0)?, 0).ok()
    }

    /// The last time of day up to `to`.
    fn last_time(self, to: Time) -> Option<Time> {
        let cron = self.cron;
        let (hour, minute, second) = (to.hour(), to.minute(), to.second());
        let in_minute = |minute| highest_to(cron.seconds, second).filter(|_| cron.minutes >> minute & 1 == 1);
        let in_hour = || match in_minute(minute) {
            Some(second) => Some((minute, second)),
            None => Some((highest_to(cron.minutes, minute - 1)?, highest_to(cron.seconds, 59)?)),
        };
        if let Some((minute, second)) = in_hour().filter(|_| cron.hours >> hour & 1 == 1) {
            return Time::new(hour, minute, second, 0).ok();
        }
        let hour = highest_to(u64::from(cron.hours), hour - 1)?;
        Time::new(hour, highest_to(cron.minutes, 59)?, highest_to(cron.seconds, 59)?, 0).ok()
    }

    /// The first day that matches from `from` on, up to and including `last`.
    fn first_day(self, from: Date, last: Date) -> Option<Date> {
        let (mut month, mut day) = (from.month(), from.day());
        let mut year = from.year();
        loop {
            let named = self.first_year(year)?;
            if named != year {
                (year, month, day) = (named, 1, 1);
            }
            while let Some(named) = lowest_from(u64::from(self.cron.months), month) {
                if (year, named) > (last.year(), last.month()) {
                    return None;
                }
                let from_day = if named == month { day } else { 1 };
                if let Some(day) = lowest_from(u64::from(self.days_of_month(year, named)), from_day) {
                    return Date::new(year, named, day).ok();
                }
                (month, day) = (named + 1, 1);
            }
            if year >= last.year() {
                return None;
            }
            (year, month, day) = (year + 1, 1, 1);
        }
    }

    /// The last day that matches up to `to`, down to and including `first`.
    fn last_day(self, to: Date, first: Date) -> Option<Date> {
        let (mut month, mut day) = (to.month(), to.day());
        let mut year = to.year();
        loop {
            let named = self.last_year(year)?;
            if named != year {
                (year, month, day) = (named, 12, 31);
            }
            while let Some(named) = highest_to(u64::from(self.cron.months), month) {
                if (year, named) < (first.year(), first.month()) {
                    return None;
                }
                let to_day = if named == month { day } else { 31 };
                if let Some(day) = highest_to(u64::from(self.days_of_month(year, named)), to_day) {
                    return Date::new(year, named, day).ok();
                }
                (month, day) = (named - 1, 31);
            }
            if year <= first.year() {
                return None;
            }
            (year, month, day) = (year - 1, 12, 31);
        }
    }

    fn first_year(self, from: i16) -> Option<i16> {
        self.cron.years.map_or(Some(from), |years| years.first_from(from))
    }

    fn last_year(self, to: i16) -> Option<i16> {
        self.cron.years.map_or(Some(to), |years| years.last_up_to(to))
    }

    fn matches_day(self, date: Date) -> bool {
        self.cron.years.is_none_or(|years| years.contains(date.year()))
            && self.days_of_month(date.year(), date.month()) >> date.day() & 1 == 1
    }

    /// The days of one month that match, as bits 1 to 31; none in a month that the expression does not name.
    fn days_of_month(self, year: i16, month: i8) -> u32 {
        if self.cron.months >> month & 1 == 0 {
            return 0;
        }
        let Ok(first) = Date::new(year, month, 1) else { return 0 };
        let month = Month::beginning(first);
        let (days, weekdays) = (self.cron.days.in_month(month), self.cron.weekdays.in_month(month));
        month.days() & if self.either { days | weekdays } else { days & weekdays }
    }
}

/// The lowest member from `from` on, which is at most 63.
fn lowest_from(bits: u64, from: i8) -> Option<i8> {
    let rest = bits >> from << from;
    (rest != 0).then(|| rest.trailing_zeros() as i8)
}

/// The highest member up to `to`, which may be -1.
fn highest_to(bits: u64, to: i8) -> Option<i8> {
    let rest = if to < 0 { 0 } else { bits << (63 - to) >> (63 - to) };
    (rest != 0).then(|| 63 - rest.leading_zeros() as i8)
}
