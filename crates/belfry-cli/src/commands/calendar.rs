//! `belfry calendar …`

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::listing::{self, Query};
use super::parse_json;
use crate::arguments::{CalendarDays, CalendarVerb, Global, Output, SetCalendar};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: CalendarVerb, global: &Global) -> Result<(), Failure> {
    let client = Client::new(global)?;
    match verb {
        CalendarVerb::Set(arguments) => return set(&client, &arguments, global).await,
        CalendarVerb::Get { calendar } => output::object(&client.get(&path(&calendar)?, &[]).await?, global.output()),
        CalendarVerb::List { search, page } => {
            let query: Query = search.map(|part| ("q", part)).into_iter().collect();
            listing::show(&client, "/calendars", query, &page, COLUMNS, global.output()).await?;
        }
        CalendarVerb::Revisions { calendar, page } => {
            let path = format!("{}/revisions", path(&calendar)?);
            listing::show(&client, &path, Query::new(), &page, REVISION_COLUMNS, global.output()).await?;
        }
        CalendarVerb::Days(arguments) => return days(&client, &arguments, global).await,
        CalendarVerb::Delete { calendar } => {
            let path = path(&calendar)?;
            let etag = client.tagged(&path, &[]).await?.etag;
            client.delete(&path, etag.as_deref()).await.map_err(|failure| in_use(failure, &calendar))?;
            line!("calendar {calendar} is deleted");
        }
    }
    Ok(())
}

/// Says what to type where schedules or other calendars still use it.
fn in_use(failure: Failure, calendar: &str) -> Failure {
    match failure {
        Failure::Failed(error) if error.to_string().contains("is used by ") => {
            Failure::Failed(anyhow::anyhow!("{error}\ntype: belfry schedule list --calendar {calendar}"))
        }
        other => other,
    }
}

const COLUMNS: &[output::Column] = &[
    ("NAME", |item| text(item, "name")),
    ("REVISION", |item| text(item, "revision")),
    ("HOLIDAYS", |item| text(item, "holidays")),
    ("BUILDS ON", |item| names(&item["union"])),
    ("UPDATED", |item| local(item, "updated_at")),
];

const REVISION_COLUMNS: &[output::Column] = &[
    ("REVISION", |item| text(item, "revision")),
    ("HOLIDAYS", |item| item["calendar"]["holidays"].as_array().map_or(0, Vec::len).to_string()),
    ("BUILDS ON", |item| names(&item["calendar"]["union"])),
    ("MADE", |item| local(item, "created_at")),
];

const DAY_COLUMNS: &[output::Column] = &[
    ("DATE", |item| text(item, "date")),
    ("DAY", |item| text(item, "weekday")),
    ("KIND", |item| text(item, "kind")),
    ("LABEL", |item| text(item, "label")),
    ("CALENDAR", |item| text(item, "calendar")),
];

fn names(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// What the API adds to a calendar: what `calendar get --json` printed can be set as it is.
const READ_ONLY: [&str; 5] = ["name", "revision", "created_at", "updated_at", "planned_anew"];

async fn set(client: &Client, arguments: &SetCalendar, global: &Global) -> Result<(), Failure> {
    let (name, path) = (&arguments.calendar, path(&arguments.calendar)?);
    let file = read(&arguments.file)?;
    let standing = match client.tagged(&path, &[]).await {
        Err(Failure::NotFound(_)) => None,
        found => Some(found?),
    };
    let etag = standing.as_ref().and_then(|standing| standing.etag.as_deref());
    let (calendar, answer) = if is_icalendar(&arguments.file, &file) {
        let answer = client.post_calendar(&format!("{path}/import"), file, etag).await?;
        (answer["calendar"].clone(), answer)
    } else {
        let mut body = parse_json(&arguments.file.display().to_string(), &file)?;
        if let Some(fields) = body.as_object_mut() {
            READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
        }
        let answer = client.put(&path, &body, etag).await?;
        (answer.clone(), answer)
    };
    if global.output() != Output::Table {
        output::object(&answer, global.output());
        return Ok(());
    }
    let done = match &standing {
        None => "created",
        Some(standing) if standing.object["revision"] == calendar["revision"] => "unchanged",
        Some(_) => "updated",
    };
    let planned = &calendar["planned_anew"];
    line!("calendar {name} {done} (revision {}, {planned} schedules planned anew)", calendar["revision"]);
    for left_out in answer["left_out"].as_array().into_iter().flatten() {
        anstream::eprintln!("left out, line {}: {} {}", left_out["line"], text(left_out, "label"), text(left_out, "reason"));
    }
    Ok(())
}

async fn days(client: &Client, arguments: &CalendarDays, global: &Global) -> Result<(), Failure> {
    let mut query = Vec::new();
    match arguments.year {
        Some(year) => query.extend([("from", format!("{year}-01-01")), ("to", format!("{year}-12-31"))]),
        None => {
            query.extend(arguments.from.clone().map(|from| ("from", from)));
            query.extend(arguments.to.clone().map(|to| ("to", to)));
        }
    }
    let mut answer = client.get(&format!("{}/days", path(&arguments.calendar)?), &query).await?;
    if let Some(items) = answer["items"].as_array_mut().filter(|_| !arguments.weekends) {
        items.retain(|day| day["kind"] != "weekend");
    }
    output::list(&answer, DAY_COLUMNS, global.output());
    if global.output() == Output::Table {
        anstream::eprintln!("({} business days from {} to {})", answer["business_days"], text(&answer, "from"), text(&answer, "to"));
    }
    Ok(())
}

/// A name that is none must not become another address.
fn path(name: &str) -> Result<String, Failure> {
    match belfry_core::workflow::is_name(name) {
        true => Ok(format!("/calendars/{name}")),
        false => Err(Failure::WrongUse(format!(
            "`{name}` is no name of a calendar: it has letters, digits, `_`, `.` and `-`, beginning with a letter or digit"
        ))),
    }
}

fn is_icalendar(path: &Path, file: &str) -> bool {
    let is_named_so = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ics"));
    is_named_so || file.trim_start_matches('\u{feff}').starts_with("BEGIN:VCALENDAR")
}

fn read(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(|error| Failure::WrongUse(format!("cannot read {}: {error}", path.display())))
}
