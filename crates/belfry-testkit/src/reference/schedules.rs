//! The daemon's verbs.

use async_trait::async_trait;
use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{
    DueKey, DueSchedule, Fire, FireAnswer, FireBatch, FireCode, FireResult, GiveBack, Look, Mark, PendingRun, Publisher, Reaped,
    ScheduleStore, StoreError, StoreResult, Swept,
};
use belfry_core::run::RunState;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::Delivery;

use super::runs::LOST_CLAIMS;
use super::{ReferenceStore, RunRow, Tables};

#[async_trait]
impl ScheduleStore for ReferenceStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        Ok(self.begin().1)
    }

    async fn look(&self, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look> {
        let (tables, now) = self.begin();
        let mut keys: Vec<DueKey> = tables
            .living_schedules()
            .filter_map(DueKey::of)
            .filter(|key| key.due <= due_by && after.is_none_or(|after| key.order() > after.order()))
            .collect();
        keys.sort_by_key(DueKey::order);
        keys.truncate(limit);
        Ok(Look { keys, store_now: now })
    }

    async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>> {
        let (tables, _) = self.begin();
        let living = ids.iter().filter_map(|id| tables.living_schedule(*id).ok());
        Ok(living.map(|schedule| DueSchedule { schedule: schedule.clone(), workflow: tables.facts(schedule.workflow_id) }).collect())
    }

    async fn fire(&self, batch: FireBatch) -> StoreResult<FireAnswer> {
        let (mut tables, now) = self.begin();
        // What does not move is not written, so nothing of it can be refused.
        batch.fires.iter().filter(|fire| tables.compare(fire, now) == FireCode::Moved).try_for_each(check)?;
        let results = batch.fires.into_iter().map(|fire| tables.fire(fire, batch.publisher, now)).collect();
        Ok(FireAnswer { results, store_now: now })
    }

    async fn pending(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>> {
        let (tables, _) = self.begin();
        let rows = ids.iter().filter_map(|id| tables.runs.get(id));
        let own = rows.filter(|row| row.run.state == RunState::Pending && row.publisher == Some(member));
        Ok(own.map(|row| tables.publishable(row)).collect())
    }

    async fn sweep(&self, publisher: Publisher, limit: usize) -> StoreResult<Swept> {
        let (mut tables, now) = self.begin();
        let free = |row: &RunRow| (row.run.state == RunState::Pending && row.publish_at <= now).then_some(row.publish_at);
        let mut runs = Vec::new();
        for id in tables.first_live(free, limit) {
            let row = tables.row(id);
            row.run.publish_seq += 1;
            row.publisher = Some(publisher.member);
            row.publish_at = now.plus(publisher.lease);
            runs.push(tables.publishable(&tables.runs[&id]));
        }
        Ok(Swept { runs, store_now: now })
    }

    async fn mark(&self, marks: &[Mark]) -> StoreResult<usize> {
        let (mut tables, now) = self.begin();
        Ok(marks.iter().filter(|mark| tables.mark(**mark, now)).count())
    }

    async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize> {
        let (mut tables, now) = self.begin();
        Ok(rows.iter().filter(|row| tables.give_back(row, now)).count())
    }

    async fn reap(&self, limit: usize) -> StoreResult<Reaped> {
        let (mut tables, now) = self.begin();
        let lost = |row: &RunRow| row.run.claim_until.filter(|until| row.run.state == RunState::Running && *until <= now);
        let mut reaped = Reaped::default();
        for id in tables.first_live(lost, limit) {
            match tables.reap(id, now) {
                RunState::Pending => reaped.requeued += 1,
                RunState::WorkerLost => reaped.worker_lost += 1,
                _ => reaped.cancelled += 1,
            }
        }
        Ok(reaped)
    }
}

/// What no row can hold.
fn check(fire: &Fire) -> StoreResult<()> {
    match fire.outcomes.iter().find(|outcome| outcome.from > outcome.to) {
        Some(outcome) => Err(StoreError::Data(format!("an outcome ends at {}, before it begins at {}", outcome.to, outcome.from))),
        None => Ok(()),
    }
}

impl Tables {
    /// The compare-and-set, and all that it carries.
    fn fire(&mut self, fire: Fire, publisher: Option<Publisher>, now: UnixMillis) -> FireResult {
        let code = self.compare(&fire, now);
        if code != FireCode::Moved {
            return FireResult { id: fire.id, code, runs: Vec::new(), conflicts: 0 };
        }
        let moves = fire.next.due.is_none() || fire.next.nominal > Some(fire.nominal);
        assert!(moves, "every decision moves the cursor or takes the schedule out of the due index: {fire:?}");
        let runs = self.insert_runs(fire.id, &fire.runs, publisher, now);
        self.insert_outcomes(fire.id, fire.outcomes, now);
        let schedule = &mut self.schedules.get_mut(&fire.id).expect("it was compared").schedule;
        schedule.cursor = fire.next;
        schedule.failure_count = if fire.failure.is_some() { schedule.failure_count + 1 } else { 0 };
        schedule.last_error = fire.failure;
        FireResult { id: fire.id, code, conflicts: fire.runs.len() - runs.len(), runs }
    }

    fn compare(&self, fire: &Fire, now: UnixMillis) -> FireCode {
        let stands = self.living_schedule(fire.id).ok().and_then(DueKey::of);
        match stands.filter(|key| key.revision == fire.revision && key.nominal == fire.nominal) {
            None => FireCode::Gone,
            Some(key) if key.due > fire.decided_at || fire.decided_at > now => FireCode::Early,
            Some(_) => FireCode::Moved,
        }
    }

    fn row(&mut self, id: RunId) -> &mut RunRow {
        self.runs.get_mut(&id).expect("a live run has a row")
    }

    /// At most `limit` live runs that `wanted` gives an instant, oldest instant first.
    fn first_live(&self, wanted: impl Fn(&RunRow) -> Option<UnixMillis>, limit: usize) -> Vec<RunId> {
        let mut found: Vec<(UnixMillis, RunId)> = self.live.iter().filter_map(|id| Some((wanted(&self.runs[id])?, *id))).collect();
        found.sort_unstable();
        found.into_iter().take(limit).map(|(_, id)| id).collect()
    }

    /// The row of a run in `pending` whose message is the one that was published.
    fn published(&mut self, id: RunId, publish_seq: i64) -> Option<&mut RunRow> {
        self.runs.get_mut(&id).filter(|row| row.run.state == RunState::Pending && row.run.publish_seq == publish_seq)
    }

    fn mark(&mut self, mark: Mark, now: UnixMillis) -> bool {
        let Some(row) = self.published(mark.run_id, mark.publish_seq) else { return false };
        row.run.queued_at = Some(now);
        row.run.publish_error = None;
        row.publish_failures = 0;
        match row.run.delivery {
            Delivery::Tracked => row.run.state = RunState::Queued,
            Delivery::Handoff => self.end(mark.run_id, RunState::Delivered, now),
        }
        true
    }

    fn give_back(&mut self, back: &GiveBack, now: UnixMillis) -> bool {
        let Some(row) = self.published(back.run_id, back.publish_seq) else { return false };
        row.publish_at = now.plus(back.retry_in);
        row.publisher = None;
        row.publish_failures += 1;
        row.run.publish_error = Some(back.error.clone());
        true
    }

    fn reap(&mut self, id: RunId, now: UnixMillis) -> RunState {
        let row = self.row(id);
        row.run.claim_epoch += 1;
        row.lost_claims += 1;
        if row.lost_claims >= LOST_CLAIMS && !self.must_not_run(id) {
            self.end(id, RunState::WorkerLost, now);
        } else {
            self.enter_pending(id, now);
        }
        self.runs[&id].run.state
    }
}
