//! A queue in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use belfry_core::ids::RunId;
use belfry_core::ports::{Clock, Consumer, Delivered, Message, Queue, QueueError, QueueState, Settled};
use belfry_core::workflow::QueueName;
use jiff::SignedDuration;
use tokio::sync::Notify;

/// A queue in memory. Its handles share it; patience is measured by its clock.
#[derive(Clone)]
pub struct ReferenceQueue {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    messages: Mutex<Messages>,
    /// Something is ready that was not before.
    ready: Notify,
}

#[derive(Default)]
struct Messages {
    /// By the order of publishing, which a message keeps when it comes back.
    ready: BTreeMap<u64, Ready>,
    published: u64,
    delivered: u64,
    /// What was rejected.
    dead: Vec<RunId>,
}

#[derive(Clone)]
struct Ready {
    queue: QueueName,
    run_id: RunId,
}

impl ReferenceQueue {
    pub fn new(clock: Arc<dyn Clock>) -> ReferenceQueue {
        ReferenceQueue { shared: Arc::new(Shared { clock, messages: Mutex::default(), ready: Notify::new() }) }
    }

    /// The dead letters.
    pub fn dead(&self) -> Vec<RunId> {
        self.shared.messages().dead.clone()
    }

    /// Loses every message that is ready, as a broker does whose disk is lost.
    pub fn lose_ready(&self) {
        self.lose_where(|_, _| true);
    }

    /// Loses the ready messages that `lost` says, which is asked in the order of publishing.
    pub fn lose_where(&self, mut lost: impl FnMut(&QueueName, RunId) -> bool) {
        self.shared.messages().ready.retain(|_, ready| !lost(&ready.queue, ready.run_id));
    }
}

impl Shared {
    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().expect("nothing panics while it holds the lock")
    }

    fn put_back(&self, held: impl IntoIterator<Item = (u64, Ready)>) {
        self.messages().ready.extend(held);
        self.ready.notify_waiters();
    }
}

#[async_trait]
impl Queue for ReferenceQueue {
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        let mut kept = self.shared.messages();
        let settled = vec![Settled::Confirmed; messages.len()];
        for message in messages {
            let place = kept.published;
            kept.published += 1;
            kept.ready.insert(place, Ready { queue: queue.clone(), run_id: message.run_id });
        }
        drop(kept);
        self.shared.ready.notify_waiters();
        Ok(settled)
    }

    fn state(&self) -> QueueState {
        QueueState::Up
    }

    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError> {
        Ok(self.shared.messages().ready.values().any(|ready| ready.queue == *queue))
    }

    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        Ok(Box::new(ReferenceConsumer { shared: self.shared.clone(), queues, held: BTreeMap::new() }))
    }
}

struct ReferenceConsumer {
    shared: Arc<Shared>,
    queues: Vec<QueueName>,
    /// By the tag of the delivery: the message's place, and the message.
    held: BTreeMap<u64, (u64, Ready)>,
}

impl ReferenceConsumer {
    fn take(&mut self, slots: usize) -> Vec<Delivered> {
        let mut kept = self.shared.messages();
        let wanted = kept.ready.iter().filter(|(_, ready)| self.queues.is_empty() || self.queues.contains(&ready.queue));
        let places: Vec<u64> = wanted.take(slots).map(|(place, _)| *place).collect();
        let mut deliveries = Vec::new();
        for place in places {
            let ready = kept.ready.remove(&place).expect("it was found under the same lock");
            let tag = kept.delivered;
            kept.delivered += 1;
            deliveries.push(Delivered { run_id: ready.run_id, queue: ready.queue.clone(), tag });
            self.held.insert(tag, (place, ready));
        }
        deliveries
    }
}

#[async_trait]
impl Consumer for ReferenceConsumer {
    async fn receive(&mut self, slots: usize, patience: SignedDuration) -> Result<Vec<Delivered>, QueueError> {
        let shared = self.shared.clone();
        let timer = shared.clock.sleep(patience);
        tokio::pin!(timer);
        loop {
            // Registered before the look, so that nothing comes unnoticed between the two.
            let ready = shared.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            let deliveries = self.take(slots);
            if !deliveries.is_empty() || slots == 0 {
                return Ok(deliveries);
            }
            tokio::select! {
                biased;
                () = ready => {}
                () = &mut timer => return Ok(self.take(slots)),
            }
        }
    }

    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        self.held.remove(&delivered.tag);
        Ok(())
    }

    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let held = self.held.remove(&delivered.tag);
        self.shared.put_back(held);
        Ok(())
    }

    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let held = self.held.remove(&delivered.tag);
        self.shared.messages().dead.extend(held.map(|(_, message)| message.run_id));
        Ok(())
    }
}

impl Drop for ReferenceConsumer {
    fn drop(&mut self) {
        self.shared.put_back(std::mem::take(&mut self.held).into_values());
    }
}
