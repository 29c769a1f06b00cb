//! The queue between the recorded run and its worker: a fast doorbell. What it loses becomes lateness.

use async_trait::async_trait;
use jiff::SignedDuration;

use crate::ids::RunId;
use crate::workflow::QueueName;

/// What is published of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The run's id, which is the message's.
    pub run_id: RunId,
    /// A CloudEvent: see [`crate::message`].
    pub body: String,
}

/// What became of one message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It is kept by the queue, durably.
    Confirmed,
    /// The queue refuses this one (unroutable, too large): the reason.
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The batch may have been kept in part, or wholly: publish it again. At least once is the promise.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
}

/// Whether a queue can be published to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueState {
    Up,
    /// Nothing can be published for now: the reason.
    Down(String),
}

/// One delivery of a message: at least one for each that was confirmed, until one is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    pub run_id: RunId,
    pub queue: QueueName,
    /// The queue's own mark of this delivery, meaningful to its consumer only.
    pub tag: u64,
}

#[async_trait]
pub trait Queue: Send + Sync {
    /// Publishes a batch to one queue, declaring the queue where need be, and waits until all of it is settled: one answer a
    /// message, in order. Bounded in time. Not idempotent: twice published is twice delivered.
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError>;

    /// As far as it is known here; asks nobody. What is published while it is down fails.
    fn state(&self) -> QueueState;

    /// Whether a message of `queue` is ready: kept, and handed to nobody. A queue that is not there has none.
    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError>;

    /// A new consumer of `queues`; of all there are when empty.
    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError>;
}

#[async_trait]
pub trait Consumer: Send {
    /// Waits for at most `patience` and answers at most `slots` messages, oldest first in each queue. What is answered is
    /// held by this consumer until acknowledged; when the consumer is dropped or dies it is delivered again.
    /// `slots` is what the worker has free: the queue hands out no more, so nothing waits behind a busy worker.
    /// Cancel-safe: a dropped call loses no message.
    async fn receive(&mut self, slots: usize, patience: SignedDuration) -> Result<Vec<Delivered>, QueueError>;

    /// The message is done with. Acknowledging twice, or what came back meanwhile, changes nothing.
    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError>;

    /// Gives the message back, to be delivered again to anyone.
    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError>;

    /// The message is not for this queue's workers: it is delivered to none of them again, and goes to the dead letters where
    /// the queue has such.
    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError>;
}
