use super::cron;
use crate::spec::cron::Cron;

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
