//! `belfry run …`

use std::collections::HashMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use belfry_core::ports::Clock;

use super::workflow_id;
use crate::arguments::{Global, Output, RunVerb};
use crate::client::Client;
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: RunVerb, global: &Global) -> Result<(), Failure> {
    let client = Client::new(global)?;
    match verb {
        RunVerb::List { workflow, state, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            if !state.is_empty() {
                query.push(("state", state.join(",")));
            }
            if let Some(workflow) = workflow {
                query.push(("workflow_id", workflow_id(&client, &workflow).await?));
            }
            output::list(&client.get("/runs", &query).await?, COLUMNS, global.output());
        }
        RunVerb::Get { run } => show(&client.get(&format!("/runs/{run}"), &[]).await?, global.output()),
        RunVerb::Watch { run } => watch(&client, &run, global).await?,
        RunVerb::Cancel { run } => {
            let answer = client.post(&format!("/runs/{run}/cancel"), &json!({})).await?;
            output::object(&answer, global.output());
        }
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

fn show(run: &Value, format: Output) {
    if format != Output::Table {
        return output::object(run, format);
    }
    let mut fields = run.clone();
    let nodes = fields.as_object_mut().and_then(|fields| fields.remove("nodes")).unwrap_or_default();
    output::object(&fields, format);
    for node in nodes.as_array().into_iter().flatten() {
        line!("\n{}  {}{}", text(node, "id"), text(node, "state"), suffix(node));
        text(node, "log").lines().for_each(|line| line!("  | {line}"));
        if !node["output"].is_null() {
            line!("  output {}", node["output"]);
        }
    }
}

fn suffix(node: &Value) -> String {
    match node["error"].as_str() {
        Some(error) => format!(": {error}"),
        None => String::new(),
    }
}

/// Prints each change of the run and its nodes until it ends; a run that does not succeed is a failure.
pub async fn watch(client: &Client, run: &str, global: &Global) -> Result<(), Failure> {
    let mut seen: HashMap<String, String> = HashMap::new();
    loop {
        let answer = client.get(&format!("/runs/{run}"), &[]).await?;
        if global.output() == Output::Table {
            for node in answer["nodes"].as_array().into_iter().flatten() {
                let (id, state) = (text(node, "id"), text(node, "state"));
                if seen.insert(id.clone(), state.clone()).as_ref() != Some(&state) {
                    line!("{id}  {state}{}", suffix(node));
                    text(node, "log").lines().for_each(|line| line!("  | {line}"));
                }
            }
        }
        if !answer["finished_at"].is_null() {
            return ended(&answer, global.output());
        }
        Host.sleep(SignedDuration::from_millis(500)).await;
    }
}

fn ended(run: &Value, format: Output) -> Result<(), Failure> {
    let state = text(run, "state");
    match format {
        Output::Table => line!("run {} {state}{}", text(run, "id"), suffix(run)),
        format => output::object(run, format),
    }
    match state.as_str() {
        "succeeded" | "delivered" => Ok(()),
        other => Err(Failure::Failed(anyhow::anyhow!("the run ended as {other}"))),
    }
}
