//! The daemon's verbs: beat, look, load, fire, sweep, mark, give back, redrive, reap.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;

use super::StoreResult;
use crate::decide::Decision;
use crate::ids::{MemberId, RunId, ScheduleId, WorkflowId};
use crate::run::RunReason;
use crate::schedule::{Cursor, Outcome, ScheduledWorkflow, WorkflowFacts};
use crate::shards::Shards;
use crate::time::UnixMillis;
use crate::workflow::{Delivery, QueueName};

/// A daemon, as it tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    pub id: MemberId,
    /// It has left its shards, and only settles what it began.
    pub is_draining: bool,
    /// When the oldest of its overdue schedules was due; `None` while none is overdue. What was due before that it has dealt
    /// with, or cannot.
    pub behind_since: Option<UnixMillis>,
    /// When it last moved a schedule, by the store's clock.
    pub progressed_at: Option<UnixMillis>,
}

/// The answer to a beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Whether the beat began it: the first one of its id, and one of a member that was buried or should have been.
    pub joined: bool,
    /// Who lives, itself too, in order of ids.
    pub members: Vec<Member>,
    pub store_now: UnixMillis,
}

/// A member whose last beat is older is dead. Measured by the store's clock.
pub const MEMBER_DEAD_AFTER: SignedDuration = SignedDuration::from_secs(3);

/// How far the store's clock may be ahead of what the caller believes it to be, for verbs by which something runs out; and how
/// far behind, where a clock that went back would have the same effect.
pub const BELIEF_TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

/// What a look reads of a schedule: keys only. Ordered by `due`, then `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DueKey {
    pub id: ScheduleId,
    pub revision: i64,
    pub nominal: UnixMillis,
    pub due: UnixMillis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub keys: Vec<DueKey>,
    pub store_now: UnixMillis,
}

/// A schedule and what its runs take from its workflow, read at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct DueSchedule {
    pub schedule: ScheduledWorkflow,
    pub workflow: WorkflowFacts,
}

/// One decision, to be carried out if its schedule still stands where it was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fire {
    pub id: ScheduleId,
    /// Compared, as `nominal` is with `next_nominal_at`.
    pub revision: i64,
    pub nominal: UnixMillis,
    /// The decision's `now`.
    pub decided_at: UnixMillis,
    pub next: Cursor,
    pub runs: Vec<NewRun>,
    pub outcomes: Vec<Outcome>,
    /// Why the decision failed; then `next` has left the due index.
    pub failure: Option<String>,
}

/// A run to be recorded; the rest of its row comes from its schedule's revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRun {
    pub id: RunId,
    pub nominal: UnixMillis,
    pub due: UnixMillis,
    pub reason: RunReason,
}

/// Who publishes what a fire records, and for how long nobody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishLease {
    pub member: MemberId,
    pub lease: SignedDuration,
}

/// At most 500 schedules, each once, and 2,000 runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FireBatch {
    /// Absent while there is a backlog: then the rows are for the sweep at once.
    pub publisher: Option<PublishLease>,
    pub fires: Vec<Fire>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FireCode {
    /// Recorded, and the cursor moved.
    Moved,
    /// `decided_at` or the due time is ahead of the store's clock: decide again with the corrected one.
    Early,
    /// The schedule stands elsewhere: read it anew.
    Gone,
    /// Somebody holds its lock: again shortly.
    Locked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FireResult {
    pub id: ScheduleId,
    pub code: FireCode,
    /// The runs that were inserted; only these may be published.
    pub runs: Vec<RunId>,
    /// Runs whose row stood already: 0, or the protocol was broken.
    pub conflicts: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FireAnswer {
    /// One for each fire, in order.
    pub results: Vec<FireResult>,
    pub store_now: UnixMillis,
}

/// A recorded run that this process may publish.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingRun {
    pub id: RunId,
    pub workflow_id: WorkflowId,
    pub workflow: WorkflowFacts,
    pub schedule_id: Option<ScheduleId>,
    pub nominal_time: Option<UnixMillis>,
    pub due_at: UnixMillis,
    /// As JSON text: it goes into the message as it is.
    pub input: Arc<str>,
    /// The attempt that the message is for: claims so far, and one.
    pub attempt: i64,
    pub publish_seq: i64,
    /// Failures to publish it in a row: what the next pause is doubled by.
    pub publish_failures: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    pub runs: Vec<PendingRun>,
    pub store_now: UnixMillis,
}

/// A run whose message was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub run_id: RunId,
    /// What was published.
    pub publish_seq: i64,
}

/// A run whose message was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    pub run_id: RunId,
    pub publish_seq: i64,
    pub retry_in: SignedDuration,
    /// Shown on the run.
    pub error: String,
}

/// A pass over the runs of one queue whose messages should have been claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    pub queue: QueueName,
    /// The queue was seen to have no ready message, after [`ScheduleStore::overdue_queues`] named it.
    pub nothing_ready: bool,
    /// See [`BELIEF_TOLERANCE`].
    pub believed: UnixMillis,
    pub limit: usize,
}

/// For how long a run is left `queued` before its message may count as lost; doubled by each redrive of one attempt.
pub const REDRIVE_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// How many times one attempt is redriven.
pub const MAX_REDRIVES: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Redriven {
    /// Back to `pending`.
    pub requeued: usize,
    /// Ended: redriven [`MAX_REDRIVES`] times, and never claimed.
    pub unclaimed: usize,
}

/// What waits to be published, for the operator's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Runs in `pending` that are due, counted up to [`BACKLOG_COUNTED`].
    pub pending: usize,
    /// Since when the longest waiting of those has been due and recorded.
    pub oldest: Option<UnixMillis>,
}

pub const BACKLOG_COUNTED: usize = 10_000;

/// What a reaper's pass did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reaped {
    /// Back to `pending`.
    pub requeued: usize,
    pub worker_lost: usize,
    pub cancelled: usize,
}

/// Every verb is bounded in time: a store that does not answer is `Unavailable`, or `InDoubt` where it may have written.
#[async_trait]
pub trait ScheduleStore: Send + Sync {
    /// The store's clock.
    async fn now(&self) -> StoreResult<UnixMillis>;

    /// Says that `member` lives, and asks who does: whose last beat is at most [`MEMBER_DEAD_AFTER`] past, and as little
    /// ahead (a clock that went back must not keep the dead alive). Atomic.
    async fn beat(&self, member: Member) -> StoreResult<Membership>;

    /// Removes the members that are dead by the measure of `beat`; what they hold unpublished (`pending`, `publish_at` ahead)
    /// is for the sweep at once. Does nothing when the store's clock is more than [`BELIEF_TOLERANCE`] ahead of `believed`, or behind.
    /// Answers how many members it removed.
    async fn bury(&self, believed: UnixMillis) -> StoreResult<usize>;

    /// Removes `member`, as `bury` does, because it says so. Again is the same as once.
    async fn leave(&self, member: MemberId) -> StoreResult<()>;

    /// The active, living schedules of `shards` with `next_run_at <= due_by`, in order of (`next_run_at`, id), from after the
    /// key `after`, at most `limit`. Takes no lock and writes nothing.
    async fn look(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look>;

    /// The living schedules of `ids`, each read at one revision; absent ones are left out.
    async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>>;

    /// Carries out each fire whose schedule has the compared revision and cursor, is active and living, and is due:
    /// `next_run_at <= decided_at <= now`. Such a schedule gets its new cursor and counters, its runs (`pending`,
    /// `publish_seq` 1) and outcomes are inserted, and nothing else is. All in one transaction; the others are answered why
    /// not. Bare conflict: a run whose row stands is not inserted, and counted. Repeating a batch that was committed answers
    /// `Gone` for each of it. `Data` when the values of a fire are refused: then nothing of the batch was written.
    async fn fire(&self, batch: FireBatch) -> StoreResult<FireAnswer>;

    /// Which of `ids` exist as `pending` runs published by `member`: for a fire whose answer was lost.
    async fn pending(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>>;

    /// Takes at most `limit` runs in `pending` with `publish_at <= now`, oldest `publish_at` first, for `publisher`; none of
    /// the queues `except`, which are in trouble and must not fill the publisher's window.
    /// `publish_seq` raised, `publish_at` = now + lease. Atomic; a run is taken by one.
    async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Swept>;

    /// `pending → queued` (`delivered` for handoff) `WHERE id, pending, publish_seq`; answers how many. Fewer than asked is
    /// normal: a worker was faster. Idempotent. Nothing else makes `queued`.
    async fn mark(&self, marks: &[Mark]) -> StoreResult<usize>;

    /// Under the same condition: `publish_at` = now + `retry_in`, the publisher cleared, the failure counted and shown.
    async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize>;

    /// The queues that have a run `queued` for longer than its interval: [`REDRIVE_AFTER`], doubled by each redrive of its
    /// attempt. In order of their names.
    async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>>;

    /// Takes back at most `limit` such runs of one queue, longest queued first: all of them when the queue has nothing ready,
    /// else those that were overtaken: a run of the queue that was confirmed [`REDRIVE_AFTER`] or more after them is running.
    /// Only one that was published once (`publish_seq` 1) proves that: of any other, an earlier message may have been claimed.
    /// Such a run is `pending` again, `publish_seq` and its count of redrives raised, `publish_at` now, the publisher cleared;
    /// one that was redriven [`MAX_REDRIVES`] times in this attempt ends as `unclaimed`, its `error` saying so. A claim
    /// begins a new attempt. Atomic; does nothing when the store's clock is more than [`BELIEF_TOLERANCE`] ahead
    /// of `believed`.
    async fn redrive(&self, redrive: Redrive) -> StoreResult<Redriven>;

    /// What waits to be published. Bounded in what it reads.
    async fn backlog(&self) -> StoreResult<Backlog>;

    /// At most `limit` running runs whose claim ran out, unless the store's clock is more than [`BELIEF_TOLERANCE`] ahead of
    /// `believed`: the epoch is raised and the run is `pending` again, `publish_seq`
    /// raised, `publish_at` now, the publisher cleared; the third lost claim ends it as `worker_lost`; where a cancel was
    /// asked, or its schedule or workflow was deleted, it ends as `cancelled`.
    async fn reap(&self, believed: UnixMillis, limit: usize) -> StoreResult<Reaped>;
}

impl Fire {
    /// Carries out `decision`, which was made at `decided_at` of the schedule that stands at `key`.
    pub fn of(key: DueKey, decision: Decision, decided_at: UnixMillis) -> Fire {
        let Decision { runs, outcomes, next, failure } = decision;
        Fire { id: key.id, revision: key.revision, nominal: key.nominal, decided_at, next, runs, outcomes, failure }
    }
}

impl DueKey {
    /// The place of `schedule`, or `None` when it is not to be looked at.
    pub fn of(schedule: &ScheduledWorkflow) -> Option<DueKey> {
        let Cursor { nominal: Some(nominal), due: Some(due) } = schedule.cursor else { return None };
        schedule.is_active.then_some(DueKey { id: schedule.id, revision: schedule.revision, nominal, due })
    }

    pub fn order(&self) -> (UnixMillis, ScheduleId) {
        (self.due, self.id)
    }
}

impl PendingRun {
    pub fn queue(&self) -> &QueueName {
        &self.workflow.queue
    }

    pub fn delivery(&self) -> Delivery {
        self.workflow.delivery
    }
}
