//! What is read, what is refused, and how it is said.

use super::super::{Cron, CronError, Dialect, Field};
use super::cron;

/// Second, minute, hour, day, month and weekday sets.
fn sets(text: &str) -> [Vec<u8>; 6] {
    let cron = cron(text);
    let members = |bits: u64| (0..64).filter(|value| bits >> value & 1 == 1).collect();
    [cron.seconds, cron.minutes, cron.hours.into(), cron.days.plain.into(), cron.months.into(), cron.weekdays.plain.into()].map(members)
}

#[test]
fn five_fields_begin_with_the_minute_and_six_with_the_second() {
    let [second, minute, hour, day, month, weekday] = sets("1 2 3 4 5");
    assert_eq!([second, minute, hour, day, month, weekday], [vec![0], vec![1], vec![2], vec![3], vec![4], vec![5]]);
    let [second, minute, hour, day, month, weekday] = sets(" 1  2\t3 4 5 6 ");
    assert_eq!([second, minute, hour, day, month, weekday], [vec![1], vec![2], vec![3], vec![4], vec![5], vec![6]]);
}

#[test]
fn every_form_of_an_item_is_read() {
    let table: [(&str, Vec<u8>); 9] = [
        ("*", (0..=23).collect()),
        ("05", vec![5]),
        ("9-12", vec![9, 10, 11, 12]),
        ("7-7", vec![7]),
        ("*/6", vec![0, 6, 12, 18]),
        ("9-17/4", vec![9, 13, 17]),
        ("20/2", vec![20, 22]),
        ("1,3-4,22/1", vec![1, 3, 4, 22, 23]),
        ("5,*/12", vec![0, 5, 12]),
    ];
    for (field, expected) in table {
        assert_eq!(sets(&format!("0 {field} * * *"))[2], expected, "{field}");
    }
}

#[test]
fn sunday_is_0_and_7_and_may_end_a_range() {
    let table: [(&str, Vec<u8>); 16] = [
        ("0", vec![0]),
        ("7", vec![0]),
        ("0,7", vec![0]),
        ("sun", vec![0]),
        ("FRI-SUN", vec![0, 5, 6]),
        ("5-7", vec![0, 5, 6]),
        ("Sun-tue", vec![0, 1, 2]),
        ("SUN-SUN", vec![0]),
        ("0-7", (0..=6).collect()),
        ("1-7/2", vec![0, 1, 3, 5]),
        ("5/2", vec![0, 5]),
        ("MON/2", vec![0, 1, 3, 5]),
        ("*/2", vec![0, 2, 4, 6]),
        ("*/7", vec![0]),
        ("Mon,wEd", vec![1, 3]),
        ("?", (0..=6).collect()),
    ];
    for (field, expected) in table {
        assert_eq!(sets(&format!("0 0 * * {field}"))[5], expected, "{field}");
    }
}

#[test]
fn months_have_names() {
    let table: [(&str, Vec<u8>); 5] =
        [("jan", vec![1]), ("DEC", vec![12]), ("Mar-may", vec![3, 4, 5]), ("JAN-DEC/3", vec![1, 4, 7, 10]), ("nov/1", vec![11, 12])];
    for (field, expected) in table {
        assert_eq!(sets(&format!("0 0 1 {field} *"))[4], expected, "{field}");
    }
}

#[test]
fn macros_are_their_fields_and_keep_their_text() {
    let table = [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ];
    for (name, fields) in table {
        assert_eq!(sets(name), sets(fields), "{name}");
        assert_eq!(cron(&format!(" {name}\n")).text(), name);
    }
}

#[test]
fn fixed_time_is_told_from_the_text_of_the_time_fields() {
    let fixed = ["30 2 * * *", "0-59 0-23 * * *", "0-30/15 9 * * *", "5,*/10 3 * * *", "@daily", "0-59 0 2 * * *", "0 9 ? * 1/2"];
    let rhythm = ["* 2 * * *", "*/15 2 * * *", "0 * * * *", "5/15 2 * * *", "0 9/2 * * *", "1,5/15 2 * * *", "* 0 2 * * *", "@hourly"];
    for text in fixed {
        assert!(cron(text).is_fixed_time(), "{text}");
    }
    for text in rhythm {
        assert!(!cron(text).is_fixed_time(), "{text}");
    }
}

#[test]
fn every_refusal_names_the_field_the_value_and_what_would_do() {
    let table = [
        ("60 * * * *", "`60` in minute is out of range; use 0 to 59"),
        ("60 * * * * *", "`60` in second is out of range; use 0 to 59"),
        ("* 24 * * *", "`24` in hour is out of range; use 0 to 23"),
        ("* * 0 * *", "`0` in day-of-month is out of range; use 1 to 31"),
        ("* * 1-32 * *", "`32` in day-of-month is out of range; use 1 to 31"),
        ("* * * 13 *", "`13` in month is out of range; use 1 to 12 or JAN to DEC"),
        ("* * * * 8", "`8` in day-of-week is out of range; use 0 to 7 (0 and 7 are Sunday) or SUN to SAT"),
        ("99999999999999999999 * * * *", "`99999999999999999999` in minute is out of range; use 0 to 59"),
        ("+5 * * * *", "`+5` in minute: use 0 to 59, `*`, a range such as `0-29` or a step such as `*/2`"),
        ("1- * * * *", "`1-` in minute: use 0 to 59, `*`, a range such as `0-29` or a step such as `*/2`"),
        ("1-2-3 * * * *", "`2-3` in minute: use 0 to 59, `*`, a range such as `0-29` or a step such as `*/2`"),
        ("/5 * * * *", "`/5` in minute: use 0 to 59, `*`, a range such as `0-29` or a step such as `*/2`"),
        ("* MON * * *", "`MON` in hour: use 0 to 23, `*`, a range such as `9-17` or a step such as `*/2`"),
        (
            "* * * * MONDAY",
            "`MONDAY` in day-of-week: use 0 to 7 (0 and 7 are Sunday) or SUN to SAT, `*`, a range such as `MON-FRI` or a step such as `*/2`",
        ),
        ("1,,2 * * * *", "minute `1,,2` has an empty item; use 0 to 59 between commas"),
        ("* 1, * * *", "hour `1,` has an empty item; use 0 to 23 between commas"),
        ("*/0 * * * *", "step `0` in minute `*/0`; use 1 to 59, for a step does not reach past its field (an interval does)"),
        ("*/90 * * * *", "step `90` in minute `*/90`; use 1 to 59, for a step does not reach past its field (an interval does)"),
        ("0 1/ * * *", "step `` in hour `1/`; use 1 to 23, for a step does not reach past its field (an interval does)"),
        ("0 0 30 2 *", "day-of-month `30` does not come in month `2`, so this would never fire; use a day that the month has"),
        (
            "0 0 31 feb,4,JUN */2",
            "day-of-month `31` does not come in month `feb,4,JUN`, so this would never fire; use a day that the month has",
        ),
    ];
    for (text, message) in table {
        assert_eq!(Cron::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn a_backwards_range_is_answered_with_the_way_to_write_it() {
    let table = [
        ("0 22-2 * * *", "22-2", "22-23,0-2"),
        ("0 23-2 * * *", "23-2", "23,0-2"),
        ("0 22-0 * * *", "22-0", "22-23,0"),
        ("0 21-3/2 * * *", "21-3/2", "21,23,1,3"),
        ("0 0 1 NOV-feb *", "NOV-feb", "NOV-12,1-feb"),
        ("0 0 * * FRI-MON", "FRI-MON", "FRI-7,MON"),
        ("0 0 * * 5-0", "5-0", "5-7"),
        ("0 0 * * 7-2", "7-2", "7,1-2"),
        ("0 0 * * 6-2/2", "6-2/2", "6,1"),
    ];
    for (text, range, instead) in table {
        let error = Cron::parse(text).unwrap_err();
        assert!(error.to_string().ends_with(&format!("runs backwards; write `{instead}`")), "{error}");
        assert!(matches!(&error, CronError::Backwards { range: found, .. } if found == range), "{error:?}");
        let repaired = text.replace(range, instead);
        assert!(Cron::parse(&repaired).is_ok(), "{repaired}");
    }
}

#[test]
fn what_other_engines_know_is_refused_by_name() {
    for text in ["H * * * *", "H/15 * * * *", "0 h(0-7) * * *"] {
        assert!(matches!(Cron::parse(text), Err(CronError::Hash { .. })), "{text}");
    }
    for text in ["? 0 * * *", "0 ? * * *", "0 0 1 ? *", "0 0 ?/2 * *", "0 0 * * 1,?"] {
        assert!(matches!(Cron::parse(text), Err(CronError::QuestionMark { .. })), "{text}");
    }
    let table = [
        ("@reboot", "`@reboot` is not a time; to start something with the host, use a service unit"),
        ("@every 5m", "`@every 5m` is an interval, not a cron expression; use the schedule's `every` field: `\"every\": \"5m\"`"),
        ("@every 1d", "`@every 1d` is an interval, not a cron expression; use the schedule's `every` field: `\"every\": \"15m\"`"),
        ("H 3 * * *", "`H` in minute: `H` is not supported; choose a number by hand: 0 to 59"),
        (
            "CRON_TZ=Asia/Tokyo 0 9 * * *",
            "`CRON_TZ=Asia/Tokyo` does not belong into a cron expression; use the schedule's `timezone` field",
        ),
        ("TZ=UTC 0 9 * * *", "`TZ=UTC` does not belong into a cron expression; use the schedule's `timezone` field"),
        ("@dayly", "`@dayly` is no macro; use @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly (perhaps @daily)"),
        ("@daily 5", "`5` follows the macro `@daily`, which must stand alone"),
    ];
    for (text, message) in table {
        assert_eq!(Cron::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn the_number_of_fields_is_five_to_seven() {
    for (text, count) in [("", 0), ("   ", 0), ("*", 1), ("* * * *", 4), ("* * * * * * * *", 8)] {
        assert_eq!(Cron::parse(text), Err(CronError::FieldCount(count)), "{text}");
    }
    assert!(matches!(Cron::parse(&"1,".repeat(600)), Err(CronError::TooLong { length: 1200, .. })));
    assert!(matches!(Cron::parse("0 9 * * * /bin/true"), Err(CronError::NotAValue { field: Field::DayOfWeek, .. })));
}

#[test]
fn a_cron_is_written_as_its_author_wrote_it() {
    let cron: Cron = serde_json::from_str("\" 0 9 * * mon-fri \"").unwrap();
    assert_eq!(serde_json::to_string(&cron).unwrap(), "\"0 9 * * mon-fri\"");
    assert_eq!(cron.to_string(), "0 9 * * mon-fri");
    assert_eq!("0 9 * * mon-fri".parse::<Cron>().unwrap(), cron);
    let error = serde_json::from_str::<Cron>("\"0 25 * * *\"").unwrap_err();
    assert!(error.to_string().starts_with("`25` in hour is out of range"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[-0-9*/,?#@LWHa-z \u{e9}\u{2003}]{0,40}") {
        let _ = (Cron::parse(&text), Cron::parse_in(&text, Dialect::Quartz));
    }
}
