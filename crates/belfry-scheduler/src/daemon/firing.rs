//! Deciding and firing what is due.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::SignedDuration;
use tracing::error;

use belfry_core::decide::{Decision, Facts, decide, failed};
use belfry_core::ids::ScheduleId;
use belfry_core::ports::{Boot, DueKey, DueSchedule, Fire, FireCode, FireResult, NewRun, PendingRun, Publisher, StoreError};
use belfry_core::schedule::Cursor;
use belfry_core::time::UnixMillis;

use super::{Daemon, Recorded};
use crate::service::{Fired, by_schedule, condemning};

/// The most schedules and runs of one fire.
const BATCH_SCHEDULES: usize = 500;
const BATCH_RUNS: usize = 2_000;
/// The most batches of one tick: a tick must end, so that looking and sweeping go on.
const BATCHES: usize = 20;
/// How long a schedule that the store refused, with nothing to compare it with, is left alone.
const HOLD: SignedDuration = SignedDuration::from_secs(30);

/// A batch as it was decided.
struct Decided {
    fires: Vec<Fire>,
    payloads: HashMap<ScheduleId, Arc<DueSchedule>>,
}

impl Daemon {
    /// Fires what is due in memory, a batch at a time; answers how many runs were recorded.
    pub(super) async fn fire_due(&mut self, now: UnixMillis) -> usize {
        let mut recorded = 0;
        for _ in 0..BATCHES {
            let keys = self.near.due(now, BATCH_SCHEDULES);
            if keys.is_empty() {
                break;
            }
            let Some(decided) = self.decide_over(&keys, now).await else { break };
            if decided.fires.is_empty() {
                continue;
            }
            match self.fire(decided, now).await {
                Some(runs) => recorded += runs,
                None => break,
            }
        }
        recorded
    }

    /// Reads what is soon due and not in memory yet, so that a fire at its due instant need not wait for a read.
    pub(super) async fn read_ahead(&mut self, now: UnixMillis) {
        let soon = self.near.due(now.plus(self.settings.near_look_ahead), BATCH_SCHEDULES);
        self.load(&soon).await;
    }

    /// The payloads of `keys`, read where they are not known; `None` when the store did not answer. They are held by the
    /// batch itself: the cache may have no room for all of them.
    async fn load(&mut self, keys: &[DueKey]) -> Option<HashMap<ScheduleId, Arc<DueSchedule>>> {
        let mut found: HashMap<_, _> = keys.iter().filter_map(|key| Some((key.id, self.payloads.get(key)?))).collect();
        let unknown: Vec<ScheduleId> = keys.iter().map(|key| key.id).filter(|id| !found.contains_key(id)).collect();
        if unknown.is_empty() {
            return Some(found);
        }
        match self.service.load(&unknown).await {
            Ok(loaded) => {
                for due in loaded.into_iter().map(Arc::new) {
                    self.payloads.insert(Arc::clone(&due));
                    found.insert(due.schedule.id, due);
                }
                unknown.into_iter().filter(|id| !found.contains_key(id)).for_each(|id| self.near.remove(id));
                Some(found)
            }
            Err(error) => {
                self.store_failed("read schedules", &error);
                None
            }
        }
    }

    /// Decides over `keys`. Keys that are out of date leave the memory: the next look finds their schedules where they stand.
    async fn decide_over(&mut self, keys: &[DueKey], now: UnixMillis) -> Option<Decided> {
        let payloads = self.load(keys).await?;
        let mut decided = Decided { fires: Vec::new(), payloads: HashMap::new() };
        let mut runs = 0;
        for key in keys {
            let Some(payload) = payloads.get(&key.id).filter(|due| due.schedule.revision == key.revision).cloned() else {
                self.near.remove(key.id);
                continue;
            };
            let Some(decision) = decide_guarded(&payload, key, now) else {
                // Of a kind that this version does not know: for newer members, and passed over by this one.
                self.near.remove(key.id);
                continue;
            };
            if runs + decision.runs.len() > BATCH_RUNS {
                break;
            }
            runs += decision.runs.len();
            decided.fires.push(fire_of(key, decision, now));
            decided.payloads.insert(key.id, payload);
        }
        Some(decided)
    }

    /// Carries out a batch; how many runs it recorded, or `None` when this tick should fire no more.
    async fn fire(&mut self, decided: Decided, now: UnixMillis) -> Option<usize> {
        let lease = Publisher { member: self.service.member(), lease: self.settings.publish_lease };
        let publisher = (!self.backlog && self.publisher.free() > 0).then_some(lease);
        let sent = self.clock.boot();
        match self.service.fire(publisher, decided.fires.clone()).await {
            Ok(fired) => {
                // Nothing but `Early` is no progress: the same batch again, at the same `now`, would be answered the same.
                let stuck = fired.refused.is_empty()
                    && fired.unproven.is_empty()
                    && fired.results.iter().all(|result| result.code == FireCode::Early);
                let recorded = self.take_in(decided, fired, publisher.map(|_| sent), now).await;
                (!stuck).then_some(recorded)
            }
            Err(StoreError::InDoubt(detail)) => {
                self.store_failed("hear of a fire, and look up what stands", &StoreError::InDoubt(detail));
                if publisher.is_some() {
                    self.doubtful.extend(decided.fires.iter().flat_map(|fire| fire.runs.iter().map(|run| (run.id, sent))));
                }
                decided.fires.iter().for_each(|fire| self.near.remove(fire.id));
                None
            }
            Err(other) => {
                self.store_failed("fire", &other);
                None
            }
        }
    }

    /// Follows the answer to a batch: the cursors in memory, the runs to be published, and who is to be told.
    async fn take_in(&mut self, decided: Decided, fired: Fired, publish_from: Option<Boot>, now: UnixMillis) -> usize {
        let mut results = by_schedule(fired.results);
        let mut to_publish = Vec::new();
        let mut recorded = 0;
        for fire in &decided.fires {
            let Some(result) = results.remove(&fire.id) else { continue };
            self.follow(fire, &result, now);
            recorded += result.runs.len();
            let Some(payload) = decided.payloads.get(&fire.id) else { continue };
            // One text for all runs of a fire: a hundred copies of a large input would be memory that nothing bounds.
            let input: Arc<str> = payload.schedule.content.input.to_string().into();
            for run in fire.runs.iter().filter(|run| result.runs.contains(&run.id)) {
                self.tell(payload, run, fired.store_now);
                to_publish.push(pending_of(payload, run, &input));
            }
        }
        for (id, detail) in fired.unproven {
            error!(schedule.id = %id, "the store refuses what this schedule would record, leaving it for a while: {detail}");
            self.near.remove(id);
            self.held.insert(id, now.plus(HOLD));
        }
        for (id, detail) in fired.refused {
            self.condemn(decided.fires.iter().find(|fire| fire.id == id), detail).await;
        }
        if let Some(sent) = publish_from {
            self.publisher.offer(to_publish, sent);
        } else {
            self.backlog = true;
        }
        recorded
    }

    fn follow(&mut self, fire: &Fire, result: &FireResult, now: UnixMillis) {
        match result.code {
            FireCode::Moved => {
                self.moved = true;
                self.near.remove(fire.id);
                if let Cursor { nominal: Some(nominal), due: Some(due) } = fire.next
                    && due <= now.plus(self.settings.look_ahead)
                {
                    self.near.insert(DueKey { id: fire.id, revision: fire.revision, nominal, due });
                }
            }
            // Decided by a clock that ran ahead: it stays, and is decided again by the corrected one.
            FireCode::Early => {}
            FireCode::Gone => {
                self.near.remove(fire.id);
                self.payloads.forget(fire.id);
            }
            // The next look finds it again.
            FireCode::Locked => self.near.remove(fire.id),
        }
        if result.conflicts > 0 {
            self.metrics.conflicts.inc_by(result.conflicts as u64);
            error!(schedule.id = %fire.id, conflicts = result.conflicts, "runs stood already when they were fired: the database lost commits, or the protocol was broken");
        }
        if let Some(failure) = fire.failure.as_ref().filter(|_| result.code == FireCode::Moved) {
            self.metrics.decide_failures.inc();
            error!(schedule.id = %fire.id, "the schedule cannot be decided and was taken out: {failure}");
        }
    }

    /// A schedule whose data the store refuses, while it takes others', leaves with its error shown.
    async fn condemn(&mut self, fire: Option<&Fire>, detail: String) {
        let Some(fire) = fire else { return };
        self.near.remove(fire.id);
        let condemning = condemning(fire, detail);
        match self.service.fire(None, vec![condemning.clone()]).await {
            Ok(fired) => fired.results.iter().for_each(|result| self.follow(&condemning, result, fire.decided_at)),
            Err(error) => self.store_failed("take out a schedule that cannot be fired", &error),
        }
    }

    fn tell(&self, payload: &DueSchedule, run: &NewRun, recorded_at: UnixMillis) {
        self.metrics.fired.inc();
        self.metrics.lateness_to_row.observe(recorded_at.since(run.due).as_secs_f64().max(0.0));
        if let Some(told) = &self.on_recorded {
            told(&Recorded {
                run_id: run.id,
                workflow: payload.workflow.name.clone(),
                schedule: payload.schedule.name.clone(),
                nominal: run.nominal,
                due: run.due,
                recorded_at,
                reason: run.reason,
            });
        }
    }

    /// Publishes what stands of fires whose answer was lost. What is past its lease is for the sweep.
    pub(super) async fn publish_doubtful(&mut self) {
        let boot = self.clock.boot();
        self.doubtful.retain(|(_, sent)| boot.since(*sent) < self.settings.publish_lease);
        let Some(earliest) = self.doubtful.iter().map(|(_, sent)| *sent).min() else { return };
        let ids: Vec<_> = self.doubtful.iter().map(|(id, _)| *id).collect();
        match self.service.standing(&ids).await {
            Ok(runs) => {
                // A fire that is still on its way may commit after this: its rows are then the sweep's.
                self.doubtful.clear();
                self.publisher.offer(runs, earliest);
            }
            Err(error) => self.store_failed("look up a fire whose answer was lost", &error),
        }
    }
}

/// A spec that panics is a fault of ours, and one schedule's: it must not take the daemon and all other schedules with it.
fn decide_guarded(payload: &DueSchedule, key: &DueKey, now: UnixMillis) -> Option<Decision> {
    let mut schedule = payload.schedule.clone();
    schedule.cursor = Cursor { nominal: Some(key.nominal), due: Some(key.due) };
    schedule.is_active = true;
    catch_unwind(AssertUnwindSafe(|| decide(&schedule, Facts::default(), now)))
        .unwrap_or_else(|_| Some(failed(key.nominal, now, "evaluating the spec panicked; please report it".to_owned())))
}

fn fire_of(key: &DueKey, decision: Decision, now: UnixMillis) -> Fire {
    Fire {
        id: key.id,
        revision: key.revision,
        nominal: key.nominal,
        decided_at: now,
        next: decision.next,
        runs: decision.runs,
        outcomes: decision.outcomes,
        failure: decision.failure,
    }
}

/// The run as its fire recorded it.
fn pending_of(payload: &DueSchedule, run: &NewRun, input: &Arc<str>) -> PendingRun {
    PendingRun {
        id: run.id,
        workflow_id: payload.schedule.workflow_id,
        workflow: payload.workflow.clone(),
        schedule_id: Some(payload.schedule.id),
        nominal_time: Some(run.nominal),
        due_at: run.due,
        input: Arc::clone(input),
        attempt: 1,
        publish_seq: 1,
        publish_failures: 0,
    }
}
