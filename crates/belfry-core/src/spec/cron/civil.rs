//! The local times that a cron expression names, on a calendar without zones.

use jiff::civil::{Date, DateTime, Time};

use super::{Cron, DayRule};

/// The first local time that matches in `from..end`; both have whole seconds.
///
/// One step a month that the expression names, so bounded by the length of `from..end`.
pub(super) fn next_match(cron: &Cron, from: DateTime, end: DateTime) -> Option<DateTime> {
    if from >= end {
        return None;
    }
    let today = from.date();
    let found = match next_time(cron, from.time()).filter(|_| matches_day(cron, today)) {
        Some(time) => today.to_datetime(time),
        None => next_day(cron, today.tomorrow().ok()?, end.date())?.to_datetime(next_time(cron, Time::MIN)?),
    };
    (found < end).then_some(found)
}

/// Whether some day matches. All weekdays come on all dates within the 400 years after which the calendar repeats
/// itself, so only the day of the month can be one that the months never have.
pub(super) fn can_ever_match(cron: &Cron) -> bool {
    const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_has_a_day = |(month, length): (usize, u32)| cron.months & 2 << month != 0 && cron.days & days_up_to(length) != 0;
    cron.day_rule == DayRule::Either || LONGEST.into_iter().enumerate().any(month_has_a_day)
}

/// The first time of day from `from` on; the fields carry as the digits of a clock do.
fn next_time(cron: &Cron, from: Time) -> Option<Time> {
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

/// The first day that matches from `from` on, up to and including `last`.
fn next_day(cron: &Cron, from: Date, last: Date) -> Option<Date> {
    let (mut year, mut month, mut day) = (from.year(), from.month(), from.day());
    while (year, month) <= (last.year(), last.month()) {
        match lowest_from(u64::from(cron.months), month) {
            Some(named) if named == month => {
                let first = Date::new(year, month, 1).ok()?;
                if let Some(day) = lowest_from(u64::from(days_of_month(cron, first)), day) {
                    return Date::new(year, month, day).ok();
                }
                month += 1;
            }
            Some(named) => month = named,
            None => (year, month) = (year + 1, lowest_from(u64::from(cron.months), 0)?),
        }
        day = 1;
    }
    None
}

fn matches_day(cron: &Cron, date: Date) -> bool {
    cron.months >> date.month() & 1 == 1 && days_of_month(cron, date.first_of_month()) >> date.day() & 1 == 1
}

/// The days of one month that match, as bits 1 to 31. What depends on the month's length or its weekdays belongs here.
fn days_of_month(cron: &Cron, first: Date) -> u32 {
    let of_weekdays = days_on_weekdays(cron.weekdays, first);
    let days = match cron.day_rule {
        DayRule::Both => cron.days & of_weekdays,
        DayRule::Either => cron.days | of_weekdays,
    };
    days & days_up_to(first.days_in_month() as u32)
}

/// Bits 1 to `length`.
fn days_up_to(length: u32) -> u32 {
    (u32::MAX >> (31 - length)) & !1
}

/// Bit `d` for each day `d` that falls on one of the weekdays, in a month that begins at `first`; maybe past its end.
fn days_on_weekdays(weekdays: u8, first: Date) -> u32 {
    // The weekday of a "day 0", so that day `d` falls on weekday `day_zero + d`, counted around the week.
    let day_zero = (first.weekday().to_sunday_zero_offset() + 6) % 7;
    let week = u64::from(weekdays);
    let turned = (week >> day_zero | week << (7 - day_zero)) & 0x7f;
    // The same seven bits, five times over.
    const FIVE_WEEKS: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
    (turned * FIVE_WEEKS) as u32
}

/// The lowest member from `from` on.
fn lowest_from(bits: u64, from: i8) -> Option<i8> {
    let rest = bits >> from << from;
    (rest != 0).then(|| rest.trailing_zeros() as i8)
}
