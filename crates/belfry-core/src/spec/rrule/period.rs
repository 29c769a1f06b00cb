//! One year, month, week or day of a rule: the days of it that match, and the times of a day.

use jiff::civil::Date;

use super::days::{self, Bits, DAY, nth_bit};
use super::rule::{Frequency, Ordinals, Rule};

/// The days that match, counted from the first of the period.
pub(super) struct Period {
    pub first_day: i64,
    pub days: Bits,
}

/// Times of the day, in seconds; none of the sets is empty.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub hours: u32,
    pub minutes: u64,
    pub seconds: u64,
}

impl Period {
    /// `None` past the end of the calendar.
    pub fn year(rule: &Rule, year: i64) -> Option<Period> {
        let first = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
        let first_day = days::day(first)?;
        let length = first.days_in_year() as u32;
        let mut days = Bits::up_to(length);
        if rule.months != 0 || rule.has_month_days() {
            days.and(&month_days_of_year(rule, first));
        }
        if rule.has_year_days() {
            days.and(&year_days(&rule.year_days, length));
        }
        if rule.has_weeks() {
            days.and(&weeks(rule, first_day, length));
        }
        if rule.has_weekdays() {
            days.and(&weekdays_of_year(rule, first, first_day));
        }
        Some(Period { first_day, days })
    }

    /// `month` counts from January of the year 0.
    pub fn month(rule: &Rule, month: i64) -> Option<Period> {
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let first = Date::new(year, month.rem_euclid(12) as i8 + 1, 1).ok()?;
        let first_day = days::day(first)?;
        let mut days = Bits::default();
        if rule.months == 0 || rule.months >> first.month() & 1 == 1 {
            let length = first.days_in_month() as u32;
            days.set_chunk(0, month_days(rule, length));
            if rule.has_weekdays() {
                days.and(&weekdays_of_span(rule, days::weekday(first_day), 0, length));
            }
        }
        Some(Period { first_day, days })
    }

    pub fn week(rule: &Rule, first_day: i64) -> Option<Period> {
        let mut days = Bits::default();
        for offset in 0..7 {
            let day = first_day + offset;
            if rule.weekdays >> days::weekday(day) & 1 == 1 && month_matches(rule, days::date(day)?) {
                days.set(offset as u32);
            }
        }
        Some(Period { first_day, days })
    }

    pub fn day(rule: &Rule, first_day: i64) -> Option<Period> {
        if !days::is_in_calendar(first_day) {
            return None;
        }
        let mut days = Bits::default();
        // The date is dear, and most rules of days do not ask for it.
        if !rule.has_days_or_months() || day_matches(rule, first_day, days::date(first_day)?) {
            days.set(0);
        }
        Some(Period { first_day, days })
    }

    /// The first of the times that is at least `bound`; without regard to positions.
    pub fn first_from(&self, times: Times, bound: i64) -> Option<i64> {
        let day = bound.div_euclid(DAY) - self.first_day;
        let from = u32::try_from(day.max(0)).ok()?;
        if from as i64 == day && self.days.holds(from) {
            if let Some(time) = times.first_from(bound.rem_euclid(DAY)) {
                return Some(self.wall(from, time));
            }
            return self.days.first_from(from + 1).map(|day| self.wall(day, times.first()));
        }
        self.days.first_from(from).map(|day| self.wall(day, times.first()))
    }

    /// The times at `positions`, in no order; one that is named from both ends comes twice.
    pub fn chosen(&self, times: Times, positions: &Ordinals<Bits>) -> impl Iterator<Item = i64> {
        let all = self.len(times);
        let from_start = positions.from_start.members().filter_map(|position| u64::from(position).checked_sub(1));
        let from_end = positions.from_end.members().filter_map(move |position| all.checked_sub(position.into()));
        from_start.chain(from_end).filter_map(move |index| self.nth(times, index))
    }

    /// How many times it has, without regard to positions.
    pub fn len(&self, times: Times) -> u64 {
        u64::from(self.days.len()) * times.len()
    }

    fn nth(&self, times: Times, index: u64) -> Option<i64> {
        let day = self.days.nth((index / times.len()) as u32)?;
        Some(self.wall(day, times.nth((index % times.len()) as u32)))
    }

    fn wall(&self, day: u32, time: i64) -> i64 {
        (self.first_day + i64::from(day)) * DAY + time
    }
}

impl Times {
    pub fn len(&self) -> u64 {
        u64::from(self.hours.count_ones()) * u64::from(self.minutes.count_ones()) * u64::from(self.seconds.count_ones())
    }

    pub fn first(&self) -> i64 {
        let part = |bits: u64| i64::from(bits.trailing_zeros());
        part(self.hours.into()) * 3600 + part(self.minutes) * 60 + part(self.seconds)
    }

    pub fn first_from(&self, second: i64) -> Option<i64> {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let (first_minute, first_second) = (first_bit_from(self.minutes, 0)?, first_bit_from(self.seconds, 0)?);
        if self.hours >> hour & 1 == 1 {
            if self.minutes >> minute & 1 == 1
                && let Some(second) = first_bit_from(self.seconds, second)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = first_bit_from(self.minutes, minute + 1) {
                return Some(hour * 3600 + minute * 60 + first_second);
            }
        }
        first_bit_from(self.hours.into(), hour + 1).map(|hour| hour * 3600 + first_minute * 60 + first_second)
    }

    fn nth(&self, index: u32) -> i64 {
        let (minutes, seconds) = (self.minutes.count_ones(), self.seconds.count_ones());
        let hour = nth_bit(self.hours.into(), index / (minutes * seconds));
        let minute = nth_bit(self.minutes, index / seconds % minutes);
        i64::from(hour * 3600 + minute * 60 + nth_bit(self.seconds, index % seconds))
    }
}

fn first_bit_from(bits: u64, from: i64) -> Option<i64> {
    let left = if from < 64 { bits >> from } else { 0 };
    (left != 0).then(|| from + i64::from(left.trailing_zeros()))
}

pub(super) fn month_matches(rule: &Rule, date: Date) -> bool {
    rule.months == 0 || rule.months >> date.month() & 1 == 1
}

/// Whether a single day matches, for DAILY and faster, where numbered weekdays and weeks are refused.
pub(super) fn day_matches(rule: &Rule, day: i64, date: Date) -> bool {
    month_matches(rule, date)
        && (!rule.has_month_days() || month_days(rule, date.days_in_month() as u32) >> (date.day() - 1) & 1 == 1)
        && (rule.weekdays == 0 || rule.weekdays >> days::weekday(day) & 1 == 1)
        && (!rule.has_year_days() || year_days(&rule.year_days, date.days_in_year() as u32).holds(date.day_of_year() as u32 - 1))
}

/// The days of a month of `length` days, the first of them bit 0.
fn month_days(rule: &Rule, length: u32) -> u64 {
    let all = (1u64 << length) - 1;
    if !rule.has_month_days() {
        return all;
    }
    let from_start = u64::from(rule.month_days.from_start) >> 1;
    // Bit n, the nth from the end, goes to bit length - n: reversed, bit n of 64 becomes bit 63 - n.
    let from_end = u64::from(rule.month_days.from_end).reverse_bits() >> (63 - length);
    (from_start | from_end) & all
}

fn month_days_of_year(rule: &Rule, first: Date) -> Bits {
    let mut days = Bits::default();
    for (start, month) in months(first) {
        if month_matches(rule, month) {
            days.set_chunk(start, month_days(rule, month.days_in_month() as u32));
        }
    }
    days
}

/// The months of a year, each with how many days of the year come before it.
fn months(first: Date) -> impl Iterator<Item = (u32, Date)> {
    (1..=12).scan(0, move |start, month| {
        let month = Date::new(first.year(), month, 1).ok()?;
        let before = *start;
        *start += month.days_in_month() as u32;
        Some((before, month))
    })
}

fn year_days(wanted: &Ordinals<Bits>, length: u32) -> Bits {
    let mut days = Bits::default();
    wanted.from_start.members().filter(|day| *day <= length).for_each(|day| days.set(day - 1));
    wanted.from_end.members().filter(|day| *day <= length).for_each(|day| days.set(length - day));
    days
}

/// The days of the year that lie in the weeks wanted. A week belongs to the year that has four of its days; those of a
/// neighbouring year's first or last week count under that year's number.
fn weeks(rule: &Rule, first_day: i64, length: u32) -> Bits {
    let mut days = Bits::default();
    let after = first_day + i64::from(length);
    let own = first_week(rule, first_day);
    let next = first_week(rule, after);
    let before = days::date(first_day - 1).and_then(|last| days::day(last.first_of_year())).map(|first| first_week(rule, first));
    let mut mark = |from: i64, week: i64, weeks: i64| {
        if rule.weeks.from_start >> week & 1 == 1 || rule.weeks.from_end >> (weeks - week + 1) & 1 == 1 {
            (from.max(first_day)..(from + 7).min(after)).for_each(|day| days.set((day - first_day) as u32));
        }
    };
    if let Some(before) = before.filter(|_| own > first_day) {
        mark(own - 7, (own - before) / 7, (own - before) / 7);
    }
    for week in 1..=(next - own) / 7 {
        mark(own + (week - 1) * 7, week, (next - own) / 7);
    }
    if next < after {
        let following = days::date(after).map_or(365, |date| i64::from(date.days_in_year()));
        mark(next, 1, (first_week(rule, after + following) - next) / 7);
    }
    days
}

/// The first day of week 1 of the year that begins on `new_year`.
fn first_week(rule: &Rule, new_year: i64) -> i64 {
    let into_week = (i64::from(days::weekday(new_year)) - i64::from(rule.week_start)).rem_euclid(7);
    if into_week <= 3 { new_year - into_week } else { new_year - into_week + 7 }
}

/// Numbered weekdays count in the months named or, when none is, in the year.
fn weekdays_of_year(rule: &Rule, first: Date, first_day: i64) -> Bits {
    let weekday = days::weekday(first_day);
    let length = first.days_in_year() as u32;
    if rule.months == 0 || !rule.has_nth_weekdays() {
        return weekdays_of_span(rule, weekday, 0, length);
    }
    let mut days = Bits::default();
    for (start, month) in months(first).filter(|(_, month)| month_matches(rule, *month)) {
        days.or(&weekdays_of_span(rule, weekday, start, start + month.days_in_month() as u32));
    }
    days
}

/// The matching weekdays in `start..end`, day 0 of which is a `weekday`; plain ones may lie outside too.
fn weekdays_of_span(rule: &Rule, weekday: u8, start: u32, end: u32) -> Bits {
    let mut days = Bits::default();
    for wanted in 0..7 {
        let first = u32::from((wanted + 7 - weekday) % 7);
        if rule.weekdays >> wanted & 1 == 1 {
            days.or(&Bits::every_seventh(first));
        }
        let nth = rule.nth_weekdays[usize::from(wanted)];
        if nth.from_start | nth.from_end != 0 {
            set_nth(&mut days, nth, start + (first + 7 - start % 7) % 7, end);
        }
    }
    days
}

/// Sets the numbered ones of `first`, `first + 7`, …, below `end`.
fn set_nth(days: &mut Bits, nth: Ordinals<u64>, first: u32, end: u32) {
    let all = (end - first).div_ceil(7);
    for number in 1..=all {
        if nth.from_start >> number & 1 == 1 || nth.from_end >> (all - number + 1) & 1 == 1 {
            days.set(first + (number - 1) * 7);
        }
    }
}

/// Which period of its kind holds a day: the year, the month since the year 0, the first day of the week, or the day.
pub(super) fn period_holding(rule: &Rule, day: i64) -> Option<i64> {
    match rule.frequency {
        Frequency::Yearly => days::date(day).map(|date| date.year().into()),
        Frequency::Monthly => days::date(day).map(|date| i64::from(date.year()) * 12 + i64::from(date.month()) - 1),
        Frequency::Weekly => Some(day - (i64::from(days::weekday(day)) - i64::from(rule.week_start)).rem_euclid(7)),
        _ => Some(day),
    }
}
