//! Which days a rule names, month by month, before holidays move them.

use jiff::civil::Date;

use super::month::{Month, MonthDays, Numbers, days_up_to, is_on, on_weekdays};
use crate::calendar::{BusinessDays, days_between};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Days {
    Daily {
        every: i32,
        from: Date,
    },
    /// Of every `every`th week, which begins on Monday; the week that holds `from` is the first.
    Weekly {
        every: i32,
        from: Date,
        /// Bit `n` for the weekday that is `n` days after Monday.
        weekdays: u8,
    },
    /// Of every `every`th month; the month that holds `from` is the first.
    Monthly {
        every: i32,
        from: Date,
        on: MonthDays,
        clamp: bool,
    },
    Fields {
        months: Months,
        on: MonthDays,
    },
    /// The nth business days of the months.
    Business {
        months: Months,
        nth: Numbers,
    },
}

/// Months of years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Months {
    /// Ascending; `None` is every year.
    pub years: Option<Vec<i16>>,
    /// Bits 1 to 12.
    pub months: u16,
}

impl Months {
    fn holds(&self, month: Month) -> bool {
        let year = month.year();
        self.months >> month.number() & 1 == 1
            && self.years.as_ref().is_none_or(|years| years.iter().any(|known| i32::from(*known) == year))
    }

    /// The first and last month in which there may be one.
    fn bounds(&self) -> (Month, Month) {
        let year = |years: &Vec<i16>, last: bool| i32::from(if last { years.last() } else { years.first() }.copied().unwrap_or_default());
        match &self.years {
            Some(years) => (Month(year(years, false) * 12), Month(year(years, true) * 12 + 11)),
            None => (Month(-9999 * 12), Month(9999 * 12 + 11)),
        }
    }
}

impl Days {
    /// The first month from `month` on that may have such days. Bounded by the length of the list of years.
    pub fn month_from(&self, month: Month) -> Option<Month> {
        match self {
            Days::Daily { from, .. } | Days::Weekly { from, .. } => Some(month.max(Month::of(*from))),
            Days::Monthly { every, from, .. } => {
                let begin = Month::of(*from).0;
                Some(Month(begin + ((month.0 - begin).max(0) + every - 1) / every * every))
            }
            Days::Fields { months, .. } | Days::Business { months, .. } => {
                let (first, last) = months.bounds();
                (month.max(first).0..=last.0).map(Month).find(|month| months.holds(*month))
            }
        }
    }

    /// The last month up to `month` that may have such days.
    pub fn month_until(&self, month: Month) -> Option<Month> {
        match self {
            Days::Daily { from, .. } | Days::Weekly { from, .. } => Some(month).filter(|month| *month >= Month::of(*from)),
            Days::Monthly { every, from, .. } => {
                let begin = Month::of(*from).0;
                (month.0 >= begin).then(|| Month(begin + (month.0 - begin) / every * every))
            }
            Days::Fields { months, .. } | Days::Business { months, .. } => {
                let (first, last) = months.bounds();
                (first.0..=month.min(last).0).rev().map(Month).find(|month| months.holds(*month))
            }
        }
    }

    /// The days of a month that [`Days::month_from`] or [`Days::month_until`] answered, as bits 1 to 31.
    pub fn days_in(&self, first: Date, business: &BusinessDays) -> u32 {
        match self {
            Days::Daily { every, from } => every_days(*every, *from, first) & not_before(*from, first),
            Days::Weekly { every, from, weekdays } => every_weeks(*every, *from, *weekdays, first) & not_before(*from, first),
            Days::Monthly { from, on, clamp, .. } => on.days_in(first, *clamp) & not_before(*from, first),
            Days::Fields { on, .. } => on.days_in(first, false),
            Days::Business { nth, .. } => nth_business_days(*nth, first, business),
        }
    }

    pub fn is_about_business_days(&self) -> bool {
        matches!(self, Days::Business { .. })
    }
}

fn every_days(every: i32, from: Date, first: Date) -> u32 {
    let length = i32::from(first.days_in_month());
    let start = 1 + days_between(first, from).rem_euclid(every);
    (start..=length).step_by(every.unsigned_abs() as usize).fold(0, |days, day| days | 1 << day)
}

fn every_weeks(every: i32, from: Date, weekdays: u8, first: Date) -> u32 {
    let since_monday = i32::from(from.weekday().to_monday_zero_offset());
    on_weekdays(first, |date| is_on(weekdays, date) && (days_between(from, date) + since_monday).div_euclid(7) % every == 0)
}

fn nth_business_days(nth: Numbers, first: Date, business: &BusinessDays) -> u32 {
    let open = on_weekdays(first, |date| business.is_business_day(date));
    let count = open.count_ones();
    let is_named = |day: &u32| {
        let place = (open & days_up_to(*day)).count_ones();
        open >> day & 1 == 1 && nth.contains(place, count + 1 - place)
    };
    (1..=31).filter(is_named).fold(0, |days, day| days | 1 << day)
}

/// The days of `first`'s month that are not before `from`.
fn not_before(from: Date, first: Date) -> u32 {
    if first > from {
        u32::MAX
    } else if Month::of(first) == Month::of(from) {
        u32::MAX << from.day()
    } else {
        0
    }
}
