//! Messages for the slots that a worker has free, and no more.
//!
//! The broker is held by a [`desk`] of its own task, so that a call of [`receive`](Consumer::receive) that is dropped
//! half-way leaves nothing half done: what was taken lies in the tray for the next call.

mod desk;
mod flow;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use belfry_core::ports::{Consumer, Delivered, QueueError};
use belfry_core::workflow::QueueName;

use crate::link::Link;
use crate::topology::Topology;
use desk::Desk;

/// How old a channel may grow. Up to RabbitMQ 3, a quorum queue that is deleted and declared again at once (before the channel
/// has heard of its end) keeps its subscriptions, says nothing, and counts what it sends to them as held, while it never arrives:
/// the channel subscribes anew to the queue of that name, and then forgets the queue and with it the new subscription
/// (`rabbit_channel.erl`, what follows `eol`; there is no consumer's argument against it that a quorum queue takes). RabbitMQ 4
/// ends the subscription and says so. Only closing the channel frees what is held, and nobody can see it from outside.
const RENEW_EVERY: Duration = Duration::from_secs(30);
/// One worker settles few messages at a time; each waits for its answer.
const MOST_SETTLINGS: usize = 64;

pub(crate) struct RabbitConsumer {
    /// How many messages are wanted. Dropped with this consumer, it ends the desk, and the broker takes back what is held.
    wanted: watch::Sender<usize>,
    settlings: mpsc::Sender<Settling>,
    tray: Arc<Tray>,
}

/// What lies between the desk and the consumer.
#[derive(Default)]
struct Tray {
    inner: Mutex<Contents>,
    changed: Notify,
}

#[derive(Default)]
struct Contents {
    /// Held of the broker and not handed out yet.
    messages: VecDeque<Delivered>,
    /// Why there will be none.
    failed: Option<QueueError>,
}

struct Settling {
    tag: u64,
    how: How,
    done: oneshot::Sender<Result<(), QueueError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Acknowledge,
    GiveBack,
    Reject,
}

impl Tray {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RabbitConsumer {
    pub fn start(link: Arc<Link>, topology: Arc<Topology>, queues: Vec<QueueName>) -> RabbitConsumer {
        RabbitConsumer::start_renewing(link, topology, queues, RENEW_EVERY)
    }

    fn start_renewing(link: Arc<Link>, topology: Arc<Topology>, queues: Vec<QueueName>, renew_every: Duration) -> RabbitConsumer {
        let (wanted, wants) = watch::channel(0);
        let (settlings, settled) = mpsc::channel(MOST_SETTLINGS);
        let tray = Arc::new(Tray::default());
        tokio::spawn(Desk::new(link, topology, queues, Arc::clone(&tray)).run(wants, settled, renew_every));
        RabbitConsumer { wanted, settlings, tray }
    }

    fn take(&self, slots: usize) -> Option<Result<Vec<Delivered>, QueueError>> {
        let mut contents = self.tray.contents();
        if let Some(error) = contents.failed.take() {
            return Some(Err(error));
        }
        if contents.messages.is_empty() {
            return None;
        }
        let most = slots.min(contents.messages.len());
        let taken = contents.messages.drain(..most).collect();
        // What is left was taken for slots that are no longer free: it goes back.
        self.wanted.send_replace(0);
        Some(Ok(taken))
    }

    async fn settle(&self, delivered: &Delivered, how: How) -> Result<(), QueueError> {
        let (done, settled) = oneshot::channel();
        let gone = || QueueError::Unavailable("the consumer has ended".to_owned());
        self.settlings.send(Settling { tag: delivered.tag, how, done }).await.map_err(|_| gone())?;
        settled.await.map_err(|_| gone())?
    }
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn receive(&mut self, slots: usize, patience: SignedDuration) -> Result<Vec<Delivered>, QueueError> {
        // What broke between two calls is mended by this one.
        self.tray.contents().failed = None;
        self.wanted.send_replace(slots);
        if slots == 0 {
            return Ok(Vec::new());
        }
        let received = async {
            loop {
                if let Some(answer) = self.take(slots) {
                    return answer;
                }
                self.tray.changed.notified().await;
            }
        };
        let patience = Duration::try_from(patience).unwrap_or_default();
        tokio::time::timeout(patience, received).await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        self.settle(delivered, How::Acknowledge).await
    }

    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        self.settle(delivered, How::GiveBack).await
    }

    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        self.settle(delivered, How::Reject).await
    }
}
