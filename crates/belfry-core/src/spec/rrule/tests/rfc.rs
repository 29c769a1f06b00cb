//! The examples of RFC 5545, section 3.8.5.3, in its order; DTSTART is 2 September 1997, 09:00, in New York unless given.

use jiff::civil::DateTime;

use super::{instants, rule};
use crate::time::{UnixMillis, Zone};

/// (what DTSTART is, the rule, its times, whether it has more). A time is MMDD, at 09:00, or MMDDTHHMM, after its year.
const EXAMPLES: [(&str, &str, &str, bool); 42] = [
    // Daily for 10 occurrences.
    ("", "FREQ=DAILY;COUNT=10", "1997: 0902 0903 0904 0905 0906 0907 0908 0909 0910 0911", false),
    // Every other day, forever.
    ("", "FREQ=DAILY;INTERVAL=2", "1997: 0902 0904 0906 0908 0910 0912 0914 0916 0918 0920 0922 0924 0926 0928 0930 1002", true),
    // Every 10 days, 5 occurrences.
    ("", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997: 0902 0912 0922 1002 1012", false),
    // Weekly for 10 occurrences.
    ("", "FREQ=WEEKLY;COUNT=10", "1997: 0902 0909 0916 0923 0930 1007 1014 1021 1028 1104", false),
    // Weekly until December 24, 1997.
    (
        "",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997: 0902 0909 0916 0923 0930 1007 1014 1021 1028 1104 1111 1118 1125 1202 1209 1216 1223",
        false,
    ),
    // Every other week, forever.
    ("", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997: 0902 0916 0930 1014 1028 1111 1125 1209 1223 1998: 0106 0120 0203 0217", true),
    // Weekly on Tuesday and Thursday for five weeks, said in two ways.
    ("", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "1997: 0902 0904 0909 0911 0916 0918 0923 0925 0930 1002", false),
    ("", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997: 0902 0904 0909 0911 0916 0918 0923 0925 0930 1002", false),
    // Every other week on Monday, Wednesday, and Friday until December 24, 1997, starting on Monday, September 1, 1997.
    (
        "TZID=America/New_York:19970901T090000",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997: 0901 0903 0905 0915 0917 0919 0929 1001 1003 1013 1015 1017 1027 1029 1031 1110 1112 1114 1124 1126 1128 1208 1210 1212 1222",
        false,
    ),
    // Every other week on Tuesday and Thursday, for 8 occurrences.
    ("", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997: 0902 0904 0916 0918 0930 1002 1014 1016", false),
    // Monthly on the first Friday for 10 occurrences.
    (
        "TZID=America/New_York:19970905T090000",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997: 0905 1003 1107 1205 1998: 0102 0206 0306 0403 0501 0605",
        false,
    ),
    // Monthly on the first Friday until December 24, 1997.
    ("TZID=America/New_York:19970905T090000", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997: 0905 1003 1107 1205", false),
    // Every other month on the first and last Sunday of the month for 10 occurrences.
    (
        "TZID=America/New_York:19970907T090000",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997: 0907 0928 1102 1130 1998: 0104 0125 0301 0329 0503 0531",
        false,
    ),
    // Monthly on the second-to-last Monday of the month for 6 months.
    ("TZID=America/New_York:19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997: 0922 1020 1117 1222 1998: 0119 0216", false),
    // Monthly on the third-to-the-last day of the month, forever.
    ("TZID=America/New_York:19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3", "1997: 0928 1029 1128 1229 1998: 0129 0226", true),
    // Monthly on the 2nd and 15th of the month for 10 occurrences.
    ("", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997: 0902 0915 1002 1015 1102 1115 1202 1215 1998: 0102 0115", false),
    // Monthly on the first and last day of the month for 10 occurrences.
    (
        "TZID=America/New_York:19970930T090000",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997: 0930 1001 1031 1101 1130 1201 1231 1998: 0101 0131 0201",
        false,
    ),
    // Every 18 months on the 10th thru 15th of the month for 10 occurrences.
    (
        "TZID=America/New_York:19970910T090000",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997: 0910 0911 0912 0913 0914 0915 1999: 0310 0311 0312 0313",
        false,
    ),
    // Every Tuesday, every other month.
    ("", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997: 0902 0909 0916 0923 0930 1104 1111 1118 1125 1998: 0106 0113 0120 0127 0303", true),
    // Yearly in June and July for 10 occurrences.
    (
        "TZID=America/New_York:19970610T090000",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997: 0610 0710 1998: 0610 0710 1999: 0610 0710 2000: 0610 0710 2001: 0610 0710",
        false,
    ),
    // Every other year on January, February, and March for 10 occurrences.
    (
        "TZID=America/New_York:19970310T090000",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997: 0310 1999: 0110 0210 0310 2001: 0110 0210 0310 2003: 0110 0210 0310",
        false,
    ),
    // Every third year on the 1st, 100th, and 200th day for 10 occurrences.
    (
        "TZID=America/New_York:19970101T090000",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997: 0101 0410 0719 2000: 0101 0409 0718 2003: 0101 0410 0719 2006: 0101",
        false,
    ),
    // Every 20th Monday of the year, forever.
    ("TZID=America/New_York:19970519T090000", "FREQ=YEARLY;BYDAY=20MO", "1997: 0519 1998: 0518 1999: 0517", true),
    // Monday of week number 20 (where the default start of the week is Monday), forever.
    ("TZID=America/New_York:19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997: 0512 1998: 0511 1999: 0517", true),
    // Every Thursday in March, forever.
    (
        "TZID=America/New_York:19970313T090000",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997: 0313 0320 0327 1998: 0305 0312 0319 0326 1999: 0304 0311 0318 0325",
        true,
    ),
    // Every Thursday, but only during June, July, and August, forever.
    (
        "TZID=America/New_York:19970605T090000",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997: 0605 0612 0619 0626 0703 0710 0717 0724 0731 0807 0814 0821 0828 1998: 0604 0611 0618 0625 0702",
        true,
    ),
    // Every Friday the 13th, forever (EXDATE takes DTSTART out, which here is no time of the rule anyway).
    ("", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998: 0213 0313 1113 1999: 0813 2000: 1013", true),
    // The first Saturday that follows the first Sunday of the month, forever.
    (
        "TZID=America/New_York:19970913T090000",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997: 0913 1011 1108 1213 1998: 0110 0207 0307 0411 0509 0613",
        true,
    ),
    // Every 4 years, the first Tuesday after a Monday in November, forever (U.S. Presidential Election day).
    (
        "TZID=America/New_York:19961105T090000",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996: 1105 2000: 1107 2004: 1102",
        true,
    ),
    // The third instance into the month of one of Tuesday, Wednesday, or Thursday, for the next 3 months.
    ("TZID=America/New_York:19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997: 0904 1007 1106", false),
    // The second-to-last weekday of the month.
    (
        "TZID=America/New_York:19970929T090000",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997: 0929 1030 1127 1230 1998: 0129 0226 0330",
        true,
    ),
    // Every 3 hours from 9:00 AM to 5:00 PM on a specific day (erratum 3883: until 17:00 in New York).
    ("", "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "1997: 0902 0902T1200 0902T1500", false),
    // Every 15 minutes for 6 occurrences.
    ("", "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "1997: 0902 0902T0915 0902T0930 0902T0945 0902T1000 0902T1015", false),
    // Every hour and a half for 4 occurrences.
    ("", "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997: 0902 0902T1030 0902T1200 0902T1330", false),
    // Every 20 minutes from 9:00 AM to 4:40 PM every day, said in two ways (their days are counted in another test).
    ("", "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "1997: 0902 0902T0920 0902T0940 0902T1000 0902T1020", true),
    ("", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", "1997: 0902 0902T0920 0902T0940 0902T1000 0902T1020", true),
    // Where the start of the week makes a difference.
    ("TZID=America/New_York:19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997: 0805 0810 0819 0824", false),
    ("TZID=America/New_York:19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997: 0805 0817 0819 0831", false),
    // An invalid date (February 30) is ignored.
    ("TZID=America/New_York:20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007: 0115 0130 0215 0315 0330", false),
    // Every day in January, for 3 years, said in two ways: the first and last of each are in another test.
    (
        "TZID=America/New_York:19980101T090000",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998: 0101 0102 0103 0104",
        true,
    ),
    ("TZID=America/New_York:19980101T090000", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998: 0101 0102 0103 0104", true),
    // From 3.3.10: the last work day of the month.
    ("", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "1997: 0930 1031 1128 1231 1998: 0130 0227", true),
];

#[test]
fn the_examples_of_rfc_5545_hold() {
    let zone = Zone::named("America/New_York").unwrap();
    for (start, text, expected, goes_on) in EXAMPLES {
        let start = if start.is_empty() { "TZID=America/New_York:19970902T090000" } else { start };
        let rule = rule(&format!("DTSTART;{start}\nRRULE:{text}"));
        let expected = expand(expected, &zone);
        // The schedule's zone has no say: TZID has.
        let found = instants(&rule, &Zone::utc(), UnixMillis::saturating(i64::MIN), expected.len() + 1);
        assert_eq!(found[..expected.len()], expected, "{text}");
        assert_eq!(found.len() > expected.len(), goes_on, "{text}");
    }
}

#[test]
fn january_every_day_for_three_years_is_93_days_said_either_way() {
    let said = ["FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1"];
    let all = said.map(|text| {
        let rule = rule(&format!("DTSTART;TZID=America/New_York:19980101T090000\nRRULE:{text}"));
        instants(&rule, &Zone::utc(), UnixMillis::EPOCH, 1000)
    });
    assert_eq!(all[0].len(), 93);
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0][92].to_string(), "2000-01-31T14:00:00Z");
}

#[test]
fn every_20_minutes_of_the_working_day_is_the_same_said_either_way() {
    let said = ["FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16"];
    let all = said.map(|text| {
        let rule = rule(&format!("DTSTART;TZID=America/New_York:19970902T090000\nRRULE:{text}"));
        instants(&rule, &Zone::utc(), UnixMillis::EPOCH, 24 * 365)
    });
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0][23].to_string(), "1997-09-02T20:40:00Z");
    assert_eq!(all[0][24].to_string(), "1997-09-03T13:00:00Z");
}

fn expand(times: &str, zone: &Zone) -> Vec<UnixMillis> {
    let mut year = "";
    let mut found = Vec::new();
    for token in times.split_whitespace() {
        if let Some(number) = token.strip_suffix(':') {
            year = number;
            continue;
        }
        let (day, time) = token.split_once('T').unwrap_or((token, "0900"));
        let local: DateTime = format!("{year}{day}T{time}00").parse().unwrap();
        found.push(UnixMillis::floor(zone.rules().to_timestamp(local).unwrap()));
    }
    found
}
