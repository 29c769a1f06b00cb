//! A store and a queue that fail, before the effect or after it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;

use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{
    Backlog, Consumer, DueKey, DueSchedule, FireAnswer, FireBatch, GiveBack, Look, Mark, Member, Membership, Message, PendingRun,
    PublishLease, Queue, QueueError, QueueState, Reaped, Redrive, Redriven, ScheduleEdit, ScheduleStore, Settled, StoreError, StoreResult,
    Swept, WorkflowStore,
};
use belfry_core::run::RunState;
use belfry_core::schedule::OutcomeReason;
use belfry_core::shards::Shards;
use belfry_core::spec::Spec;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;
use belfry_scheduler::Settings;
use belfry_testkit::reference::{ReferenceQueue, ReferenceStore};

use crate::world::{World, assert_one_run_each};

/// What becomes of the next fires.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing is written, and an error says so.
    Before,
    /// Everything is written, and the answer is lost.
    After,
    /// The question is lost, and nobody knows; the next look-up of what stands fails too.
    Lost,
    /// Another daemon was faster, and recorded it for the sweep; one of the asking daemon has taken it when the answer is lost.
    Swept,
}

pub struct FlakyStore {
    pub store: ReferenceStore,
    pub faults: Mutex<VecDeque<Fault>>,
    pub is_blind: Mutex<bool>,
    /// A schedule whose data it refuses.
    pub poison: Option<ScheduleId>,
    /// Schedules that a newer version has given a kind of spec that this one does not know.
    pub newer: Vec<ScheduleId>,
}

impl FlakyStore {
    pub fn new(store: ReferenceStore, faults: impl IntoIterator<Item = Fault>) -> FlakyStore {
        FlakyStore { store, faults: Mutex::new(faults.into_iter().collect()), is_blind: Mutex::new(false), poison: None, newer: Vec::new() }
    }
}

#[async_trait]
impl ScheduleStore for FlakyStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        ScheduleStore::now(&self.store).await
    }

    async fn beat(&self, member: Member) -> StoreResult<Membership> {
        self.store.beat(member).await
    }

    async fn bury(&self, believed: UnixMillis) -> StoreResult<usize> {
        self.store.bury(believed).await
    }

    async fn leave(&self, member: MemberId) -> StoreResult<()> {
        self.store.leave(member).await
    }

    async fn look(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look> {
        self.store.look(shards, due_by, after, limit).await
    }

    async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>> {
        let mut loaded = self.store.load(ids).await?;
        for due in loaded.iter_mut().filter(|due| self.newer.contains(&due.schedule.id)) {
            due.schedule.content.specs.push(Spec::Unknown(serde_json::json!({"lunar": "full"})));
        }
        Ok(loaded)
    }

    async fn fire(&self, batch: FireBatch) -> StoreResult<FireAnswer> {
        if batch.fires.iter().any(|fire| Some(fire.id) == self.poison && fire.failure.is_none()) {
            return Err(StoreError::Data("value out of range".to_owned()));
        }
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            None => self.store.fire(batch).await,
            Some(Fault::Before) => Err(StoreError::Unavailable("the connection was refused".to_owned())),
            Some(Fault::After) => {
                self.store.fire(batch).await?;
                Err(StoreError::InDoubt("the connection was lost".to_owned()))
            }
            Some(Fault::Lost) => {
                *self.is_blind.lock().unwrap() = true;
                Err(StoreError::InDoubt("the connection was lost".to_owned()))
            }
            Some(Fault::Swept) => {
                let publisher = batch.publisher.expect("there is no backlog");
                self.store.fire(FireBatch { publisher: None, ..batch }).await?;
                self.store.sweep(publisher, &[], 10).await?;
                Err(StoreError::InDoubt("the connection was lost".to_owned()))
            }
        }
    }

    async fn pending(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>> {
        if std::mem::take(&mut *self.is_blind.lock().unwrap()) {
            return Err(StoreError::Unavailable("the connection was refused".to_owned()));
        }
        self.store.pending(member, ids).await
    }

    async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Swept> {
        self.store.sweep(publisher, except, limit).await
    }

    async fn mark(&self, marks: &[Mark]) -> StoreResult<usize> {
        self.store.mark(marks).await
    }

    async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize> {
        self.store.give_back(rows).await
    }

    async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>> {
        self.store.overdue_queues().await
    }

    async fn redrive(&self, redrive: Redrive) -> StoreResult<Redriven> {
        self.store.redrive(redrive).await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        self.store.backlog().await
    }

    async fn reap(&self, believed: UnixMillis, limit: usize) -> StoreResult<Reaped> {
        self.store.reap(believed, limit).await
    }
}

#[derive(Clone, Copy)]
pub enum Weather {
    Fine,
    Refused,
    Silent,
    Panics,
    /// Known to be down.
    Down,
}

pub struct FlakyQueue {
    queue: ReferenceQueue,
    weather: Mutex<Weather>,
    /// The only queue that suffers from it; all when absent.
    only: Option<QueueName>,
}

impl FlakyQueue {
    pub fn new(queue: ReferenceQueue) -> FlakyQueue {
        FlakyQueue { queue, weather: Mutex::new(Weather::Fine), only: None }
    }

    pub fn for_one(queue: ReferenceQueue, only: QueueName) -> FlakyQueue {
        FlakyQueue { only: Some(only), ..FlakyQueue::new(queue) }
    }

    pub fn weather(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }
}

#[async_trait]
impl Queue for FlakyQueue {
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        let suffers = self.only.as_ref().is_none_or(|only| only == queue);
        let weather = if suffers { *self.weather.lock().unwrap() } else { Weather::Fine };
        match weather {
            Weather::Fine => self.queue.publish(queue, messages).await,
            Weather::Refused | Weather::Down => Err(QueueError::Unavailable("the connection was refused".to_owned())),
            Weather::Silent => std::future::pending().await,
            Weather::Panics => panic!("a fault of the adapter"),
        }
    }

    fn state(&self) -> QueueState {
        match *self.weather.lock().unwrap() {
            Weather::Down => QueueState::Down("the connection was lost".to_owned()),
            _ => QueueState::Up,
        }
    }

    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError> {
        self.queue.has_ready(queue).await
    }

    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        self.queue.consumer(queues).await
    }
}

#[tokio::test]
async fn whatever_fails_around_a_fire_each_occurrence_has_one_row_and_is_published() {
    let faults = [Fault::After, Fault::Before, Fault::Before, Fault::After, Fault::After, Fault::Before, Fault::After];
    let world = World::new().await;
    let start = world.now();
    world.every(2).await;
    let store = Arc::new(FlakyStore::new(world.store.clone(), faults));
    let mut daemon = world.daemon_with(store.clone(), Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 40).await;
    assert_eq!(store.faults.lock().unwrap().len(), 0, "not every fault was met");
    let runs = world.runs().await;
    assert_one_run_each(&runs, start, (2..=40).step_by(2));
    assert_eq!(world.messages().await, runs.iter().map(|run| run.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_store_in_trouble_is_asked_less_and_less_often_until_it_answers() {
    let world = World::new().await;
    world.every(10).await;
    let store = Arc::new(FlakyStore::new(world.store.clone(), [Fault::Before; 4]));
    let mut daemon = world.daemon_with(store, Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 9).await;
    world.clock.advance(SignedDuration::from_secs(1));
    let mut pauses = Vec::new();
    while world.runs().await.is_empty() {
        let now = world.now();
        let pause = daemon.tick(now).await.again_at.since(now);
        pauses.push(pause.as_millis());
        world.clock.advance(pause);
    }
    assert_eq!(pauses[..4], [100, 200, 400, 800]);
}

#[tokio::test]
async fn a_fire_whose_answer_was_lost_is_published_at_once() {
    let world = World::new().await;
    world.every(10).await;
    let store = Arc::new(FlakyStore::new(world.store.clone(), [Fault::After]));
    let mut daemon = world.daemon_with(store, Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 10).await;
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test]
async fn what_fires_after_an_answer_was_lost_is_published_once() {
    let world = World::new().await;
    world.every(10).await;
    let store = Arc::new(FlakyStore::new(world.store.clone(), [Fault::Lost]));
    let mut daemon = world.daemon_with(store, Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 13).await;
    assert_eq!((world.runs().await.len(), world.messages().await.len()), (1, 1));
}

/// Whose sweep took it has it already: offered again, a handoff would be published after its mark.
#[tokio::test]
async fn what_a_sweep_took_meanwhile_is_not_published_for_a_fire_whose_answer_was_lost() {
    let world = World::new().await;
    world.every(10).await;
    let store = Arc::new(FlakyStore::new(world.store.clone(), [Fault::Swept]));
    let mut daemon = world.daemon_with(store, Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 13).await;
    assert_eq!((world.runs().await.len(), world.messages().await.len()), (1, 0));
    // That sweep was nobody's in truth: its lease runs out.
    world.pass(&mut [&mut daemon], 16).await;
    assert_eq!(world.runs().await.len(), world.messages().await.len());
}

#[tokio::test]
async fn a_schedule_whose_data_the_store_refuses_leaves_with_its_error_and_the_others_go_on() {
    let world = World::new().await;
    let poisoned = world.every(5).await;
    for _ in 0..9 {
        world.every(5).await;
    }
    let store = FlakyStore { poison: Some(poisoned.id), ..FlakyStore::new(world.store.clone(), []) };
    let mut daemon = world.daemon_with(Arc::new(store), Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 5).await;
    assert_eq!(world.runs().await.len(), 9);
    let left = world.store.schedule(poisoned.id).await.unwrap();
    assert_eq!((left.cursor.due, left.failure_count, left.last_error.as_deref()), (None, 1, Some("value out of range")));
    assert_eq!(world.outcomes(poisoned.id).await[0].outcome.reason, OutcomeReason::FailedToDecide);
}

#[tokio::test]
async fn a_refusal_while_nothing_else_was_recorded_condemns_nobody() {
    let world = World::new().await;
    let poisoned = world.every(5).await;
    let other = world.every(5).await;
    let store = FlakyStore { poison: Some(poisoned.id), ..FlakyStore::new(world.store.clone(), []) };
    let mut daemon = world.daemon_with(Arc::new(store), Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 4).await;
    let pause = ScheduleEdit { id: other.id, expected: None, name: None, content: None, is_active: Some(false) };
    world.store.edit_schedule(pause).await.unwrap();
    world.pass(&mut [&mut daemon], 1).await;
    assert_eq!(world.store.schedule(poisoned.id).await.unwrap().last_error, None);
}

#[tokio::test]
async fn an_adapter_that_panics_costs_its_batch_the_lease_and_nothing_else() {
    let world = World::new().await;
    world.every(10).await;
    let queue = Arc::new(FlakyQueue::new(world.queue.clone()));
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), queue.clone(), Settings::default());
    queue.weather(Weather::Panics);
    world.pass(&mut [&mut daemon], 50).await;
    queue.weather(Weather::Fine);
    world.pass(&mut [&mut daemon], 16).await;
    assert!(world.states().await.iter().all(|state| *state == RunState::Queued));
}
