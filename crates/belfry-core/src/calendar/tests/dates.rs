//! What the entries of a calendar name, and how they are written.

use jiff::civil::{Date, date};

use crate::calendar::{DateEntry, DateRule, DateSet, easter};

fn days_of(rules: &[&str], year: i16) -> Vec<String> {
    let set = DateSet::new(rules.iter().map(|text| DateEntry::new(text.parse().unwrap())).collect());
    let days = date(year, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| day.year() == year);
    days.filter(|day| set.entry(*day).is_some()).map(|day| day.to_string()).collect()
}

#[test]
fn easter_is_where_the_tables_have_it() {
    // From the tables of the United States Naval Observatory; the earliest and latest days among them.
    let known = [
        (1818, 3, 22),
        (1943, 4, 25),
        (1954, 4, 18),
        (1981, 4, 19),
        (2000, 4, 23),
        (2008, 3, 23),
        (2011, 4, 24),
        (2019, 4, 21),
        (2024, 3, 31),
        (2025, 4, 20),
        (2026, 4, 5),
        (2027, 3, 28),
        (2038, 4, 25),
        (2049, 4, 18),
        (2076, 4, 19),
        (2285, 3, 22),
    ];
    for (year, month, day) in known {
        assert_eq!(easter(year), date(year, month, day));
    }
}

#[test]
fn easter_is_a_sunday_from_22_march_to_25_april_in_every_year() {
    for year in -9999..=9999 {
        let day = easter(year);
        assert_eq!(day.weekday(), jiff::civil::Weekday::Sunday, "{year}");
        assert!((date(year, 3, 22)..=date(year, 4, 25)).contains(&day), "{day}");
    }
}

#[test]
fn each_form_names_its_days() {
    assert_eq!(days_of(&["2026-12-24"], 2026), ["2026-12-24"]);
    assert_eq!(days_of(&["2026-12-31..2027-01-02"], 2026), ["2026-12-31"]);
    assert_eq!(days_of(&["2026-12-31..2027-01-02"], 2027), ["2027-01-01", "2027-01-02"]);
    assert_eq!(days_of(&["12-25"], 2026), ["2026-12-25"]);
    assert_eq!(days_of(&["02-29"], 2026), [""; 0]);
    assert_eq!(days_of(&["02-29"], 2028), ["2028-02-29"]);
    assert_eq!(days_of(&["easter-2", "Easter", "easter + 39"], 2026), ["2026-04-03", "2026-04-05", "2026-05-14"]);
    assert_eq!(days_of(&["last mon of may", "4th THU of NOV"], 2026), ["2026-05-25", "2026-11-26"]);
    assert_eq!(days_of(&["5th SUN of FEB"], 2026), [""; 0]);
    assert_eq!(days_of(&["5th THU of JAN", "last THU of JAN"], 2026), ["2026-01-29"]);
}

#[test]
fn easter_offsets_stay_in_their_year_at_both_ends() {
    for year in [1818, 1943, 2008, 2024, 2038] {
        for offset in [-80_i16, 240] {
            let expected = easter(year).checked_add(jiff::Span::new().days(offset)).unwrap();
            assert_eq!(expected.year(), year);
            assert_eq!(days_of(&[&format!("easter{offset:+}")], year), [expected.to_string()]);
        }
    }
}

#[test]
fn what_is_written_is_read_again() {
    for text in
        ["2026-12-24", "2026-12-24..2026-12-31", "12-25", "02-29", "easter", "easter-2", "easter+39", "last MON of MAY", "1st SUN of JAN"]
    {
        assert_eq!(text.parse::<DateRule>().unwrap().to_string(), text);
    }
}

#[test]
fn other_texts_are_refused_with_what_is_wrong() {
    let cases = [
        ("", "`` names no day"),
        ("tomorrow", "`tomorrow` names no day"),
        ("20261224", "`20261224` names no day"),
        ("2026-12-24T00:00", "`2026-12-24T00:00` names no day"),
        ("2026-02-30", "`2026-02-30` names no day"),
        ("02-30", "`02-30` is a day that no year has"),
        ("13-01", "`13-01` is a day that no year has"),
        ("1-1", "`1-1` names no day"),
        ("easterly", "`easterly` names no day"),
        ("easter2", "`easter2` names no day"),
        ("easter-81", "`easter-81` is too far from Easter"),
        ("6th MON of MAY", "`6th MON of MAY` names no day"),
        ("last MON of", "`last MON of` names no day"),
        ("éaster-2", "`éaster-2` names no day"),
        ("2026-12-31..2026-12-24", "`2026-12-31..2026-12-24` ends before it begins"),
        ("2026-01-01..2027-01-02", "`2026-01-01..2027-01-02` is longer than 366 days"),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<DateRule>().unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_recurring_entry_holds_in_its_years_only() {
    let entry = DateEntry { since: Some(2018), until: Some(2020), ..DateEntry::new("10-31".parse().unwrap()) };
    let set = DateSet::new(vec![entry]);
    let holds: Vec<i16> = (2015..2025).filter(|year| set.entry(Date::new(*year, 10, 31).unwrap()).is_some()).collect();
    assert_eq!(holds, [2018, 2019, 2020]);
}
