//! The client as people use it: what they type, what they see, and with which code it ends.

mod crontab;
mod doctor;
mod following;
mod keys;
pub mod page;
mod schedules;
mod shell;
mod verbs;
mod why;

use std::process::Output;

use crate::server::Server;

/// What a command printed to standard output; it must succeed.
fn printed(server: &Server, arguments: &[&str]) -> String {
    let output = server.belfry(arguments);
    assert!(output.status.success(), "belfry {arguments:?}: {}", complaint(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command printed to standard error.
fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes a workflow of these nodes, one after the other.
fn apply_nodes(server: &Server, name: &str, nodes: &[serde_json::Value]) {
    let edges: Vec<_> = nodes.windows(2).map(|pair| serde_json::json!({"from": pair[0]["id"], "to": pair[1]["id"]})).collect();
    let file = server.folder.path().join(format!("{name}.json"));
    let workflow = serde_json::json!({"name": name, "definition": {"nodes": nodes, "edges": edges}});
    std::fs::write(&file, workflow.to_string()).unwrap();
    server.json(&["workflow", "apply", "-f", file.to_str().unwrap()]);
}
