//! `belfry workflow …`

use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::{parse_json, workflow_id};
use crate::arguments::{Global, WorkflowVerb};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: WorkflowVerb, global: &Global) -> Result<(), Failure> {
    let client = Client::new(global)?;
    match verb {
        WorkflowVerb::Apply { file } => apply(&client, &file, global).await,
        WorkflowVerb::List { tag, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(tag.map(|tag| ("tag", tag)));
            output::list(&client.get("/workflows", &query).await?, COLUMNS, global.output());
            Ok(())
        }
        WorkflowVerb::Get { workflow } => {
            let id = workflow_id(&client, &workflow).await?;
            output::object(&client.get(&format!("/workflows/{id}"), &[]).await?, global.output());
            Ok(())
        }
        WorkflowVerb::Delete { workflow } => {
            let path = format!("/workflows/{}", workflow_id(&client, &workflow).await?);
            let etag = client.tagged(&path, &[]).await?.etag;
            client.delete(&path, etag.as_deref()).await?;
            line!("workflow {workflow} is deleted");
            Ok(())
        }
        WorkflowVerb::Run { workflow, input, watch } => start(&client, &workflow, input, watch, global).await,
    }
}

const COLUMNS: &[output::Column] = &[
    ("NAME", |item| text(item, "name")),
    ("VERSION", |item| text(item, "version")),
    ("QUEUE", |item| text(item, "queue")),
    ("UPDATED", |item| local(item, "updated_at")),
    ("ID", |item| text(item, "id")),
];

/// What the API adds to a workflow: what `workflow get --json` printed can be applied as it is.
const READ_ONLY: [&str; 5] = ["id", "version", "revision", "created_at", "updated_at"];

async fn apply(client: &Client, file: &Path, global: &Global) -> Result<(), Failure> {
    let mut body = parse_json(&file.display().to_string(), &read(file)?)?;
    if let Some(fields) = body.as_object_mut() {
        READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
    }
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let known = match name.as_str() {
        "" => json!({}),
        name => client.get("/workflows", &[("name", name.to_owned())]).await?,
    };
    let (done, applied) = match known["items"][0]["id"].as_str() {
        None => ("created", client.post("/workflows", &body).await?),
        Some(id) => {
            let path = format!("/workflows/{id}");
            let standing = client.tagged(&path, &[]).await?;
            let applied = client.put(&path, &body, standing.etag.as_deref()).await?;
            (if applied["revision"] == standing.object["revision"] { "unchanged" } else { "updated" }, applied)
        }
    };
    match global.output() {
        crate::arguments::Output::Table => line!("workflow {name} {done} (version {}, {})", applied["version"], text(&applied, "id")),
        format => output::object(&applied, format),
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(file).map_err(|error| Failure::WrongUse(format!("cannot read {}: {error}", file.display())))
}

async fn start(client: &Client, workflow: &str, input: Option<String>, watch: bool, global: &Global) -> Result<(), Failure> {
    let id = workflow_id(client, workflow).await?;
    let body = match input {
        Some(input) => json!({ "input": parse_json("--input", &input)? }),
        None => json!({}),
    };
    let run = client.post(&format!("/workflows/{id}/run"), &body).await?;
    if watch {
        return super::run::watch(client, &text(&run, "id"), global).await;
    }
    match global.output() {
        crate::arguments::Output::Table => line!("{}", text(&run, "id")),
        format => output::object(&run, format),
    }
    Ok(())
}
