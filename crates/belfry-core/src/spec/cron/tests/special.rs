//! `L`, `W` and `#`.

use super::super::{Cron, CronRules, DayFields};
use super::{cron, next, next_with};

/// The next days of the month, as `month-day`, from the beginning of 2026 on.
#[track_caller]
fn assert_days(text: &str, expected: &[&str]) {
    let days: Vec<String> = next(text, "UTC", "2025-12-31T23:59:59Z", expected.len()).iter().map(|at| at[5..10].to_owned()).collect();
    assert_eq!(days, expected, "{text}");
}

#[test]
fn the_last_day_and_days_before_it() {
    assert_days("0 0 L * *", &["01-31", "02-28", "03-31", "04-30", "05-31"]);
    assert_days("0 0 l 2 *", &["02-28", "02-28", "02-29", "02-28"]);
    assert_days("0 0 L-3 * *", &["01-28", "02-25", "03-28", "04-27"]);
    assert_days("0 0 L-0 * *", &["01-31", "02-28"]);
    assert_days("0 0 L-30 * *", &["01-01", "03-01", "05-01", "07-01", "08-01", "10-01", "12-01", "01-01"]);
    assert_days("0 0 L-28 2 *", &["02-01"]);
    assert_eq!(next("0 0 L-28 2 *", "UTC", "2026-01-01T00:00:00Z", 2), ["2028-02-01T00:00:00+00:00", "2032-02-01T00:00:00+00:00"]);
}

#[test]
fn the_nearest_weekday_stays_in_its_month() {
    // 2026: 1 February and 1 March are Sundays, 1 August is a Saturday, 31 January one, 31 May a Sunday.
    assert_days("0 0 1W * *", &["01-01", "02-02", "03-02", "04-01", "05-01", "06-01", "07-01", "08-03"]);
    assert_days("0 0 31W * *", &["01-30", "03-31", "05-29", "07-31", "08-31", "10-30", "12-31"]);
    assert_days("0 0 15w * *", &["01-15", "02-16", "03-16", "04-15", "05-15", "06-15", "07-15", "08-14"]);
    assert_days("0 0 28W 2 *", &["02-27", "02-26", "02-28", "02-28"]);
    assert_days("0 0 29W 2 *", &["02-29"]);
    assert_eq!(next("0 0 29W 2 *", "UTC", "2032-01-01T00:00:00Z", 2), ["2032-02-27T00:00:00+00:00", "2036-02-29T00:00:00+00:00"]);
    assert_days("0 0 LW * *", &["01-30", "02-27", "03-31", "04-30", "05-29"]);
}

#[test]
fn the_last_and_the_nth_weekday() {
    assert_days("0 0 * * 5L", &["01-30", "02-27", "03-27", "04-24"]);
    assert_days("0 0 * * friL", &["01-30", "02-27", "03-27", "04-24"]);
    assert_days("0 0 * * 0L", &["01-25", "02-22", "03-29"]);
    assert_days("0 0 * * 7l", &["01-25", "02-22", "03-29"]);
    assert_days("0 0 * * MON#1", &["01-05", "02-02", "03-02", "04-06"]);
    assert_days("0 0 * * 1#2", &["01-12", "02-09", "03-09", "04-13"]);
    assert_days("0 0 * * SUN#1", &["01-04", "02-01", "03-01", "04-05"]);
    assert_days("0 0 * * 7#1", &["01-04", "02-01", "03-01", "04-05"]);
    assert_days("0 0 * * 5#5", &["01-30", "05-29", "07-31", "10-30"]);
    assert_days("0 0 * 2 0#5", &["02-29"]);
    assert_eq!(next("0 0 * 2 0#5", "UTC", "2026-01-01T00:00:00Z", 2), ["2032-02-29T00:00:00+00:00", "2060-02-29T00:00:00+00:00"]);
}

#[test]
fn lists_hold_them_like_any_item() {
    assert_days("0 0 1,15,L * *", &["01-01", "01-15", "01-31", "02-01", "02-15", "02-28"]);
    assert_days("0 0 L,L-1,10W * *", &["01-09", "01-30", "01-31", "02-10", "02-27", "02-28"]);
    assert_days("0 0 1W,15W,LW * *", &["01-01", "01-15", "01-30", "02-02", "02-16", "02-27"]);
    assert_days("0 0 * * 1#1,1#3,5L", &["01-05", "01-19", "01-30", "02-02", "02-16", "02-27"]);
    assert_days("0 0 * * WED,5L", &["01-07", "01-14", "01-21", "01-28", "01-30", "02-04"]);
    assert_days("0 0 1-3/2,L-2 * *", &["01-01", "01-03", "01-29", "02-01", "02-03", "02-26"]);
}

#[test]
fn the_day_fields_go_together_as_the_rule_says() {
    let with = |text, dom_dow, count| {
        let rules = CronRules { dom_dow, ..CronRules::default() };
        let times = next_with(text, "UTC", "2025-12-31T23:59:59Z", count, rules);
        times.iter().map(|at| at[5..10].to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(with("0 0 13 * 5", DayFields::Or, 4), ["01-02", "01-09", "01-13", "01-16"]);
    assert_eq!(with("0 0 13 * 5", DayFields::And, 3), ["02-13", "03-13", "11-13"]);
    assert_eq!(with("0 0 L * 5L", DayFields::Or, 4), ["01-30", "01-31", "02-27", "02-28"]);
    assert_eq!(with("0 0 L * 5L", DayFields::And, 1), ["07-31"]);
    // A field that starts with a star restricts by either rule.
    for dom_dow in [DayFields::Or, DayFields::And] {
        assert_eq!(with("0 0 */2 * 5", dom_dow, 2), ["01-09", "01-23"]);
        assert_eq!(with("0 0 * * 5", dom_dow, 2), ["01-02", "01-09"]);
        assert_eq!(with("0 0 ? * 5", dom_dow, 2), ["01-02", "01-09"]);
    }
}

#[test]
fn what_no_day_can_be_is_refused() {
    let table = [
        ("0 0 30 2 *", "day-of-month `30` does not come in month `2`"),
        ("0 0 31W 2 *", "day-of-month `31W` does not come in month `2`"),
        ("0 0 30W,31 FEB *", "day-of-month `30W,31` does not come in month `FEB`"),
        ("0 0 31W 4,6,9,11 *", "day-of-month `31W` does not come in month `4,6,9,11`"),
        ("0 0 L-29 2 *", "day-of-month `L-29` does not come in month `2`"),
        ("0 0 L-30 4,6 *", "day-of-month `L-30` does not come in month `4,6`"),
        ("0 0 */31 * 1#2", "no day is both day-of-month `*/31` and day-of-week `1#2` in any month"),
        ("0 0 */31 4 5L", "no day is both day-of-month `*/31` and day-of-week `5L` in month `4`"),
        ("0 0 31 2,4 ?", "day-of-month `31` does not come in month `2,4`"),
        ("0 0 0 29 2 * 2027", "day-of-month `29` does not come in month `2` of year `2027`"),
        ("0 0 0 * 2 MON#5 2027-2029", "day-of-week `MON#5` does not come in month `2` of year `2027-2029`"),
        ("0 0 0 30 2 MON#5 2027", "neither day-of-month `30` nor day-of-week `MON#5` comes in month `2` of year `2027`"),
    ];
    for (text, reason) in table {
        let expected = format!("{reason}, so this would never fire; use a day that the month has");
        assert_eq!(Cron::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    for text in ["0 0 29W 2 *", "0 0 L-28 2 *", "0 0 * 2 1#5", "0 0 30 2 5L", "0 0 0 29 2 * 2028", "0 0 31W 1-3 *", "0 0 0 1 1 * 1970"] {
        assert!(Cron::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn whether_it_can_fire_depends_on_the_rule() {
    let never_both = ["0 0 1 * 1#2", "0 0 L * 5#2", "0 0 15W * SAT", "0 0 LW * 6,0", "0 0 8 4 5L"];
    for text in never_both {
        assert!(cron(text).can_ever_fire(DayFields::Or), "{text}");
        assert!(!cron(text).can_ever_fire(DayFields::And), "{text}");
        let reason = cron(text).check_can_fire(DayFields::And).unwrap_err().to_string();
        assert!(reason.starts_with("no day is both day-of-month `"), "{reason}");
    }
    assert!(!cron("0 0 30 2 1").can_ever_fire(DayFields::And));
    for text in ["0 0 13 * 5", "0 0 29 2 3", "0 0 L * 5L", "0 0 29W 2 1", "0 0 L-3 * 1#4", "0 0 31W * 5L", "0 0 0 29 2 0 2032"] {
        assert_eq!(cron(text).check_can_fire(DayFields::And), Ok(()), "{text}");
    }
    assert!(!cron("0 0 0 29 2 0 2028").can_ever_fire(DayFields::And));
}

#[test]
fn what_is_not_quite_a_special_day_is_refused_with_those_that_are() {
    let forms = "use `L` (the last day), `L-1` to `L-30` (days before it), `LW` (the last Monday to Friday) \
                 or `15W` (the Monday to Friday nearest to the 15th)";
    for item in ["L-31", "L-", "L-W", "L-3W", "WL", "W", "1-5W", "15W/2", "L/2", "L3", "*W", "LL", "1-L", "L-3-2"] {
        let error = Cron::parse(&format!("0 0 {item} * *")).unwrap_err();
        assert_eq!(error.to_string(), format!("`{item}` in day-of-month: {forms}"), "{item}");
    }
    let table = [
        ("0 0 0W * *", "`0` in day-of-month is out of range; use 1 to 31"),
        ("0 0 32W * *", "`32` in day-of-month is out of range; use 1 to 31"),
        ("0 0 * * 8L", "`8` in day-of-week is out of range; use 0 to 7 (0 and 7 are Sunday) or SUN to SAT"),
        ("0 0 * * 8#1", "`8` in day-of-week is out of range; use 0 to 7 (0 and 7 are Sunday) or SUN to SAT"),
        (
            "0 0 * * MON#0",
            "`MON#0` in day-of-week: use `MON#1` to `MON#5`, for no weekday comes more often in a month, or `MONL` for the last",
        ),
        ("0 0 * * 1#6", "`1#6` in day-of-week: use `1#1` to `1#5`, for no weekday comes more often in a month, or `1L` for the last"),
        ("0 0 * * 1#", "`1#` in day-of-week: use `1#1` to `1#5`, for no weekday comes more often in a month, or `1L` for the last"),
        ("0 0 * * L", "`L` in day-of-week: name the day, such as `FRIL` for the last Friday of the month, or SAT for every Saturday"),
        ("0 0 * * 1-5L", "`1-5L` in day-of-week: `L` follows a single day, such as `FRIL`; list several, such as `THUL,FRIL`"),
        (
            "0 0 * * 1-5#2",
            "`1-5` in day-of-week: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT, `*`, a range such as `MON-FRI` or a step such as `*/2`",
        ),
        (
            "0 0 * * 5W",
            "`5W` in day-of-week: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT, `*`, a range such as `MON-FRI` or a step such as `*/2`",
        ),
        ("0 L * * *", "`L` in hour: use 0 to 23, `*`, a range such as `9-17` or a step such as `*/2`"),
        ("0 0 1#2 * *", "`1#2` in day-of-month: use 1 to 31, `*`, a range such as `1-7` or a step such as `*/2`"),
    ];
    for (text, message) in table {
        assert_eq!(Cron::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}
