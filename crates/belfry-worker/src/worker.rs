//! The worker: receives messages for its free slots, and runs each claimed run in a task of its own.

use std::sync::Arc;

use belfry_core::ports::{Clock, Ids, Queue, RunStore, WallClock};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::claim::{Claiming, claim};
use crate::doorbell::{Doorbell, Ring, Settle};
use crate::execution::{self, Stop};
use crate::http::HttpClient;
use crate::metrics::WorkerMetrics;
use crate::settings::{SettingsError, WorkerSettings};
use crate::slots::{Seat, Slots};
use crate::timing::sleep_until;

/// Executes runs until it is told to stop.
pub struct Worker {
    shared: Arc<Shared>,
}

/// What every run of a worker uses.
pub(crate) struct Shared {
    pub runs: Arc<dyn RunStore>,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    /// Only for the leading bits of ids: what is waited for or recorded goes by the store's clock.
    pub wall: Arc<dyn WallClock>,
    pub http: HttpClient,
    pub settings: WorkerSettings,
    pub metrics: WorkerMetrics,
}

impl Worker {
    /// The `http` nodes of its runs need a process-wide rustls provider, which the binary installs.
    ///
    /// # Errors
    /// When a setting is outside its range.
    pub fn new(
        runs: Arc<dyn RunStore>,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        wall: Arc<dyn WallClock>,
        settings: WorkerSettings,
    ) -> Result<Worker, SettingsError> {
        settings.check()?;
        let http = HttpClient::new(settings.network.clone());
        let metrics = WorkerMetrics::default();
        metrics.concurrency.set(i64::try_from(settings.concurrency).unwrap_or(i64::MAX));
        Ok(Worker { shared: Arc::new(Shared { runs, queue, clock, ids, wall, http, settings, metrics }) })
    }

    /// What it counts, from now on.
    pub fn metrics(&self) -> WorkerMetrics {
        self.shared.metrics.clone()
    }

    /// Works until `shutdown`, then lets its runs end for the drain limit, gives back what is left and returns. Runs that
    /// merely wait are given back at once. A run whose store does not answer is let go when its claim is lost, so the return
    /// is bounded too.
    pub async fn run(self, shutdown: CancellationToken) {
        let shared = self.shared;
        let (settle, mut settled) = mpsc::channel(shared.settings.concurrency);
        let mut doorbell = Doorbell::new(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        let stop = Stop { asked: shutdown, drain: CancellationToken::new() };
        let slots = Slots::new(shared.settings.concurrency);
        loop {
            tokio::select! {
                biased;
                () = stop.asked.cancelled() => break,
                Some(ended) = tasks.join_next() => report(ended),
                Some(settle) = settled.recv() => doorbell.settle(settle).await,
                () = slots.changed() => (),
                rings = doorbell.receive(slots.free()) => for ring in rings {
                    tasks.spawn(handle(Arc::clone(&shared), ring, settle.clone(), stop.clone(), slots.take()));
                }
            }
        }
        info!(run.count = tasks.len(), "stopping: {} runs are let end for {:#}", tasks.len(), shared.settings.drain_limit);
        let limit = shared.clock.boot().plus(shared.settings.drain_limit);
        while !tasks.is_empty() {
            tokio::select! {
                biased;
                Some(ended) = tasks.join_next() => report(ended),
                Some(settle) = settled.recv() => doorbell.settle(settle).await,
                () = sleep_until(&*shared.clock, limit), if !stop.drain.is_cancelled() => stop.drain.cancel(),
            }
        }
        while let Ok(settle) = settled.try_recv() {
            doorbell.settle(settle).await;
        }
    }
}

/// Claims, acknowledges, executes; in this order, so that a run whose message is gone has a claim that can be lost.
async fn handle(shared: Arc<Shared>, ring: Ring, settle: mpsc::Sender<Settle>, stop: Stop, seat: Seat) {
    let (verdict, claimed) = match claim(&shared, ring.delivered.run_id, &stop.asked).await {
        Claiming::Claimed { claimed, first_sent } => (Settle::Acknowledge(ring), Some((claimed, first_sent))),
        Claiming::Refused => {
            shared.metrics.refused.inc();
            (Settle::Acknowledge(ring), None)
        }
        Claiming::Handoff => (Settle::Reject(ring), None),
        Claiming::Unknown => (Settle::GiveBack(ring), None),
    };
    // The receiver lives as long as any task; were it gone, the queue would deliver again, which is harmless.
    drop(settle.send(verdict).await);
    if let Some((claimed, first_sent)) = claimed {
        let _held = Held::of(&shared.metrics);
        execution::execute(Arc::clone(&shared), *claimed, first_sent, stop, seat).await;
    }
}

/// A claimed run, counted for as long as it is held, however that ends.
struct Held(WorkerMetrics);

impl Held {
    fn of(metrics: &WorkerMetrics) -> Held {
        metrics.claimed.inc();
        metrics.in_progress.inc();
        Held(metrics.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.in_progress.dec();
    }
}

/// A run whose task panicked keeps its claim until it is lost; then another worker gets it.
fn report(ended: Result<(), JoinError>) {
    if let Err(panicked) = ended {
        error!("a run's task ended before its run did: {panicked}");
    }
}
