//! `belfry up --demo`: three small workflows, and a line for each run that fires and ends.

use std::sync::Arc;

use anyhow::Context;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use belfry_core::ports::{Clock, Ids, RunStore, WorkflowFilter};
use belfry_core::run::Run;
use belfry_core::time::UnixMillis;
use belfry_scheduler::Recorded;
use belfry_workflow::workflows::WorkflowService;

use crate::backends::Stores;
use crate::edge::Host;

pub struct Demo {
    recorded: mpsc::UnboundedSender<Recorded>,
    /// Ends with the demo.
    _printing: JoinSet<()>,
}

impl Demo {
    /// Makes those of its workflows that are not there, and begins to print.
    pub async fn start(stores: &Stores, ids: Arc<dyn Ids>) -> anyhow::Result<Demo> {
        let service = WorkflowService::new(stores.workflows.clone(), stores.calendars.clone(), ids);
        for workflow in workflows() {
            let name = workflow["name"].as_str().map(str::to_owned);
            let filter = WorkflowFilter { name, limit: 1, ..WorkflowFilter::default() };
            if stores.workflows.workflows(filter).await.context("cannot look for the demo's workflows")?.items.is_empty() {
                service.create(&workflow).await.context("cannot make the demo's workflows")?;
            }
        }
        let (recorded, fired) = mpsc::unbounded_channel();
        let mut printing = JoinSet::new();
        printing.spawn(print(stores.runs.clone(), fired));
        Ok(Demo { recorded, _printing: printing })
    }

    pub fn teller(&self) -> Arc<dyn Fn(&Recorded) + Send + Sync> {
        let recorded = self.recorded.clone();
        Arc::new(move |run| {
            // The printing ends with the process; nobody is left to be told then.
            let _ = recorded.send(run.clone());
        })
    }
}

fn workflows() -> [Value; 3] {
    let log = |id: &str, message: &str| json!({"id": id, "type": "log", "parameters": {"message": message}});
    let trigger = |schedule: Value| json!({"id": "start", "type": "trigger", "parameters": {"schedule": schedule}});
    [
        json!({
            "name": "demo-tick",
            "description": "Every 10 seconds: two steps, the second of which uses the first one's output.",
            "definition": {
                "nodes": [
                    trigger(json!({"every": "PT10S", "start": "2026-01-01T00:00:00Z"})),
                    {"id": "prepare", "type": "set", "parameters": {"values": {"planned": "{{ run.nominal_time }}"}}},
                    log("report", "tick planned for {{ nodes.prepare.output.planned }}")
                ],
                "edges": [{"from": "start", "to": "prepare"}, {"from": "prepare", "to": "report"}]
            }
        }),
        json!({
            "name": "demo-cron",
            "description": "On a cron with seconds: at 0, 20 and 40 seconds past each minute.",
            "definition": {
                "nodes": [trigger(json!({"cron": "*/20 * * * * *"})), log("greet", "hello from a cron, attempt {{ run.attempt }}")],
                "edges": [{"from": "start", "to": "greet"}]
            }
        }),
        json!({
            "name": "demo-handled-failure",
            "description": "Every 15 seconds: a request that is refused (a loopback address), and a branch that handles it.",
            "definition": {
                "nodes": [
                    trigger(json!({"every": "PT15S", "start": "2026-01-01T00:00:00Z"})),
                    {"id": "fetch", "type": "http", "parameters": {"url": "http://127.0.0.1:9/"}},
                    log("handle", "the request failed, and that is handled")
                ],
                "edges": [{"from": "start", "to": "fetch"}, {"from": "fetch", "to": "handle", "when": "failure"}]
            }
        }),
    ]
}

async fn print(runs: Arc<dyn RunStore>, mut fired: mpsc::UnboundedReceiver<Recorded>) {
    let mut following = JoinSet::new();
    while let Some(recorded) = fired.recv().await {
        let late = recorded.recorded_at.since(recorded.due).as_millis();
        println!("{}  {:<22} fired {late} ms after its time", clock_time(recorded.due), recorded.workflow);
        following.spawn(follow(runs.clone(), recorded));
        while following.try_join_next().is_some() {}
    }
}

/// Waits for the run's end, and prints it.
async fn follow(runs: Arc<dyn RunStore>, recorded: Recorded) {
    const LOOKS: usize = 600;
    for _ in 0..LOOKS {
        Host.sleep(SignedDuration::from_millis(100)).await;
        let Ok(run) = runs.run(recorded.run_id).await else { return };
        if let Some(finished_at) = run.finished_at {
            println!(
                "{}  {:<22} {} {} ms after its time{}",
                clock_time(recorded.due),
                run.workflow_name,
                run.state,
                finished_at.since(recorded.due).as_millis(),
                said(&run)
            );
            return;
        }
    }
}

fn said(run: &Run) -> String {
    let last = run.nodes.iter().rev().find_map(|node| node.log.lines().last());
    last.map(|line| format!(": {line}")).unwrap_or_default()
}

fn clock_time(at: UnixMillis) -> String {
    at.to_timestamp().to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}
