//! The worker's verbs, and how runs change their state.

use async_trait::async_trait;
use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{
    Beat, Cancelled, Claim, ClaimAnswer, ClaimedRun, Conflict, Finish, FinishAnswer, Page, PollStore, RunFilter, RunStore, StoreError,
    StoreResult,
};
use belfry_core::run::{NodeResult, Run, RunResult, RunState};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName};
use jiff::SignedDuration;

use super::{Mutation, ReferenceStore, RunRow, Tables, page};

/// How long a claim lasts without a heartbeat.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// The lost claim that ends a run.
pub(super) const LOST_CLAIMS: u32 = 3;

#[async_trait]
impl RunStore for ReferenceStore {
    async fn claim(&self, claim: Claim) -> StoreResult<ClaimAnswer> {
        let (mut tables, now) = self.begin();
        let (compares_state, compares_token) = (tables.holds(Mutation::ClaimState), tables.holds(Mutation::ClaimToken));
        let (raises, compares_delivery) = (i64::from(tables.holds(Mutation::ClaimEpoch)), tables.holds(Mutation::ClaimDelivery));
        let compares_due = tables.holds(Mutation::ClaimDue);
        let Some(row) = tables.runs.get_mut(&claim.run_id) else { return Ok(ClaimAnswer::Refused(None)) };
        if row.run.delivery == Delivery::Handoff && compares_delivery {
            return Ok(ClaimAnswer::Handoff);
        }
        let again = row.run.state == RunState::Running && (row.token == Some(claim.token) || !compares_token);
        if !again {
            if (compares_state && !row.is_unclaimed()) || (compares_due && row.is_ahead(now)) {
                return Ok(ClaimAnswer::Refused(Some(row.run.state)));
            }
            row.start(&claim, raises, now);
        }
        Ok(ClaimAnswer::Claimed(Box::new(tables.claimed(claim.run_id))))
    }

    async fn heartbeat(&self, run: RunId, epoch: i64, progress: Option<String>) -> StoreResult<Beat> {
        let (mut tables, now) = self.begin();
        let Some(row) = tables.running(run, epoch) else { return Ok(Beat::Stale) };
        let claim_until = now.plus(CLAIM);
        row.run.claim_until = Some(claim_until);
        row.run.progress = progress.or(row.run.progress.take());
        Ok(Beat::Alive { claim_until, cancel_requested: row.run.cancel_requested_at.is_some() })
    }

    async fn record_node(&self, run: RunId, epoch: i64, result: NodeResult) -> StoreResult<bool> {
        let (mut tables, _) = self.begin();
        let stays = tables.holds(Mutation::NodeSettled);
        let Some(row) = tables.running(run, epoch) else { return Ok(false) };
        // The first writing of a node is its beginning: it keeps that place.
        match row.run.nodes.iter_mut().find(|node| node.node_id == result.node_id) {
            Some(node) if node.state.is_settled() && stays => {}
            Some(node) => *node = result,
            None => row.run.nodes.push(result),
        }
        Ok(true)
    }

    async fn finish(&self, run: RunId, epoch: i64, finish: Finish) -> StoreResult<FinishAnswer> {
        let (mut tables, now) = self.begin();
        let compares = tables.holds(Mutation::WorkerEpoch);
        match tables.runs.get_mut(&run).filter(|row| row.run.claim_epoch == epoch || !compares) {
            Some(row) if row.run.state == RunState::Running => {
                row.run.error = finish.error;
                row.run.result = finish.result;
                tables.end(run, finish.state, now);
                Ok(FinishAnswer::Recorded(finish.state))
            }
            Some(row) if row.run.state.is_terminal() => Ok(FinishAnswer::Recorded(row.run.state)),
            _ => Ok(FinishAnswer::Stale),
        }
    }

    async fn release(&self, run: RunId, epoch: i64) -> StoreResult<bool> {
        let (mut tables, now) = self.begin();
        let raises = i64::from(tables.holds(Mutation::ReleaseEpoch));
        let Some(row) = tables.running(run, epoch) else { return Ok(false) };
        row.run.claim_epoch += raises;
        row.run.attempt -= 1;
        tables.enter_pending(run, now);
        Ok(true)
    }

    async fn cancel(&self, run: RunId) -> StoreResult<Cancelled> {
        let (mut tables, now) = self.begin();
        let row = tables.runs.get_mut(&run).ok_or(StoreError::NotFound("run"))?;
        match row.run.state {
            RunState::Running => {
                row.run.cancel_requested_at.get_or_insert(now);
                Ok(Cancelled::Asked)
            }
            RunState::Pending | RunState::Queued => {
                tables.cancel_unstarted(run, now);
                Ok(Cancelled::Ended)
            }
            ended => Err(Conflict::RunEnded(ended).into()),
        }
    }

    async fn run(&self, run: RunId) -> StoreResult<Run> {
        let (tables, _) = self.begin();
        tables.runs.get(&run).map(|row| tables.shown_run(row)).ok_or(StoreError::NotFound("run"))
    }

    async fn runs(&self, filter: RunFilter) -> StoreResult<Page<Run>> {
        let (tables, _) = self.begin();
        let newest_first = tables.runs.values().rev().filter(|row| shows(&filter, &row.run));
        Ok(page(newest_first.map(|row| Run { result: RunResult::default(), nodes: Vec::new(), ..tables.shown_run(row) }), filter.limit))
    }
}

fn shows(filter: &RunFilter, run: &Run) -> bool {
    filter.workflow_id.is_none_or(|id| run.workflow_id == id)
        && filter.schedule_id.is_none_or(|id| run.schedule_id == Some(id))
        && (filter.states.is_empty() || filter.states.contains(&run.state))
        && filter.planned_from.is_none_or(|from| from <= run.planned_at)
        && filter.planned_before.is_none_or(|before| run.planned_at < before)
        && filter.after.is_none_or(|after| run.id < after)
}

#[async_trait]
impl PollStore for ReferenceStore {
    async fn claim_oldest(&self, queue: QueueName, token: ClaimToken, worker: String) -> StoreResult<Option<ClaimedRun>> {
        let (mut tables, now) = self.begin();
        let of_queue = |row: &&RunRow| row.run.queue == queue && row.run.delivery == Delivery::Tracked;
        let held = |row: &&RunRow| row.run.state == RunState::Running && row.token == Some(token);
        let live = || tables.live.iter().map(|id| &tables.runs[id]).filter(of_queue);
        if let Some(held) = live().find(held) {
            return Ok(Some(tables.claimed(held.run.id)));
        }
        let is_due = |row: &&RunRow| row.run.state == RunState::Pending && (row.run.due_at <= now || !tables.holds(Mutation::ClaimDue));
        let pending = live().filter(is_due).min_by_key(|row| (row.publish_at, row.run.id));
        let queued = live().filter(|row| row.run.state == RunState::Queued).min_by_key(|row| (row.run.queued_at, row.run.id));
        let Some(oldest) = pending.into_iter().chain(queued).map(|row| row.run.id).min() else { return Ok(None) };
        let row = tables.runs.get_mut(&oldest).expect("a live run has its row");
        row.start(&Claim { run_id: oldest, token, worker }, 1, now);
        Ok(Some(tables.claimed(oldest)))
    }
}

impl RunRow {
    /// Nothing in `pending` or `queued` has a cancel asked: that ends it.
    fn is_unclaimed(&self) -> bool {
        matches!(self.run.state, RunState::Pending | RunState::Queued)
    }

    /// An edit recorded it for a time that jitter has yet to bring, and nobody has published it. A clock that went back makes
    /// nothing of the kind of what was published.
    fn is_ahead(&self, now: UnixMillis) -> bool {
        self.run.due_at > now && self.run.publish_seq == 1 && self.publisher.is_none()
    }

    fn start(&mut self, claim: &Claim, raises: i64, now: UnixMillis) {
        self.token = Some(claim.token);
        self.run.state = RunState::Running;
        self.run.claim_epoch += raises;
        self.run.attempt += 1;
        self.run.claimed_by = Some(claim.worker.clone());
        self.run.claim_until = Some(now.plus(CLAIM));
        self.run.started_at.get_or_insert(now);
        self.run.progress = None;
        // A worker has its message, whatever its publisher knows of it.
        self.run.publish_error = None;
        self.publish_failures = 0;
        self.redrives = 0;
    }
}

impl Tables {
    /// The row of a run that runs under the claim of `epoch`.
    fn running(&mut self, id: RunId, epoch: i64) -> Option<&mut RunRow> {
        let (epochs, states) = (self.holds(Mutation::WorkerEpoch), self.holds(Mutation::WorkerState));
        let fits = |row: &RunRow| (row.run.state == RunState::Running || !states) && (row.run.claim_epoch == epoch || !epochs);
        self.runs.get_mut(&id).filter(|row| fits(row))
    }

    fn claimed(&self, id: RunId) -> ClaimedRun {
        let row = &self.runs[&id];
        let run = self.shown_run(row);
        let revision = run.schedule_id.map(|schedule| &self.revisions[&(schedule, row.revision)]);
        let definition = self.versions[&(run.workflow_id, run.workflow_version)].definition.clone();
        assert!(run.claim_until.is_some(), "a running run has a claim");
        ClaimedRun::of(run, definition, revision.map(|revision| &revision.content))
    }

    /// Whether it would end as `cancelled` where it would become `pending` again.
    pub(super) fn must_not_run(&self, id: RunId) -> bool {
        let run = &self.runs[&id].run;
        run.cancel_requested_at.is_some()
            || self.workflows[&run.workflow_id].deleted
            || run.schedule_id.is_some_and(|schedule| self.schedules[&schedule].deleted)
    }

    /// A running run becomes `pending` again, or ends.
    pub(super) fn enter_pending(&mut self, id: RunId, now: UnixMillis) {
        if self.must_not_run(id) && self.holds(Mutation::PendingCancelled) {
            return self.end(id, RunState::Cancelled, now);
        }
        let raises = i64::from(self.holds(Mutation::PendingSeq));
        let row = self.runs.get_mut(&id).expect("the caller found it");
        row.publisher = None;
        row.publish_at = now;
        row.run.state = RunState::Pending;
        row.run.publish_seq += raises;
        row.run.claim_until = None;
        row.run.claimed_by = None;
    }

    /// A run that is pending or queued is cancelled; the epoch rises, so that no claim in flight fits.
    pub(super) fn cancel_unstarted(&mut self, id: RunId, now: UnixMillis) {
        let raises = i64::from(self.holds(Mutation::CancelEpoch));
        let row = self.runs.get_mut(&id).expect("the caller found it");
        if matches!(row.run.state, RunState::Pending | RunState::Queued) {
            row.run.claim_epoch += raises;
            self.end(id, RunState::Cancelled, now);
        }
    }

    /// The only way to a terminal state. Who ran it last stays to be seen.
    pub(super) fn end(&mut self, id: RunId, state: RunState, now: UnixMillis) {
        let row = self.runs.get_mut(&id).expect("the caller found it");
        assert!(!row.run.state.is_terminal(), "{id} has ended as {}", row.run.state);
        row.run.state = state;
        row.run.finished_at = Some(now);
        row.run.claim_until = None;
        self.live.remove(&id);
    }
}
