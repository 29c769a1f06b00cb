//! A consumer that takes every message and does nothing with it: what is measured is the scheduler, not workers.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use tokio::task::JoinSet;
use tracing::warn;

use belfry_core::ids::RunId;
use belfry_core::ports::{Clock, Queue, QueueError};
use belfry_core::workflow::QueueName;

use crate::edge::Host;

const SLOTS: usize = 500;

pub struct Drain {
    seen: Arc<Seen>,
    _consuming: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    runs: Mutex<HashSet<RunId>>,
    deliveries: AtomicUsize,
}

/// What came: a run whose message came twice is one run.
#[derive(Debug, Clone, Copy)]
pub struct Messages {
    pub runs: usize,
    pub deliveries: usize,
}

impl Drain {
    pub fn start(queue: Arc<dyn Queue>, of: QueueName) -> Drain {
        let seen = Arc::<Seen>::default();
        let mut consuming = JoinSet::new();
        consuming.spawn(drain(queue, of, Arc::clone(&seen)));
        Drain { seen, _consuming: consuming }
    }

    /// The runs whose message came.
    pub fn runs(&self) -> usize {
        self.seen.runs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub fn stop(self) -> Messages {
        Messages { runs: self.runs(), deliveries: self.seen.deliveries.load(Ordering::Relaxed) }
    }
}

async fn drain(queue: Arc<dyn Queue>, of: QueueName, seen: Arc<Seen>) {
    loop {
        if let Err(error) = consume(&*queue, &of, &seen).await {
            warn!("draining the queue begins again: {error}");
            Host.sleep(SignedDuration::from_millis(500)).await;
        }
    }
}

async fn consume(queue: &dyn Queue, of: &QueueName, seen: &Seen) -> Result<(), QueueError> {
    let mut consumer = queue.consumer(vec![of.clone()]).await?;
    loop {
        for delivered in consumer.receive(SLOTS, SignedDuration::from_secs(1)).await? {
            seen.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(delivered.run_id);
            seen.deliveries.fetch_add(1, Ordering::Relaxed);
            consumer.acknowledge(&delivered).await?;
        }
    }
}
