//! The daemon's verbs.

use async_trait::async_trait;
use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{
    BACKLOG_COUNTED, BELIEF_TOLERANCE, Backlog, DueKey, DueSchedule, Fire, FireAnswer, FireBatch, FireCode, FireResult, GiveBack, Look,
    MAX_REDRIVES, MEMBER_DEAD_AFTER, Mark, Member, Membership, PendingRun, PublishLease, REDRIVE_AFTER, Reaped, Redrive, Redriven,
    ScheduleStore, StoreError, StoreResult, Swept,
};
use belfry_core::run::{Run, RunState};
use belfry_core::schedule::ScheduledWorkflow;
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName};

use super::runs::LOST_CLAIMS;
use super::{Mutation, ReferenceStore, RunRow, Tables};

#[async_trait]
impl ScheduleStore for ReferenceStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        Ok(self.begin().1)
    }

    async fn beat(&self, member: Member) -> StoreResult<Membership> {
        let (mut tables, now) = self.begin();
        let before = tables.members.insert(member.id, (member, now));
        let joined = before.is_none_or(|(_, beaten_at)| is_dead(beaten_at, now));
        let living = tables.members.values().filter(|(_, beaten_at)| !is_dead(*beaten_at, now));
        Ok(Membership { joined, members: living.map(|(member, _)| *member).collect(), store_now: now })
    }

    async fn bury(&self, believed: UnixMillis) -> StoreResult<usize> {
        let (mut tables, now) = self.begin();
        if now.since(believed).abs() > BELIEF_TOLERANCE && tables.holds(Mutation::BuryBelieved) {
            return Ok(0);
        }
        let compares = tables.holds(Mutation::BuryDead);
        let dead = tables.members.values().filter(|(_, beaten_at)| is_dead(*beaten_at, now) || !compares);
        let dead: Vec<MemberId> = dead.map(|(member, _)| member.id).collect();
        dead.iter().for_each(|member| tables.remove_member(*member, now));
        Ok(dead.len())
    }

    async fn leave(&self, member: MemberId) -> StoreResult<()> {
        let (mut tables, now) = self.begin();
        tables.remove_member(member, now);
        Ok(())
    }

    async fn look(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look> {
        let (tables, now) = self.begin();
        let mut keys: Vec<DueKey> = tables
            .living_schedules()
            .filter_map(DueKey::of)
            .filter(|key| shards.has(key.id) && key.due <= due_by && after.is_none_or(|after| key.order() > after.order()))
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

    async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Swept> {
        let (mut tables, now) = self.begin();
        let free = |row: &RunRow| {
            let is_open = row.publish_at <= now || !tables.holds(Mutation::SweepPublishAt);
            let is_pending = row.run.state == RunState::Pending || !tables.holds(Mutation::SweepState);
            let is_free = is_pending && is_open && !except.contains(&row.run.queue);
            is_free.then_some(row.publish_at)
        };
        let (taken, raises) = (tables.first_live(free, limit), i64::from(tables.holds(Mutation::SweepSeq)));
        let mut runs = Vec::new();
        for id in taken {
            let row = tables.row(id);
            row.run.publish_seq += raises;
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

    async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>> {
        let (tables, now) = self.begin();
        let overdue = tables.live.iter().map(|id| &tables.runs[id]).filter(|row| row.is_overdue(now));
        let mut queues: Vec<QueueName> = overdue.map(|row| row.run.queue.clone()).collect();
        queues.sort_unstable();
        queues.dedup();
        Ok(queues)
    }

    async fn redrive(&self, redrive: Redrive) -> StoreResult<Redriven> {
        let (mut tables, now) = self.begin();
        if is_disbelieved(now, redrive.believed) && tables.holds(Mutation::RedriveBelieved) {
            return Ok(Redriven::default());
        }
        let running = tables.live.iter().map(|id| &tables.runs[id].run);
        let running = running.filter(|run| run.queue == redrive.queue && run.state == RunState::Running && run.publish_seq == 1);
        let claimed_up_to = running.filter_map(|run| run.queued_at).max();
        let overtaken = |queued_at: UnixMillis| claimed_up_to.is_some_and(|last| queued_at.plus(REDRIVE_AFTER) <= last);
        let lost = |row: &RunRow| {
            let is_overdue = row.is_overdue(now) || (row.run.state == RunState::Queued && !tables.holds(Mutation::RedriveInterval));
            let queued_at = row.run.queued_at.filter(|_| row.run.queue == redrive.queue && is_overdue)?;
            (redrive.nothing_ready || overtaken(queued_at) || !tables.holds(Mutation::RedriveReady)).then_some(queued_at)
        };
        let mut redriven = Redriven::default();
        for id in tables.first_live(lost, redrive.limit) {
            match tables.redrive(id, now) {
                RunState::Pending => redriven.requeued += 1,
                _ => redriven.unclaimed += 1,
            }
        }
        Ok(redriven)
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        let (tables, now) = self.begin();
        let is_due = |run: &&Run| run.state == RunState::Pending && run.due_at <= now;
        let pending = tables.live.iter().map(|id| &tables.runs[id].run).filter(is_due);
        let recorded: Vec<UnixMillis> = pending.map(|run| run.created_at.max(run.due_at)).take(BACKLOG_COUNTED).collect();
        Ok(Backlog { pending: recorded.len(), oldest: recorded.into_iter().min() })
    }

    async fn reap(&self, believed: UnixMillis, limit: usize) -> StoreResult<Reaped> {
        let (mut tables, now) = self.begin();
        if is_disbelieved(now, believed) && tables.holds(Mutation::ReapBelieved) {
            return Ok(Reaped::default());
        }
        let compares = tables.holds(Mutation::ReapClaimUntil);
        let lost = |row: &RunRow| row.run.claim_until.filter(|until| row.run.state == RunState::Running && (*until <= now || !compares));
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

/// In the past or in the future: a clock that went back must not keep the dead alive.
fn is_dead(beaten_at: UnixMillis, now: UnixMillis) -> bool {
    now.since(beaten_at).abs() > MEMBER_DEAD_AFTER
}

/// Whether the clock is too far ahead of what the caller believes for anything to run out by it.
fn is_disbelieved(now: UnixMillis, believed: UnixMillis) -> bool {
    now.since(believed) > BELIEF_TOLERANCE
}

impl RunRow {
    /// Queued for longer than its interval.
    fn is_overdue(&self, now: UnixMillis) -> bool {
        let interval = REDRIVE_AFTER.saturating_mul(1 << self.redrives);
        self.run.state == RunState::Queued && self.run.queued_at.is_some_and(|queued_at| queued_at.plus(interval) <= now)
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
    fn fire(&mut self, fire: Fire, publisher: Option<PublishLease>, now: UnixMillis) -> FireResult {
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
        let stands = self.living_schedule(fire.id).ok();
        let stands = match stands {
            Some(paused) if !paused.is_active && !self.holds(Mutation::FireActive) => {
                DueKey::of(&ScheduledWorkflow { is_active: true, ..paused.clone() })
            }
            stands => stands.and_then(DueKey::of),
        };
        let is_its = |key: &DueKey| {
            (key.revision == fire.revision || !self.holds(Mutation::FireRevision))
                && (key.nominal == fire.nominal || !self.holds(Mutation::FireNominal))
        };
        let is_early = |key: DueKey| {
            (key.due > fire.decided_at && self.holds(Mutation::FireDue)) || (fire.decided_at > now && self.holds(Mutation::FireDecidedAt))
        };
        match stands.filter(is_its) {
            None => FireCode::Gone,
            Some(key) if is_early(key) => FireCode::Early,
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
    fn published(&mut self, id: RunId, publish_seq: i64, without: [Mutation; 2]) -> Option<&mut RunRow> {
        let [states, seqs] = without.map(|term| self.holds(term));
        let is_it = |row: &RunRow| (row.run.state == RunState::Pending || !states) && (row.run.publish_seq == publish_seq || !seqs);
        self.runs.get_mut(&id).filter(|row| is_it(row))
    }

    fn mark(&mut self, mark: Mark, now: UnixMillis) -> bool {
        let Some(row) = self.published(mark.run_id, mark.publish_seq, [Mutation::MarkState, Mutation::MarkSeq]) else { return false };
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
        let Some(row) = self.published(back.run_id, back.publish_seq, [Mutation::GiveBackState, Mutation::GiveBackSeq]) else {
            return false;
        };
        row.publish_at = now.plus(back.retry_in);
        row.publisher = None;
        row.publish_failures += 1;
        row.run.publish_error = Some(back.error.clone());
        true
    }

    fn redrive(&mut self, id: RunId, now: UnixMillis) -> RunState {
        let row = self.row(id);
        if row.redrives >= MAX_REDRIVES {
            row.run.error = Some(format!("published {} times, and never claimed", MAX_REDRIVES + 1));
            self.end(id, RunState::Unclaimed, now);
        } else {
            row.redrives += 1;
            self.enter_pending(id, now);
        }
        self.runs[&id].run.state
    }

    /// What it holds unpublished is for the sweep at once.
    fn remove_member(&mut self, member: MemberId, now: UnixMillis) {
        self.members.remove(&member);
        if !self.holds(Mutation::BuryHeld) {
            return;
        }
        let held = self.runs.values_mut().filter(|row| row.publisher == Some(member) && row.run.state == RunState::Pending);
        held.for_each(|row| row.publish_at = row.publish_at.min(now));
    }

    fn reap(&mut self, id: RunId, now: UnixMillis) -> RunState {
        let raises = i64::from(self.holds(Mutation::ReapEpoch));
        let row = self.row(id);
        row.run.claim_epoch += raises;
        row.lost_claims += 1;
        if row.lost_claims >= LOST_CLAIMS && !self.must_not_run(id) {
            self.end(id, RunState::WorkerLost, now);
        } else {
            self.enter_pending(id, now);
        }
        self.runs[&id].run.state
    }
}
