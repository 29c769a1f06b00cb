//! A store, a queue, a clock, and daemons that are ticked by hand.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    Ids, NewManualRun, NewSchedule, NewWorkflow, Queue, RunFilter, RunStore, ScheduleStore, WallClock, WorkflowStore,
};
use belfry_core::run::{Run, RunState};
use belfry_core::schedule::{CatchUp, Lateness, RecordedOutcome, ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::Spec;
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::workflow::{Delivery, QueueName};
use belfry_scheduler::{Daemon, DaemonMetrics, Settings};
use belfry_testkit::clock::{ManualClock, SeededIds};
use belfry_testkit::reference::{ReferenceQueue, ReferenceStore};

pub struct World {
    pub clock: ManualClock,
    pub ids: Arc<SeededIds>,
    pub store: ReferenceStore,
    pub queue: ReferenceQueue,
    pub workflow: WorkflowId,
}

impl World {
    pub async fn new() -> World {
        let clock = ManualClock::default();
        let store = ReferenceStore::new(Arc::new(clock.clone()));
        let queue = ReferenceQueue::new(Arc::new(clock.clone()));
        let ids = Arc::new(SeededIds::new(1));
        let workflow = WorkflowId(ids.v7(WallClock::now(&clock)));
        store.create_workflow(self::workflow(workflow, QueueName::default())).await.unwrap();
        World { clock, ids, store, queue, workflow }
    }

    pub fn now(&self) -> UnixMillis {
        WallClock::now(&self.clock)
    }

    /// A schedule every `seconds`, anchored now: its first occurrence is that much later.
    pub async fn every(&self, seconds: i64) -> ScheduledWorkflow {
        self.schedule(vec![Spec::every(SignedDuration::from_secs(seconds), self.now())], CatchUp::Last).await
    }

    pub async fn schedule(&self, specs: Vec<Spec>, catch_up: CatchUp) -> ScheduledWorkflow {
        self.schedule_of(self.workflow, specs, catch_up).await
    }

    /// A schedule every `seconds` of a workflow of its own, whose runs go to `queue`.
    pub async fn every_to(&self, queue: &QueueName, seconds: i64) -> ScheduledWorkflow {
        let id = WorkflowId(self.ids.v7(self.now()));
        self.store.create_workflow(workflow(id, queue.clone())).await.unwrap();
        let spec = Spec::every(SignedDuration::from_secs(seconds), self.now());
        self.schedule_of(id, vec![spec], CatchUp::Last).await
    }

    async fn schedule_of(&self, workflow: WorkflowId, specs: Vec<Spec>, catch_up: CatchUp) -> ScheduledWorkflow {
        let id = ScheduleId(self.ids.v7(self.now()));
        let lateness = Lateness { catch_up, ..Lateness::default() };
        let content = ScheduleContent { lateness, ..ScheduleContent::new(specs, Zone::utc()) };
        let new = NewSchedule { id, workflow_id: workflow, name: id.to_string(), content, is_active: true };
        self.store.create_schedule(new).await.unwrap()
    }

    pub fn daemon(&self) -> Daemon {
        self.daemon_with(Arc::new(self.store.clone()), Arc::new(self.queue.clone()), Settings::default())
    }

    /// A daemon, and what it counts.
    pub fn counted_daemon(&self) -> (Daemon, DaemonMetrics) {
        let (store, queue, metrics) = (Arc::new(self.store.clone()), Arc::new(self.queue.clone()), DaemonMetrics::default());
        let daemon = Daemon::new(store, queue, Arc::new(self.clock.clone()), self.ids.clone(), Settings::default(), metrics.clone());
        (daemon, metrics)
    }

    pub fn daemon_with(&self, store: Arc<dyn ScheduleStore>, queue: Arc<dyn Queue>, settings: Settings) -> Daemon {
        Daemon::new(store, queue, Arc::new(self.clock.clone()), self.ids.clone(), settings, DaemonMetrics::default())
    }

    /// Lets `seconds` pass, a tick of each daemon every half second, and everything that they begin to publish settle.
    pub async fn pass(&self, daemons: &mut [&mut Daemon], seconds: i64) {
        for _ in 0..seconds * 2 {
            self.clock.advance(SignedDuration::from_millis(500));
            self.tick(daemons).await;
        }
    }

    pub async fn tick(&self, daemons: &mut [&mut Daemon]) {
        for daemon in daemons.iter_mut() {
            daemon.tick(self.now()).await;
        }
        settle().await;
    }

    pub async fn runs(&self) -> Vec<Run> {
        let mut runs = self.store.runs(RunFilter { limit: 200, ..RunFilter::default() }).await.unwrap().items;
        runs.reverse();
        runs
    }

    pub async fn states(&self) -> Vec<RunState> {
        self.runs().await.into_iter().map(|run| run.state).collect()
    }

    pub async fn outcomes(&self, id: ScheduleId) -> Vec<RecordedOutcome> {
        self.store.outcomes(id, None, 200).await.unwrap().items
    }

    /// Every message in the queue, in order.
    pub async fn messages(&self) -> Vec<RunId> {
        let mut consumer = self.queue.consumer(Vec::new()).await.unwrap();
        consumer.receive(10_000, SignedDuration::ZERO).await.unwrap().into_iter().map(|delivered| delivered.run_id).collect()
    }

    pub async fn run_by_hand(&self) -> Run {
        let id = RunId(self.ids.v7(self.now()));
        let new = NewManualRun::now(id, self.workflow, Value::Null, None);
        self.store.start_run(new).await.unwrap()
    }
}

fn workflow(id: WorkflowId, queue: QueueName) -> NewWorkflow {
    NewWorkflow {
        id,
        name: id.to_string(),
        description: String::new(),
        definition: json!({"nodes": []}),
        tags: Vec::new(),
        queue,
        delivery: Delivery::Tracked,
        trigger: None,
    }
}

/// Lets the tasks that are ready go on until all of them wait: on one thread, in turns.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// One run for each, at `seconds` after `start`.
pub fn assert_one_run_each(runs: &[Run], start: UnixMillis, seconds: impl IntoIterator<Item = i64>) {
    let nominal: Vec<_> = runs.iter().filter_map(|run| run.nominal_time).collect();
    let expected: Vec<_> = seconds.into_iter().map(|seconds| start.plus(SignedDuration::from_secs(seconds))).collect();
    assert_eq!(nominal, expected);
}
