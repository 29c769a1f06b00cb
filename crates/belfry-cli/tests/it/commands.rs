//! `command` nodes in the real program.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::{Server, eventually};

fn apply(server: &Server, node: &Value) {
    let file = server.folder.path().join("workflow.json");
    fs::write(&file, json!({"name": "commands", "definition": {"nodes": [node]}}).to_string()).unwrap();
    server.json(&["workflow", "apply", "-f", file.to_str().unwrap()]);
}

fn started(server: &Server) -> String {
    server.json(&["workflow", "run", "commands"])["id"].as_str().unwrap().to_owned()
}

fn ended(server: &Server, id: &str) -> Value {
    eventually("the end of the run", || Some(server.json(&["run", "get", id])).filter(|run| !run["finished_at"].is_null()))
}

fn that_permits_commands() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("belfry.toml"), "[worker]\ncommands = true\n").unwrap();
    folder
}

#[test]
fn a_command_runs_only_where_the_operator_switched_that_on() {
    let node =
        json!({"id": "c", "type": "command", "parameters": {"argv": ["sh", "-c", "echo $#; env | grep -c ^BELFRY_DATA", "sh", "a b"]}});
    let server = Server::start();
    apply(&server, &node);
    let run = ended(&server, &started(&server));
    assert_eq!(run["state"], "failed");
    assert!(run["error"].as_str().unwrap().contains("worker.commands = true (BELFRY_WORKER_COMMANDS)"), "{run:#}");

    let server = Server::start_on(that_permits_commands());
    apply(&server, &node);
    let run = ended(&server, &started(&server));
    // `grep` counted none, and says that with exit code 1.
    assert_eq!(run["nodes"][0]["output"], json!({"exit_code": 1, "signal": null, "stdout": "1\n0", "stdout_truncated": false}));
}

/// Every member of the family holds the FIFO open; its reader meets the end when all of them are dead.
#[test]
fn a_worker_that_is_killed_takes_its_commands_and_all_of_their_family_along() {
    let server = Server::start_on(that_permits_commands());
    let fifo = server.folder.path().join("alive");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let family = "trap '' TERM HUP; exec 9> \"$FIFO\"; sh -c 'sleep 1000; :' & sh -c 'echo ready >&9; sleep 1000; :'";
    apply(&server, &json!({"id": "c", "type": "command", "parameters": {"shell": family, "env": {"FIFO": fifo}}}));
    started(&server);
    let mut reader = BufReader::new(File::open(&fifo).unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    server.kill();
    assert_eq!(reader.read_to_string(&mut line).unwrap(), 0);
}
