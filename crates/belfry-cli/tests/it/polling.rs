//! `examples/python/worker.py`, the worker that asks for its work, against the real program. Needs `python3`, without packages.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::server::{Server, eventually};

/// A server whose own worker leaves the queue `polled` alone, with a workflow of that queue.
fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("belfry.toml"), "[worker]\nqueues = \"default\"\n").unwrap();
    let server = Server::start_on(folder);
    apply(&server, "polled");
    server
}

/// A workflow with a queue of its own, both of this name.
fn apply(server: &Server, name: &str) {
    let file = server.folder.path().join(format!("{name}.json"));
    let workflow = json!({"name": name, "queue": name, "definition": {"nodes": [{"id": "start", "type": "trigger"}]}});
    fs::write(&file, workflow.to_string()).unwrap();
    server.json(&["workflow", "apply", "-f", file.to_str().unwrap()]);
}

/// A run whose work takes so long; its id.
fn started(server: &Server, seconds: u32) -> String {
    started_of(server, "polled", seconds)
}

fn started_of(server: &Server, workflow: &str, seconds: u32) -> String {
    let input = json!({ "seconds": seconds }).to_string();
    server.json(&["workflow", "run", workflow, "--input", &input])["id"].as_str().unwrap().to_owned()
}

fn run_when(server: &Server, id: &str, state: &str) -> Value {
    eventually(&format!("run {id} to be {state}"), || Some(server.json(&["run", "get", id])).filter(|run| run["state"] == state))
}

struct Worker(Child);

impl Worker {
    fn start(server: &Server, name: &str) -> Worker {
        Worker::of(server, "polled", &["../../examples/python/worker.py"], name)
    }

    /// `program` is a file of this crate, or seen from it, and its first arguments.
    fn of(server: &Server, queue: &str, program: &[&str], name: &str) -> Worker {
        let of_the_folder = |name: &str| fs::read_to_string(server.folder.path().join(name)).unwrap().trim().to_owned();
        let mut command = Command::new("python3");
        command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(program[0])).args(&program[1..]);
        command.args(["--queue", queue, "--name", name]);
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
fn a_worker_that_is_stopped_gives_its_run_back_and_no_attempt_is_counted() {
    let server = server();
    let id = started(&server, 5);
    let stopped = Worker::start(&server, "stopped");
    run_when(&server, &id, "running");
    stopped.stop();
    let next = Worker::start(&server, "next");
    let run = run_when(&server, &id, "succeeded");
    assert_eq!((&run["attempt"], &run["claimed_by"]), (&json!(1), &json!("next")));
    next.stop();
}

#[test]
fn what_a_worker_tells_is_seen_with_its_run() {
    let server = server();
    let id = started(&server, 3);
    let worker = Worker::of(&server, "polled", &["tests/it/killed.py", "worker", "nowhere", "before"], "p1");
    let telling = |run: &Value| run["progress"].as_str().is_some_and(|progress| progress.ends_with(" of 3 s"));
    eventually("the run to tell how far it is", || Some(server.json(&["run", "get", &id])).filter(telling));
    let run = run_when(&server, &id, "succeeded");
    let left = ["output", "output_truncated", "log"].map(|name| run[name].clone());
    assert_eq!(left, [json!({"waited": 3}), json!(false), json!("waiting 3 s\n")]);
    assert!(telling(&run), "{run:#}");
    worker.stop();
}

/// Where a worker dies, how often its run has been claimed in the end, and by whom last.
const DEATHS: [(&str, &str, i64, &str); 8] = [
    ("claim", "before", 1, "next"),
    ("claim", "after", 2, "next"),
    ("work", "before", 2, "next"),
    ("heartbeat", "before", 2, "next"),
    ("heartbeat", "after", 2, "next"),
    ("work", "after", 2, "next"),
    ("complete", "before", 2, "next"),
    ("complete", "after", 1, "killed"),
];

/// A lost claim takes a minute to run out: all of them at once.
#[test]
fn wherever_a_worker_is_killed_its_run_has_one_row_one_end_and_an_attempt_for_each_claim() {
    let server = server();
    let seen = std::thread::scope(|scope| {
        let deaths = DEATHS.map(|(step, moment, ..)| scope.spawn(|| killed_at(&server, step, moment)));
        deaths.map(|death| death.join().unwrap())
    });
    for ((step, moment, attempt, by), runs) in DEATHS.into_iter().zip(seen) {
        let facts = |run: &Value| ["state", "attempt", "claimed_by", "output", "log"].map(|name| run[name].clone());
        let expected = [json!("succeeded"), json!(attempt), json!(by), json!({"waited": 3}), json!("waiting 3 s\n")];
        println!("{moment} {step}: {} row, {}", runs.len(), Value::from(facts(&runs[0]).to_vec()));
        assert_eq!(runs.iter().map(facts).collect::<Vec<_>>(), [expected], "killed {moment} {step}");
    }
}

/// A worker dies there, and another one does what it left. Answers all runs of the workflow, once nothing is left to do.
fn killed_at(server: &Server, step: &str, moment: &str) -> Vec<Value> {
    let name = format!("{moment}-{step}");
    apply(server, &name);
    let id = started_of(server, &name, 3);
    let mut killed = Worker::of(server, &name, &["tests/it/killed.py", "worker", step, moment], "killed");
    assert_eq!(killed.0.wait().unwrap().signal(), Some(9), "killed {moment} {step}");
    let _next = Worker::of(server, &name, &["../../examples/python/worker.py"], "next");
    run_when(server, &id, "succeeded");
    // Had it found more to do for the first run, it would have done that first.
    let later = started_of(server, &name, 0);
    run_when(server, &later, "succeeded");
    let listed = server.json(&["run", "list", "--workflow", &name]);
    let ids = listed["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap());
    ids.filter(|id| **id != later).map(|id| server.json(&["run", "get", id])).collect()
}
