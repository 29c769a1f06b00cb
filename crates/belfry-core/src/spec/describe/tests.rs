use super::{CronWarning, cron, cron_with, warnings};
use crate::spec::cron::{Cron, CronRules, DayFields, Dialect};

fn assert_described(table: &[(&str, &str)]) {
    for (text, sentence) in table {
        let parsed = Cron::parse(text).unwrap();
        assert_eq!(cron(&parsed), *sentence, "{text}");
    }
}

#[test]
fn few_times_are_listed() {
    assert_described(&[
        ("@daily", "at 00:00 every day"),
        ("0 9 * * 1-5", "at 09:00, Monday to Friday"),
        ("0 0,12 * * *", "at 00:00 and 12:00 every day"),
        ("0,30 9,11 * * *", "at 09:00, 09:30, 11:00 and 11:30 every day"),
        ("5,20 9,11,14 * * *", "at 09:05, 09:20, 11:05, 11:20, 14:05 and 14:20 every day"),
        ("7 6 5 * * *", "at 05:06:07 every day"),
        ("0 */8 * * *", "at 00:00, 08:00 and 16:00 every day"),
    ]);
}

#[test]
fn rhythms_are_named_only_where_they_are_even() {
    assert_described(&[
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("0,30 * * * * *", "every 30 seconds"),
        ("5/10 * * * * *", "every 10 seconds from second 5 of every minute"),
        ("5 * * * * *", "every minute at second 5"),
        ("*/10 * 9-17 * * *", "every 10 seconds from 09:00:00 to 17:59:50"),
        ("30 * 9-17 * * *", "every minute from 09:00:30 to 17:59:30"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5-59/15 * * * *", "every 15 minutes from minute 5 of every hour"),
        ("*/15 9-17 * * *", "every 15 minutes from 09:00 to 17:45"),
        ("* 9 * * *", "every minute from 09:00 to 09:59"),
        ("* 9,10 * * *", "every minute from 09:00 to 10:59"),
        ("*/7 * * * *", "at every 7th minute from 0 to 56 of every hour"),
        ("*/13 * * * * *", "at every 13th second from 0 to 52 of every minute"),
        ("@hourly", "every hour"),
        ("15 * * * *", "every hour at minute 15"),
        ("0 */2 * * *", "every 2 hours from 00:00 to 22:00"),
        ("30 1-23/2 * * *", "every 2 hours from 01:30 to 23:30"),
        ("30 9-17 * * MON-FRI", "every hour from 09:30 to 17:30, Monday to Friday"),
    ]);
}

#[test]
fn what_has_no_rhythm_is_said_field_by_field() {
    assert_described(&[
        ("5,20,40 9,11,14 * * *", "at minutes 5, 20 and 40 of hours 9, 11 and 14 every day"),
        ("1-10 * * * *", "at minutes 1 to 10 of every hour"),
        ("0,1,2,10 * * * *", "at minutes 0 to 2 and 10 of every hour"),
        ("5,10,20 * * * * *", "at seconds 5, 10 and 20 of every minute"),
        ("5,10,20 * 9 * * *", "at seconds 5, 10 and 20 of every minute of hour 9 every day"),
        ("30 */5 * * * *", "at second 30 of every 5th minute from 0 to 55 of every hour"),
        ("30 5,6 * * * *", "at second 30 of minutes 5 and 6 of every hour"),
        ("*/7 */5 * * *", "at every 7th minute from 0 to 56 of every 5th hour from 0 to 20 every day"),
        ("0-9,30 5 1-3 * * *", "at seconds 0 to 9 and 30 of minute 5 of hours 1 to 3 every day"),
        ("0 0-3,22,23 * * *", "at 00:00, 01:00, 02:00, 03:00, 22:00 and 23:00 every day"),
        ("*/30 0-3,22,23 * * *", "at minutes 0 and 30 of hours 0 to 3, 22 and 23 every day"),
    ]);
}

#[test]
fn days_of_the_month() {
    assert_described(&[
        ("0 0 1 * *", "at 00:00 on day 1 of the month"),
        ("0 0 31 * *", "at 00:00 on day 31 of the months that have it"),
        ("0 0 1,15 * *", "at 00:00 on the 1st and 15th"),
        ("0 0 1-7,22,23 * *", "at 00:00 on the 1st to 7th, 22nd and 23rd"),
        ("0 0 */2 * *", "at 00:00 on the 1st and every 2nd day after it up to the 31st"),
        ("@yearly", "at 00:00 on 1 January"),
        ("0 0 1 1,7 *", "at 00:00 on the 1st in January and July"),
        ("0 0 * 1-3 *", "at 00:00 every day in January to March"),
        ("*/5 * * 1,7 *", "every 5 minutes in January and July"),
    ]);
}

#[test]
fn days_of_the_week() {
    assert_described(&[
        ("@weekly", "at 00:00 on Sunday"),
        ("0 0 * * 6,0", "at 00:00 on Saturday and Sunday"),
        ("0 0 * * 7,1,3", "at 00:00, Monday, Wednesday and Sunday"),
        ("0 0 * * FRI-SUN", "at 00:00, Friday to Sunday"),
        ("0 9 * 6 MON", "at 09:00 on Monday in June"),
        ("*/15 * * * 0-7", "every 15 minutes"),
    ]);
}

#[test]
fn two_restricted_day_fields_are_read_as_they_are_evaluated() {
    assert_described(&[
        ("0 9 1,15 * 1", "at 09:00 on the 1st and 15th, or on Monday"),
        ("0 9 13 * FRI", "at 09:00 on the 13th, or on Friday"),
        ("0 0 1,15 6 MON", "at 00:00 in June, on the 1st and 15th, or on Monday"),
        ("0 0 */2 * 1,3", "at 00:00 on the 1st and every 2nd day after it up to the 31st, but only if it is Monday or Wednesday"),
        ("0 0 13 * */5", "at 00:00 on day 13 of the month, but only if it is Friday or Sunday"),
        ("0 0 1-31 * 1", "at 00:00 every day"),
        ("0 0 1 * 0-6", "at 00:00 every day"),
        ("0 0 1 * ?", "at 00:00 on day 1 of the month"),
    ]);
}

#[test]
fn special_days_of_the_month() {
    assert_described(&[
        ("0 0 L * *", "at 00:00 on the last day of the month"),
        ("0 0 L 2 *", "at 00:00 on the last day of February"),
        ("0 0 L 6,12 *", "at 00:00 on the last day of the month in June and December"),
        ("0 0 L-1 * *", "at 00:00 on the day before the last day of the month"),
        ("0 0 L-3,L * *", "at 00:00 on the 3rd day before the last day and the last day of the month"),
        ("0 0 LW * *", "at 00:00 on the last Monday to Friday of the month"),
        ("0 0 15W * *", "at 00:00 on the Monday to Friday nearest to the 15th of the month"),
        ("0 0 1,15,L * *", "at 00:00 on the 1st and 15th and the last day of the month"),
        ("0 0 1,15,10W,L * *", "at 00:00 on the 1st and 15th, the Monday to Friday nearest to the 10th and the last day of the month"),
        ("0 0 *,L * *", "at 00:00 every day"),
    ]);
}

#[test]
fn special_days_of_the_week() {
    assert_described(&[
        ("0 0 * * 5L", "at 00:00 on the last Friday of the month"),
        ("0 0 * * MON#2", "at 00:00 on the 2nd Monday of the month"),
        ("0 0 * 6 MON#2", "at 00:00 on the 2nd Monday of the month in June"),
        ("0 0 * * 1#1,1#3,0#3,5L", "at 00:00 on the 1st Monday, the 3rd Monday, the 3rd Sunday and the last Friday of the month"),
        ("0 0 * * 1-4,5L", "at 00:00 on Monday to Thursday and the last Friday of the month"),
        ("0 0 L * 5", "at 00:00 on the last day of the month, or on Friday"),
        ("0 0 13 * 5L", "at 00:00 on the 13th, or on the last Friday of the month"),
        ("0 0 L 6 5L", "at 00:00 in June, on the last day of the month, or on the last Friday of the month"),
        (
            "0 0 */2 * 1,5L",
            "at 00:00 on the 1st and every 2nd day after it up to the 31st, but only if it is Monday or the last Friday of the month",
        ),
    ]);
}

#[test]
fn years_come_last() {
    assert_described(&[
        ("0 0 9 * * * 2027", "at 09:00 every day, in 2027"),
        ("0 0 9 1 1 * 2027,2029", "at 09:00 on 1 January, in 2027 and 2029"),
        ("0 0 9 1 1 * 2026-2030", "at 09:00 on 1 January, from 2026 to 2030"),
        ("0 0 9 1 1 * 2026,2028-2030", "at 09:00 on 1 January, in 2026 and 2028 to 2030"),
        ("0 0 9 1 1 * 2026/2", "at 09:00 on 1 January, every 2nd year from 2026 to 2198"),
        ("0 0 9 1 1 * 2026-2030/2", "at 09:00 on 1 January, in 2026, 2028 and 2030"),
        ("0 0 9 1 1 * *", "at 09:00 on 1 January"),
    ]);
}

#[test]
fn the_other_reading_of_two_day_fields() {
    let table = [
        ("0 9 13 * FRI", "at 09:00 on day 13 of the month, but only if it is Friday"),
        ("0 9 1-7 * MON", "at 09:00 on the 1st to 7th, but only if it is Monday"),
        ("0 9 1-31 * MON", "at 09:00 on Monday"),
        ("0 9 13 * 0-6", "at 09:00 on day 13 of the month"),
        ("0 9 L * 5L", "at 09:00 on the last day of the month, but only if it is the last Friday of the month"),
    ];
    for (text, sentence) in table {
        assert_eq!(cron_with(&Cron::parse(text).unwrap(), DayFields::And), sentence, "{text}");
    }
}

#[test]
fn a_dialect_is_described_by_what_it_means() {
    let described = |text| cron(&Cron::parse_in(text, Dialect::Quartz).unwrap());
    assert_eq!(described("0 0 12 ? * 2-6"), "at 12:00, Monday to Friday");
    assert_eq!(described("0 0 12 ? * L"), "at 12:00 on Saturday");
    assert_eq!(described("0 0 12 ? * 6#3"), "at 12:00 on the 3rd Friday of the month");
}

fn warned(text: &str) -> Vec<String> {
    warnings(&Cron::parse(text).unwrap(), CronRules::default()).iter().map(ToString::to_string).collect()
}

#[test]
fn what_surprises_is_warned_of() {
    let short = "the last day of every month is `L`";
    let table = [
        (
            "0 9 13 * FRI",
            "both day fields are restricted, and a day that matches either fires: at 09:00 on the 13th, or on Friday; \
             with `dom_dow: and`: at 09:00 on day 13 of the month, but only if it is Friday"
                .to_owned(),
        ),
        (
            "0 9 1 * 1#2",
            "both day fields are restricted, and a day that matches either fires: at 09:00 on the 1st, or on the 2nd Monday of the \
             month; with `dom_dow: and`: never"
                .to_owned(),
        ),
        ("0 0 31 * *", format!("not every month has day 31: it is missing in February, April, June, September and November; {short}")),
        ("0 0 30 * *", format!("not every month has day 30: it is missing in February; {short}")),
        ("0 0 29,31 1-3 *", format!("not every month has the days 29 and 31: one is missing in February; {short}")),
        ("0 0 29 2 *", format!("February has a day 29 in leap years only; {short}")),
        ("0 0 31W 3-6 *", format!("not every month has day 31: it is missing in April and June; {short}")),
        ("0 0 * * 5#5", "not every month has a fifth Friday; the last one of every month is written with `L`".to_owned()),
        ("0 0 9 1 1 * 2027-2030", "it never fires again after the year 2030".to_owned()),
        ("* 30 9 * * *", "it fires every second of the minutes that it names; a 0 for the seconds fires once a minute".to_owned()),
    ];
    for (text, warning) in table {
        assert_eq!(warned(text), [warning], "{text}");
    }
}

#[test]
fn what_does_not_surprise_is_not_warned_of() {
    for text in
        ["0 9 * * *", "@monthly", "0 0 L * *", "0 0 28-31 * *", "0 0 */2 * *", "0 0 1-31 * *", "0 0 31 1,3 *", "0 9 */2 * 5", "* * * * *"]
    {
        assert_eq!(warned(text), Vec::<String>::new(), "{text}");
    }
    let chosen = CronRules { dom_dow: DayFields::And, ..CronRules::default() };
    assert_eq!(warnings(&Cron::parse("0 9 13 * FRI").unwrap(), chosen), []);
}

#[test]
fn several_warnings_are_given_together() {
    let found = warnings(&Cron::parse("* * * 31 * FRI 2027").unwrap(), CronRules::default());
    assert!(matches!(
        found.as_slice(),
        [CronWarning::EitherDay { .. }, CronWarning::ShortMonths { .. }, CronWarning::EndsAfter { year: 2027 }, CronWarning::EverySecond]
    ));
}
