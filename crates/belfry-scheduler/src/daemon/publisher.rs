//! From recorded runs to confirmed messages.
//!
//! Runs are published in batches of one queue. A batch is settled as a whole: what the queue confirmed is marked, what it
//! refused is given back with a pause, and so is everything of a batch past its limit. Nothing is begun whose limit would end
//! after the lease, and nothing that was taken by a member that others may have buried: by then another process may publish
//! the run.

mod lines;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use belfry_core::ids::MemberId;
use belfry_core::message;
use belfry_core::ports::{Boot, Clock, GiveBack, Mark, Message, PendingRun, Queue, QueueError, QueueState, Settled};
use belfry_core::workflow::QueueName;

use super::Settings;
use super::membership::Membership;
use crate::metrics::DaemonMetrics;
use crate::service::ScheduledWorkflowService;
use lines::{Batch, LANES, Lines, Work};

const BATCH: usize = 500;

pub struct Publisher {
    shared: Arc<Shared>,
    lanes: TaskTracker,
    /// Dropped with the publisher, it stops the lanes.
    stop: DropGuard,
    window: usize,
}

struct Shared {
    service: ScheduledWorkflowService,
    membership: Membership,
    queue: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    metrics: DaemonMetrics,
    lease: SignedDuration,
    limit: SignedDuration,
    source: String,
    lines: Mutex<Lines>,
    /// Told when there may be work for a lane.
    work: Notify,
    in_flight: AtomicUsize,
    freed: Notify,
}

impl Publisher {
    pub fn new(
        service: ScheduledWorkflowService,
        membership: Membership,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
        settings: &Settings,
        metrics: DaemonMetrics,
    ) -> Publisher {
        let shared = Arc::new(Shared {
            service,
            membership,
            queue,
            clock,
            metrics,
            lease: settings.publish_lease,
            limit: settings.publish_limit,
            source: settings.source.clone(),
            lines: Mutex::default(),
            work: Notify::new(),
            in_flight: AtomicUsize::new(0),
            freed: Notify::new(),
        });
        let (lanes, stop) = (TaskTracker::new(), CancellationToken::new());
        for _ in 0..LANES {
            lanes.spawn(lane(Arc::clone(&shared), stop.clone()));
        }
        lanes.close();
        Publisher { shared, lanes, stop: stop.drop_guard(), window: settings.publish_window }
    }

    /// How many more runs may be on their way: none while the queue is down, so that what is due then waits unpublished and
    /// goes at once when it is up again, whatever failed before.
    pub fn free(&self) -> usize {
        match self.shared.queue.state() {
            QueueState::Up => self.window.saturating_sub(self.shared.in_flight.load(Ordering::Acquire)),
            QueueState::Down(_) => 0,
        }
    }

    /// Whether more than `count` runs may be on their way, now or within `patience`. A queue that is down is not waited for.
    pub async fn room_for_more_than(&self, count: usize, patience: SignedDuration) -> bool {
        let over = self.shared.clock.sleep(patience);
        tokio::pin!(over);
        while self.free() <= count && self.shared.queue.state() == QueueState::Up {
            tokio::select! {
                biased;
                () = self.freed() => {}
                () = &mut over => break,
            }
        }
        self.free() > count
    }

    /// The queues that are left alone for now.
    pub fn in_trouble(&self) -> Vec<QueueName> {
        self.shared.lines().in_trouble(self.shared.clock.boot())
    }

    /// Returns when some of the runs on their way were settled.
    pub async fn freed(&self) {
        self.shared.freed.notified().await;
    }

    /// Takes runs to publish, which `member` asked for at `leased`. The window bounds what is offered, within one batch.
    pub fn offer(&self, runs: Vec<PendingRun>, member: MemberId, leased: Boot) {
        let until = leased.plus(self.shared.lease);
        let mut by_queue: BTreeMap<QueueName, Vec<PendingRun>> = BTreeMap::new();
        for run in runs {
            by_queue.entry(run.queue().clone()).or_default().push(run);
        }
        for (queue, mut runs) in by_queue {
            while !runs.is_empty() {
                let rest = runs.split_off(runs.len().min(BATCH));
                self.shared.count(runs.len(), true);
                self.shared.lines().push(Batch { queue: queue.clone(), runs, member, until });
                runs = rest;
                self.shared.work.notify_one();
            }
        }
    }

    /// Waits until everything offered is settled, for at most `limit`; what is left is published by the next sweep of any
    /// daemon.
    pub async fn drain(&self, limit: SignedDuration) {
        self.shared.lines().close();
        self.shared.work.notify_waiters();
        tokio::select! {
            biased;
            () = self.lanes.wait() => {}
            () = self.shared.clock.sleep(limit) => {
                warn!(in_flight = self.shared.in_flight.load(Ordering::Acquire), "stopped before everything was published");
            }
        }
    }

    /// Ends the lanes, whatever they are at.
    pub async fn stop(self) {
        drop(self.stop);
        self.lanes.wait().await;
    }
}

async fn lane(shared: Arc<Shared>, stop: CancellationToken) {
    while let Some(work) = shared.next(&stop).await {
        let (queue, runs) = match &work {
            Work::Publish(batch) | Work::GiveBack { batch, .. } => (batch.queue.clone(), batch.runs.len()),
        };
        // Stopped half-way, a batch is as if this process had died: its rows stay pending, and others sweep them.
        // A panic in an adapter must not end the lane: without lanes nothing is published, and nobody sees why.
        let done = stop.run_until_cancelled(AssertUnwindSafe(shared.carry_out(work)).catch_unwind()).await;
        shared.lines().ended(&queue);
        shared.count(runs, false);
        shared.work.notify_waiters();
        if let Some(Err(_)) = done {
            error!(runs, "publishing a batch panicked; its runs are swept once their lease is over");
        }
    }
}

impl Shared {
    /// The next piece of work; `None` when there will be none.
    async fn next(&self, stop: &CancellationToken) -> Option<Work> {
        loop {
            let told = self.work.notified();
            tokio::pin!(told);
            // From here on, not from the first wait: what comes while the lines are looked at must not be missed.
            told.as_mut().enable();
            {
                let mut lines = self.lines();
                if stop.is_cancelled() || lines.is_done() {
                    return None;
                }
                if let Some(work) = lines.next(self.clock.boot()) {
                    return Some(work);
                }
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                () = told => {}
            }
        }
    }

    async fn carry_out(&self, work: Work) {
        match work {
            Work::Publish(batch) => self.publish(batch).await,
            Work::GiveBack { batch, pause, reason } => {
                self.give_back(batch.runs.iter().map(|run| given_back(run, pause, reason.clone())).collect()).await;
            }
        }
    }

    async fn publish(&self, batch: Batch) {
        if self.clock.boot().plus(self.limit) > batch.until {
            debug!(runs = batch.runs.len(), "too late to publish under this lease, leaving it to the sweep");
            return;
        }
        if !self.membership.is(batch.member) {
            warn!(runs = batch.runs.len(), "this daemon may have been taken for dead: what it took is the others' to publish");
            return;
        }
        let messages = batch.runs.iter().map(|run| Message { run_id: run.id, body: message::body(run, &self.source) }).collect();
        let answered = tokio::select! {
            biased;
            answered = self.queue.publish(&batch.queue, messages) => answered,
            () = self.clock.sleep(self.limit) => Err(QueueError::Unavailable(format!("nothing was confirmed within {:#}", self.limit))),
        };
        match answered {
            Ok(settled) => {
                self.lines().succeeded(&batch.queue);
                self.settle(&batch, settled).await;
            }
            Err(error) => {
                let pause = self.lines().failed(&batch.queue, error.to_string(), self.clock.boot());
                warn!(queue = %batch.queue, runs = batch.runs.len(), "failed to publish, trying the queue again in {pause:#}: {error}");
                self.give_back(batch.runs.iter().map(|run| given_back(run, pause, error.to_string())).collect()).await;
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
                Settled::Refused(reason) => refused.push(refused_alone(run, reason)),
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

    fn count(&self, runs: usize, begun: bool) {
        if begun {
            self.in_flight.fetch_add(runs, Ordering::AcqRel);
        } else {
            self.in_flight.fetch_sub(runs, Ordering::AcqRel);
            self.freed.notify_one();
        }
        self.metrics.in_flight.set(i64::try_from(self.in_flight.load(Ordering::Acquire)).unwrap_or(i64::MAX));
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Nothing panics while it is held; and what is lost of it is swept.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that failed by itself backs off by itself.
fn refused_alone(run: &PendingRun, reason: String) -> GiveBack {
    given_back(run, lines::back_off(run.publish_failures), reason)
}

fn given_back(run: &PendingRun, retry_in: SignedDuration, error: String) -> GiveBack {
    GiveBack { run_id: run.id, publish_seq: run.publish_seq, retry_in, error }
}
