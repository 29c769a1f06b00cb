//! A run as it goes on: its nodes as they begin and end, and what it waits for.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use belfry_core::ports::{Boot, Clock, WallClock};

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
        ("pending", None) if run["attempt"].as_i64() > Some(0) => {
            Some(format!("attempt {} ended without a result: waits to be published again", run["attempt"]))
        }
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
    /// Attempt and worker, as they were told.
    claim: Option<(i64, String)>,
    /// State and attempts of each node, as they were told.
    nodes: HashMap<String, (String, i64)>,
    /// What it waits for or how far it is, as it was told.
    said: Option<String>,
}

impl View {
    fn new() -> View {
        View { status: StatusLine::new(), begun: Host.boot(), claim: None, nodes: HashMap::new(), said: None }
    }

    fn tell(&mut self, run: &Value) {
        if let Some(taken_over) = self.taken_over(run) {
            self.status.clear();
            line!("{taken_over}");
        }
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
            let doing = match waits_for {
                Some(waits_for) => format!("{waits_for} … {} s", Host.boot().since(self.begun).as_secs()),
                None => works_on(run, Host.now().to_timestamp()),
            };
            self.status.show(&doing);
            return;
        }
        let said = waits_for.or_else(|| run["progress"].as_str().map(str::to_owned));
        if said != self.said {
            said.iter().for_each(|what| line!("{what}"));
            self.said = said;
        }
    }

    /// Told where another worker goes on, or the same one begins anew.
    fn taken_over(&mut self, run: &Value) -> Option<String> {
        let claim = (run["attempt"].as_i64()?, run["claimed_by"].as_str()?.to_owned());
        let is_first = claim.0 == 1 && self.claim.is_none();
        let is_told = is_first || self.claim.as_ref() == Some(&claim);
        let told = format!("attempt {}, by {}", claim.0, claim.1);
        self.claim = Some(claim);
        (!is_told).then_some(told)
    }
}

/// What is done, and for how long: by each node that is at work, else by the worker.
fn works_on(run: &Value, now: Timestamp) -> String {
    let at_work = |node: &&Value| matches!(node["state"].as_str(), Some("running" | "waiting"));
    let works: Vec<String> = nodes(run).filter(at_work).map(|node| format!("{}{}", work(node), so_long(node, now))).collect();
    match run["progress"].as_str() {
        Some(progress) => format!("{}: {progress}{}", text(run, "claimed_by"), so_long(run, now)),
        None if works.is_empty() => format!("{} works on it{}", text(run, "claimed_by"), so_long(run, now)),
        None => works.join(", "),
    }
}

/// " … 3 s" since it began, by this host's clock, which may be a little behind the server's.
fn so_long(what: &Value, now: Timestamp) -> String {
    let begun = text(what, "started_at").parse::<Timestamp>();
    begun.map(|begun| format!(" … {} s", begun.duration_until(now).as_secs().max(0))).unwrap_or_default()
}

fn work(node: &Value) -> String {
    let id = text(node, "id");
    match (node["state"].as_str(), node["wait_until"].as_str()) {
        (_, Some(until)) => format!("{id} waits until {}", clock_time(until)),
        (Some("waiting"), None) => format!("{id} {}", waits_for_next_attempt(node)),
        _ => format!("{id} runs"),
    }
}

/// Of a node that waits, but not until a time that it was given: its last attempt has failed.
fn waits_for_next_attempt(node: &Value) -> String {
    let next = node["attempts"].as_i64().unwrap_or(0) + 1;
    format!("waits to be tried again (attempt {next})")
}

fn tell_node(node: &Value) {
    let id = text(node, "id");
    let (started, finished) = (text(node, "started_at"), text(node, "finished_at"));
    match node["state"].as_str().unwrap_or_default() {
        "running" if node["attempts"].as_i64() > Some(1) => line!("{}  {id}  began attempt {}", clock_time(&started), node["attempts"]),
        "running" => line!("{}  {id}  began", clock_time(&started)),
        "waiting" if node["wait_until"].is_null() => {
            line!("{}  {id}  {}{}", clock_time(&started), waits_for_next_attempt(node), because(node))
        }
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
        let left = waits_for(&json!({"state": "pending", "attempt": 1}));
        assert_eq!(left, said("attempt 1 ended without a result: waits to be published again"));
        assert!(run("running", Value::Null, json!("2026-01-01T00:00:00Z")).unwrap().starts_with("was asked to stop"));
        assert_eq!(run("succeeded", Value::Null, Value::Null), None);
    }

    #[test]
    fn a_node_between_two_attempts_waits_to_be_tried_again_and_its_seconds_are_its_own() {
        let run = json!({"started_at": "2026-01-01T00:00:00Z", "claimed_by": "w", "nodes": [
            {"id": "a", "state": "succeeded", "attempts": 1, "started_at": "2026-01-01T00:00:00Z"},
            {"id": "b", "state": "running", "attempts": 1, "started_at": "2026-01-01T00:00:50Z"},
            {"id": "c", "state": "waiting", "attempts": 1, "wait_until": null, "started_at": "2026-01-01T00:00:40Z"}
        ]});
        let at = |seconds: i64| Timestamp::from_second(1_767_225_600 + seconds).unwrap();
        assert_eq!(works_on(&run, at(60)), "b runs … 10 s, c waits to be tried again (attempt 2) … 20 s");
        assert_eq!(works_on(&json!({"started_at": "2026-01-01T00:00:00Z", "claimed_by": "w"}), at(-1)), "w works on it … 0 s");
    }

    #[test]
    fn a_takeover_is_told_once_with_its_attempt_and_worker() {
        let mut view = View::new();
        let mut told = |attempt: i64, by: Value| view.taken_over(&json!({"attempt": attempt, "claimed_by": by}));
        assert_eq!(told(0, Value::Null), None);
        assert_eq!(told(1, json!("first")), None);
        assert_eq!(told(1, Value::Null), None);
        assert_eq!(told(2, json!("second")).as_deref(), Some("attempt 2, by second"));
        assert_eq!(told(2, json!("second")), None);
        assert_eq!(told(2, json!("third")).as_deref(), Some("attempt 2, by third"));
        assert_eq!(View::new().taken_over(&json!({"attempt": 3, "claimed_by": "x"})).as_deref(), Some("attempt 3, by x"));
    }
}
