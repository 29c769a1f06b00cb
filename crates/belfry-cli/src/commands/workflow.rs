//! `belfry workflow …`

use serde_json::{Map, Value, json};

use super::instants::{Direction, instant};
use super::listing::{self, Query};
use super::named::workflow_id;
use super::{parse_json, read_json};
use crate::arguments::{Global, ListWorkflows, Output, SetWorkflow, WorkflowVerb};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: WorkflowVerb, global: &Global) -> Result<(), Failure> {
    let client = Client::new(global)?;
    match verb {
        WorkflowVerb::Apply { path, file } => apply(&client, read_json(&file.or(path).unwrap_or_default())?, global).await,
        WorkflowVerb::Set(set) => change(&client, set, global).await,
        WorkflowVerb::List(list) => listing::show(&client, "/workflows", finding(&list), &list.page, COLUMNS, global.output()).await,
        WorkflowVerb::Get { workflow, version } => {
            let path = format!("/workflows/{}", workflow_id(&client, &workflow).await?);
            let path = version.map_or(path.clone(), |version| format!("{path}/versions/{version}"));
            output::object(&client.get(&path, &[]).await?, global.output());
            Ok(())
        }
        WorkflowVerb::Versions { workflow, page } => {
            let path = format!("/workflows/{}/versions", workflow_id(&client, &workflow).await?);
            listing::show(&client, &path, Query::new(), &page, VERSION_COLUMNS, global.output()).await
        }
        WorkflowVerb::Delete { workflow } => {
            let path = format!("/workflows/{}", workflow_id(&client, &workflow).await?);
            let etag = client.tagged(&path, &[]).await?.etag;
            client.delete(&path, etag.as_deref()).await?;
            line!("workflow {workflow} is deleted");
            Ok(())
        }
        WorkflowVerb::Run { workflow, input, nominal_time, watch } => {
            let id = workflow_id(&client, &workflow).await?;
            let run = client.post(&format!("/workflows/{id}/run"), &start(input, nominal_time)?).await?;
            super::run::started(&client, &run, watch, global).await
        }
    }
}

const COLUMNS: &[output::Column] = &[
    ("NAME", |item| text(item, "name")),
    ("VERSION", |item| text(item, "version")),
    ("QUEUE", |item| text(item, "queue")),
    ("TAGS", |item| tags(item)),
    ("UPDATED", |item| local(item, "updated_at")),
    ("ID", |item| text(item, "id")),
];

const VERSION_COLUMNS: &[output::Column] = &[
    ("VERSION", |item| text(item, "version")),
    ("CREATED", |item| local(item, "created_at")),
    ("NODES", |item| item["definition"]["nodes"].as_array().map(|nodes| nodes.len().to_string()).unwrap_or_default()),
];

fn tags(workflow: &Value) -> String {
    let tags = workflow["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    tags.collect::<Vec<_>>().join(",")
}

fn finding(list: &ListWorkflows) -> Query {
    let finding = &list.finding;
    let given = [
        ("q", finding.search.clone()),
        ("tag", finding.tag.clone()),
        ("is_active", finding.active.map(|is| is.to_string())),
        ("is_failing", finding.failing.map(|is| is.to_string())),
        ("sort", list.sort.clone()),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// What the API adds to a workflow: what `workflow get --json` printed can be applied as it is.
const READ_ONLY: [&str; 5] = ["id", "version", "revision", "created_at", "updated_at"];

async fn apply(client: &Client, mut body: Value, global: &Global) -> Result<(), Failure> {
    if let Some(fields) = body.as_object_mut() {
        READ_ONLY.iter().for_each(|field| drop(fields.remove(*field)));
    }
    let (done, applied) = upsert(client, &body, &[]).await?;
    match global.output() {
        Output::Table => line!("workflow {} {done} (version {}, {})", text(&applied, "name"), applied["version"], text(&applied, "id")),
        format => output::object(&applied, format),
    }
    Ok(())
}

/// Creates the workflow, or replaces the one of its name; answers which of both it did, or that nothing differed. The fields of
/// `keeping` that are not given stay as they are.
pub async fn upsert(client: &Client, body: &Value, keeping: &[&str]) -> Result<(&'static str, Value), Failure> {
    let known = match body.get("name").and_then(Value::as_str).unwrap_or_default() {
        "" => json!({}),
        name => client.get("/workflows", &[("name", name.to_owned())]).await?,
    };
    let Some(id) = known["items"][0]["id"].as_str() else { return Ok(("created", client.post("/workflows", body).await?)) };
    let path = format!("/workflows/{id}");
    let standing = client.tagged(&path, &[]).await?;
    let mut body = body.clone();
    for field in keeping {
        if body.get(field).is_none() {
            body[*field] = standing.object[*field].clone();
        }
    }
    let applied = client.put(&path, &body, standing.etag.as_deref()).await?;
    let done = if applied["revision"] == standing.object["revision"] { "unchanged" } else { "updated" };
    Ok((done, applied))
}

async fn change(client: &Client, set: SetWorkflow, global: &Global) -> Result<(), Failure> {
    let path = format!("/workflows/{}", workflow_id(client, &set.workflow).await?);
    let patch = patch(set)?;
    let etag = client.tagged(&path, &[]).await?.etag;
    output::object(&client.patch(&path, &patch, etag.as_deref()).await?, global.output());
    Ok(())
}

/// What was given; what was not stays as it is.
fn patch(set: SetWorkflow) -> Result<Value, Failure> {
    let given = [("name", set.rename), ("description", set.description), ("queue", set.queue), ("delivery", set.delivery)];
    let mut patch: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect();
    if let Some(tags) = set.tags {
        let tags: Vec<&str> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        patch.insert("tags".to_owned(), json!(tags));
    }
    if let Some(file) = set.definition {
        patch.insert("definition".to_owned(), read_json(&file)?);
    }
    if patch.is_empty() {
        return Err(Failure::WrongUse(
            "nothing to set; give --rename, --description, --definition, --tags, --queue or --delivery".to_owned(),
        ));
    }
    Ok(Value::Object(patch))
}

fn start(input: Option<String>, nominal_time: Option<String>) -> Result<Value, Failure> {
    let mut body = Map::new();
    if let Some(input) = input {
        body.insert("input".to_owned(), parse_json("--input", &input)?);
    }
    if let Some(at) = nominal_time {
        body.insert("nominal_time".to_owned(), Value::String(instant("--nominal-time", &at, Direction::Past)?));
    }
    Ok(Value::Object(body))
}
