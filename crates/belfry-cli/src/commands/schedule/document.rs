//! A schedule as flags and files give it, in the one shape that the API reads: what `set` sends, and what `preview` asks.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use belfry_core::time::Zone;
use belfry_workflow::triggers::READ_ONLY;

use super::super::instants::{Direction, instant_in, local_or_instant};
use super::super::{parse_json, read_json};
use crate::arguments::{SetSchedule, SpecArguments};
use crate::failure::Failure;

/// The fields that say when, of which a flag replaces all that a file has.
const SPEC: [&str; 8] = ["cron", "dialect", "every", "start", "at", "rrule", "calendar", "specs"];

/// What was given; what was not stays as it is.
pub fn of_set(mut set: SetSchedule) -> Result<Value, Failure> {
    read_instants(&mut set.spec)?;
    let mut document = of_spec(&set.spec)?;
    let given = [("catch_up", set.catch_up), ("catch_up_window", set.catch_up_window), ("missed_after", set.missed_after)];
    document.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))));
    if let Some(input) = set.input {
        document.insert("input".to_owned(), parse_json("--input", &input)?);
    }
    if set.paused {
        document.insert("is_active".to_owned(), Value::Bool(false));
    }
    // In a patch, null sets the default.
    document.extend(set.unset.into_iter().map(|field| (field, Value::Null)));
    if document.is_empty() {
        return Err(Failure::WrongUse("nothing to set; give --cron, --every, --at, --file or what else is to change".to_owned()));
    }
    Ok(Value::Object(document))
}

/// Instants as people type them become those that the API reads. A local time is of `--timezone`, where that is given, else of
/// the host's; that of `--at` is left to the schedule's.
pub fn read_instants(given: &mut SpecArguments) -> Result<(), Failure> {
    let zone = zone(given);
    for (flag, field) in [("--start", &mut given.start), ("--start-at", &mut given.start_at), ("--end-at", &mut given.end_at)] {
        if let Some(text) = field {
            *text = instant_in(flag, text, Direction::Future, &zone)?;
        }
    }
    if let Some(at) = &mut given.at {
        *at = local_or_instant("--at", at, Direction::Future)?;
    }
    Ok(())
}

/// A zone that is none is refused by whoever plans in it.
pub fn zone(given: &SpecArguments) -> TimeZone {
    let named = given.timezone.as_deref().and_then(|name| Zone::named(name).ok());
    named.map_or_else(TimeZone::system, |zone| zone.rules().clone())
}

/// The part that a preview has too.
pub fn of_spec(given: &SpecArguments) -> Result<Map<String, Value>, Failure> {
    let mut document = match &given.file {
        Some(file) => of_file(read_json(file)?)?,
        None => Map::new(),
    };
    let names_a_spec = [&given.cron, &given.every, &given.at, &given.rrule, &given.calendar].iter().any(|spec| spec.is_some());
    if names_a_spec || !given.specs.is_empty() {
        SPEC.iter().for_each(|field| drop(document.remove(*field)));
    }
    let texts = [
        ("cron", &given.cron),
        ("dialect", &given.dialect),
        ("every", &given.every),
        ("start", &given.start),
        ("at", &given.at),
        ("rrule", &given.rrule),
        ("timezone", &given.timezone),
        ("gap", &given.gap),
        ("fold", &given.fold),
        ("dom_dow", &given.dom_dow),
        ("start_at", &given.start_at),
        ("end_at", &given.end_at),
        ("jitter", &given.jitter),
    ];
    document.extend(texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    if let Some(calendar) = &given.calendar {
        document.insert("calendar".to_owned(), parse_json("--calendar", calendar)?);
    }
    if !given.specs.is_empty() {
        let specs: Result<Vec<Value>, Failure> = given.specs.iter().map(|spec| parse_json("--spec", spec)).collect();
        document.insert("specs".to_owned(), Value::Array(specs?));
    }
    if !given.exclude.is_empty() {
        let excluded: Result<Vec<Value>, Failure> = given.exclude.iter().map(|text| exclusion(text)).collect();
        document.insert("exclude".to_owned(), Value::Array(excluded?));
    }
    Ok(document)
}

fn of_file(document: Value) -> Result<Map<String, Value>, Failure> {
    let Value::Object(mut fields) = document else {
        return Err(Failure::WrongUse("--file: it is no schedule; a schedule is a JSON object such as {\"cron\": \"@daily\"}".to_owned()));
    };
    // What `schedule get --json` printed can be set as it is; which schedule it is says the argument.
    READ_ONLY.iter().chain(&["name"]).for_each(|field| drop(fields.remove(*field)));
    Ok(fields)
}

/// JSON, or days as people write them.
fn exclusion(text: &str) -> Result<Value, Failure> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        return parse_json("--exclude", text);
    }
    let days: Vec<&str> = text.split(',').map(str::trim).filter(|day| !day.is_empty()).collect();
    Ok(json!({ "dates": days }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command, ScheduleVerb};

    fn set(arguments: &[&str]) -> Result<Value, Failure> {
        let parsed = Arguments::try_parse_from([&["belfry", "schedule", "set", "w"], arguments].concat()).unwrap();
        match parsed.command {
            Command::Schedule(ScheduleVerb::Set(set)) => of_set(set),
            _ => panic!("another verb was read"),
        }
    }

    #[test]
    fn everything_that_a_schedule_can_have_has_a_flag() {
        let given = set(&[
            "--spec",
            r#"{"cron": "0 9 * * MON"}"#,
            "--spec",
            r#"{"every": "PT1H"}"#,
            "--timezone",
            "Europe/Berlin",
            "--exclude",
            "12-25, easter",
            "--exclude",
            r#"{"rrule": "FREQ=MONTHLY"}"#,
            "--gap",
            "skip",
            "--fold",
            "both",
            "--dom-dow",
            "and",
            "--start-at",
            "2026-01-01T00:00:00Z",
            "--end-at",
            "2027-01-01T00:00:00Z",
            "--jitter",
            "PT5M",
            "--input",
            r#"{"a": 1}"#,
            "--catch-up",
            "all",
            "--catch-up-window",
            "2h",
            "--missed-after",
            "5m",
            "--paused",
        ]);
        assert_eq!(
            given.unwrap(),
            json!({
                "specs": [{"cron": "0 9 * * MON"}, {"every": "PT1H"}], "timezone": "Europe/Berlin",
                "exclude": [{"dates": ["12-25", "easter"]}, {"rrule": "FREQ=MONTHLY"}], "gap": "skip", "fold": "both", "dom_dow": "and",
                "start_at": "2026-01-01T00:00:00Z", "end_at": "2027-01-01T00:00:00Z", "jitter": "PT5M", "input": {"a": 1}, "catch_up": "all",
                "catch_up_window": "2h", "missed_after": "5m", "is_active": false
            })
        );
        assert_eq!(set(&["--cron", "0 0 9 ? * 2", "--dialect", "quartz"]).unwrap(), json!({"cron": "0 0 9 ? * 2", "dialect": "quartz"}));
        assert_eq!(set(&["--unset", "end_at,exclude"]).unwrap(), json!({"end_at": null, "exclude": null}));
        assert!(matches!(set(&[]), Err(Failure::WrongUse(_))));
        let bounded = ["--timezone", "Europe/Berlin", "--start-at", "2026-12-01", "--end-at", "2026-12-31T18:00", "--at", "2026-12-24"];
        assert_eq!(
            set(&bounded).unwrap(),
            json!({
                "timezone": "Europe/Berlin", "start_at": "2026-11-30T23:00:00Z", "end_at": "2026-12-31T17:00:00Z",
                "at": "2026-12-24T00:00"
            })
        );
        assert!(set(&["--end-at", "2h"]).unwrap()["end_at"].is_string());
    }

    #[test]
    fn a_flag_outweighs_the_file_and_what_the_api_added_is_left_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = json!({"id": "x", "revision": 3, "every": "PT1H", "start": "2026-01-01T00:00:00Z", "timezone": "UTC", "next_times": []});
        std::fs::write(file.path(), read.to_string()).unwrap();
        let path = file.path().to_str().unwrap();
        let as_it_is = json!({"every": "PT1H", "start": "2026-01-01T00:00:00Z", "timezone": "UTC"});
        assert_eq!(set(&["--file", path]).unwrap(), as_it_is);
        assert_eq!(set(&["--file", path, "--cron", "@daily"]).unwrap(), json!({"cron": "@daily", "timezone": "UTC"}));
    }
}
