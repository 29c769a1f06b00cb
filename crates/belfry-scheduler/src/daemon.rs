//! The daemon: when to look, and what to do.
//!
//! [`Daemon::tick`] decides everything that is to be done at an instant and does it; [`Daemon::run`] only waits and calls it.
//! Everything held in memory is a hint: a fire is compared with the row, so a daemon that was frozen, or that another one
//! overtook, changes nothing.

mod firing;
mod membership;
mod near;
mod payloads;
mod publisher;
mod redrive;
mod running;
mod settings;
mod upkeep;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::warn;

use belfry_core::ids::{RunId, ScheduleId};
use belfry_core::ports::{Clock, DueKey, Ids, PublishLease, Queue, ScheduleStore, StoreError, WallClock};
use belfry_core::run::RunReason;
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;

pub use settings::Settings;

use crate::metrics::DaemonMetrics;
use crate::service::ScheduledWorkflowService;
use firing::Doubt;
use membership::Membership;
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
/// The most overdue schedules of others that are taken over in one look.
const MOST_TAKEN_OVER: usize = 1_000;

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
    queue: Arc<dyn Queue>,
    membership: Membership,
    /// The beats have a task of their own, so that a long tick does not look like a death.
    is_kept: bool,
    publisher: Publisher,
    settings: Settings,
    metrics: DaemonMetrics,
    /// The host's time of day, only to show how wrong it is.
    wall: Option<Arc<dyn WallClock>>,
    on_recorded: Option<OnRecorded>,
    hint: Hint,
    near: Near,
    payloads: Payloads,
    /// Runs of fires whose answer was lost.
    doubtful: Vec<Doubt>,
    /// Schedules that the store refused alone, and until when they are left alone.
    held: HashMap<ScheduleId, UnixMillis>,
    polled_at: Option<UnixMillis>,
    looked_at: Option<UnixMillis>,
    swept_at: Option<UnixMillis>,
    reaped_at: Option<UnixMillis>,
    redriven_at: Option<UnixMillis>,
    /// A pass that asks the broker, beside the ticks.
    redriving: JoinSet<()>,
    measured_at: Option<UnixMillis>,
    /// The shards that what is in memory was read for.
    shards: Shards,
    /// The last look was cut off by the capacity, at this key: what comes after it is not all in memory.
    cut_off_at: Option<DueKey>,
    /// Whether any schedule was moved since the last look.
    moved: bool,
    /// When one was moved last, by the store's clock.
    moved_at: Option<UnixMillis>,
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
    pub fn new(
        store: Arc<dyn ScheduleStore>,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        settings: Settings,
        metrics: DaemonMetrics,
    ) -> Daemon {
        let service = ScheduledWorkflowService::new(store, Arc::clone(&clock));
        let membership = Membership::new(service.clone(), Arc::clone(&clock), ids, metrics.clone());
        let publisher =
            Publisher::new(service.clone(), membership.clone(), Arc::clone(&queue), Arc::clone(&clock), &settings, metrics.clone());
        Daemon {
            publisher,
            membership,
            is_kept: false,
            queue,
            wall: None,
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
            redriven_at: None,
            redriving: JoinSet::new(),
            measured_at: None,
            shards: Shards::ALL,
            cut_off_at: None,
            moved: false,
            moved_at: None,
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

    /// Shows in the metrics by how much the host's clock is off; nothing is decided by it.
    #[must_use]
    pub fn compared_with(mut self, wall: Arc<dyn WallClock>) -> Daemon {
        self.wall = Some(wall);
        self
    }

    pub fn hint(&self) -> Hint {
        self.hint.clone()
    }

    /// Does everything that is to be done at `now`, the store's clock as it is estimated. Errors of the store are logged, and
    /// what they left undone is found again by a later tick.
    pub async fn tick(&mut self, now: UnixMillis) -> Tick {
        self.failed_calls = 0;
        if !self.is_kept && self.membership.must_beat() {
            running::beat(&self.service, &self.membership).await;
        }
        self.follow_shards();
        self.tell_progress(now);
        let mut fired = self.fire_due(now).await;
        let looked = self.look(now).await;
        if looked && self.failed_calls == 0 {
            fired += self.fire_due(now).await;
        }
        self.tell_progress(now);
        self.publish_doubtful().await;
        let swept = self.sweep(now).await;
        self.reap(now).await;
        self.redrive(now);
        if looked {
            self.read_ahead(now).await;
        }
        self.measure(now).await;
        self.failed_ticks = if self.failed_calls > 0 { self.failed_ticks.saturating_add(1) } else { 0 };
        Tick { fired, swept, again_at: self.again_at(now) }
    }

    /// What is no longer this daemon's leaves its memory; what has become its own is read by the next look.
    fn follow_shards(&mut self) {
        let shards = self.membership.shards();
        if shards != self.shards {
            self.shards = shards;
            self.near.retain(|id| shards.has(id));
            (self.polled_at, self.cut_off_at) = (None, None);
        }
    }

    /// For the others to know whether this daemon gets on with what is its own.
    fn tell_progress(&mut self, now: UnixMillis) {
        let behind_since = self.near.next_due().filter(|due| *due <= now);
        self.membership.progress(behind_since, self.moved_at);
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
        match self.service.due(self.shards, now.plus(ahead), after, self.settings.near_capacity).await {
            Ok((keys, more)) => {
                self.cut_off_at = keys.last().copied().filter(|_| more);
                self.moved = false;
                self.held.retain(|_, until| *until > now);
                keys.into_iter().filter(|key| !self.held.contains_key(&key.id)).for_each(|key| self.near.insert(key));
                // A refill goes on where memory was full: what is near is still to be looked at, from the beginning.
                let is_whole = after.is_none();
                self.looked_at = if is_whole && (near || poll) { Some(now) } else { self.looked_at };
                self.polled_at = if is_whole && poll { Some(now) } else { self.polled_at };
                self.metrics.look_duration.observe(self.clock.boot().since(begun).as_secs_f64());
                if near {
                    self.take_over(now).await;
                }
            }
            Err(error) => self.store_failed("look for what is due", &error),
        }
        true
    }

    /// Brings into memory what others should have fired and do not get on with.
    async fn take_over(&mut self, now: UnixMillis) {
        for stalled in self.membership.stalled(now) {
            match self.service.due(stalled.shards, stalled.due_by, None, MOST_TAKEN_OVER).await {
                Ok((keys, _)) => {
                    self.metrics.taken_over.inc_by(keys.len() as u64);
                    keys.into_iter().filter(|key| !self.held.contains_key(&key.id)).for_each(|key| self.near.insert(key));
                }
                Err(error) => return self.store_failed("look for what others leave undone", &error),
            }
        }
    }

    /// For what this daemon takes to publish; `None` while others may have buried it.
    fn lease(&self) -> Option<PublishLease> {
        self.membership.id().map(|member| PublishLease { member, lease: self.settings.publish_lease })
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
        if self.must_refill() || has_passed(self.looked_at, self.settings.near_look_interval, now) {
            return now;
        }
        match self.near.next_due() {
            // What is due and still here waits for a lock, a corrected clock or the store: not for the very next instant.
            Some(due) if due <= now => now.plus(SignedDuration::from_millis(20)),
            Some(due) => due.min(soon),
            None => soon,
        }
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
