//! `belfry schedule preview`: computed here, with neither server nor key.

use std::io::{BufRead, BufWriter, Write};

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use belfry_core::ports::WallClock;
use belfry_core::schedule::{Lateness, ScheduleContent};
use belfry_core::spec::cron::Cron;
use belfry_core::spec::{At, SHORTEST_INTERVAL, Spec};
use belfry_core::time::{UnixMillis, Zone, parse_duration};

use crate::arguments::{Global, Output, Preview};
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::{line, local_time};

/// The most times of one preview.
const MOST: usize = 100_000;

/// What is asked, in the one form of the flags and of a batch's lines.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(default)]
    id: Value,
    cron: Option<String>,
    every: Option<String>,
    start: Option<String>,
    at: Option<String>,
    rrule: Option<String>,
    timezone: Option<String>,
    after: Option<String>,
    count: Option<usize>,
    dialect: Option<String>,
}

pub fn run(arguments: &Preview, global: &Global) -> Result<(), Failure> {
    if arguments.batch {
        return batch();
    }
    let spec = &arguments.spec;
    let question = Question {
        id: Value::Null,
        cron: spec.cron.clone(),
        every: spec.every.clone(),
        start: spec.start.clone(),
        at: spec.at.clone(),
        rrule: arguments.rrule.clone(),
        timezone: spec.timezone.clone(),
        after: arguments.after.clone(),
        count: Some(arguments.count),
        dialect: arguments.dialect.clone(),
    };
    let zone = zone(question.timezone.as_deref()).map_err(Failure::WrongUse)?;
    let times = answer(&question, WallClock::now(&Host)).map_err(Failure::WrongUse)?;
    print(&times, &zone, arguments.details, global.output());
    let both_days = question.cron.as_deref().and_then(|cron| Cron::parse(cron).ok()).is_some_and(|cron| cron.day_fields_both_restricted());
    if both_days && global.output() == Output::Table {
        anstream::eprintln!("note: both day fields are restricted, so a day fires when either of them matches");
    }
    Ok(())
}

fn print(times: &[UnixMillis], zone: &Zone, details: bool, format: Output) {
    let local = |at: &UnixMillis| at.to_timestamp().to_zoned(zone.rules().clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let detail = |at: &UnixMillis| json!({ "time": at, "local": local(at), "timezone": zone.name() });
    match (format, details) {
        (Output::Json, false) => line!("{}", json!(times)),
        (Output::Json, true) => line!("{}", Value::Array(times.iter().map(detail).collect())),
        (Output::Jsonl, false) => times.iter().for_each(|at| line!("{}", json!(at))),
        (Output::Jsonl, true) => times.iter().for_each(|at| line!("{}", detail(at))),
        (Output::Table, _) if times.is_empty() => anstream::eprintln!("(no time is left)"),
        (Output::Table, _) => {
            let own_zone = TimeZone::system().iana_name() == Some(zone.name());
            for at in times {
                let here = if own_zone { String::new() } else { format!("   {}", local_time(&at.to_string())) };
                line!("{}  {}{here}", local(at), zone.name());
            }
        }
    }
}

/// One object a line in, one a line out, in order; a bad line is answered with its error.
fn batch() -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        writeln!(out, "{}", answer_line(&line))?;
    }
    out.flush()?;
    Ok(())
}

fn answer_line(line: &str) -> Value {
    match serde_json::from_str::<Question>(line) {
        Ok(question) => match answer(&question, WallClock::now(&Host)) {
            Ok(times) => json!({ "id": question.id, "times": times }),
            Err(error) => json!({ "id": question.id, "error": error }),
        },
        // The line's id is told where it can be read at all.
        Err(error) => {
            let id = serde_json::from_str::<Value>(line).ok().and_then(|value| value.get("id").cloned());
            json!({ "id": id.unwrap_or_default(), "error": error.to_string() })
        }
    }
}

fn answer(question: &Question, now: UnixMillis) -> Result<Vec<UnixMillis>, String> {
    let after = match &question.after {
        Some(text) => UnixMillis::floor(text.parse().map_err(|_| format!("after: `{text}` is no instant such as 2026-11-25T09:00:00Z"))?),
        None => now,
    };
    let count = question.count.unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(format!("count: {count} is not between 1 and {MOST}"));
    }
    let content = ScheduleContent {
        specs: vec![spec(question, after)?],
        timezone: zone(question.timezone.as_deref())?,
        start_at: None,
        end_at: None,
        input: Value::Null,
        lateness: Lateness::default(),
    };
    content.times_after(after, count).map_err(|error| error.to_string())
}

fn zone(name: Option<&str>) -> Result<Zone, String> {
    name.map_or_else(|| Ok(Zone::utc()), |name| Zone::named(name).map_err(|error| format!("timezone: {error}")))
}

fn spec(question: &Question, after: UnixMillis) -> Result<Spec, String> {
    if let Some(dialect) = question.dialect.as_deref().filter(|dialect| *dialect != "standard") {
        return Err(format!("dialect: `{dialect}` is not supported yet; leave it out for POSIX and Vixie cron"));
    }
    if question.start.is_some() && question.every.is_none() {
        return Err("start: it goes with every only".to_owned());
    }
    match (&question.cron, &question.every, &question.at, &question.rrule) {
        (Some(cron), None, None, None) => Cron::parse(cron).map(Spec::cron).map_err(|error| format!("cron: {error}")),
        (None, Some(every), None, None) => {
            let length = parse_duration(every).map_err(|error| format!("every: {error}"))?;
            if length < SHORTEST_INTERVAL {
                return Err(format!("every: `{every}` is shorter than a second"));
            }
            let start = question.start.as_deref().map(UnixMillis::parse_exact).transpose().map_err(|error| format!("start: {error}"))?;
            Ok(Spec::every(length, start.unwrap_or(after)))
        }
        (None, None, Some(at), None) => At::parse(at).map(Spec::at).map_err(|error| format!("at: {error}")),
        (None, None, None, Some(_)) => Err("rrule: not supported yet; use cron, every or at".to_owned()),
        _ => Err("give exactly one of cron, every and at".to_owned()),
    }
}
