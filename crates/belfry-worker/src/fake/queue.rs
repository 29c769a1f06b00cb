use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Delivered, Message, Queue, QueueError, QueueState, Settled};
use belfry_core::workflow::QueueName;
use jiff::SignedDuration;
use tokio::sync::watch;

use super::FakeClock;
use crate::timing::within;

/// One queue, in memory.
pub struct FakeQueue {
    clock: Arc<FakeClock>,
    state: Arc<Mutex<State>>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    ready: VecDeque<RunId>,
    /// How many of the next calls fail.
    failures: usize,
    fail_acknowledgement: bool,
    consumers: usize,
    acknowledged: Vec<RunId>,
    given_back: Vec<RunId>,
    rejected: Vec<RunId>,
    deliveries: u64,
    /// How often a consumer was given a delivery to settle that is not its own.
    strays: usize,
}

struct FakeConsumer {
    clock: Arc<FakeClock>,
    state: Arc<Mutex<State>>,
    changes: watch::Receiver<()>,
    changed: watch::Sender<()>,
    /// By the tag of the delivery.
    held: Vec<(u64, RunId)>,
}

impl FakeQueue {
    pub fn new(clock: Arc<FakeClock>) -> Arc<FakeQueue> {
        Arc::new(FakeQueue { clock, state: Arc::default(), changed: watch::channel(()).0 })
    }

    pub fn ring(&self, run: RunId) {
        self.state.lock().unwrap().ready.push_back(run);
        self.changed.send_replace(());
    }

    pub fn fail(&self, calls: usize) {
        self.state.lock().unwrap().failures = calls;
    }

    pub fn fail_next_acknowledgement(&self) {
        self.state.lock().unwrap().fail_acknowledgement = true;
    }

    pub fn consumers(&self) -> usize {
        self.state.lock().unwrap().consumers
    }

    pub fn acknowledged(&self) -> Vec<RunId> {
        self.state.lock().unwrap().acknowledged.clone()
    }

    pub fn rejected(&self) -> Vec<RunId> {
        self.state.lock().unwrap().rejected.clone()
    }

    pub fn given_back(&self) -> Vec<RunId> {
        self.state.lock().unwrap().given_back.clone()
    }

    pub fn strays(&self) -> usize {
        self.state.lock().unwrap().strays
    }

    pub fn ready(&self) -> Vec<RunId> {
        self.state.lock().unwrap().ready.iter().copied().collect()
    }
}

#[async_trait]
impl Queue for FakeQueue {
    async fn publish(&self, _: &QueueName, _: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        unreachable!("a worker publishes nothing")
    }

    fn state(&self) -> QueueState {
        QueueState::Up
    }

    async fn has_ready(&self, _: &QueueName) -> Result<bool, QueueError> {
        Ok(!self.state.lock().unwrap().ready.is_empty())
    }

    async fn consumer(&self, _: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        let mut state = self.state.lock().unwrap();
        fail_if_ordered(&mut state)?;
        state.consumers += 1;
        let (changes, changed) = (self.changed.subscribe(), self.changed.clone());
        let (clock, state) = (Arc::clone(&self.clock), Arc::clone(&self.state));
        Ok(Box::new(FakeConsumer { clock, state, changes, changed, held: Vec::new() }))
    }
}

fn fail_if_ordered(state: &mut State) -> Result<(), QueueError> {
    if state.failures > 0 {
        state.failures -= 1;
        return Err(QueueError::Unavailable("as ordered".to_owned()));
    }
    Ok(())
}

impl FakeConsumer {
    fn take(&mut self, slots: usize) -> Result<Vec<Delivered>, QueueError> {
        let mut state = self.state.lock().unwrap();
        fail_if_ordered(&mut state)?;
        let count = slots.min(state.ready.len());
        let taken: Vec<RunId> = state.ready.drain(..count).collect();
        let delivered = taken.into_iter().map(|run_id| {
            state.deliveries += 1;
            self.held.push((state.deliveries, run_id));
            Delivered { run_id, queue: QueueName::default(), tag: state.deliveries }
        });
        Ok(delivered.collect())
    }

    fn let_go(&mut self, delivered: &Delivered) -> bool {
        let before = self.held.len();
        self.held.retain(|(tag, _)| *tag != delivered.tag);
        let ours = self.held.len() < before;
        self.state.lock().unwrap().strays += usize::from(!ours);
        ours
    }
}

#[async_trait]
impl Consumer for FakeConsumer {
    async fn receive(&mut self, slots: usize, patience: SignedDuration) -> Result<Vec<Delivered>, QueueError> {
        let taken = self.take(slots)?;
        if !taken.is_empty() {
            return Ok(taken);
        }
        let clock = Arc::clone(&self.clock);
        match within(&*clock, patience, self.changes.changed()).await {
            Some(_) => self.take(slots),
            None => Ok(Vec::new()),
        }
    }

    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        if std::mem::take(&mut self.state.lock().unwrap().fail_acknowledgement) {
            return Err(QueueError::Unavailable("as ordered".to_owned()));
        }
        if self.let_go(delivered) {
            self.state.lock().unwrap().acknowledged.push(delivered.run_id);
        }
        Ok(())
    }

    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        if self.let_go(delivered) {
            let mut state = self.state.lock().unwrap();
            state.given_back.push(delivered.run_id);
            state.ready.push_back(delivered.run_id);
        }
        self.changed.send_replace(());
        Ok(())
    }

    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        if self.let_go(delivered) {
            self.state.lock().unwrap().rejected.push(delivered.run_id);
        }
        Ok(())
    }
}

impl Drop for FakeConsumer {
    fn drop(&mut self) {
        self.state.lock().unwrap().ready.extend(self.held.drain(..).map(|(_, run)| run));
        self.changed.send_replace(());
    }
}
