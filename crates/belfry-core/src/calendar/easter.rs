//! Easter Sunday.

use jiff::civil::Date;

/// Western Easter of `year`, by the Gregorian rule that holds since 1583 and is carried back before it.
///
/// The arithmetic is the one published anonymously in Nature, 20 April 1876, with division that rounds down.
pub fn easter(year: i16) -> Date {
    let year_number = i32::from(year);
    let (golden, century, of_century) = (year_number.rem_euclid(19), year_number.div_euclid(100), year_number.rem_euclid(100));
    let dropped_leap_days = century - century.div_euclid(4);
    let moon_correction = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    // Days from 21 March to the full moon after it, then to the Sunday after that.
    let moon = (19 * golden + dropped_leap_days - moon_correction + 15).rem_euclid(30);
    let weekday = (32 + 2 * century.rem_euclid(4) + 2 * of_century.div_euclid(4) - moon - of_century.rem_euclid(4)).rem_euclid(7);
    let exception = (golden + 11 * moon + 22 * weekday).div_euclid(451);
    let day = moon + weekday - 7 * exception + 114;
    Date::new(year, (day / 31) as i8, (day % 31 + 1) as i8).expect("Easter is between 22 March and 25 April")
}
