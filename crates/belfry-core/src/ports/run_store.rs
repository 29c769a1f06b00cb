//! Runs, for those who execute them and those who look at them.

use async_trait::async_trait;
use serde_json::Value;

use super::StoreResult;
use crate::ids::{ClaimToken, RunId, ScheduleId, WorkflowId};
use crate::run::{NodeResult, Run, RunResult, RunState};
use crate::schedule::ScheduleContent;
use crate::time::UnixMillis;
use crate::workflow::QueueName;

/// A worker's wish to execute a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub run_id: RunId,
    /// Made afresh by the worker for each claim that it sends; sent again with the same token when the answer was lost.
    pub token: ClaimToken,
    /// The worker's name, shown to people.
    pub worker: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ClaimAnswer {
    Claimed(Box<ClaimedRun>),
    /// Not to be had, for good as far as this message goes: acknowledge and drop it. `None`: no such run.
    Refused(Option<RunState>),
    /// Its delivery is `handoff`: it is its consumer's, and never claimed. Whoever got its message should not have.
    Handoff,
}

/// A run, and all that its execution needs.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedRun {
    /// `run.nodes` has the results of earlier claims: settled nodes are not run again.
    pub run: Run,
    /// Of the run's `workflow_version`.
    pub definition: Value,
    /// The occurrences before and after `run.nominal_time`, by the schedule's spec at the run's revision.
    pub previous_nominal_time: Option<UnixMillis>,
    pub next_nominal_time: Option<UnixMillis>,
    /// Fences everything that the worker writes.
    pub epoch: i64,
    /// When the store would give the run to another, unless a heartbeat comes.
    pub claim_until: UnixMillis,
}

impl ClaimedRun {
    /// Of a run that was just claimed; `content` is its schedule's at the run's revision. Searching the spec takes its time: not
    /// while anything is locked.
    pub fn of(run: Run, definition: Value, content: Option<&ScheduleContent>) -> ClaimedRun {
        let neighbours = |content: &ScheduleContent| run.nominal_time.and_then(|nominal| content.neighbours(nominal).ok());
        let (previous_nominal_time, next_nominal_time) = content.and_then(neighbours).unwrap_or_default();
        let (epoch, claim_until) = (run.claim_epoch, run.claim_until.unwrap_or(UnixMillis::EPOCH));
        ClaimedRun { run, definition, previous_nominal_time, next_nominal_time, epoch, claim_until }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    Alive {
        claim_until: UnixMillis,
        cancel_requested: bool,
    },
    /// The claim is lost: drop everything.
    Stale,
}

/// How a run ends, as its worker reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// `Succeeded`, `Failed` or `Cancelled`.
    pub state: RunState,
    pub error: Option<String>,
    /// Nothing from Belfry's own workers.
    pub result: RunResult,
}

impl Finish {
    /// With nothing left of the run as a whole.
    pub fn of(state: RunState, error: Option<String>) -> Finish {
        Finish { state, error, result: RunResult::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishAnswer {
    /// The state that stands; at the same epoch also that of an earlier finish.
    Recorded(RunState),
    Stale,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not started: it is cancelled.
    Ended,
    /// It runs: its worker sees the wish at its next heartbeat.
    Asked,
}

/// Which runs a list shows, newest `planned_at` first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    pub workflow_id: Option<WorkflowId>,
    pub schedule_id: Option<ScheduleId>,
    /// Any of these; all when empty.
    pub states: Vec<RunState>,
    /// `planned_at` in `planned_from..planned_before`.
    pub planned_from: Option<UnixMillis>,
    pub planned_before: Option<UnixMillis>,
    /// The last id of the page before. Ids order runs by `planned_at`.
    pub after: Option<RunId>,
    /// 1 to 200.
    pub limit: usize,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Whether more follow.
    pub more: bool,
}

/// Work for those who ask for it, where others are told by a queue.
#[async_trait]
pub trait PollStore: Send + Sync {
    /// Claims, as [`RunStore::claim`] does, a run of `queue` that can be claimed and is due: of those that are published, and
    /// of those that are not yet, the one that has waited longest; of these the one that was planned first. `None`: there is
    /// none now. The same token again, while its claim stands, gets the same answer. Atomic; runs that others are claiming at
    /// this instant are passed over.
    async fn claim_oldest(&self, queue: QueueName, token: ClaimToken, worker: String) -> StoreResult<Option<ClaimedRun>>;
}

#[async_trait]
pub trait RunStore: Send + Sync {
    /// Claims: from `pending` or `queued`, tracked, no cancel asked, due or published at least once, → `running`; `claim_epoch`
    /// and `attempt` raised, `claim_until` 60 s ahead, `started_at` set by the first claim. Atomic and exclusive.
    /// Begins an attempt: its count of redrives is 0, and nothing is said of its progress. The same token again while running
    /// at that epoch gets the same answer. Everything else is refused.
    async fn claim(&self, claim: Claim) -> StoreResult<ClaimAnswer>;

    /// Moves `claim_until` to 60 s ahead `WHERE id, running, claim_epoch`, and writes how far the run is, where that is said;
    /// a heartbeat that says nothing leaves what was said. Idempotent.
    async fn heartbeat(&self, run: RunId, epoch: i64, progress: Option<String>) -> StoreResult<Beat>;

    /// Writes (or overwrites) the result of one node, under the same condition; false when stale.
    /// A node that has settled stays as it is: a writing that was late changes nothing, and is answered alike.
    async fn record_node(&self, run: RunId, epoch: i64, result: NodeResult) -> StoreResult<bool>;

    /// Ends the run and writes its result, both or neither, under the same condition; `finished_at` is the store's clock.
    /// Finishing again at the same epoch answers what was recorded, and writes nothing.
    async fn finish(&self, run: RunId, epoch: i64, finish: Finish) -> StoreResult<FinishAnswer>;

    /// Gives the run back without an end, as a worker does when it drains: → `pending`, `claim_epoch` and `publish_seq`
    /// raised, `publish_at` now, the publisher cleared (`cancelled`, if a cancel was asked or its schedule or workflow was
    /// deleted). The given-back claim does not count as lost, nor as an attempt. False when stale.
    async fn release(&self, run: RunId, epoch: i64) -> StoreResult<bool>;

    /// Cancels: pending or queued → `cancelled`, the epoch raised; running → asked, again is the same as once;
    /// ended → `Conflict::RunEnded`.
    async fn cancel(&self, run: RunId) -> StoreResult<Cancelled>;

    /// With the results of its nodes. Runs of deleted workflows remain.
    async fn run(&self, run: RunId) -> StoreResult<Run>;

    /// Without the results of nodes.
    async fn runs(&self, filter: RunFilter) -> StoreResult<Page<Run>>;
}
