//! A run as it goes on: its nodes as they begin and end, and what it waits for.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use belfry_core::ports::{Boot, Clock};

use super::{because, has_ended, look_again, nodes, path};
use crate::arguments::Output;
use crate::client::Client;
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::{self, line, local_time, text};
use crate::progress::StatusLine;

/// A run that does not succeed is a failure.
pub async fn watch(client: &Client, run: &str, format: Output) -> Result<(), Failure> {
    let mut view = View::new();
    let mut answer = client.get(&path(run), &[]).await?;
    loop {
        if format == Output::Table {
            view.tell(&answer);
        }
        if has_ended(&answer) {
            view.status.clear();
            return ended(&answer, format);
        }
        answer = look_again(client, run).await?;
    }
}

/// What the run waits for, where that is not one of its nodes.
pub fn waits_for(run: &Value) -> Option<String> {
    let queue = text(run, "queue");
    match (run["state"].as_str()?, run["publish_error"].as_str()) {
        ("pending", Some(error)) => Some(format!("waits to be published again: {error}")),
        ("pending", None) => Some("waits to be published".to_owned()),
        ("queued", _) => Some(format!("waits for a worker of the queue {queue}")),
        ("running", _) if !run["cancel_requested_at"].is_null() => {
            Some("was asked to stop, and waits for its worker to hear of it".to_owned())
        }
        _ => None,
    }
}

/// On a terminal what is being done is one line, which is rewritten; elsewhere each change of it is a line.
struct View {
    status: StatusLine,
    begun: Boot,
    /// State and attempts of each node, as they were told.
    nodes: HashMap<String, (String, i64)>,
    /// What it waits for or how far it is, as it was told.
    said: Option<String>,
}

impl View {
    fn new() -> View {
        View { status: StatusLine::new(), begun: Host.boot(), nodes: HashMap::new(), said: None }
    }

    fn tell(&mut self, run: &Value) {
        for node in nodes(run) {
            let now = (text(node, "state"), node["attempts"].as_i64().unwrap_or(0));
            if self.nodes.insert(text(node, "id"), now.clone()).as_ref() != Some(&now) {
                self.status.clear();
                tell_node(node);
            }
        }
        if has_ended(run) {
            return;
        }
        let waits_for = waits_for(run);
        if self.status.is_live() {
            let doing = waits_for.unwrap_or_else(|| works_on(run));
            self.status.show(&format!("{doing} … {} s", Host.boot().since(self.begun).as_secs()));
            return;
        }
        let said = waits_for.or_else(|| run["progress"].as_str().map(str::to_owned));
        if said != self.said {
            said.iter().for_each(|what| line!("{what}"));
            self.said = said;
        }
    }
}

fn works_on(run: &Value) -> String {
    let at_work = |node: &&Value| matches!(node["state"].as_str(), Some("running" | "waiting"));
    let works: Vec<String> = nodes(run).filter(at_work).map(work).collect();
    match run["progress"].as_str() {
        Some(progress) => format!("{}: {progress}", text(run, "claimed_by")),
        None if works.is_empty() => format!("{} works on it", text(run, "claimed_by")),
        None => works.join(", "),
    }
}

fn work(node: &Value) -> String {
    match node["wait_until"].as_str() {
        Some(until) => format!("{} waits until {}", text(node, "id"), clock_time(until)),
        None => format!("{} runs", text(node, "id")),
    }
}

fn tell_node(node: &Value) {
    let id = text(node, "id");
    let (started, finished) = (text(node, "started_at"), text(node, "finished_at"));
    match node["state"].as_str().unwrap_or_default() {
        "running" if node["attempts"].as_i64() > Some(1) => line!("{}  {id}  began attempt {}", clock_time(&started), node["attempts"]),
        "running" => line!("{}  {id}  began", clock_time(&started)),
        "waiting" => line!("{}  {id}  waits until {}", clock_time(&started), local_time(&text(node, "wait_until"))),
        "skipped" => line!("{}  {id}  skipped", clock_time(&finished)),
        state => {
            line!("{}  {id}  {state}{}{}", clock_time(&finished), after(&started, &finished), because(node));
            text(node, "log").lines().for_each(|line| line!("  | {line}"));
        }
    }
}

fn ended(run: &Value, format: Output) -> Result<(), Failure> {
    let state = text(run, "state");
    match format {
        Output::Table => {
            line!("run {} {state}{}{}", text(run, "id"), after(&text(run, "created_at"), &text(run, "finished_at")), because(run));
        }
        format => output::object(run, format),
    }
    match state.as_str() {
        "succeeded" | "delivered" => Ok(()),
        other => Err(Failure::Failed(anyhow::anyhow!("the run ended as {other}"))),
    }
}

/// " after 1s 20ms"; nothing where either is unknown.
fn after(from: &str, to: &str) -> String {
    match (from.parse::<Timestamp>(), to.parse::<Timestamp>()) {
        (Ok(from), Ok(to)) => format!(" after {:#}", from.duration_until(to)),
        _ => String::new(),
    }
}

fn clock_time(instant: &str) -> String {
    let at = instant.parse::<Timestamp>();
    at.map(|at| at.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()).unwrap_or_else(|_| "--:--:--".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_run_waits_for_is_said() {
        let run = |state: &str, error: Value, cancel: Value| {
            waits_for(&json!({"state": state, "publish_error": error, "queue": "reports", "cancel_requested_at": cancel}))
        };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(run("pending", Value::Null, Value::Null), said("waits to be published"));
        assert_eq!(run("pending", json!("no broker"), Value::Null), said("waits to be published again: no broker"));
        assert_eq!(run("queued", Value::Null, Value::Null), said("waits for a worker of the queue reports"));
        assert_eq!(run("running", Value::Null, Value::Null), None);
        assert!(run("running", Value::Null, json!("2026-01-01T00:00:00Z")).unwrap().starts_with("was asked to stop"));
        assert_eq!(run("succeeded", Value::Null, Value::Null), None);
    }
}
