//! `belfry schedule preview`: computed here, with neither server nor key.

mod batch;
mod question;

use std::borrow::Cow;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use belfry_core::ports::WallClock;
use belfry_core::time::{UnixMillis, Zone};
use belfry_workflow::triggers::{PreviewResponse, PreviewTime, Wanted, preview, preview_of};

use self::question::{Asked, Question, Text, Zones};
use super::instants::{Direction, instant_in};
use super::schedule::{of_spec, read_instants, zone};
use crate::arguments::{Global, Output, Preview, SpecArguments};
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::{line, local_time};

pub fn run(mut arguments: Preview, global: &Global) -> Result<(), Failure> {
    if arguments.batch {
        return Ok(batch::answer(std::io::stdin().lock(), std::io::stdout().lock(), Host.now())?);
    }
    read_instants(&mut arguments.spec)?;
    if let Some(after) = &mut arguments.after {
        *after = instant_in("--after", after, Direction::Future, &zone(&arguments.spec))?;
    }
    let asked = if is_plain(&arguments.spec) { of_one_spec(&arguments) } else { of_schedule(&arguments) };
    let (preview, zone) = asked.map_err(without_calendars)?;
    if let Some(jitter) = &arguments.spec.jitter {
        anstream::eprintln!("note: each time is due up to {jitter} later; by how much depends on the schedule's id, so not in a preview");
    }
    match global.output() {
        Output::Json => line!("{}", documents(&preview)),
        Output::Jsonl => each_document(&preview).iter().for_each(|document| line!("{document}")),
        Output::Table => table(&preview, &zone),
    }
    Ok(())
}

/// What is kept by a server is not known here.
fn without_calendars(failure: Failure) -> Failure {
    match failure {
        Failure::WrongUse(text) if text.contains("there is no calendar `") => {
            Failure::WrongUse(format!("{text}; this preview asks no server and knows no stored calendars: POST /schedules/preview does"))
        }
        other => other,
    }
}

/// Whether it is what a line of a batch may ask: one spec, without what stands beside it in a schedule.
fn is_plain(given: &SpecArguments) -> bool {
    let beside = [&given.start_at, &given.end_at, &given.jitter].iter().any(|field| field.is_some());
    given.specs.is_empty() && given.exclude.is_empty() && given.file.is_none() && !beside
}

fn of_one_spec(arguments: &Preview) -> Result<(PreviewResponse, String), Failure> {
    let Asked { content, after, count } = asked(arguments).map_err(Failure::WrongUse)?;
    let named = arguments.display_timezone.as_deref().map(Zone::named).transpose();
    let display_timezone = named.map_err(|error| Failure::WrongUse(format!("--display-timezone: {error}")))?;
    let zone = display_timezone.as_ref().unwrap_or(&content.timezone).name().to_owned();
    let wanted = Wanted { after, count, previous: arguments.previous, details: arguments.details, display_timezone };
    let preview = preview_of(&content, &wanted).map_err(|error| Failure::WrongUse(error.to_string()))?;
    Ok((preview, zone))
}

/// As the API previews it.
fn of_schedule(arguments: &Preview) -> Result<(PreviewResponse, String), Failure> {
    let mut schedule = Value::Object(of_spec(&arguments.spec)?);
    let zone = arguments.display_timezone.as_deref().or(schedule["timezone"].as_str()).unwrap_or("UTC").to_owned();
    schedule["count"] = json!(arguments.count);
    schedule["previous"] = json!(arguments.previous);
    schedule["display_timezone"] = json!(arguments.display_timezone);
    schedule["details"] = json!(arguments.details);
    if let Some(after) = &arguments.after {
        schedule["after"] = json!(after);
    }
    Ok((preview(&schedule, Host.now())?, zone))
}

fn asked(arguments: &Preview) -> Result<Asked, String> {
    let given = &arguments.spec;
    let text = |text: &'_ Option<String>| text.as_ref().map(|text| Text(Cow::Owned(text.clone())));
    let calendar = given.calendar.as_deref().map(serde_json::from_str::<Value>);
    let question = Question {
        id: None,
        cron: text(&given.cron),
        every: text(&given.every),
        start: text(&given.start),
        at: text(&given.at),
        rrule: text(&given.rrule),
        calendar: calendar.transpose().map_err(|error| format!("calendar: it is no JSON: {error}"))?,
        timezone: text(&given.timezone),
        after: text(&arguments.after),
        count: Some(arguments.count),
        dialect: text(&given.dialect),
        gap: text(&given.gap),
        fold: text(&given.fold),
        dom_dow: text(&given.dom_dow),
    };
    question.read(Host.now(), &mut Zones::default())
}

/// An array of instants; of objects with details, or with earlier times, which are marked.
fn documents(preview: &PreviewResponse) -> Value {
    Value::Array(each_document(preview))
}

fn each_document(preview: &PreviewResponse) -> Vec<Value> {
    let to_come: Vec<Value> = match (&preview.details, &preview.previous_times) {
        (None, None) => preview.times.iter().map(|at| json!(at)).collect(),
        (None, Some(_)) => preview.times.iter().zip(&preview.times_local).map(|(at, local)| json!({"time": at, "local": local})).collect(),
        (Some(details), _) => details.iter().map(|detail| json!(detail)).collect(),
    };
    let earlier = previous(preview).map(|(at, local)| json!({"time": at, "local": local, "previous": true}));
    earlier.chain(to_come).collect()
}

/// The local time in the zone, that of the host where it differs, and with details what touched the time.
fn table(preview: &PreviewResponse, zone: &str) {
    let is_own_zone = TimeZone::system().iana_name() == Some(zone);
    let here = |at: &UnixMillis| if is_own_zone { String::new() } else { format!("   {}", local_time(&at.to_string())) };
    previous(preview).for_each(|(at, local)| line!("{local}  {zone}{}   before", here(at)));
    for (number, (at, local)) in preview.times.iter().zip(&preview.times_local).enumerate() {
        let touched = preview.details.as_ref().and_then(|details| details.get(number)).map(mark).unwrap_or_default();
        line!("{local}  {zone}{}{touched}", here(at));
    }
    preview.warnings.iter().for_each(|warning| anstream::eprintln!("note: {warning}"));
}

/// What comes before the instant that was asked about, with its local times.
fn previous(preview: &PreviewResponse) -> impl Iterator<Item = (&UnixMillis, &String)> {
    preview.previous_times.iter().flatten().zip(preview.previous_times_local.iter().flatten())
}

fn mark(detail: &PreviewTime) -> String {
    detail.touched.map(|touched| format!("   {}", touched.as_str())).unwrap_or_default()
}
