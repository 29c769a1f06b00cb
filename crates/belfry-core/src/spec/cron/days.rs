//! What the two day fields say, and which days of a given month that names.

use jiff::civil::Date;

/// The day-of-month field.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::spec) struct DaysOfMonth {
    /// Bits 1 to 31.
    pub(in crate::spec) plain: u32,
    /// Bit `n` (0 to 30) for `n` days before the last: `L`, `L-3`.
    pub(in crate::spec) before_last: u32,
    /// Bits 1 to 31, for the Monday to Friday nearest to that day within its month: `15W`.
    pub(in crate::spec) nearest: u32,
    /// The last Monday to Friday: `LW`.
    pub(in crate::spec) last_working: bool,
}

/// The day-of-week field. In each set bit 0 is Sunday and bit 6 Saturday.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::spec) struct Weekdays {
    pub(in crate::spec) plain: u8,
    /// The last of its month: `5L`.
    pub(in crate::spec) last: u8,
    /// The first to the fifth of its month: `5#1` to `5#5`.
    pub(in crate::spec) nth: [u8; 5],
}

const EVERY_DAY: u32 = u32::MAX << 1;
const EVERY_WEEKDAY: u8 = 0x7f;
const SUNDAY: u8 = 0;
const SATURDAY: u8 = 6;

/// One month of one year, as far as days depend on it.
#[derive(Clone, Copy)]
pub(super) struct Month {
    length: u8,
    /// The weekday of its first day, Sunday as 0.
    first: u8,
}

impl Month {
    pub(super) fn beginning(first: Date) -> Month {
        Month { length: first.days_in_month() as u8, first: first.weekday().to_sunday_zero_offset() as u8 }
    }

    /// Bits 1 to its length.
    pub(super) fn days(self) -> u32 {
        EVERY_DAY & (u32::MAX >> (31 - self.length))
    }

    fn weekday(self, day: u8) -> u8 {
        (self.first + day - 1) % 7
    }

    /// Bit `d` for each day `d` on one of these weekdays; bits past the month's end may be set.
    fn on_weekdays(self, weekdays: u8) -> u32 {
        // The weekday of a "day 0", so that day `d` falls on weekday `day_zero + d`, counted around the week.
        let day_zero = (self.first + 6) % 7;
        let week = u64::from(weekdays);
        let turned = (week >> day_zero | week << (7 - day_zero)) & u64::from(EVERY_WEEKDAY);
        // The same seven bits, five times over.
        const FIVE_WEEKS: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
        (turned * FIVE_WEEKS) as u32
    }

    /// Bits of the seven days up to and including the last.
    fn last_week(self) -> u32 {
        0x7f << (self.length - 6)
    }

    /// The Monday to Friday nearest to `day`, which never leaves the month: the first of a month on a Saturday gives the
    /// third, the last on a Sunday gives two days earlier (Quartz).
    fn nearest_working(self, day: u8) -> u8 {
        match self.weekday(day) {
            SATURDAY if day == 1 => 3,
            SATURDAY => day - 1,
            SUNDAY if day == self.length => day - 2,
            SUNDAY => day + 1,
            _ => day,
        }
    }

    fn last_working(self) -> u8 {
        match self.weekday(self.length) {
            SATURDAY => self.length - 1,
            SUNDAY => self.length - 2,
            _ => self.length,
        }
    }
}

impl DaysOfMonth {
    pub(super) fn every_day() -> DaysOfMonth {
        DaysOfMonth { plain: EVERY_DAY, ..DaysOfMonth::default() }
    }

    pub(in crate::spec) fn is_every_day(&self) -> bool {
        self.plain == EVERY_DAY
    }

    /// As bits 1 to 31; of plain days also those past the month's end.
    pub(super) fn in_month(&self, month: Month) -> u32 {
        let mut days = self.plain;
        if self.before_last != 0 {
            // Bit `n` counts back from the last day: turned round, bit 31 stands for the last.
            days |= self.before_last.reverse_bits() >> (31 - month.length);
        }
        let mut nearest = self.nearest & month.days();
        while nearest != 0 {
            days |= 1 << month.nearest_working(nearest.trailing_zeros() as u8);
            nearest &= nearest - 1;
        }
        if self.last_working {
            days |= 1 << month.last_working();
        }
        days & EVERY_DAY
    }
}

impl Weekdays {
    pub(super) fn every_day() -> Weekdays {
        Weekdays { plain: EVERY_WEEKDAY, ..Weekdays::default() }
    }

    pub(in crate::spec) fn is_every_day(&self) -> bool {
        self.plain == EVERY_WEEKDAY
    }

    /// As bits 1 to 31; bits past the month's end may be set.
    pub(super) fn in_month(&self, month: Month) -> u32 {
        if self.is_every_day() {
            return EVERY_DAY;
        }
        let mut days = month.on_weekdays(self.plain);
        if self.last != 0 {
            days |= month.on_weekdays(self.last) & month.last_week();
        }
        for (week, weekdays) in self.nth.iter().enumerate().filter(|(_, weekdays)| **weekdays != 0) {
            days |= month.on_weekdays(*weekdays) & (0xfe << (7 * week));
        }
        days & EVERY_DAY
    }
}
