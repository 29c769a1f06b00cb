//! Days of a month, as bits: bit `n` for day `n`, 1 to 31.

use jiff::civil::{Date, Weekday};

use crate::calendar::names::{LAST, weekday_bit};

/// A month of a year, counted from January of the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(pub i32);

impl Month {
    pub fn of(date: Date) -> Month {
        Month(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    pub fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// 1 to 12.
    pub fn number(self) -> i8 {
        self.0.rem_euclid(12) as i8 + 1
    }

    /// `None` beyond the years -9999 to 9999.
    pub fn first(self) -> Option<Date> {
        Date::new(i16::try_from(self.year()).ok()?, self.number(), 1).ok()
    }
}

/// Days counted from the start of a month, or of some other thing, and from its end: bit `n` of each is the `n`th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Numbers {
    pub from_start: u32,
    pub from_end: u32,
}

impl Numbers {
    /// `number` counts from the end when it is negative; it is -31 to 31, and not 0.
    pub fn add(&mut self, number: i16) {
        let bits = if number < 0 { &mut self.from_end } else { &mut self.from_start };
        *bits |= 1 << number.unsigned_abs();
    }

    pub fn contains(&self, from_start: u32, from_end: u32) -> bool {
        (self.from_start >> from_start | self.from_end >> from_end) & 1 == 1
    }

    /// The days of a month of `length` days. With `clamp` a day that the month is too short for is its last.
    fn days(&self, length: u32, clamp: bool) -> u32 {
        let mut days = self.from_start & days_up_to(length);
        if clamp && self.from_start >> length > 1 {
            days |= 1 << length;
        }
        // Day `n` from the end is day `length + 1 - n`: the bits in reverse.
        let from_end = (1..=length).filter(|number| self.from_end >> number & 1 == 1);
        days | from_end.fold(0, |days, number| days | 1 << (length + 1 - number))
    }
}

/// Weekdays, each of every week or the nth of a month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Weekdays {
    /// Bit `n` for the weekday that is `n` days after Monday.
    pub every: u8,
    pub nth: Vec<(i8, Weekday)>,
}

impl Weekdays {
    fn days(&self, first: Date) -> u32 {
        let length = u32::from(first.days_in_month().unsigned_abs());
        let offset = first.weekday().to_monday_zero_offset();
        let on_week = (1..=length).filter(|day| self.every >> ((offset as u32 + day - 1) % 7) & 1 == 1);
        let days = on_week.fold(0, |days, day| days | 1 << day);
        self.nth.iter().fold(days, |days, (nth, weekday)| days | nth_weekday(first, *nth, *weekday))
    }
}

fn nth_weekday(first: Date, nth: i8, weekday: Weekday) -> u32 {
    debug_assert!((1..=5).contains(&nth) || nth == LAST);
    first.nth_weekday_of_month(nth, weekday).map_or(0, |date| 1 << date.day())
}

/// Which days of a month match: those of both, where both are given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MonthDays {
    pub days: Option<Numbers>,
    pub weekdays: Option<Weekdays>,
}

impl MonthDays {
    pub fn days_in(&self, first: Date, clamp: bool) -> u32 {
        let length = u32::from(first.days_in_month().unsigned_abs());
        let days = self.days.map_or(u32::MAX, |numbers| numbers.days(length, clamp));
        let weekdays = self.weekdays.as_ref().map_or(u32::MAX, |weekdays| weekdays.days(first));
        days & weekdays & days_up_to(length)
    }
}

/// Bits 1 to `length`.
pub(super) fn days_up_to(length: u32) -> u32 {
    (u32::MAX >> (31 - length)) & !1
}

/// The bits of the days of `first`'s month that lie on one of `weekdays`.
pub(super) fn on_weekdays(first: Date, weekdays: impl Fn(Date) -> bool) -> u32 {
    let length = first.days_in_month();
    let days = (1..=length).filter(|day| Date::new(first.year(), first.month(), *day).is_ok_and(&weekdays));
    days.fold(0, |days, day| days | 1 << day)
}

/// Whether `weekdays` holds the weekday of `date`.
pub(super) fn is_on(weekdays: u8, date: Date) -> bool {
    weekdays & weekday_bit(date.weekday()) != 0
}
