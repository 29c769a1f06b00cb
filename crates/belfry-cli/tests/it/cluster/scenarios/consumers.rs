//! The consumers in Python, of RabbitMQ's messages, killed at each step (`killed.py`). Needs a Python with pika, which is `python3`
//! or what `BELFRY_TEST_PYTHON` names.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};

use reqwest::Method;
use serde_json::{Value, json};

use super::super::deployment::{Broker, Deployment};
use crate::server::eventually;

/// Where a consumer of tracked runs dies, how often its run has been claimed in the end, and by whom last.
const TRACKED: [(&str, &str, i64, &str); 10] = [
    ("claim", "before", 1, "next"),
    ("claim", "after", 2, "next"),
    ("ack", "before", 2, "next"),
    ("ack", "after", 2, "next"),
    ("work", "before", 2, "next"),
    ("heartbeat", "before", 2, "next"),
    ("heartbeat", "after", 2, "next"),
    ("work", "after", 2, "next"),
    ("complete", "before", 2, "next"),
    ("complete", "after", 1, "killed"),
];

/// Where one of handed-off runs dies, and whether its message comes again.
const HANDED_OFF: [(&str, &str, bool); 4] =
    [("work", "before", true), ("work", "after", true), ("ack", "before", true), ("ack", "after", false)];

/// A lost claim takes a minute to run out: all of them at once.
pub fn killed_at_each_step() {
    let mut deployment = Deployment::start(Broker::RabbitMq);
    deployment.add_daemon(&[]);
    let deployment = &deployment;
    let seen = std::thread::scope(|scope| {
        let tracked = TRACKED.map(|(step, moment, ..)| scope.spawn(move || killed_with_a_claim(deployment, step, moment)));
        let handed_off =
            HANDED_OFF.map(|(step, moment, again)| scope.spawn(move || killed_with_a_message(deployment, step, moment, again)));
        handed_off.into_iter().for_each(|death| death.join().unwrap());
        tracked.map(|death| death.join().unwrap())
    });
    for ((step, moment, attempt, by), runs) in TRACKED.into_iter().zip(seen) {
        let facts = |run: &Value| ["state", "attempt", "claimed_by"].map(|name| run[name].clone());
        println!("tracked, killed {moment} {step}: {} row, {}", runs.len(), Value::from(facts(&runs[0]).to_vec()));
        let expected = [json!("succeeded"), json!(attempt), json!(by)];
        assert_eq!(runs.iter().map(facts).collect::<Vec<_>>(), [expected], "killed {moment} {step}");
    }
}

/// Answers all runs of the workflow, once another consumer has done what the killed one left.
fn killed_with_a_claim(deployment: &Deployment, step: &str, moment: &str) -> Vec<Value> {
    let queue = format!("tracked-{moment}-{step}");
    let (_, run) = started(deployment, &queue, "tracked");
    let mut killed = consumer(deployment, &["tests/it/killed.py", "consumer", step, moment], &queue, Some("killed"));
    assert_eq!(killed.0.wait().unwrap().signal(), Some(9), "killed {moment} {step}");
    let _next = consumer(deployment, &["../../examples/python/consumer.py"], &queue, Some("next"));
    ended(deployment, &run, "succeeded");
    wait_until_empty(deployment, &queue);
    runs(deployment, &queue)
}

/// Belfry has no part in what becomes of a message: the run has ended when the broker had it. What comes again is worked on by the
/// next consumer, and is the same run.
fn killed_with_a_message(deployment: &Deployment, step: &str, moment: &str, again: bool) {
    let queue = format!("handoff-{moment}-{step}");
    let (_, run) = started(deployment, &queue, "handoff");
    ended(deployment, &run, "delivered");
    let mut killed = consumer(deployment, &["tests/it/killed.py", "handoff", step, moment], &queue, None);
    assert_eq!(killed.0.wait().unwrap().signal(), Some(9), "killed {moment} {step}");
    let left = eventually("the broker to see that its consumer is gone", || messages(deployment, &queue).filter(|left| left[1] == 0));
    println!("handoff, killed {moment} {step}: {} left", left[0]);
    assert_eq!(left[0], usize::from(again), "killed {moment} {step}");
    let _next = consumer(deployment, &["../../examples/python/handoff.py"], &queue, None);
    wait_until_empty(deployment, &queue);
    let runs = runs(deployment, &queue);
    assert_eq!(runs.iter().map(|run| &run["state"]).collect::<Vec<_>>(), ["delivered"], "killed {moment} {step}");
}

/// A workflow with a queue of its own, and a run of it; their ids.
fn started(deployment: &Deployment, queue: &str, delivery: &str) -> (String, String) {
    let id = |made: Value| made["id"].as_str().unwrap().to_owned();
    let definition = json!({"nodes": [{"id": "start", "type": "trigger"}]});
    let workflow = json!({"name": queue, "queue": queue, "delivery": delivery, "definition": definition});
    let workflow = id(deployment.ask(Method::POST, "/workflows", Some(workflow)));
    let input = json!({"input": {"seconds": 2}});
    let run = id(deployment.ask(Method::POST, &format!("/workflows/{workflow}/run"), Some(input)));
    (workflow, run)
}

fn ended(deployment: &Deployment, run: &str, state: &str) {
    let path = format!("/runs/{run}");
    eventually(&format!("{run} to be {state}"), || Some(deployment.ask(Method::GET, &path, None)).filter(|run| run["state"] == state));
}

/// All that the workflow of this name has.
fn runs(deployment: &Deployment, name: &str) -> Vec<Value> {
    let workflow = &deployment.ask(Method::GET, &format!("/workflows?name={name}"), None)["items"][0]["id"];
    let path = format!("/workflows/{}/runs", workflow.as_str().unwrap());
    deployment.ask(Method::GET, &path, None)["items"].as_array().unwrap().clone()
}

/// How many messages the queue has, those included that are delivered and not acknowledged, and how many consumers.
fn messages(deployment: &Deployment, queue: &str) -> Option<[usize; 2]> {
    let broker = deployment.broker.as_ref().unwrap();
    let listed = broker.control(&["list_queues", "--no-table-headers", "name", "messages", "consumers"]);
    let name = format!("belfry.{queue}");
    let words =
        listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|words| words.first() == Some(&name.as_str()))?;
    Some([words.get(1)?.parse().ok()?, words.get(2)?.parse().ok()?])
}

fn wait_until_empty(deployment: &Deployment, queue: &str) {
    eventually(&format!("{queue} to be empty"), || messages(deployment, queue).filter(|left| left[0] == 0));
}

struct Consumer(Child);

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `program` is a file seen from this crate, and its first arguments.
fn consumer(deployment: &Deployment, program: &[&str], queue: &str, name: Option<&str>) -> Consumer {
    let python = std::env::var("BELFRY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(program[0])).args(&program[1..]);
    command.args(["--queue", queue]).args(name.map(|name| ["--name", name]).into_iter().flatten());
    command.envs(deployment.for_programs());
    Consumer(command.spawn().expect("BELFRY_TEST_PYTHON, or python3, is a Python with pika"))
}
