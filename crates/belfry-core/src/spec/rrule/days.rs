//! Days as numbers, and sets of them.
//!
//! Local time is counted in seconds since 1970-01-01T00:00:00 *as the clock shows it*, here called a wall time; a day is
//! its quotient by [`DAY`].

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// Seconds.
pub(super) const DAY: i64 = 86_400;

/// A set of numbers below 384: the days of a year, or numbers up to 366.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Bits([u64; 6]);

/// The wall time that a clock shows as `local`; `None` on the last days that jiff knows, and nowhere else.
pub(super) fn wall(local: DateTime) -> Option<i64> {
    Offset::UTC.to_timestamp(local).ok().map(Timestamp::as_second)
}

pub(super) fn local(wall: i64) -> Option<DateTime> {
    Timestamp::from_second(wall).ok().map(|at| Offset::UTC.to_datetime(at))
}

pub(super) fn day(date: Date) -> Option<i64> {
    wall(date.at(0, 0, 0, 0)).map(|wall| wall / DAY)
}

pub(super) fn date(day: i64) -> Option<Date> {
    local(day.checked_mul(DAY)?).map(DateTime::date)
}

/// Whether the day has a [`date`], for less than it costs.
pub(super) fn is_in_calendar(day: i64) -> bool {
    day.checked_mul(DAY).is_some_and(|wall| Timestamp::from_second(wall).is_ok())
}

/// 0 is Monday; 1970-01-01 was a Thursday.
pub(super) fn weekday(day: i64) -> u8 {
    (day + 3).rem_euclid(7) as u8
}

impl Bits {
    /// The numbers `0..end`.
    pub fn up_to(end: u32) -> Bits {
        let mut bits = Bits::default();
        for (word, bits) in bits.0.iter_mut().enumerate() {
            let inside = end.saturating_sub(word as u32 * 64).min(64);
            *bits = if inside == 64 { u64::MAX } else { (1 << inside) - 1 };
        }
        bits
    }

    /// `first` and every seventh number after it, without end.
    pub fn every_seventh(first: u32) -> Bits {
        // Bits 0, 7, …, 63.
        const PATTERN: u64 = 0x8102_0408_1020_4081;
        let mut bits = Bits::default();
        for (word, bits) in bits.0.iter_mut().enumerate() {
            *bits = PATTERN << (first as i64 - word as i64 * 64).rem_euclid(7);
        }
        bits
    }

    pub fn set(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    /// Sets bit `from + n` for every bit `n` of `chunk`; what lies beyond the last number is dropped.
    pub fn set_chunk(&mut self, from: u32, chunk: u64) {
        let (word, shift) = (from as usize / 64, from % 64);
        if let Some(low) = self.0.get_mut(word) {
            *low |= chunk << shift;
        }
        if shift > 0
            && let Some(high) = self.0.get_mut(word + 1)
        {
            *high |= chunk >> (64 - shift);
        }
    }

    pub fn holds(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    pub fn is_empty(&self) -> bool {
        self.0 == [0; 6]
    }

    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    pub fn and(&mut self, other: &Bits) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }

    pub fn or(&mut self, other: &Bits) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// The least member that is at least `number`.
    pub fn first_from(&self, number: u32) -> Option<u32> {
        let start = number as usize / 64;
        let mut mask = u64::MAX << (number % 64);
        for (word, bits) in self.0.iter().enumerate().skip(start) {
            if bits & mask != 0 {
                return Some(word as u32 * 64 + (bits & mask).trailing_zeros());
            }
            mask = u64::MAX;
        }
        None
    }

    /// The member that has `index` smaller ones.
    pub fn nth(&self, index: u32) -> Option<u32> {
        let mut left = index;
        for (word, bits) in self.0.iter().enumerate() {
            if left < bits.count_ones() {
                return Some(word as u32 * 64 + nth_bit(*bits, left));
            }
            left -= bits.count_ones();
        }
        None
    }

    pub fn members(&self) -> impl Iterator<Item = u32> {
        let bits = *self;
        std::iter::successors(bits.first_from(0), move |last| bits.first_from(last + 1))
    }
}

/// The place of the set bit that has `index` lower ones; there must be one.
pub(super) fn nth_bit(mut bits: u64, index: u32) -> u32 {
    for _ in 0..index {
        bits &= bits - 1;
    }
    bits.trailing_zeros()
}
