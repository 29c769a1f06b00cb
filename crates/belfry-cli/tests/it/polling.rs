//! `examples/python/worker.py`, the worker that asks for its work, against the real program. Needs `python3`, without packages.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::server::{Server, eventually};

/// A server whose own worker leaves the queue `polled` alone, with a workflow of that queue.
fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("belfry.toml"), "[worker]\nqueues = \"default\"\n").unwrap();
    let server = Server::start_on(folder);
    let file = server.folder.path().join("workflow.json");
    let workflow = json!({"name": "polled", "queue": "polled", "definition": {"nodes": [{"id": "start", "type": "trigger"}]}});
    fs::write(&file, workflow.to_string()).unwrap();
    server.json(&["workflow", "apply", "-f", file.to_str().unwrap()]);
    server
}

/// A run whose work takes so long; its id.
fn started(server: &Server, seconds: u32) -> String {
    let input = json!({ "seconds": seconds }).to_string();
    server.json(&["workflow", "run", "polled", "--input", &input])["id"].as_str().unwrap().to_owned()
}

fn run_when(server: &Server, id: &str, state: &str) -> Value {
    eventually(&format!("run {id} to be {state}"), || Some(server.json(&["run", "get", id])).filter(|run| run["state"] == state))
}

struct Worker(Child);

impl Worker {
    fn start(server: &Server, name: &str) -> Worker {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/python/worker.py");
        let of_the_folder = |name: &str| fs::read_to_string(server.folder.path().join(name)).unwrap().trim().to_owned();
        let mut command = Command::new("python3");
        command.arg("-B").arg(file).args(["--queue", "polled", "--name", name]);
        command.env("BELFRY_URL", of_the_folder("url")).env("BELFRY_API_KEY", of_the_folder("api-key"));
        Worker(command.spawn().expect("these tests need python3 in PATH"))
    }

    /// SIGTERM; it ends well.
    fn stop(mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap().success());
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_worker_that_asks_for_work_executes_each_run_once_the_oldest_first() {
    let server = server();
    let ids: Vec<String> = (0..3).map(|_| started(&server, 0)).collect();
    let worker = Worker::start(&server, "p1");
    let runs: Vec<Value> = ids.iter().map(|id| run_when(&server, id, "succeeded")).collect();
    for run in &runs {
        assert_eq!((&run["attempt"], &run["claimed_by"], &run["error"]), (&json!(1), &json!("p1"), &Value::Null));
    }
    assert!(runs.is_sorted_by_key(|run| run["started_at"].as_str().unwrap()), "{runs:#?}");
    // It waits for work: what is started now is found too.
    run_when(&server, &started(&server, 0), "succeeded");
    worker.stop();
}

#[test]
fn what_it_is_asked_to_stop_it_stops_and_says_so() {
    let server = server();
    let id = started(&server, 1_000);
    let worker = Worker::start(&server, "p1");
    run_when(&server, &id, "running");
    server.json(&["run", "cancel", &id]);
    run_when(&server, &id, "cancelled");
    worker.stop();
}

#[test]
fn a_worker_that_is_stopped_gives_its_run_back_and_one_that_is_killed_costs_an_attempt() {
    let server = server();
    let id = started(&server, 5);
    let stopped = Worker::start(&server, "stopped");
    run_when(&server, &id, "running");
    stopped.stop();
    let killed = Worker::start(&server, "killed");
    let run = run_when(&server, &id, "running");
    assert_eq!((&run["attempt"], &run["claimed_by"]), (&json!(1), &json!("killed")), "what was given back counts as no attempt");
    drop(killed);
    let next = Worker::start(&server, "next");
    let run = run_when(&server, &id, "succeeded");
    assert_eq!((&run["attempt"], &run["claimed_by"]), (&json!(2), &json!("next")));
    next.stop();
}
