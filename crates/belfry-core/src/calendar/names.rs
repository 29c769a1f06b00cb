//! Weekdays, months and ordinals as people write them in calendars: `MON`, `MAY`, `2nd`, `last`.

use jiff::civil::Weekday;

const WEEKDAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const ORDINALS: [(&str, i8); 6] = [("1st", 1), ("2nd", 2), ("3rd", 3), ("4th", 4), ("5th", 5), ("last", LAST)];

/// The last one of a month, among [`ordinal`]s.
pub const LAST: i8 = -1;

/// The weekday of a code such as `MON`, in any case.
pub fn weekday(text: &str) -> Option<Weekday> {
    let index = WEEKDAYS.iter().position(|code| code.eq_ignore_ascii_case(text))?;
    Weekday::from_monday_zero_offset(index as i8).ok()
}

pub fn weekday_code(weekday: Weekday) -> &'static str {
    WEEKDAYS[weekday.to_monday_zero_offset() as usize]
}

/// The month, 1 to 12, of a code such as `MAY`, in any case.
pub fn month(text: &str) -> Option<i8> {
    MONTHS.iter().position(|code| code.eq_ignore_ascii_case(text)).map(|index| index as i8 + 1)
}

/// `month` is 1 to 12.
pub fn month_code(month: i8) -> &'static str {
    MONTHS[month as usize - 1]
}

/// `1st` to `5th` as 1 to 5, `last` as [`LAST`].
pub fn ordinal(text: &str) -> Option<i8> {
    ORDINALS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, nth)| *nth)
}

/// The word of an ordinal that [`ordinal`] answered.
pub fn ordinal_word(nth: i8) -> &'static str {
    ORDINALS.iter().find(|(_, known)| *known == nth).map_or("last", |(word, _)| word)
}

/// Bit `n` for the weekday that is `n` days after Monday.
pub fn weekday_bit(weekday: Weekday) -> u8 {
    1 << weekday.to_monday_zero_offset()
}
