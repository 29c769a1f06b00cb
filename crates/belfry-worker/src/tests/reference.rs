//! Against the reference model of the store and the queue, which says what this crate's own fakes must agree with.

use belfry_core::ids::{MemberId, WorkflowId};
use belfry_core::ports::{Ids, Message, NewManualRun, NewWorkflow, PublishLease, Queue, RunStore, ScheduleStore, WallClock, WorkflowStore};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName};
use belfry_testkit::reference::{ReferenceQueue, ReferenceStore};

use super::*;

/// The store's clock: the host's is wrong.
struct StoreClock(Arc<FakeClock>);

impl WallClock for StoreClock {
    fn now(&self) -> UnixMillis {
        self.0.store_now()
    }
}

struct World {
    clock: Arc<FakeClock>,
    store: Arc<ReferenceStore>,
    queue: Arc<ReferenceQueue>,
    ids: Arc<CountedIds>,
}

impl World {
    fn new() -> World {
        let clock = FakeClock::new();
        let store = Arc::new(ReferenceStore::new(Arc::new(StoreClock(Arc::clone(&clock)))));
        let queue = Arc::new(ReferenceQueue::new(clock.clone()));
        World { clock, store, queue, ids: Arc::default() }
    }

    async fn started(&self, definition: Value) -> RunId {
        let id = |ids: &CountedIds| ids.v7(self.clock.store_now());
        let new = NewWorkflow {
            id: WorkflowId(id(&self.ids)),
            name: "nightly".to_owned(),
            description: String::new(),
            definition,
            tags: Vec::new(),
            queue: QueueName::default(),
            delivery: Delivery::Tracked,
            trigger: None,
        };
        let workflow_id = self.store.create_workflow(new).await.unwrap().id;
        let new = NewManualRun::now(RunId(id(&self.ids)), workflow_id, json!({"who": "Bob"}), None);
        self.store.start_run(new).await.unwrap().id
    }

    /// What a daemon does each second.
    async fn sweep(&self) {
        self.store.reap(self.clock.store_now(), 10).await.unwrap();
        let publisher = PublishLease { member: MemberId(self.ids.v7(self.clock.store_now())), lease: seconds(15) };
        let swept = self.store.sweep(publisher, &[], 10).await.unwrap();
        let messages = swept.runs.iter().map(|run| Message { run_id: run.id, body: String::new() }).collect();
        self.queue.publish(&QueueName::default(), messages).await.unwrap();
    }

    fn worker(&self) -> Started {
        let (clock, ids): (Arc<dyn Clock>, _) = (self.clock.clone(), self.ids.clone());
        let worker = Worker::new(self.store.clone(), self.queue.clone(), clock, ids, Arc::new(WrongWallClock), settings()).unwrap();
        let (shutdown, metrics) = (CancellationToken::new(), worker.metrics());
        Started { task: tokio::spawn(worker.run(shutdown.clone())), shutdown, metrics }
    }

    /// The run at the end, a daemon sweeping all the while; an hour of virtual time is long enough.
    async fn ended(&self, id: RunId) -> Run {
        for _ in 0..3_600 {
            let run = self.store.run(id).await.unwrap();
            if run.state.is_terminal() {
                return run;
            }
            self.sweep().await;
            self.clock.sleep(seconds(1)).await;
        }
        panic!("never ended: {:#?}", self.store.run(id).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_the_reference_model_is_executed() {
    let world = World::new();
    let say = json!({"id": "say", "type": "log", "parameters": {"message": "{{ input.who }} {{ run.nominal_time is defined }}"}});
    let id = world.started(json!({"nodes": [say]})).await;
    let worker = world.worker();
    let run = world.ended(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 1));
    assert_eq!(node(&run, "say").output, json!({"message": "Bob false"}));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_worker_was_lost_is_gone_on_with_by_another_once_its_claim_ran_out() {
    let world = World::new();
    let id = world.started(json!({"nodes": [log("a"), wait("w", "PT2M"), log("b")], "edges": [edge("a", "w"), edge("w", "b")]})).await;
    let first = world.worker();
    world.sweep().await;
    world.clock.sleep(seconds(10)).await;
    first.kill().await;
    let other = world.worker();
    let run = world.ended(id).await;
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 2));
    assert_eq!(states(&run), ["a succeeded", "w succeeded", "b succeeded"]);
    assert_eq!(run.nodes.iter().map(|node| node.attempts).collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(world.clock.since_start().as_secs(), 121);
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_given_back_is_gone_on_with_and_does_not_count_as_an_attempt() {
    let world = World::new();
    let id = world.started(json!({"nodes": [wait("w", "PT2M")]})).await;
    let first = world.worker();
    world.sweep().await;
    world.clock.sleep(seconds(5)).await;
    first.stop().await;
    let other = world.worker();
    let run = world.ended(id).await;
    assert_eq!((run.state, run.attempt, node(&run, "w").attempts), (RunState::Succeeded, 1, 1));
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_running_run_that_is_cancelled_ends_as_cancelled() {
    let world = World::new();
    let id = world.started(json!({"nodes": [wait("w", "PT2H")]})).await;
    let worker = world.worker();
    world.sweep().await;
    world.clock.sleep(seconds(5)).await;
    world.store.cancel(id).await.unwrap();
    assert_eq!(world.ended(id).await.state, RunState::Cancelled);
    worker.stop().await;
}
