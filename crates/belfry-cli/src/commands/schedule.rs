//! `belfry schedule …`

mod document;
mod revisions;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::instants::{Direction, instant};
use super::listing::{self, Query};
use super::named::{find_schedule, schedule_path, workflow_id};
use super::preview;
use crate::arguments::{Global, ListSchedules, Output, ScheduleVerb, SetSchedule};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub use document::{of_spec, read_instants, zone};

pub async fn run(verb: ScheduleVerb, global: &Global) -> Result<(), Failure> {
    if let ScheduleVerb::Preview(arguments) = verb {
        return preview::run(arguments, global);
    }
    let client = Client::new(global)?;
    match verb {
        ScheduleVerb::Set(set) => {
            let named = format!("{}/{}", set.workflow, set.name);
            let schedule = put(&client, set).await?;
            match global.output() {
                Output::Table => line!("{}", is_set(&named, &schedule)),
                format => output::object(&schedule, format),
            }
        }
        ScheduleVerb::Get { schedule } => {
            let mut found = client.get(&schedule_path(&client, &schedule).await?, &[]).await?;
            if global.output() == Output::Table {
                found["state"] = json!(state(&found));
            }
            output::ordered(&found, &FIRST, global.output());
        }
        ScheduleVerb::List(list) => show(&client, &list, global.output()).await?,
        ScheduleVerb::Pause { schedule } => switch(&client, &schedule, "pause", global).await?,
        ScheduleVerb::Resume { schedule } => switch(&client, &schedule, "resume", global).await?,
        ScheduleVerb::Delete { schedule } => {
            let path = schedule_path(&client, &schedule).await?;
            let etag = client.tagged(&path, &[]).await?.etag;
            client.delete(&path, etag.as_deref()).await?;
            line!("schedule {schedule} is deleted");
        }
        ScheduleVerb::Outcomes { schedule, page } => {
            let path = format!("{}/outcomes", schedule_path(&client, &schedule).await?);
            listing::show(&client, &path, Query::new(), &page, OUTCOME_COLUMNS, global.output()).await?;
        }
        ScheduleVerb::Revisions { schedule, page } => revisions::list(&client, &schedule, &page, global.output()).await?,
        ScheduleVerb::Diff { schedule, revision, against } => {
            revisions::diff(&client, &schedule, revision, against, global.output()).await?;
        }
        ScheduleVerb::Preview(_) => {}
    }
    Ok(())
}

/// What is looked for most, before the rest.
const FIRST: [&str; 8] = ["name", "description", "state", "next_times", "next_due_times", "last_error", "last_run_at", "run_count"];

const COLUMNS: &[output::Column] = &[
    ("WORKFLOW", |item| text(item, "workflow")),
    ("NAME", |item| text(item, "name")),
    ("DESCRIPTION", |item| text(item, "description")),
    ("NEXT RUN", |item| local(item, "next_run_at")),
    ("RUNS", |item| text(item, "run_count")),
    ("STATE", |item| state(item).to_owned()),
    ("ID", |item| text(item, "id")),
];

const OUTCOME_COLUMNS: &[output::Column] = &[
    ("FROM", |item| local(item, "from")),
    ("TO", |item| local(item, "to")),
    ("REASON", |item| text(item, "reason")),
    ("RECORDED", |item| local(item, "recorded_at")),
];

async fn show(client: &Client, list: &ListSchedules, format: Output) -> Result<(), Failure> {
    let query = finding(client, list).await?;
    if format != Output::Table {
        return listing::show(client, "/schedules", query, &list.page, COLUMNS, format).await;
    }
    let mut schedules = listing::fetch(client, "/schedules", query, &list.page).await?;
    name_workflows(client, &mut schedules).await?;
    output::list(&schedules, COLUMNS, format);
    Ok(())
}

async fn finding(client: &Client, list: &ListSchedules) -> Result<Query, Failure> {
    let workflow = match &list.workflow {
        Some(workflow) => Some(workflow_id(client, workflow).await?),
        None => None,
    };
    let bound = |flag, text: &Option<String>| text.as_deref().map(|text| instant(flag, text, Direction::Future)).transpose();
    let finding = &list.finding;
    let given = [
        ("workflow_id", workflow),
        ("name", list.name.clone()),
        ("q", finding.search.clone()),
        ("tag", finding.tag.clone()),
        ("is_active", finding.active.map(|is| is.to_string())),
        ("is_failing", finding.failing.map(|is| is.to_string())),
        ("calendar", list.calendar.clone()),
        ("next_run_from", bound("--next-from", &list.next_from)?),
        ("next_run_before", bound("--next-before", &list.next_before)?),
        ("sort", list.sort.clone()),
    ];
    Ok(given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
}

/// A table shows each schedule's workflow by name.
async fn name_workflows(client: &Client, list: &mut Value) -> Result<(), Failure> {
    let mut names: HashMap<String, String> = HashMap::new();
    for schedule in list["items"].as_array_mut().into_iter().flatten() {
        let id = text(schedule, "workflow_id");
        if !names.contains_key(&id) {
            let workflow = client.get(&format!("/workflows/{id}"), &[]).await?;
            names.insert(id.clone(), text(&workflow, "name"));
        }
        schedule["workflow"] = json!(names[&id]);
    }
    Ok(())
}

/// What became of a `set`, in one line.
fn is_set(named: &str, schedule: &Value) -> String {
    let then = match state(schedule) {
        "active" => format!("next {}", local(schedule, "next_run_at")),
        "failed" => format!("it failed: {}", text(schedule, "last_error")),
        "ended" => "nothing is left to fire".to_owned(),
        other => other.to_owned(),
    };
    format!("schedule {named} is set: {}; {then}", text(schedule, "description"))
}

fn state(schedule: &Value) -> &'static str {
    match (&schedule["is_active"], &schedule["last_error"], &schedule["next_run_at"]) {
        (Value::Bool(false), _, _) => "paused",
        (_, error, Value::Null) if !error.is_null() => "failed",
        (_, _, Value::Null) => "ended",
        _ => "active",
    }
}

async fn put(client: &Client, set: SetSchedule) -> Result<Value, Failure> {
    let name = set.name.clone();
    let workflow = set.workflow.clone();
    let body = document::of_set(set)?;
    let workflow = workflow_id(client, &workflow).await?;
    match find_schedule(client, &workflow, &name).await? {
        None if name == "default" => client.put(&format!("/workflows/{workflow}/schedule"), &body, None).await,
        None => {
            let mut named = body;
            named["name"] = json!(name);
            client.post(&format!("/workflows/{workflow}/schedules"), &named).await
        }
        Some(id) => {
            let path = format!("/schedules/{id}");
            let etag = client.tagged(&path, &[]).await?.etag;
            client.patch(&path, &body, etag.as_deref()).await
        }
    }
}

async fn switch(client: &Client, named: &str, verb: &str, global: &Global) -> Result<(), Failure> {
    let path = schedule_path(client, named).await?;
    let schedule = client.post(&format!("{path}/{verb}"), &json!({})).await?;
    match global.output() {
        Output::Table => line!("schedule {named} is {}", state(&schedule)),
        format => output::object(&schedule, format),
    }
    Ok(())
}
