//! The dialect of Quartz.

use super::super::{Cron, CronRules, DayFields, Dialect};
use super::{cron, instant};
use crate::time::Zone;

fn quartz(text: &str) -> Cron {
    Cron::parse_in(text, Dialect::Quartz).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// Its occurrences from 2026 on are those of an expression in the standard dialect.
#[track_caller]
fn assert_same(in_quartz: &str, standard: &str) {
    let zone = Zone::named("Europe/Berlin").unwrap();
    let times = |cron: Cron| {
        let follow = |at: &_| cron.next_after(zone.rules(), *at);
        std::iter::successors(follow(&instant("2026-01-01T00:00:00Z")), follow).take(100).collect::<Vec<_>>()
    };
    assert_eq!(times(quartz(in_quartz)), times(cron(standard)), "{in_quartz} and {standard}");
}

#[test]
fn weekdays_are_counted_from_sunday_as_1() {
    let table = [
        ("0 0 12 ? * 1", "0 12 * * SUN"),
        ("0 0 12 ? * 7", "0 12 * * SAT"),
        ("0 0 12 ? * 2-6", "0 12 * * MON-FRI"),
        ("0 0 12 ? * MON-FRI", "0 12 * * MON-FRI"),
        ("0 0 12 ? * FRI-SUN", "0 12 * * FRI-SUN"),
        ("0 0 12 ? * SUN-TUE", "0 12 * * SUN-TUE"),
        ("0 0 12 ? * 2/2", "0 12 * * MON,WED,FRI"),
        ("0 0 12 ? * */2", "0 12 * * SUN,TUE,THU,SAT"),
        ("0 0 12 ? * 1-7", "0 12 * * *"),
        ("0 0 12 ? * 6L", "0 12 * * 5L"),
        ("0 0 12 ? * 1L", "0 12 * * SUNL"),
        ("0 0 12 ? * friL", "0 12 * * FRIL"),
        ("0 0 12 ? * 6#3", "0 12 * * FRI#3"),
        ("0 0 12 ? * 1#1,7#2", "0 12 * * SUN#1,SAT#2"),
    ];
    for (in_quartz, standard) in table {
        assert_same(in_quartz, standard);
    }
}

#[test]
fn a_lone_l_among_the_weekdays_is_saturday() {
    assert_same("0 0 12 ? * L", "0 12 * * SAT");
    assert_same("0 0 12 ? * MON,l", "0 12 * * MON,SAT");
}

/// From Quartz's own tutorial.
#[test]
fn the_examples_of_quartz_are_read() {
    let table = [
        ("0 0 12 * * ?", "0 12 * * *"),
        ("0 15 10 ? * *", "15 10 * * *"),
        ("0 15 10 * * ? *", "15 10 * * *"),
        ("0 15 10 * * ? 2028", "0 15 10 * * * 2028"),
        ("0 0/5 14,18 * * ?", "0/5 14,18 * * *"),
        ("0 10,44 14 ? 3 WED", "10,44 14 * 3 WED"),
        ("0 15 10 L * ?", "15 10 L * *"),
        ("0 15 10 L-2 * ?", "15 10 L-2 * *"),
        ("0 15 10 LW * ?", "15 10 LW * *"),
        ("0 15 10 15W * ?", "15 10 15W * *"),
        ("0 15 10 ? * 6L 2026-2029", "0 15 10 * * 5L 2026-2029"),
        ("0 0 12 1/5 * ?", "0 12 1/5 * *"),
        ("0 11 11 11 11 ?", "11 11 11 11 *"),
    ];
    for (in_quartz, standard) in table {
        assert_same(in_quartz, standard);
    }
}

#[test]
fn the_dialect_is_part_of_the_expression() {
    let (in_quartz, standard) = (quartz("0 0 12 ? * 1"), cron("0 0 12 ? * 1"));
    assert_eq!((in_quartz.dialect(), standard.dialect()), (Dialect::Quartz, Dialect::Standard));
    assert_ne!(in_quartz, standard);
    assert_eq!(in_quartz, quartz("0 0 12 ? * 1"));
    assert_eq!(serde_json::to_string(&in_quartz).unwrap(), "\"0 0 12 ? * 1\"");
    assert_eq!(serde_json::to_string(&Dialect::Quartz).unwrap(), "\"quartz\"");
    assert!(!in_quartz.day_fields_both_restricted());
}

#[test]
fn the_names_of_the_rules_are_those_of_the_documents() {
    let rules: CronRules = serde_json::from_str(r#"{"gap": "shift", "fold": "both", "dom_dow": "and"}"#).unwrap();
    assert_eq!(serde_json::to_string(&rules).unwrap(), r#"{"gap":"shift","fold":"both","dom_dow":"and"}"#);
    assert_eq!(rules.dom_dow, DayFields::And);
    assert_eq!(serde_json::from_str::<CronRules>("{}").unwrap(), CronRules::default());
    assert_eq!(serde_json::to_string(&CronRules::default()).unwrap(), r#"{"gap":"next","fold":"first","dom_dow":"or"}"#);
}

#[test]
fn every_refusal_names_the_value_and_what_would_do() {
    let days = |day, weekday, instead: &str| {
        format!(
            "in the Quartz dialect exactly one of the day fields is `?`, but day-of-month is `{day}` and day-of-week `{weekday}`; {instead}"
        )
    };
    let count = |count| {
        format!(
            "a Quartz expression has six fields (second minute hour day-of-month month day-of-week), or seven with the year last, \
             but {count} were found; without seconds, leave `dialect` out or put a 0 first"
        )
    };
    let text = |text: &str| text.to_owned();
    let table = [
        ("0 12 * * ?", count(5)),
        ("0 0 12 * * ? 2027 1", count(8)),
        ("0 0 12 * * *", days("*", "*", "write day-of-month `*` and day-of-week `?`")),
        ("0 0 12 1,15 * *", days("1,15", "*", "write day-of-month `1,15` and day-of-week `?`")),
        ("0 0 12 * * MON", days("*", "MON", "write day-of-month `?` and day-of-week `MON`")),
        ("0 0 12 ? * ?", days("?", "?", "write `*` for one of them")),
        ("0 0 12 1 * MON", days("1", "MON", "write `?` for one of them, or use the standard dialect, which takes both")),
        ("0 0 12 ? * 0", text("`0` in day-of-week is out of range; use 1 to 7 (1 is Sunday) or SUN to SAT")),
        ("0 0 12 ? * 8", text("`8` in day-of-week is out of range; use 1 to 7 (1 is Sunday) or SUN to SAT")),
        ("0 0 12 ? * 6-1", text("`6-1` in day-of-week runs backwards; write `6-7,1`")),
        ("0 0 12 ? * FRI-MON", text("`FRI-MON` in day-of-week runs backwards; write `FRI-7,1-MON`")),
        ("0 0 22-2 * * ?", text("`22-2` in hour runs backwards; write `22-23,0-2`")),
        (
            "0 0 12 ? * 6#6",
            text("`6#6` in day-of-week: use `6#1` to `6#5`, for no weekday comes more often in a month, or `6L` for the last"),
        ),
        ("@daily", text("`@daily` is not of the Quartz dialect; write `0 0 0 * * ?`, or leave `dialect` out")),
        ("0 0 0 30 2 ?", text("day-of-month `30` does not come in month `2`, so this would never fire; use a day that the month has")),
    ];
    for (text, message) in table {
        assert_eq!(Cron::parse_in(text, Dialect::Quartz).unwrap_err().to_string(), message, "{text}");
    }
    for macro_name in ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"] {
        let error = Cron::parse_in(macro_name, Dialect::Quartz).unwrap_err().to_string();
        let offered = error.split('`').nth(3).unwrap();
        assert_same(offered, macro_name);
    }
}
