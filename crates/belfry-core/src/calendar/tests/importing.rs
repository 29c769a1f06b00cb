//! iCalendar files as calendars.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::calendar::BusinessCalendar;
use crate::calendar::ics::{IcsError, Import, LeftOut, MAX_BYTES, import};

fn file(body: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}\r\nEND:VCALENDAR\r\n", body.trim_end().replace('\n', "\r\n"))
}

fn event(body: &str) -> String {
    file(&format!("BEGIN:VEVENT\n{}\nEND:VEVENT", body.trim_end()))
}

fn holidays(import: &Import) -> Value {
    serde_json::to_value(&import.calendar).unwrap().get("holidays").cloned().unwrap_or(json!([]))
}

/// What one event comes to.
fn of_event(body: &str) -> Value {
    let import = import(event(body).as_bytes()).unwrap();
    assert_eq!(import.left_out, [], "{body}");
    holidays(&import)
}

/// Why one event is left out.
fn reason(body: &str) -> String {
    let import = import(event(body).as_bytes()).unwrap();
    assert_eq!(holidays(&import), json!([]), "{body}");
    import.left_out.into_iter().map(|left| left.reason).collect::<Vec<_>>().join("; ")
}

fn error(text: &str) -> String {
    import(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_published_file_is_read() {
    let text = file(
        "PRODID:-//Feiertage//DE
X-WR-CALNAME:Feiertage
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.org
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260403
DTEND;VALUE=DATE:20260404
SUMMARY;LANGUAGE=de:Karfreitag\\, bund
 esweit
BEGIN:VALARM
TRIGGER:-PT15M
DTSTART:nonsense of the alarm
END:VALARM
END:VEVENT

BEGIN:VEVENT
DTSTART;VALUE=DATE:20261224
DTEND;VALUE=DATE:20270102
SUMMARY:Betriebsferien
END:VEVENT
BEGIN:VEVENT
DTSTART:19900103
RRULE:FREQ=YEARLY
SUMMARY:Ein Tag ohne VALUE=DATE
END:VEVENT",
    );
    let import = import(text.as_bytes()).unwrap();
    assert_eq!(import.left_out, []);
    assert_eq!(
        holidays(&import),
        json!([
            {"on": "2026-04-03", "label": "Karfreitag, bundesweit"},
            {"on": "2026-12-24..2027-01-01", "label": "Betriebsferien"},
            {"on": "01-03", "since": 1990, "label": "Ein Tag ohne VALUE=DATE"},
        ])
    );
}

#[test]
fn an_event_covers_the_days_up_to_its_end() {
    assert_eq!(of_event("DTSTART;VALUE=DATE:20260403"), json!(["2026-04-03"]));
    assert_eq!(of_event("DTSTART;VALUE=DATE:20260403\nDTEND;VALUE=DATE:20260403"), json!(["2026-04-03"]));
    assert_eq!(of_event("DTSTART;VALUE=DATE:20260403\nDURATION:P1D"), json!(["2026-04-03"]));
    assert_eq!(of_event("DTSTART;VALUE=DATE:20260403\nDURATION:P1W"), json!(["2026-04-03..2026-04-09"]));
    assert_eq!(of_event("DTSTART;VALUE=DATE:20241231\nDTEND;VALUE=DATE:20260101"), json!(["2024-12-31..2025-12-31"]));
}

#[test]
fn yearly_rules_hold_from_their_first_year_to_their_last() {
    let christmas = |rule: &str| of_event(&format!("DTSTART;VALUE=DATE:20201225\nRRULE:{rule}"));
    assert_eq!(christmas("FREQ=YEARLY"), json!([{"on": "12-25", "since": 2020}]));
    assert_eq!(christmas("FREQ=YEARLY;INTERVAL=1;WKST=SU;BYMONTH=12;BYMONTHDAY=25"), json!([{"on": "12-25", "since": 2020}]));
    assert_eq!(christmas("FREQ=YEARLY;COUNT=3"), json!([{"on": "12-25", "since": 2020, "until": 2022}]));
    assert_eq!(christmas("FREQ=YEARLY;UNTIL=20231225"), json!([{"on": "12-25", "since": 2020, "until": 2023}]));
    assert_eq!(christmas("FREQ=YEARLY;UNTIL=20231224T235959Z"), json!([{"on": "12-25", "since": 2020, "until": 2022}]));
    assert_eq!(christmas("freq=yearly;count=1"), json!([{"on": "12-25", "since": 2020, "until": 2020}]));
    let leap = "DTSTART;VALUE=DATE:20200229\nRRULE:FREQ=YEARLY;COUNT=3";
    assert_eq!(of_event(leap), json!([{"on": "02-29", "since": 2020, "until": 2028}]));
}

#[test]
fn several_days_a_year_are_an_entry_each_also_across_new_year() {
    let body = "DTSTART;VALUE=DATE:20201231\nDTEND;VALUE=DATE:20210102\nRRULE:FREQ=YEARLY;COUNT=2\nSUMMARY:Turn of the year";
    assert_eq!(
        of_event(body),
        json!([
            {"on": "12-31", "since": 2020, "until": 2021, "label": "Turn of the year"},
            {"on": "01-01", "since": 2021, "until": 2022, "label": "Turn of the year"},
        ])
    );
    let body = "DTSTART;VALUE=DATE:20210227\nDTEND;VALUE=DATE:20210302\nRRULE:FREQ=YEARLY";
    assert_eq!(reason(body), "it lasts over the end of February, which is not the same each year");
}

#[test]
fn weekdays_of_a_month_are_said() {
    let memorial_day = "DTSTART;VALUE=DATE:20260525\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO";
    assert_eq!(of_event(memorial_day), json!([{"on": "last MON of MAY", "since": 2026}]));
    let thanksgiving = "DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20301127";
    assert_eq!(of_event(thanksgiving), json!([{"on": "4th THU of NOV", "since": 2026, "until": 2029}]));
}

#[test]
fn what_cannot_be_said_is_left_out_and_reported() {
    let dated = |rest: &str| reason(&format!("DTSTART;VALUE=DATE:20260525\n{rest}"));
    let cases = [
        (dated("RRULE:FREQ=WEEKLY"), "RRULE:FREQ=WEEKLY cannot be said: only FREQ=YEARLY is"),
        (dated("RRULE:FREQ=YEARLY;INTERVAL=2"), "RRULE:FREQ=YEARLY;INTERVAL=2 cannot be said: of INTERVAL=2 nothing is known"),
        (dated("RRULE:FREQ=YEARLY;BYMONTH=5,6"), "RRULE:FREQ=YEARLY;BYMONTH=5,6 cannot be said: of BYMONTH=5,6 nothing is known"),
        (dated("RRULE:FREQ=YEARLY;BYDAY=MO"), "RRULE:FREQ=YEARLY;BYDAY=MO cannot be said: of BYDAY=MO nothing is known"),
        (dated("RRULE:FREQ=YEARLY;BYMONTH=6"), "the rule falls on other days than DTSTART"),
        (dated("RRULE:FREQ=YEARLY;BYMONTHDAY=25"), "the rule falls on other days than DTSTART"),
        (dated("RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=1MO"), "the rule falls on other days than DTSTART"),
        (dated("RRULE:FREQ=YEARLY;BYDAY=-1MO"), "BYDAY can only be said of one day, with BYMONTH and without BYMONTHDAY"),
        (dated("RRULE:FREQ=YEARLY;COUNT=2;UNTIL=20300101"), "the rule has both UNTIL and COUNT"),
        (dated("RRULE:FREQ=YEARLY;UNTIL=20200101"), "the rule ends before DTSTART"),
        (dated("EXDATE;VALUE=DATE:20270525"), "EXDATE changes its days; enter them by hand"),
        (dated("RDATE;VALUE=DATE:20270525"), "RDATE changes its days; enter them by hand"),
        (dated("STATUS:CANCELLED"), "it is cancelled"),
        (dated("DTEND;VALUE=DATE:20260524"), "it lasts -1 days; a holiday lasts 1 to 366"),
        (dated("DTEND;VALUE=DATE:20280101"), "it lasts 586 days; a holiday lasts 1 to 366"),
        (dated("DURATION:PT8H"), "DURATION PT8H is no number of whole days"),
        (reason("DTSTART:20260525T090000Z"), "it has a time of day; a holiday is a whole day"),
        (reason("DTSTART;TZID=Europe/Berlin:20260525T090000"), "it has a time of day; a holiday is a whole day"),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn what_is_left_out_is_found_by_line_and_label() {
    let text = file("BEGIN:VJOURNAL\nSUMMARY:Shop\nEND:VJOURNAL\nBEGIN:VEVENT\nDTSTART:20260101T100000\nSUMMARY:Brunch\nEND:VEVENT");
    let left = |line, label: Option<&str>, reason: &str| LeftOut { line, label: label.map(str::to_owned), reason: reason.to_owned() };
    assert_eq!(
        import(text.as_bytes()).unwrap().left_out,
        [
            left(3, None, "it is a VJOURNAL; only events become holidays"),
            left(6, Some("Brunch"), "it has a time of day; a holiday is a whole day"),
        ]
    );
}

#[test]
fn what_is_no_calendar_is_refused_with_its_line() {
    let cases = [
        (String::new(), "the file has no calendar; it must begin with BEGIN:VCALENDAR"),
        ("<html>".to_owned(), "line 1: `<html>` is no iCalendar line; write NAME:VALUE, in a file that begins with BEGIN:VCALENDAR"),
        ("BEGIN:VEVENT".to_owned(), "line 1: `BEGIN:VEVENT` stands outside of a calendar, which begins with BEGIN:VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n".to_owned(), "BEGIN:VEVENT of line 2 has no END:VEVENT"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR".to_owned(), "line 3: END:VCALENDAR ends nothing; END:VEVENT must come first"),
        ("END:VCALENDAR".to_owned(), "line 1: END:VCALENDAR ends nothing; no component is open"),
        (event("SUMMARY:No day"), "the event that begins on line 3 has no DTSTART"),
        (event("DTSTART;VALUE=DATE:20260230"), "line 4: `20260230` is no value of DTSTART; write a date such as 20261224"),
        (event("DTSTART:20260228\nDTSTART:20260301"), "line 5: DTSTART is given twice in one event"),
        (event("DTSTART:20260228\nRRULE:YEARLY"), "line 5: `YEARLY` is no value of RRULE; write a rule such as FREQ=YEARLY"),
        (event("DTSTART:20260228\nDURATION:1D"), "line 5: `1D` is no value of DURATION; write a duration such as P1D"),
        (file(&"BEGIN:VEVENT\n".repeat(8)), "line 10: components are nested more than 8 deep"),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected);
    }
}

#[test]
fn text_that_is_not_utf8_and_files_that_are_too_large_are_refused() {
    assert_eq!(import(b"BEGIN:VCALENDAR\nSUMMARY:\xff\n").unwrap_err(), IcsError::NotUtf8 { line: 2 });
    assert_eq!(import(&vec![b'\n'; MAX_BYTES + 1]).unwrap_err(), IcsError::TooLarge { size: MAX_BYTES + 1 });
    let many = "BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n".repeat(5001);
    assert_eq!(import(file(&many).as_bytes()).unwrap_err(), IcsError::TooMany { line: 2 + 3 * 5001 });
    let long = "BEGIN:VEVENT\nDTSTART:20260101\nDURATION:P366D\nEND:VEVENT\n".repeat(55);
    assert_eq!(import(file(&long).as_bytes()).unwrap_err(), IcsError::TooMany { line: 2 + 4 * 55 });
}

#[test]
fn a_character_that_folding_split_is_put_together() {
    let text =
        b"\xef\xbb\xbfBEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260106\nSUMMARY:Heilige Drei K\xc3\n \xb6nige\nEND:VEVENT\nEND:VCALENDAR";
    assert_eq!(holidays(&import(text).unwrap()), json!([{"on": "2026-01-06", "label": "Heilige Drei Könige"}]));
}

/// Whatever is read must be a calendar that can be kept.
fn is_sound(text: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(import) = import(text) {
        let json = serde_json::to_value(&import.calendar).unwrap();
        let read = BusinessCalendar::parse(&json);
        prop_assert_eq!(read.as_ref(), Ok(&import.calendar), "{}", json);
    }
    Ok(())
}

const KNOWN_LINES: [&str; 9] =
    ["BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "STATUS:CANCELLED", " folded", ""];

/// Lines that mean something, in any order.
fn any_line() -> impl Strategy<Value = String> {
    let number =
        || prop_oneof![Just("20260228".to_owned()), Just("20241231".to_owned()), "[0-9]{8}", "[0-9]{1,9}", Just("99991231".to_owned())];
    prop_oneof![
        3 => prop::sample::select(&KNOWN_LINES[..]).prop_map(str::to_owned),
        2 => number().prop_map(|number| format!("DTSTART:{number}")),
        1 => number().prop_map(|number| format!("DTEND;VALUE=DATE:{number}")),
        1 => "(DTSTART|DTEND|RRULE|DURATION|SUMMARY|X)[;:=A-Z0-9\",\\\\é-]{0,20}",
        1 => (number(), "[A-Z0-9=;-]{0,12}").prop_map(|(until, rest)| format!("RRULE:FREQ=YEARLY;UNTIL={until};{rest}")),
        1 => "RRULE:FREQ=YEARLY;(COUNT=[0-9]{1,5}|BYMONTH=[0-9]{1,2};BYDAY=-?[0-9](MO|SU|XX))",
        1 => "DURATION:P[0-9]{1,6}[DWH]",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        is_sound(&bytes)?;
    }

    #[test]
    fn random_lines_do_no_harm(lines in prop::collection::vec(any_line(), 0..30)) {
        is_sound(lines.join("\n").as_bytes())?;
    }

    #[test]
    fn random_events_do_no_harm(lines in prop::collection::vec(any_line().prop_filter("flat", |line| !line.contains("BEGIN") && !line.contains("END:")), 0..6)) {
        is_sound(event(&format!("DTSTART:20241231\n{}", lines.join("\n"))).as_bytes())?;
    }

    #[test]
    fn a_file_with_one_byte_changed_does_no_harm(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut text = event("DTSTART;VALUE=DATE:20201231\nDTEND;VALUE=DATE:20210102\nRRULE:FREQ=YEARLY;COUNT=2\nSUMMARY:Turn").into_bytes();
        let place = place.index(text.len());
        text[place] = byte;
        is_sound(&text)?;
    }
}
