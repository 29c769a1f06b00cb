//! Workflows and schedules, made through the API.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::deployment::Deployment;

#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub schedules: usize,
    /// Between two occurrences of a schedule.
    pub every_seconds: i64,
    pub phase: Anchors,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchors {
    /// Evenly over the interval.
    Spread,
    /// All due at the same instants.
    Together,
}

/// Nothing waits longer for a lock on its workflow than this many are made one after the other.
const OF_ONE_WORKFLOW: usize = 20;

impl Load {
    /// The load, unless `scripts/soak` was told another one.
    pub fn or_asked(self) -> Load {
        let asked = |name: &str| std::env::var(name).ok().map(|text| text.parse::<i64>().unwrap());
        Load {
            schedules: asked("BELFRY_SOAK_SCHEDULES").map_or(self.schedules, |count| usize::try_from(count).unwrap()),
            every_seconds: asked("BELFRY_SOAK_EVERY").unwrap_or(self.every_seconds),
            ..self
        }
    }

    /// Makes the schedules, in workflows that publish to `queue`; answers their ids.
    pub fn make(&self, deployment: &Deployment, queue: &str) -> Vec<String> {
        let kinds = self.schedules.div_ceil(OF_ONE_WORKFLOW).max(KINDS.len().min(self.schedules));
        let workflows: Vec<_> = (0..kinds).map(|place| workflow(deployment, place, queue)).collect();
        let workflows =
            deployment.http.all(workflows.into_iter().map(|body| deployment.to_api(Method::POST, "/workflows", Some(body))).collect());
        let now = deployment.postgres.now();
        let calls = (0..self.schedules).map(|place| {
            let path = format!("/workflows/{}/schedules", workflows[place % kinds]["id"].as_str().unwrap());
            deployment.to_api(Method::POST, &path, Some(self.schedule(place, now)))
        });
        let made = deployment.http.all(calls.collect());
        made.iter().map(|schedule| schedule["id"].as_str().unwrap().to_owned()).collect()
    }

    fn schedule(&self, place: usize, now: i64) -> Value {
        let every = self.every_seconds * 1_000;
        let (place_ms, count) = (i64::try_from(place).unwrap() * every, i64::try_from(self.schedules).unwrap());
        let offset = if self.phase == Anchors::Spread { place_ms / count } else { 0 };
        // The anchor has passed: an interval counts on from it.
        let start = (now / 1_000 * 1_000) - every + offset;
        json!({"name": format!("s-{place}"), "every": format!("PT{}S", self.every_seconds), "start": instant(start)})
    }
}

pub fn instant(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

const KINDS: [&str; 5] = ["log", "set", "witness", "wait", "log"];

/// Every kind by turns: what only logs, what is seen from outside, and what lasts long enough to be killed in the middle.
fn workflow(deployment: &Deployment, place: usize, queue: &str) -> Value {
    let kind = KINDS[place % KINDS.len()];
    let log = json!({"id": "say", "type": "log", "parameters": {"message": "planned for {{ run.nominal_time }}"}});
    let (nodes, edges) = match kind {
        "set" => (json!([{"id": "keep", "type": "set", "parameters": {"values": {"at": "{{ run.nominal_time }}"}}}]), json!([])),
        "witness" => (json!([deployment.witness.node("call")]), json!([])),
        "wait" => {
            let wait = json!({"id": "wait", "type": "wait", "parameters": {"for": "PT1S"}});
            (json!([wait, log]), json!([{"from": "wait", "to": "say"}]))
        }
        _ => (json!([log]), json!([])),
    };
    json!({"name": format!("{kind}-{queue}-{place}"), "queue": queue, "definition": {"nodes": nodes, "edges": edges}})
}
