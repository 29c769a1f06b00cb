//! The worker as a whole, through its ports.

mod claims;
mod commands;
mod http_nodes;
mod leases;
mod metrics;
mod nodes;
mod reference;
mod runs;
mod stopping;
mod takeover;
mod waiting;

use std::sync::Arc;

use belfry_core::ids::RunId;
use belfry_core::ports::Clock;
use belfry_core::run::{NodeResult, Run, RunState};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fake::{CountedIds, FakeClock, FakeQueue, FakeStore, WrongWallClock, queued_run};
use crate::{Worker, WorkerMetrics, WorkerSettings};

/// A store, a queue, and as many workers as a test starts. Virtual time passes while all of them wait.
struct Bench {
    clock: Arc<FakeClock>,
    store: Arc<FakeStore>,
    queue: Arc<FakeQueue>,
    ids: Arc<CountedIds>,
}

struct Started {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
    metrics: WorkerMetrics,
}

impl Bench {
    fn new() -> Bench {
        let clock = FakeClock::new();
        let (store, queue) = (FakeStore::new(Arc::clone(&clock)), FakeQueue::new(Arc::clone(&clock)));
        Bench { clock, store, queue, ids: Arc::default() }
    }

    /// Records a run and rings for it.
    fn queued(&self, number: u128, definition: Value) -> RunId {
        self.queued_as(queued_run(number, json!({"who": "Bob"})), definition)
    }

    fn queued_as(&self, run: Run, definition: Value) -> RunId {
        let id = run.id;
        self.store.add(run, definition);
        self.queue.ring(id);
        id
    }

    fn start(&self) -> Started {
        self.start_with(settings())
    }

    fn start_with(&self, settings: WorkerSettings) -> Started {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let ports = (self.store.clone(), self.queue.clone(), self.ids.clone());
        let worker = Worker::new(ports.0, ports.1, clock, ports.2, Arc::new(WrongWallClock), settings).unwrap();
        let (shutdown, metrics) = (CancellationToken::new(), worker.metrics());
        Started { task: tokio::spawn(worker.run(shutdown.clone())), shutdown, metrics }
    }

    /// The end of one run of `definition`, by one worker.
    async fn run(&self, definition: Value) -> Run {
        let id = self.queued(1, definition);
        let worker = self.start();
        let ended = self.store.ended(id).await;
        worker.stop().await;
        ended
    }

    /// Until `length` of virtual time has passed.
    async fn pass(&self, length: SignedDuration) {
        self.clock.sleep(length).await;
    }
}

impl Started {
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }

    /// The process dies.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

fn settings() -> WorkerSettings {
    WorkerSettings::named("w1")
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn node<'a>(run: &'a Run, id: &str) -> &'a NodeResult {
    run.nodes.iter().find(|node| node.node_id == id).unwrap_or_else(|| panic!("no result of {id} in {run:#?}"))
}

/// `id state` of each node, in the order in which they were begun.
fn states(run: &Run) -> Vec<String> {
    run.nodes.iter().map(|node| format!("{} {}", node.node_id, node.state)).collect()
}

fn log(id: &str) -> Value {
    json!({"id": id, "type": "log", "parameters": {"message": id}})
}

fn failing(id: &str) -> Value {
    json!({"id": id, "type": "log", "parameters": {"message": "{{ nothing }}"}})
}

/// Each of its attempts fails after a second and may be repeated.
fn slow(id: &str, retry: Value) -> Value {
    json!({"id": id, "type": "wait", "parameters": {"for": "PT72H"}, "timeout": "PT1S", "retry": retry})
}

fn wait(id: &str, length: &str) -> Value {
    json!({"id": id, "type": "wait", "parameters": {"for": length}})
}

fn edge(from: &str, to: &str) -> Value {
    json!({"from": from, "to": to})
}

fn edge_when(from: &str, to: &str, when: &str) -> Value {
    json!({"from": from, "to": to, "when": when})
}

#[tokio::test(start_paused = true)]
async fn settings_outside_their_range_are_refused_with_what_would_be_right() {
    let bench = Bench::new();
    let wrong = [
        WorkerSettings::named(""),
        WorkerSettings { concurrency: 0, ..settings() },
        WorkerSettings { heartbeat_interval: seconds(0), ..settings() },
        WorkerSettings { heartbeat_interval: seconds(45), ..settings() },
        WorkerSettings { give_up_after: seconds(60), ..settings() },
        WorkerSettings { drain_limit: seconds(-1), ..settings() },
    ];
    for settings in wrong {
        let (clock, ids): (Arc<dyn Clock>, _) = (bench.clock.clone(), bench.ids.clone());
        let made = Worker::new(bench.store.clone(), bench.queue.clone(), clock, ids, Arc::new(WrongWallClock), settings.clone());
        assert!(made.is_err(), "{settings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_as_its_store_says_and_its_message_is_acknowledged() {
    let bench = Bench::new();
    let run = bench.run(json!({"nodes": [log("a")]})).await;
    assert_eq!((run.state, run.error.as_deref(), run.claimed_by.as_deref()), (RunState::Succeeded, None, Some("w1")));
    assert_eq!(bench.queue.acknowledged(), [run.id]);
    assert_eq!(bench.store.calls(), ["claim", "record a running", "record a succeeded", "finish succeeded"]);
}
