//! `belfry schedule …`

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use belfry_core::ids::ScheduleId;

use super::{first_id, parse_json, preview, workflow_id};
use crate::arguments::{Global, Output, ScheduleVerb, SetSchedule};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: ScheduleVerb, global: &Global) -> Result<(), Failure> {
    if let ScheduleVerb::Preview(arguments) = verb {
        return preview::run(&arguments, global);
    }
    let client = Client::new(global)?;
    match verb {
        ScheduleVerb::Set(set) => {
            let schedule = put(&client, set).await?;
            output::object(&schedule, global.output());
        }
        ScheduleVerb::Get { schedule } => {
            output::object(&client.get(&path(&client, &schedule).await?, &[]).await?, global.output());
        }
        ScheduleVerb::List { workflow, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            if let Some(workflow) = workflow {
                query.push(("workflow_id", workflow_id(&client, &workflow).await?));
            }
            let mut list = client.get("/schedules", &query).await?;
            if global.output() == Output::Table {
                name_workflows(&client, &mut list).await?;
            }
            output::list(&list, COLUMNS, global.output());
        }
        ScheduleVerb::Pause { schedule } => switch(&client, &schedule, "pause", global).await?,
        ScheduleVerb::Resume { schedule } => switch(&client, &schedule, "resume", global).await?,
        ScheduleVerb::Delete { schedule } => {
            let path = path(&client, &schedule).await?;
            let etag = client.tagged(&path, &[]).await?.etag;
            client.delete(&path, etag.as_deref()).await?;
            line!("schedule {schedule} is deleted");
        }
        ScheduleVerb::Outcomes { schedule, limit } => {
            let path = format!("{}/outcomes", path(&client, &schedule).await?);
            output::list(&client.get(&path, &[("limit", limit.to_string())]).await?, OUTCOME_COLUMNS, global.output());
        }
        ScheduleVerb::Preview(_) => {}
    }
    Ok(())
}

const COLUMNS: &[output::Column] = &[
    ("WORKFLOW", |item| text(item, "workflow")),
    ("NAME", |item| text(item, "name")),
    ("DESCRIPTION", |item| text(item, "description")),
    ("NEXT RUN", |item| local(item, "next_run_at")),
    ("RUNS", |item| text(item, "run_count")),
    ("STATE", |item| state(item).to_owned()),
    ("ID", |item| text(item, "id")),
];

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

const OUTCOME_COLUMNS: &[output::Column] = &[
    ("FROM", |item| local(item, "from")),
    ("TO", |item| local(item, "to")),
    ("REASON", |item| text(item, "reason")),
    ("RECORDED", |item| local(item, "recorded_at")),
];

fn state(schedule: &Value) -> &'static str {
    match (&schedule["is_active"], &schedule["last_error"], &schedule["next_run_at"]) {
        (Value::Bool(false), _, _) => "paused",
        (_, error, Value::Null) if !error.is_null() => "failed",
        (_, _, Value::Null) => "ended",
        _ => "active",
    }
}

/// A schedule as it is named: its id, `WORKFLOW` or `WORKFLOW/NAME`.
async fn path(client: &Client, named: &str) -> Result<String, Failure> {
    if named.parse::<ScheduleId>().is_ok() && !matches!(client.get(&format!("/schedules/{named}"), &[]).await, Err(Failure::NotFound(_))) {
        return Ok(format!("/schedules/{named}"));
    }
    let (workflow, name) = named.split_once('/').unwrap_or((named, "default"));
    let id = workflow_id(client, workflow).await?;
    let found = find(client, &id, name).await?;
    found.map(|id| format!("/schedules/{id}")).ok_or_else(|| {
        Failure::NotFound(format!("workflow {workflow} has no schedule named `{name}`; see `belfry schedule list --workflow {workflow}`"))
    })
}

async fn find(client: &Client, workflow: &str, name: &str) -> Result<Option<String>, Failure> {
    let query = [("workflow_id", workflow.to_owned()), ("name", name.to_owned())];
    Ok(first_id(&client.get("/schedules", &query).await?))
}

async fn put(client: &Client, set: SetSchedule) -> Result<Value, Failure> {
    let workflow = workflow_id(client, &set.workflow).await?;
    let name = set.name.clone();
    let body = document(set)?;
    match find(client, &workflow, &name).await? {
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

/// What was given; what was not stays as it is.
fn document(set: SetSchedule) -> Result<Value, Failure> {
    let mut document = Map::new();
    let spec = set.spec;
    let given = [
        ("cron", spec.cron),
        ("every", spec.every),
        ("at", spec.at),
        ("start", spec.start),
        ("timezone", spec.timezone),
        ("catch_up", set.catch_up),
        ("catch_up_window", set.catch_up_window),
        ("missed_after", set.missed_after),
        ("start_at", set.start_at),
        ("end_at", set.end_at),
    ];
    document.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))));
    if let Some(input) = set.input {
        document.insert("input".to_owned(), parse_json("--input", &input)?);
    }
    if document.is_empty() {
        return Err(Failure::WrongUse("nothing to set; give --cron, --every, --at, or what else is to change".to_owned()));
    }
    Ok(Value::Object(document))
}

async fn switch(client: &Client, named: &str, verb: &str, global: &Global) -> Result<(), Failure> {
    let path = path(client, named).await?;
    let schedule = client.post(&format!("{path}/{verb}"), &json!({})).await?;
    match global.output() {
        Output::Table => line!("schedule {named} is {}", state(&schedule)),
        format => output::object(&schedule, format),
    }
    Ok(())
}
