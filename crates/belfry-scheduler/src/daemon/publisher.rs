//! From recorded runs to confirmed messages.
//!
//! Runs are published in batches of one queue. A batch is settled as a whole: what the queue confirmed is marked, what it
//! refused, and everything of a batch past its limit, is given back with a pause. Nothing is begun whose limit would end
//! after the lease: by then another process may publish the run.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use jiff::SignedDuration;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use belfry_core::message;
use belfry_core::ports::{Boot, Clock, GiveBack, Mark, Message, PendingRun, Queue, QueueError, Settled};
use belfry_core::workflow::QueueName;

use super::Settings;
use crate::metrics::DaemonMetrics;
use crate::service::ScheduledWorkflowService;

const BATCH: usize = 500;
/// How many batches are on their way at once. A queue that does not confirm holds a lane for the limit of a batch, each time
/// it is tried; the others share what is left.
const LANES: usize = 3;
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(60);

pub struct Publisher {
    lanes: mpsc::UnboundedSender<Batch>,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    /// Dropped with the publisher, it stops the lanes.
    stop: DropGuard,
    window: usize,
}

/// Runs of one queue; nothing of it may be on its way after `until`.
struct Batch {
    queue: QueueName,
    runs: Vec<PendingRun>,
    until: Boot,
}

struct Shared {
    service: ScheduledWorkflowService,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    metrics: DaemonMetrics,
    lease: SignedDuration,
    limit: SignedDuration,
    source: String,
    in_flight: AtomicUsize,
    freed: Notify,
}

impl Publisher {
    pub fn new(
        service: ScheduledWorkflowService,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
        settings: &Settings,
        metrics: DaemonMetrics,
    ) -> Publisher {
        let shared = Arc::new(Shared {
            service,
            queue,
            clock,
            metrics,
            lease: settings.publish_lease,
            limit: settings.publish_limit,
            source: settings.source.clone(),
            in_flight: AtomicUsize::new(0),
            freed: Notify::new(),
        });
        let (lanes, batches) = mpsc::unbounded_channel();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let batches = Arc::new(Mutex::new(batches));
        for _ in 0..LANES {
            tasks.spawn(lane(Arc::clone(&shared), Arc::clone(&batches), stop.clone()));
        }
        tasks.close();
        Publisher { lanes, shared, tasks, stop: stop.drop_guard(), window: settings.publish_window }
    }

    /// How many more runs may be on their way.
    pub fn free(&self) -> usize {
        self.window.saturating_sub(self.shared.in_flight.load(Ordering::Acquire))
    }

    /// Returns when some of the runs on their way were settled.
    pub async fn freed(&self) {
        self.shared.freed.notified().await;
    }

    /// Takes runs to publish, whose lease was asked for at `leased`. The window bounds what is offered, within one batch.
    pub fn offer(&self, runs: Vec<PendingRun>, leased: Boot) {
        let until = leased.plus(self.shared.lease);
        let mut by_queue: BTreeMap<QueueName, Vec<PendingRun>> = BTreeMap::new();
        for run in runs {
            by_queue.entry(run.queue().clone()).or_default().push(run);
        }
        for (queue, mut runs) in by_queue {
            while !runs.is_empty() {
                let rest = runs.split_off(runs.len().min(BATCH));
                self.shared.count(runs.len(), true);
                // The lanes live as long as this publisher: a batch that cannot be sent would be the sweep's.
                let _ = self.lanes.send(Batch { queue: queue.clone(), runs, until });
                runs = rest;
            }
        }
    }

    /// Waits until everything offered is settled, for at most `limit`; what is left is published by the next sweep of any
    /// daemon once its lease is over.
    pub async fn drain(self, limit: SignedDuration) {
        let Publisher { lanes, shared, tasks, stop, .. } = self;
        drop(lanes);
        tokio::select! {
            () = tasks.wait() => {}
            () = shared.clock.sleep(limit) => {
                warn!(in_flight = shared.in_flight.load(Ordering::Acquire), "stopped before everything was published");
            }
        }
        drop(stop);
        tasks.wait().await;
    }
}

async fn lane(shared: Arc<Shared>, batches: Arc<Mutex<mpsc::UnboundedReceiver<Batch>>>, stop: CancellationToken) {
    loop {
        let received = async { batches.lock().await.recv().await };
        let Some(Some(batch)) = stop.run_until_cancelled(received).await else { return };
        let count = batch.runs.len();
        // Stopped half-way, a batch is as if this process had died: its rows stay pending, and are swept after the lease.
        // A panic in an adapter must not end the lane: without lanes nothing is published, and nobody sees why.
        let settled = stop.run_until_cancelled(AssertUnwindSafe(shared.publish(batch)).catch_unwind()).await;
        shared.count(count, false);
        match settled {
            None => return,
            Some(Err(_)) => error!(runs = count, "publishing a batch panicked; its runs are swept once their lease is over"),
            Some(Ok(())) => {}
        }
    }
}

impl Shared {
    async fn publish(&self, batch: Batch) {
        if self.clock.boot().plus(self.limit) > batch.until {
            debug!(runs = batch.runs.len(), "too late to publish under this lease, leaving it to the sweep");
            return;
        }
        let messages = batch.runs.iter().map(|run| Message { run_id: run.id, body: message::body(run, &self.source) }).collect();
        let answered = tokio::select! {
            answered = self.queue.publish(&batch.queue, messages) => answered,
            () = self.clock.sleep(self.limit) => Err(QueueError::Unavailable(format!("nothing was confirmed within {:#}", self.limit))),
        };
        match answered {
            Ok(settled) => self.settle(&batch, settled).await,
            Err(error) => {
                warn!(queue = %batch.queue, runs = batch.runs.len(), "failed to publish: {error}");
                let rows = batch.runs.iter().map(|run| self.given_back(run, error.to_string())).collect();
                self.give_back(rows).await;
            }
        }
    }

    async fn settle(&self, batch: &Batch, settled: Vec<Settled>) {
        let (mut marks, mut refused) = (Vec::new(), Vec::new());
        let confirmed_at = self.service.now().await.ok();
        for (run, settled) in batch.runs.iter().zip(settled) {
            match settled {
                Settled::Confirmed => {
                    marks.push(Mark { run_id: run.id, publish_seq: run.publish_seq });
                    if let Some(at) = confirmed_at {
                        self.metrics.lateness_to_confirm.observe(at.since(run.due_at).as_secs_f64().max(0.0));
                    }
                }
                Settled::Refused(reason) => refused.push(self.given_back(run, reason)),
            }
        }
        self.metrics.published.inc_by(marks.len() as u64);
        self.mark(&marks, batch.until).await;
        if !refused.is_empty() {
            error!(queue = %batch.queue, refused = refused.len(), "the queue refused messages: {}", refused[0].error);
            self.give_back(refused).await;
        }
    }

    /// Marks, again and again while the lease lasts: a row that stays unmarked is published twice.
    async fn mark(&self, marks: &[Mark], until: Boot) {
        while !marks.is_empty() {
            match self.service.mark(marks).await {
                Ok(_) => return,
                Err(error) => warn!("failed to mark published runs: {error}"),
            }
            if self.clock.boot() > until {
                return;
            }
            self.clock.sleep(SignedDuration::from_secs(1)).await;
        }
    }

    async fn give_back(&self, rows: Vec<GiveBack>) {
        self.metrics.publish_failures.inc_by(rows.len() as u64);
        if let Err(error) = self.service.give_back(&rows).await {
            warn!("failed to give runs back, they are swept once their lease is over: {error}");
        }
    }

    fn given_back(&self, run: &PendingRun, error: String) -> GiveBack {
        let pause = SignedDuration::from_secs(1 << run.publish_failures.min(6)).min(LONGEST_PAUSE);
        GiveBack { run_id: run.id, publish_seq: run.publish_seq, retry_in: pause, error }
    }

    fn count(&self, runs: usize, begun: bool) {
        if begun {
            self.in_flight.fetch_add(runs, Ordering::AcqRel);
        } else {
            self.in_flight.fetch_sub(runs, Ordering::AcqRel);
            self.freed.notify_one();
        }
        self.metrics.in_flight.set(i64::try_from(self.in_flight.load(Ordering::Acquire)).unwrap_or(i64::MAX));
    }
}
