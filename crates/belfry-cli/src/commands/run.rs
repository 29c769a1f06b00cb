//! `belfry run …`

mod logs;
mod watch;

use jiff::SignedDuration;
use serde_json::{Value, json};

use belfry_core::ports::Clock;

use super::instants::{Direction, instant};
use super::listing::{self, Query};
use super::named::{run_id, run_to_look_at, schedule_path, workflow_id};
use crate::arguments::{Global, ListRuns, Output, RunVerb};
use crate::client::Client;
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: RunVerb, global: &Global) -> Result<(), Failure> {
    let client = Client::new(global)?;
    match verb {
        RunVerb::List(list) => {
            let query = finding(&client, &list).await?;
            listing::show(&client, "/runs", query, &list.page, COLUMNS, global.output()).await
        }
        RunVerb::Get { run } => {
            let run = run_to_look_at(&client, &run).await?;
            show(&client.get(&path(&run), &[]).await?, global.output());
            Ok(())
        }
        RunVerb::Logs(logs) => logs::show(&client, &logs, global.output()).await,
        RunVerb::Watch { run } => watch::watch(&client, &run_to_look_at(&client, &run).await?, global.output()).await,
        RunVerb::Rerun { run, watch } => {
            let made = client.post(&format!("{}/rerun", path(run_id(&run)?)), &json!({})).await?;
            started(&client, &made, watch, global).await
        }
        RunVerb::Cancel { run } => {
            let answer = client.post(&format!("{}/cancel", path(run_id(&run)?)), &json!({})).await?;
            match global.output() {
                Output::Table => line!("run {run} is {}: {}", text(&answer, "state"), text(&answer, "detail")),
                format => output::object(&answer, format),
            }
            Ok(())
        }
    }
}

/// A new run: its id, which the next verb may take, or all that it does.
pub async fn started(client: &Client, run: &Value, watch: bool, global: &Global) -> Result<(), Failure> {
    if watch {
        return watch::watch(client, &text(run, "id"), global.output()).await;
    }
    match global.output() {
        Output::Table => line!("{}", text(run, "id")),
        format => output::object(run, format),
    }
    Ok(())
}

const COLUMNS: &[output::Column] = &[
    ("WORKFLOW", |item| text(item, "workflow_name")),
    ("STATE", |item| text(item, "state")),
    ("REASON", |item| text(item, "reason")),
    ("PLANNED", |item| local(item, "planned_at")),
    ("LATE MS", |item| text(item, "lateness_ms")),
    ("ID", |item| text(item, "id")),
];

/// How often a run that is followed is looked at.
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(500);
/// How long a server may be away while a run is followed: longer than a restart takes.
const LONGEST_ABSENCE: SignedDuration = SignedDuration::from_secs(60);

/// Looks again at a run that is followed. That its server restarts says nothing of the run.
async fn look_again(client: &Client, run: &str) -> Result<Value, Failure> {
    let begun = Host.boot();
    loop {
        Host.sleep(LOOK_EVERY).await;
        match client.get(&path(run), &[]).await {
            Err(Failure::Unreachable(_)) if Host.boot().since(begun) < LONGEST_ABSENCE => {}
            answered => return answered,
        }
    }
}

fn path(run: &str) -> String {
    format!("/runs/{run}")
}

async fn finding(client: &Client, list: &ListRuns) -> Result<Query, Failure> {
    let mut query = Query::new();
    if let Some(workflow) = &list.workflow {
        query.push(("workflow_id", workflow_id(client, workflow).await?));
    }
    if let Some(schedule) = &list.schedule {
        let path = schedule_path(client, schedule).await?;
        query.push(("schedule_id", path.trim_start_matches("/schedules/").to_owned()));
    }
    if !list.state.is_empty() {
        query.push(("state", list.state.join(",")));
    }
    for (flag, name, given) in [("--since", "planned_from", &list.since), ("--before", "planned_before", &list.before)] {
        if let Some(text) = given {
            query.push((name, instant(flag, text, Direction::Past)?));
        }
    }
    Ok(query)
}

fn show(run: &Value, format: Output) {
    if format != Output::Table {
        return output::object(run, format);
    }
    let mut fields = run.clone();
    let mut take = |field: &str| fields.as_object_mut().and_then(|fields| fields.remove(field)).unwrap_or_default();
    let (nodes, log) = (take("nodes"), take("log"));
    output::object(&fields, format);
    log.as_str().into_iter().flat_map(str::lines).for_each(|line| line!("  | {line}"));
    for node in nodes.as_array().into_iter().flatten() {
        line!("\n{}  {}{}", text(node, "id"), text(node, "state"), because(node));
        text(node, "log").lines().for_each(|line| line!("  | {line}"));
        if !node["output"].is_null() {
            line!("  output {}", node["output"]);
        }
    }
}

/// The error of a run or node, to be read after its state.
fn because(of: &Value) -> String {
    of["error"].as_str().map(|error| format!(": {error}")).unwrap_or_default()
}

fn nodes(run: &Value) -> impl Iterator<Item = &Value> {
    run["nodes"].as_array().into_iter().flatten()
}

fn has_ended(run: &Value) -> bool {
    !run["finished_at"].is_null()
}
