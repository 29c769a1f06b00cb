//! The worker's end of the queue: one consumer, made anew when it breaks.

use std::future::pending;
use std::sync::Arc;

use belfry_core::ports::{Boot, Consumer, Delivered, QueueError};
use jiff::SignedDuration;
use tracing::warn;

use crate::timing::{Backoff, sleep_until, within};
use crate::worker::Shared;

/// How long one receive waits for messages.
const PATIENCE: SignedDuration = SignedDuration::from_secs(1);
/// How long the queue may take to settle a message before it counts as broken.
const SETTLE_LIMIT: SignedDuration = SignedDuration::from_secs(10);

/// A delivery, and which of the consumers received it: its tag means nothing to any other.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    pub delivered: Delivered,
    consumer: u64,
}

/// What is to become of a message.
#[derive(Debug)]
pub(crate) enum Settle {
    Acknowledge(Ring),
    GiveBack(Ring),
    /// It was not for this worker: to the dead letters.
    Reject(Ring),
}

pub(crate) struct Doorbell {
    shared: Arc<Shared>,
    consumer: Option<Box<dyn Consumer>>,
    /// Which consumer this is: 1, 2, …
    number: u64,
    /// Whether the queue was told that no slot is free, so that it returns what it holds.
    told_full: bool,
    retry_at: Boot,
    backoff: Backoff,
}

impl Doorbell {
    pub fn new(shared: Arc<Shared>) -> Doorbell {
        let retry_at = shared.clock.boot();
        Doorbell { shared, consumer: None, number: 0, told_full: false, retry_at, backoff: fresh_backoff() }
    }

    /// At most `slots` messages; none when it took too long or failed. Cancel-safe. With no slot it never answers, once it
    /// has told the queue.
    pub async fn receive(&mut self, slots: usize) -> Vec<Ring> {
        if slots == 0 && (self.told_full || self.consumer.is_none()) {
            return pending().await;
        }
        let patience = if slots == 0 { SignedDuration::ZERO } else { PATIENCE };
        let answer = match self.connected().await {
            Ok(consumer) => consumer.receive(slots, patience).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(messages) => {
                self.told_full = slots == 0;
                self.backoff = fresh_backoff();
                messages.into_iter().map(|delivered| Ring { delivered, consumer: self.number }).collect()
            }
            Err(error) => {
                self.broke(&error.to_string());
                Vec::new()
            }
        }
    }

    /// A message of an earlier consumer is left alone: the queue has taken it back already.
    pub async fn settle(&mut self, settle: Settle) {
        let clock = Arc::clone(&self.shared.clock);
        let (Settle::Acknowledge(ring) | Settle::GiveBack(ring) | Settle::Reject(ring)) = &settle;
        let Some(consumer) = self.consumer.as_mut().filter(|_| ring.consumer == self.number) else { return };
        let done = async {
            match &settle {
                Settle::Acknowledge(ring) => consumer.acknowledge(&ring.delivered).await,
                Settle::GiveBack(ring) => consumer.give_back(&ring.delivered).await,
                Settle::Reject(ring) => consumer.reject(&ring.delivered).await,
            }
        };
        match within(&*clock, SETTLE_LIMIT, done).await {
            Some(Ok(())) => (),
            Some(Err(error)) => self.broke(&error.to_string()),
            None => self.broke("it does not answer"),
        }
    }

    async fn connected(&mut self) -> Result<&mut Box<dyn Consumer>, QueueError> {
        if self.consumer.is_none() {
            sleep_until(&*self.shared.clock, self.retry_at).await;
            self.consumer = Some(self.shared.queue.consumer(self.shared.settings.queues.clone()).await?);
            self.number += 1;
        }
        Ok(self.consumer.as_mut().expect("it was made above"))
    }

    fn broke(&mut self, reason: &str) {
        let pause = self.backoff.next();
        self.shared.metrics.queue_failures.inc();
        warn!("consuming from the queue failed and begins again in {pause:#}: {reason}");
        self.consumer = None;
        self.retry_at = self.shared.clock.boot().plus(pause);
    }
}

fn fresh_backoff() -> Backoff {
    Backoff::new(SignedDuration::from_millis(250), SignedDuration::from_secs(2))
}
