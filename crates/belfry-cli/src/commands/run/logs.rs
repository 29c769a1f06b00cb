//! What the nodes of a run logged, each line with its node's name, and why it failed.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::super::named::{did_you_mean, run_to_look_at};
use super::watch::waits_for;
use super::{has_ended, look_again, nodes, path};
use crate::arguments::{Logs, Output};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, text};
use crate::progress::StatusLine;

pub async fn show(client: &Client, logs: &Logs, format: Output) -> Result<(), Failure> {
    let named = run_to_look_at(client, &logs.run).await?;
    let mut run = client.get(&path(&named), &[]).await?;
    if let Some(node) = &logs.node {
        check_node(client, &run, node).await?;
    }
    let mut reader = Reader { node: logs.node.clone(), format, seen: HashMap::new(), failed: HashSet::new(), is_silent: true };
    let mut status = StatusLine::new();
    while logs.follow && !has_ended(&run) {
        status.clear();
        reader.tell(&run, false);
        status.show(&waits_for(&run).unwrap_or_default());
        run = look_again(client, &named).await?;
    }
    status.clear();
    reader.tell(&run, true);
    match format {
        Output::Json => output::json(&reader.document(&run)),
        Output::Table if reader.is_silent && reader.seen.values().all(String::is_empty) => anstream::eprintln!("(nothing was logged)"),
        Output::Table | Output::Jsonl => {}
    }
    Ok(())
}

/// A node that has not begun may be asked for; one that there is not is a slip of the pen.
async fn check_node(client: &Client, run: &Value, node: &str) -> Result<(), Failure> {
    let id = |node: &Value| text(node, "id");
    if nodes(run).any(|known| id(known) == node) {
        return Ok(());
    }
    let version = format!("/workflows/{}/versions/{}", text(run, "workflow_id"), run["workflow_version"]);
    let known: Vec<String> = match client.get(&version, &[]).await {
        Ok(version) => version["definition"]["nodes"].as_array().into_iter().flatten().map(id).collect(),
        // Of a deleted workflow only what has run is known.
        Err(Failure::NotFound(_)) => nodes(run).map(id).collect(),
        Err(failure) => return Err(failure),
    };
    if known.iter().any(|known| known == node) {
        return Ok(());
    }
    let near = did_you_mean(node, &known);
    Err(Failure::NotFound(format!("the run has no node `{node}`{near}; its nodes are {}", known.join(", "))))
}

struct Reader {
    /// Only this one.
    node: Option<String>,
    format: Output,
    /// What was told of each node.
    seen: HashMap<String, String>,
    /// The nodes whose failure was told.
    failed: HashSet<String>,
    /// Whether nothing was told of a failure, or of the run as a whole.
    is_silent: bool,
}

impl Reader {
    /// Tells the lines that are new; of a node that goes on, whole ones only.
    fn tell(&mut self, run: &Value, is_over: bool) {
        for node in nodes(run) {
            let (id, log) = (text(node, "id"), text(node, "log"));
            if self.node.as_ref().is_some_and(|wanted| *wanted != id) {
                continue;
            }
            let seen = self.seen.entry(id.clone()).or_default();
            let is_whole = is_over || !node["finished_at"].is_null();
            let (fresh, told) = fresh(seen, &log, is_whole);
            match self.format {
                Output::Table => fresh.lines().for_each(|line| line!("{id} | {line}")),
                Output::Jsonl => fresh.lines().for_each(|line| line!("{}", json!({ "node": id, "line": line }))),
                Output::Json => {}
            }
            *seen = told.to_owned();
            if !node["finished_at"].is_null() && self.failed.insert(id) {
                self.tell_failure(node, "id");
            }
        }
        if is_over && self.node.is_none() {
            self.tell_whole(run);
        }
    }

    /// What a program of somebody's own left of the run as a whole.
    fn tell_whole(&mut self, run: &Value) {
        let log = text(run, "log");
        match self.format {
            Output::Table => log.lines().for_each(|line| line!("{line}")),
            Output::Jsonl => log.lines().for_each(|line| line!("{}", json!({ "node": null, "line": line }))),
            Output::Json => {}
        }
        self.is_silent &= log.is_empty();
        self.tell_failure(run, "");
    }

    /// Of a node, by the field that names it, or of the run as a whole.
    fn tell_failure(&mut self, of: &Value, id: &str) {
        let Some(error) = of["error"].as_str() else { return };
        self.is_silent = false;
        match self.format {
            Output::Table if id.is_empty() => line!("{}: {error}", text(of, "state")),
            Output::Table => line!("{} | {}: {error}", text(of, id), text(of, "state")),
            Output::Jsonl => line!("{}", json!({ "node": of.get(id), "state": of["state"], "error": error })),
            Output::Json => {}
        }
    }

    fn document(&self, run: &Value) -> Value {
        let wanted = nodes(run).filter(|node| self.node.as_ref().is_none_or(|wanted| *wanted == text(node, "id")));
        let of_nodes = wanted.map(|node| json!({ "node": node["id"], "state": node["state"], "error": node["error"], "log": node["log"] }));
        let whole = json!({ "node": null, "state": run["state"], "error": run["error"], "log": run["log"] });
        let has_whole = self.node.is_none() && !(text(run, "log").is_empty() && run["error"].is_null());
        of_nodes.chain(has_whole.then_some(whole)).collect()
    }
}

/// What is new in `log`, and all that is told then. A log that does not go on from what was seen is another's: that of the next
/// attempt, or of the next worker.
fn fresh<'a>(seen: &str, log: &'a str, is_whole: bool) -> (&'a str, &'a str) {
    let told = if is_whole { log } else { &log[..log.rfind('\n').map_or(0, |end| end + 1)] };
    (told.strip_prefix(seen).unwrap_or(told), told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_told_once_and_whole() {
        assert_eq!(fresh("", "one\ntw", false), ("one\n", "one\n"));
        assert_eq!(fresh("one\n", "one\ntwo\n", false), ("two\n", "one\ntwo\n"));
        assert_eq!(fresh("one\n", "one\n", false), ("", "one\n"));
        assert_eq!(fresh("one\n", "one\ntw", true), ("tw", "one\ntw"));
        assert_eq!(fresh("one\n", "again\n", false), ("again\n", "again\n"));
    }
}
