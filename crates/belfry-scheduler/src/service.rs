//! [`ScheduledWorkflowService`]: the daemon's database verbs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use tracing::{error, warn};

use belfry_core::decide;
use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{
    Backlog, Boot, Clock, DueKey, DueSchedule, Fire, FireAnswer, FireBatch, FireCode, FireResult, GiveBack, Mark, Member, Membership,
    PendingRun, PublishLease, Reaped, Redrive, Redriven, ScheduleStore, StoreError, StoreResult,
};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;

use crate::store_time::StoreTime;

/// For how long a daemon may hear nothing of the store's clock and still have watched it. It beats each second.
const LONGEST_GAP: SignedDuration = SignedDuration::from_secs(3);

/// The store as the daemon uses it: every answer also corrects this process' idea of the store's clock.
#[derive(Clone)]
pub struct ScheduledWorkflowService {
    store: Arc<dyn ScheduleStore>,
    clock: Arc<dyn Clock>,
    time: Arc<Mutex<Clocks>>,
}

/// What is known of the store's clock.
#[derive(Default)]
struct Clocks {
    time: Option<StoreTime>,
    /// Since when it is watched, without a gap in which it might have been set and set back.
    watched_since: Option<Boot>,
    watched_at: Option<Boot>,
    /// When the store's clock was last seen to have been set.
    set_at: Option<Boot>,
}

/// What became of a batch of fires. What is named nowhere in it was not carried out.
pub struct Fired {
    pub results: Vec<FireResult>,
    /// By the store's clock; the last part of the batch was recorded at it.
    pub store_now: UnixMillis,
    /// Schedules whose values the store refused while others of their batch were recorded.
    pub refused: Vec<(ScheduleId, String)>,
    /// Schedules whose values it refused while none was recorded: the fault may be the store's.
    pub unproven: Vec<(ScheduleId, String)>,
    /// Schedules that were in a part of the batch whose answer was lost.
    pub in_doubt: Vec<ScheduleId>,
}

impl ScheduledWorkflowService {
    pub fn new(store: Arc<dyn ScheduleStore>, clock: Arc<dyn Clock>) -> ScheduledWorkflowService {
        ScheduledWorkflowService { store, clock, time: Arc::default() }
    }

    /// The store's time now, less the error of the estimate; asks the store when nothing is known of its clock yet.
    pub async fn now(&self) -> StoreResult<UnixMillis> {
        if let Some(time) = self.clocks().time {
            return Ok(time.now(self.clock.boot()));
        }
        let sent = self.clock.boot();
        let store_now = self.store.now().await?;
        self.observe(sent, store_now);
        Ok(store_now)
    }

    /// When on this host's boot clock the estimate reaches `instant`.
    pub fn boot_at(&self, instant: UnixMillis) -> Option<Boot> {
        self.clocks().time.map(|time| time.boot_at(instant))
    }

    /// The estimated offset of the store's clock from this host's boot clock, and how wrong it may be.
    pub fn offset(&self) -> Option<(i64, SignedDuration)> {
        self.clocks().time.map(|time| (time.offset_ms(), time.error()))
    }

    /// Whether the store's clock was set within the last `length`: then nobody's silence proves anything.
    pub fn was_set_within(&self, length: SignedDuration) -> bool {
        let boot = self.clock.boot();
        self.clocks().set_at.is_some_and(|set_at| boot.since(set_at) <= length)
    }

    /// Whether the store's clock was watched for `length`, and not set meanwhile. Whoever has just begun cannot tell a clock
    /// that was set from time that passed.
    pub fn has_been_steady_for(&self, length: SignedDuration) -> bool {
        let boot = self.clock.boot();
        let is_watched = self.clocks().watched_since.is_some_and(|since| boot.since(since) > length);
        is_watched && !self.was_set_within(length)
    }

    pub async fn beat(&self, member: Member) -> StoreResult<Membership> {
        let sent = self.clock.boot();
        let membership = self.store.beat(member).await?;
        self.observe(sent, membership.store_now);
        Ok(membership)
    }

    pub async fn bury(&self) -> StoreResult<usize> {
        self.store.bury(self.now().await?).await
    }

    pub async fn leave(&self, member: MemberId) -> StoreResult<()> {
        self.store.leave(member).await
    }

    /// What of `shards` is due by `due_by`, in due order from after the key `after`, up to `cap` keys, a page at a time; true
    /// when the cap cut it off.
    pub async fn due(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, cap: usize) -> StoreResult<(Vec<DueKey>, bool)> {
        const PAGE: usize = 1_000;
        let mut keys: Vec<DueKey> = Vec::new();
        while keys.len() < cap {
            let limit = PAGE.min(cap - keys.len());
            let sent = self.clock.boot();
            let look = self.store.look(shards, due_by, keys.last().copied().or(after), limit).await?;
            self.observe(sent, look.store_now);
            let full = look.keys.len() == limit;
            keys.extend(look.keys);
            if !full {
                return Ok((keys, false));
            }
        }
        Ok((keys, true))
    }

    pub async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>> {
        self.store.load(ids).await
    }

    /// Fires a batch. When the store refuses the data of it, the batch is halved down to the schedule that is at fault: one
    /// that fails alone while another of its batch was recorded is named in `refused`. Every other error condemns nobody.
    pub async fn fire(&self, publisher: Option<PublishLease>, fires: Vec<Fire>) -> StoreResult<Fired> {
        let mut fired = Fired::nothing();
        let mut batches = vec![fires];
        while let Some(mut fires) = batches.pop() {
            match self.fire_once(publisher, fires.clone()).await {
                Ok(answer) => {
                    fired.store_now = answer.store_now;
                    fired.results.extend(answer.results);
                }
                Err(StoreError::Data(detail)) if fires.len() > 1 => {
                    warn!(batch = fires.len(), "the store refused a batch, halving it: {detail}");
                    let second = fires.split_off(fires.len() / 2);
                    batches.extend([second, fires]);
                }
                Err(StoreError::Data(detail)) => {
                    fired.refused.extend(fires.first().map(|fire| (fire.id, detail)));
                }
                Err(StoreError::InDoubt(detail)) => {
                    error!("the answer to a fire was lost, what stands is looked up: {detail}");
                    fired.in_doubt.extend(fires.iter().map(|fire| fire.id));
                    break;
                }
                Err(other) if fired.is_empty() => return Err(other),
                // What went through before is kept; the rest of the batch is still due, and decided again.
                Err(other) => {
                    error!("a part of a batch could not be fired: {other}");
                    break;
                }
            }
        }
        if !fired.results.iter().any(|result| result.code == FireCode::Moved) {
            fired.unproven = std::mem::take(&mut fired.refused);
        }
        Ok(fired)
    }

    async fn fire_once(&self, publisher: Option<PublishLease>, fires: Vec<Fire>) -> StoreResult<FireAnswer> {
        let sent = self.clock.boot();
        let answer = self.store.fire(FireBatch { publisher, fires }).await?;
        self.observe(sent, answer.store_now);
        Ok(answer)
    }

    /// The runs of `ids` that stand, of a fire of `member` whose answer was lost.
    pub async fn standing(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>> {
        self.store.pending(member, ids).await
    }

    pub async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Vec<PendingRun>> {
        let sent = self.clock.boot();
        let swept = self.store.sweep(publisher, except, limit).await?;
        self.observe(sent, swept.store_now);
        Ok(swept.runs)
    }

    pub async fn mark(&self, marks: &[Mark]) -> StoreResult<usize> {
        self.store.mark(marks).await
    }

    pub async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize> {
        self.store.give_back(rows).await
    }

    pub async fn reap(&self, limit: usize) -> StoreResult<Reaped> {
        self.store.reap(self.now().await?, limit).await
    }

    pub async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>> {
        self.store.overdue_queues().await
    }

    pub async fn redrive(&self, queue: QueueName, nothing_ready: bool, limit: usize) -> StoreResult<Redriven> {
        let believed = self.now().await?;
        self.store.redrive(Redrive { queue, nothing_ready, believed, limit }).await
    }

    pub async fn backlog(&self) -> StoreResult<Backlog> {
        self.store.backlog().await
    }

    fn observe(&self, sent: Boot, store_now: UnixMillis) {
        let received = self.clock.boot();
        let mut clocks = self.clocks();
        let was_set = match &mut clocks.time {
            Some(time) => time.observe(sent, received, store_now),
            None => {
                clocks.time = Some(StoreTime::first(sent, received, store_now));
                false
            }
        };
        if clocks.watched_at.is_none_or(|watched_at| received.since(watched_at) > LONGEST_GAP) {
            clocks.watched_since = Some(received);
        }
        clocks.watched_at = clocks.watched_at.max(Some(received));
        if was_set {
            clocks.set_at = Some(received);
            warn!("the store's clock was set: it is {store_now} there");
        }
    }

    fn clocks(&self) -> std::sync::MutexGuard<'_, Clocks> {
        // Nothing panics while it is held; and an estimate is good however it was left.
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fired {
    fn nothing() -> Fired {
        let store_now = UnixMillis::EPOCH;
        Fired { results: Vec::new(), store_now, refused: Vec::new(), unproven: Vec::new(), in_doubt: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.results.is_empty() && self.refused.is_empty()
    }
}

/// The fire that takes a schedule out of the due index, its refused data being shown as its error.
pub fn condemning(fire: &Fire, error: String) -> Fire {
    let decision = decide::failed(fire.nominal, fire.decided_at, error);
    Fire { next: decision.next, runs: decision.runs, outcomes: decision.outcomes, failure: decision.failure, ..fire.clone() }
}

/// Answers by schedule.
pub fn by_schedule(results: Vec<FireResult>) -> HashMap<ScheduleId, FireResult> {
    results.into_iter().map(|result| (result.id, result)).collect()
}
