//! The daemon: when to look, and what to do.
//!
//! [`Daemon::tick`] decides everything that is to be done at an instant and does it; [`Daemon::run`] only waits and calls it.
//! Everything held in memory is a hint: a fire is compared with the row, so a daemon that was frozen, or that another one
//! overtook, changes nothing.

mod firing;
mod near;
mod payloads;
mod publisher;
mod settings;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{Boot, Clock, DueKey, Queue, ScheduleStore, StoreError};
use belfry_core::run::RunReason;
use belfry_core::time::UnixMillis;

pub use settings::Settings;

use crate::metrics::DaemonMetrics;
use crate::service::ScheduledWorkflowService;
use near::Near;
use payloads::Payloads;
use publisher::Publisher;

/// The longest sleep: timers stand still while a host is suspended, so the boot clock is asked again in between.
const SLICE: SignedDuration = SignedDuration::from_secs(1);
/// Between ticks while the store fails; it doubles, and one good tick ends it.
const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_millis(50);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// After a change of the store's clock nobody's silence proves anything for as long as a claim lasts.
const CLAIM_LENGTH: SignedDuration = SignedDuration::from_secs(60);

/// What people are told of each run as it is recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub run_id: RunId,
    pub workflow: String,
    pub schedule: String,
    pub nominal: UnixMillis,
    pub due: UnixMillis,
    pub recorded_at: UnixMillis,
    pub reason: RunReason,
}

/// Told of each run that this daemon records; must not block.
pub type OnRecorded = Arc<dyn Fn(&Recorded) + Send + Sync>;

/// Says that something was written which the daemon may want to see before its next look. It carries no data, and losing it
/// costs a second.
#[derive(Clone, Default)]
pub struct Hint(Arc<Notify>);

impl Hint {
    pub fn give(&self) {
        self.0.notify_one();
    }
}

/// One daemon. Any number of them may work on one store.
pub struct Daemon {
    service: ScheduledWorkflowService,
    clock: Arc<dyn Clock>,
    publisher: Publisher,
    settings: Settings,
    metrics: DaemonMetrics,
    on_recorded: Option<OnRecorded>,
    hint: Hint,
    near: Near,
    payloads: Payloads,
    /// Runs of fires whose answer was lost, and since when this daemon may publish them.
    doubtful: Vec<(RunId, Boot)>,
    /// Schedules that the store refused alone, and until when they are left alone.
    held: HashMap<ScheduleId, UnixMillis>,
    polled_at: Option<UnixMillis>,
    looked_at: Option<UnixMillis>,
    swept_at: Option<UnixMillis>,
    reaped_at: Option<UnixMillis>,
    /// The last look was cut off by the capacity, at this key: what comes after it is not all in memory.
    cut_off_at: Option<DueKey>,
    /// Whether any schedule was moved since the last look.
    moved: bool,
    /// The last sweep was full: there is a backlog, and fires take no publisher.
    backlog: bool,
    /// Calls to the store that failed in this tick, and ticks in a row in which one did.
    failed_calls: u32,
    failed_ticks: u32,
}

/// What a tick did, and when the next one is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Runs recorded.
    pub fired: usize,
    /// Runs of others, or given back, that were taken to be published.
    pub swept: usize,
    /// By the store's clock.
    pub again_at: UnixMillis,
}

impl Daemon {
    /// `member` is fresh at each start.
    pub fn new(
        store: Arc<dyn ScheduleStore>,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
        member: MemberId,
        settings: Settings,
        metrics: DaemonMetrics,
    ) -> Daemon {
        let service = ScheduledWorkflowService::new(store, Arc::clone(&clock), member);
        Daemon {
            publisher: Publisher::new(service.clone(), queue, Arc::clone(&clock), &settings, metrics.clone()),
            near: Near::new(settings.near_capacity),
            payloads: Payloads::new(settings.payload_budget),
            service,
            clock,
            settings,
            metrics,
            on_recorded: None,
            hint: Hint::default(),
            doubtful: Vec::new(),
            held: HashMap::new(),
            polled_at: None,
            looked_at: None,
            swept_at: None,
            reaped_at: None,
            cut_off_at: None,
            moved: false,
            backlog: false,
            failed_calls: 0,
            failed_ticks: 0,
        }
    }

    #[must_use]
    pub fn on_recorded(mut self, told: OnRecorded) -> Daemon {
        self.on_recorded = Some(told);
        self
    }

    pub fn hint(&self) -> Hint {
        self.hint.clone()
    }

    /// Works until `shutdown`; then publishes what it has begun to, within the drain limit, and returns.
    pub async fn run(mut self, shutdown: CancellationToken) {
        info!(member = %self.service.member(), "the daemon has started");
        let mut pause = SHORTEST_PAUSE;
        let hint = self.hint();
        while !shutdown.is_cancelled() {
            let wait = match self.service.now().await {
                Ok(now) => {
                    pause = SHORTEST_PAUSE;
                    let tick = self.tick(now).await;
                    self.until(tick.again_at)
                }
                Err(error) => {
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                    warn!("the store does not answer, trying again in {pause:#}: {error}");
                    pause
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.publisher.freed(), if self.backlog => {}
                () = hint.0.notified() => (self.looked_at, self.swept_at) = (None, None),
                () = self.clock.sleep(wait) => {}
            }
        }
        self.publisher.drain(self.settings.drain_limit).await;
        info!("the daemon has stopped");
    }

    /// Does everything that is to be done at `now`, the store's clock as it is estimated. Errors of the store are logged, and
    /// what they left undone is found again by a later tick.
    pub async fn tick(&mut self, now: UnixMillis) -> Tick {
        self.failed_calls = 0;
        let mut fired = self.fire_due(now).await;
        let looked = self.look(now).await;
        if looked && self.failed_calls == 0 {
            fired += self.fire_due(now).await;
        }
        self.publish_doubtful().await;
        let swept = self.sweep(now).await;
        self.reap(now).await;
        if looked {
            self.read_ahead(now).await;
        }
        self.metrics.near_schedules.set(i64::try_from(self.near.len()).unwrap_or(i64::MAX));
        if let Some((_, error)) = self.service.offset() {
            self.metrics.clock_error_ms.set(i64::try_from(error.as_millis()).unwrap_or(i64::MAX));
        }
        self.failed_ticks = if self.failed_calls > 0 { self.failed_ticks.saturating_add(1) } else { 0 };
        Tick { fired, swept, again_at: self.again_at(now) }
    }

    /// Reads what is due: the whole look-ahead when the poll is due, else what is near; true when it read anything.
    async fn look(&mut self, now: UnixMillis) -> bool {
        let poll = has_passed(self.polled_at, self.settings.poll_interval, now);
        let near = has_passed(self.looked_at, self.settings.near_look_interval, now);
        let refill = self.must_refill();
        if !(poll || near || refill) {
            return false;
        }
        // A refill whose keys moved nothing would read the same ones for ever: it goes on after them.
        let after = self.cut_off_at.filter(|_| refill && !self.moved);
        let ahead = if poll || refill { self.settings.look_ahead } else { self.settings.near_look_ahead };
        let begun = self.clock.boot();
        match self.service.due(now.plus(ahead), after, self.settings.near_capacity).await {
            Ok((keys, more)) => {
                self.cut_off_at = keys.last().copied().filter(|_| more);
                self.moved = false;
                self.held.retain(|_, until| *until > now);
                keys.into_iter().filter(|key| !self.held.contains_key(&key.id)).for_each(|key| self.near.insert(key));
                self.looked_at = Some(now);
                self.polled_at = if poll { Some(now) } else { self.polled_at };
                self.metrics.look_duration.observe(self.clock.boot().since(begun).as_secs_f64());
            }
            Err(error) => self.store_failed("look for what is due", &error),
        }
        true
    }

    /// Takes runs that nobody publishes, no more than there is room for.
    async fn sweep(&mut self, now: UnixMillis) -> usize {
        let free = self.publisher.free();
        if free == 0 || !(self.backlog || has_passed(self.swept_at, self.settings.sweep_interval, now)) {
            return 0;
        }
        let begun = self.clock.boot();
        match self.service.sweep(self.settings.publish_lease, free).await {
            Ok(runs) => {
                let count = runs.len();
                self.swept_at = Some(now);
                self.backlog = count == free;
                self.publisher.offer(runs, begun);
                count
            }
            Err(error) => {
                self.background_failed("sweep", &error);
                0
            }
        }
    }

    /// Takes runs back from workers that were lost, a bounded number a tick.
    async fn reap(&mut self, now: UnixMillis) {
        const MOST: usize = 1_000;
        if !has_passed(self.reaped_at, self.settings.reap_interval, now) || self.service.was_set_within(CLAIM_LENGTH) {
            return;
        }
        self.reaped_at = Some(now);
        match self.service.reap(MOST).await {
            Ok(reaped) => {
                self.metrics.requeued.inc_by(reaped.requeued as u64);
                self.metrics.workers_lost.inc_by(reaped.worker_lost as u64);
                if reaped.requeued + reaped.worker_lost > 0 {
                    warn!(requeued = reaped.requeued, worker_lost = reaped.worker_lost, "workers were lost");
                }
            }
            Err(error) => self.background_failed("reap", &error),
        }
    }

    /// Whether everything that a cut-off look brought has been dealt with, so that there is room for the rest.
    fn must_refill(&self) -> bool {
        self.cut_off_at.is_some_and(|cut_off| self.near.next_due().is_none_or(|due| due > cut_off.due))
    }

    fn again_at(&self, now: UnixMillis) -> UnixMillis {
        if self.failed_ticks > 0 {
            // A store in trouble is not helped by being asked more often.
            return now.plus(SHORTEST_PAUSE.saturating_mul(1 << self.failed_ticks.min(10)).min(LONGEST_PAUSE));
        }
        let soon = now.plus(SLICE);
        if self.must_refill() {
            return now;
        }
        match self.near.next_due() {
            // What is due and still here waits for a lock, a corrected clock or the store: not for the very next instant.
            Some(due) if due <= now => now.plus(SignedDuration::from_millis(20)),
            Some(due) => due.min(soon),
            None => soon,
        }
    }

    /// How long to sleep until `instant`, by the store's clock: a slice of it, unless the store is in trouble.
    fn until(&self, instant: UnixMillis) -> SignedDuration {
        let longest = if self.failed_ticks > 0 { LONGEST_PAUSE } else { SLICE };
        let wait = self.service.boot_at(instant).map_or(SLICE, |boot| boot.since(self.clock.boot()));
        wait.clamp(SignedDuration::ZERO, longest)
    }

    /// Firing goes on as before: it is not what failed.
    fn background_failed(&self, what: &str, error: &StoreError) {
        self.metrics.store_errors.inc();
        warn!("failed to {what}: {error}");
    }

    fn store_failed(&mut self, what: &str, error: &StoreError) {
        self.failed_calls += 1;
        self.background_failed(what, error);
    }
}

/// Whether `interval` has passed since `last`. A clock that went back counts: a daemon must not wait for it to catch up.
fn has_passed(last: Option<UnixMillis>, interval: SignedDuration, now: UnixMillis) -> bool {
    last.is_none_or(|last| now < last || now.since(last) >= interval)
}
