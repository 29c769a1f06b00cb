//! What people call things: names where there are such, ids everywhere.

use serde_json::Value;

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::violation::nearest;

use crate::client::Client;
use crate::failure::Failure;
use crate::output::text;

/// The id of a workflow that was named by its id or its name.
pub async fn workflow_id(client: &Client, named: &str) -> Result<String, Failure> {
    if named.parse::<WorkflowId>().is_ok() {
        return Ok(named.to_owned());
    }
    match first_id(&client.get("/workflows", &[("name", named.to_owned())]).await?) {
        Some(id) => Ok(id),
        None => {
            let near = did_you_mean(named, &names(client, "/workflows", &[]).await);
            Err(Failure::NotFound(format!("there is no workflow named `{named}`{near}; see `belfry workflow list`")))
        }
    }
}

/// The path of a schedule as it is named: its id, `WORKFLOW` or `WORKFLOW/NAME`. An id that is nobody's any more is taken for
/// that of a schedule: what is kept of deleted ones can be read.
pub async fn schedule_path(client: &Client, named: &str) -> Result<String, Failure> {
    if named.parse::<ScheduleId>().is_ok() {
        let is_there = async |path: &str| !matches!(client.get(path, &[]).await, Err(Failure::NotFound(_)));
        let path = format!("/schedules/{named}");
        if is_there(&path).await || !is_there(&format!("/workflows/{named}")).await {
            return Ok(path);
        }
    }
    let (workflow, name) = named.split_once('/').unwrap_or((named, "default"));
    let id = workflow_id(client, workflow).await?;
    match find_schedule(client, &id, name).await? {
        Some(id) => Ok(format!("/schedules/{id}")),
        None => {
            let known = names(client, "/schedules", &[("workflow_id", id)]).await;
            let near = did_you_mean(name, &known);
            Err(Failure::NotFound(format!(
                "workflow {workflow} has no schedule named `{name}`{near}; see `belfry schedule list --workflow {workflow}`"
            )))
        }
    }
}

/// The id of a run as it is named to look at it: its id, or its workflow's name for the newest one.
pub async fn run_to_look_at(client: &Client, named: &str) -> Result<String, Failure> {
    if named.parse::<RunId>().is_ok() {
        return Ok(named.to_owned());
    }
    let newest = [("workflow_id", workflow_id(client, named).await?), ("limit", "1".to_owned())];
    let found = first_id(&client.get("/runs", &newest).await?);
    found.ok_or_else(|| Failure::NotFound(format!("workflow {named} has no run yet; start one with `belfry workflow run {named}`")))
}

/// The id of a run that something is done to.
pub fn run_id(named: &str) -> Result<&str, Failure> {
    let is_one = named.parse::<RunId>().is_ok();
    is_one.then_some(named).ok_or_else(|| Failure::WrongUse(format!("`{named}` is no id of a run; see `belfry run list`")))
}

pub async fn find_schedule(client: &Client, workflow: &str, name: &str) -> Result<Option<String>, Failure> {
    let query = [("workflow_id", workflow.to_owned()), ("name", name.to_owned())];
    Ok(first_id(&client.get("/schedules", &query).await?))
}

/// To be read after what is wrong.
pub fn did_you_mean(given: &str, known: &[String]) -> String {
    let near = nearest(given, known.iter().map(String::as_str));
    near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default()
}

/// Where the names cannot be had, a hint is missing, and nothing else.
async fn names(client: &Client, path: &str, query: &[(&str, String)]) -> Vec<String> {
    let query = [query, &[("sort", "name".to_owned()), ("limit", "200".to_owned())]].concat();
    let listed = client.get(path, &query).await.unwrap_or_default();
    listed["items"].as_array().into_iter().flatten().map(|item| text(item, "name")).collect()
}

fn first_id(list: &Value) -> Option<String> {
    list["items"][0]["id"].as_str().map(str::to_owned)
}
