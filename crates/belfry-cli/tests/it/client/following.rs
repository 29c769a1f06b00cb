//! Runs, followed: their logs, what they wait for, and what a cancel and a rerun did.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::json;

use super::{apply_nodes, complaint, printed};
use crate::server::{Server, belfry, eventually};

fn log(id: &str, message: &str) -> serde_json::Value {
    json!({"id": id, "type": "log", "parameters": {"message": message}})
}

/// A server whose worker leaves the queue `far` alone.
fn without_a_worker_for_far() -> Server {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("belfry.toml"), "[worker]\nqueues = \"default\"\n").unwrap();
    Server::start_on(folder)
}

fn start(server: &Server, workflow: &str) -> String {
    printed(server, &["workflow", "run", workflow]).trim().to_owned()
}

#[test]
fn logs_name_their_nodes_and_one_node_can_be_asked_for() {
    let server = Server::start();
    apply_nodes(&server, "two", &[log("first", "one"), log("second", "two\nlines")]);
    let run = start(&server, "two");
    // It follows until the end.
    assert_eq!(printed(&server, &["run", "logs", &run, "-f"]), "first | info: one\nsecond | info: two\nsecond | lines\n");
    assert_eq!(printed(&server, &["run", "logs", &run, "--node", "first"]), "first | info: one\n");
    assert_eq!(
        printed(&server, &["run", "logs", &run, "--node", "second", "--output", "jsonl"]),
        "{\"line\":\"info: two\",\"node\":\"second\"}\n{\"line\":\"lines\",\"node\":\"second\"}\n"
    );
    let unknown = server.belfry(&["run", "logs", &run, "--node", "secnd"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(complaint(&unknown).contains("did you mean `second`?"), "{}", complaint(&unknown));
}

#[test]
fn what_a_node_logs_is_told_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("belfry.toml"), "[worker]\ncommands = true\n").unwrap();
    let server = Server::start_on(folder);
    let gate = server.folder.path().join("gate");
    let shell = "echo begun >&2; until [ -e \"$GATE\" ]; do sleep 0.1; done; echo over >&2";
    apply_nodes(&server, "slow", &[json!({"id": "work", "type": "command", "parameters": {"shell": shell, "env": {"GATE": gate}}})]);
    let run = start(&server, "slow");
    let mut follows = belfry(server.folder.path());
    let mut follows = follows.args(["run", "logs", &run, "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follows.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.starts_with("work | ") && first.ends_with("begun"), "{first}");
    std::fs::write(&gate, "").unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(rest[0].ends_with("over"), "{rest:?}");
    assert!(follows.wait().unwrap().success());
}

#[test]
fn a_watch_tells_each_node_and_ends_with_what_became_of_the_run() {
    let server = Server::start();
    let nodes = [log("say", "hello"), json!({"id": "pause", "type": "wait", "parameters": {"for": "PT1S"}}), log("end", "bye")];
    apply_nodes(&server, "good", &nodes);
    let watched = server.belfry(&["workflow", "run", "good", "--watch"]);
    let said = String::from_utf8(watched.stdout).unwrap();
    assert_eq!(watched.status.code(), Some(0), "{said}");
    for seen in ["say  succeeded after", "  | info: hello", "pause  waits until", "pause  succeeded", "end  succeeded", "succeeded after"] {
        assert!(said.contains(seen), "{seen} was not seen in:\n{said}");
    }
    apply_nodes(&server, "bad", &[json!({"id": "go", "type": "http", "parameters": {"url": "http://127.0.0.1:9/"}})]);
    let watched = server.belfry(&["run", "watch", &start(&server, "bad")]);
    let said = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert_eq!(watched.status.code(), Some(1), "{said}");
    let logged = printed(&server, &["run", "logs", "bad"]);
    assert!(logged.contains("go | failed: ") && logged.lines().last().unwrap().starts_with("failed: node `go` failed: "), "{logged}");
    let documents = server.json(&["run", "logs", "bad"]);
    assert!(documents[0]["error"].is_string() && documents[1]["error"].is_string(), "{documents:#}");
    assert!(said.contains("go  failed") && complaint(&watched).contains("the run ended as failed"), "{said}");
}

#[test]
fn a_node_that_waits_between_two_attempts_is_told_with_the_attempt_to_come() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("belfry.toml"), "[worker]\ncommands = true\n").unwrap();
    let server = Server::start_on(folder);
    let retry = json!({"attempts": 2, "backoff": "PT3S"});
    apply_nodes(&server, "twice", &[json!({"id": "go", "type": "command", "parameters": {"shell": "exit 3"}, "retry": retry})]);
    let watched = server.belfry(&["workflow", "run", "twice", "--watch"]);
    let said = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert_eq!(watched.status.code(), Some(1), "{said}");
    assert!(said.contains("go  waits to be tried again (attempt 2): "), "{said}");
}

#[test]
fn a_watch_says_what_the_run_waits_for_and_a_cancel_what_it_did() {
    let server = without_a_worker_for_far();
    apply_nodes(&server, "away", &[log("say", "never")]);
    printed(&server, &["workflow", "set", "away", "--queue", "far"]);
    let run = start(&server, "away");
    let mut watch = belfry(server.folder.path());
    let mut watch = watch.args(["run", "watch", &run]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "waits for a worker of the queue far"));
    let said = printed(&server, &["run", "cancel", &run]);
    assert!(said.starts_with(&format!("run {run} is cancelled: ")), "{said}");
    let end: Vec<String> = lines.collect();
    assert!(end.last().is_some_and(|line| line.starts_with(&format!("run {run} cancelled"))), "{end:?}");
    assert_eq!(watch.wait().unwrap().code(), Some(1));
    let again = server.belfry(&["run", "cancel", &run]);
    assert_eq!(again.status.code(), Some(1), "{}", complaint(&again));
    assert!(complaint(&again).contains("cancelled"), "{}", complaint(&again));
}

#[test]
fn a_rerun_is_a_run_of_its_own_with_the_same_input() {
    let server = Server::start();
    apply_nodes(&server, "echo", &[log("say", "{{ input.who }}")]);
    let run = printed(&server, &["workflow", "run", "echo", "--input", r#"{"who": "you"}"#]).trim().to_owned();
    eventually("the end", || Some(server.json(&["run", "get", &run])).filter(|run| run["finished_at"].is_string()));
    assert!(printed(&server, &["run", "rerun", &run, "--watch"]).contains("info: you"));
    let runs = server.json(&["run", "list", "--workflow", "echo"]);
    let kinds: Vec<_> = runs["items"].as_array().unwrap().iter().map(|run| (&run["kind"], &run["rerun_of"])).collect();
    assert!(printed(&server, &["run", "logs", "echo"]).contains("info: you"), "the newest run of a workflow is meant by its name");
    let refused = server.belfry(&["run", "rerun", "echo"]);
    assert!(refused.status.code() == Some(2) && complaint(&refused).contains("belfry run list"), "{}", complaint(&refused));
    assert_eq!(kinds, [(&json!("rerun"), &json!(run)), (&json!("manual"), &json!(null))]);
}

#[test]
fn runs_are_found_by_workflow_schedule_state_and_time() {
    let server = Server::start();
    server.apply("tick", json!({"every": "PT1S"}));
    server.apply("rare", json!({"cron": "@yearly"}));
    eventually("three runs", || (server.json(&["run", "list", "--state", "succeeded"])["items"].as_array()?.len() >= 3).then_some(()));
    server.json(&["schedule", "pause", "tick"]);
    start(&server, "rare");
    let count = |arguments: &[&str]| server.json(&[&["run", "list", "--all"], arguments].concat())["items"].as_array().unwrap().len();
    let all = count(&[]);
    assert_eq!(count(&["--schedule", "tick"]) + 1, all);
    assert_eq!(count(&["--workflow", "rare"]), 1);
    assert_eq!((count(&["--since", "1h"]), count(&["--before", "1h"])), (all, 0));
    assert_eq!(count(&["--state", "failed,worker_lost"]), 0);
    // Page by page they are the same ones.
    let lines = printed(&server, &["run", "list", "--all", "--output", "jsonl"]);
    assert_eq!(lines.lines().count(), all);
    let first = server.json(&["run", "list", "--limit", "1"]);
    let second = server.json(&["run", "list", "--limit", "1", "--cursor", first["next_cursor"].as_str().unwrap()]);
    assert_ne!(first["items"][0]["id"], second["items"][0]["id"]);
}

/// Needs `script` of util-linux, which gives a command a terminal.
#[test]
fn on_a_terminal_what_is_done_is_one_line_that_is_rewritten() {
    let server = Server::start();
    apply_nodes(&server, "slow", &[json!({"id": "pause", "type": "wait", "parameters": {"for": "PT2S"}})]);
    let command = format!("{} workflow run slow --watch", env!("CARGO_BIN_EXE_belfry"));
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).env("BELFRY_DATA_DIR", server.folder.path());
    let watched = script.env_remove("BELFRY_URL").env_remove("BELFRY_API_KEY").output().unwrap();
    let said = String::from_utf8_lossy(&watched.stdout).into_owned();
    assert!(watched.status.success(), "{said}");
    assert!(said.matches("\r\x1b[2Kpause waits until ").count() >= 2, "it was not rewritten: {said:?}");
    // The line is gone when one is printed that stays.
    let last = said.trim_end().rsplit(['\n', 'K']).next().unwrap();
    assert!(last.starts_with("run ") && last.contains(" succeeded after "), "{said:?}");
}

#[test]
fn a_server_that_restarts_does_not_end_a_watch() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let up = || belfry(folder.path()).args(["up", "--listen", &address]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let client = |arguments: &[&str]| belfry(folder.path()).args(arguments).output().unwrap();
    let mut server = up();
    eventually("the server to be ready", || client(&["doctor"]).status.success().then_some(()));
    let file = folder.path().join("slow.json");
    let node = json!({"id": "pause", "type": "wait", "parameters": {"for": "PT4S"}});
    std::fs::write(&file, json!({"name": "slow", "definition": {"nodes": [node]}}).to_string()).unwrap();
    assert!(client(&["workflow", "apply", "-f", file.to_str().unwrap()]).status.success());
    let mut watch = belfry(folder.path());
    let mut watch = watch.args(["workflow", "run", "slow", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("pause  waits until")));
    // SIGTERM: the run, which merely waits, is given back, and goes on.
    assert!(std::process::Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap().success());
    server.wait().unwrap();
    let mut server = up();
    let rest: Vec<String> = lines.collect();
    let code = watch.wait().unwrap().code();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(code == Some(0) && rest.last().is_some_and(|line| line.contains("succeeded after")), "{code:?} {rest:?}");
}
