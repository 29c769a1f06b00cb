//! Deciding and firing what is due.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::SignedDuration;
use tracing::error;

use belfry_core::decide::{Decision, Facts, decide, failed};
use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{Boot, DueKey, DueSchedule, Fire, FireCode, FireResult, NewRun, PendingRun, PublishLease, StoreResult};
use belfry_core::schedule::Cursor;
use belfry_core::time::UnixMillis;

use super::{Daemon, Recorded};
use crate::service::{Fired, by_schedule, condemning};

/// The most schedules and runs of one fire.
const BATCH_SCHEDULES: usize = 500;
const BATCH_RUNS: usize = 2_000;
/// The most batches of one tick: a tick must end, so that looking and sweeping go on.
const BATCHES: usize = 20;
/// How many batches are at the store at once: while one is carried out the next is read and decided.
const AT_ONCE: usize = 2;
/// How long a batch waits for room in the publisher's window before it is recorded for the sweep. Runs that are recorded sooner
/// than they can be published start no sooner.
const ROOM_PATIENCE: SignedDuration = SignedDuration::from_millis(100);
/// How long a schedule that the store refused, with nothing to compare it with, is left alone.
const HOLD: SignedDuration = SignedDuration::from_secs(30);

/// A batch as it was decided.
struct Decided {
    /// Of each fire.
    keys: Vec<DueKey>,
    fires: Vec<Fire>,
    payloads: HashMap<ScheduleId, Arc<DueSchedule>>,
}

/// A batch that was at the store.
struct Answered {
    decided: Decided,
    publisher: Option<PublishLease>,
    sent: Boot,
    answer: StoreResult<Fired>,
}

/// A run of a fire whose answer was lost: it stands, or it does not, or it is still on its way.
pub struct Doubt {
    schedule: ScheduleId,
    run: RunId,
    lease: PublishLease,
    /// Since when this daemon may publish it.
    sent: Boot,
    /// It did not stand when it was looked up; it may since, once its schedule is found to have moved.
    was_absent: bool,
}

impl Daemon {
    /// Fires what is due in memory, a few batches at once; answers how many runs were recorded. The keys of a batch are out of
    /// memory while it is at the store.
    pub(super) async fn fire_due(&mut self, now: UnixMillis) -> usize {
        let (mut at_store, mut begun, mut recorded) = (FuturesUnordered::new(), 0, 0);
        loop {
            while begun < BATCHES && at_store.len() < AT_ONCE {
                let unpublished = at_store.len() * BATCH_SCHEDULES;
                // What is recorded faster than it can be published costs the store a second write.
                if unpublished > 0 && self.publisher.free() <= unpublished {
                    break;
                }
                let Some(decided) = self.next_batch(now).await else {
                    begun = BATCHES;
                    break;
                };
                begun += 1;
                let batch = self.begin(decided, unpublished).await;
                at_store.push(batch);
            }
            let Some(answered) = at_store.next().await else { return recorded };
            match self.end(answered, now).await {
                Some(runs) => recorded += runs,
                None => begun = BATCHES,
            }
        }
    }

    /// The next batch that is due, out of memory; `None` when there is none, or none can be had.
    async fn next_batch(&mut self, now: UnixMillis) -> Option<Decided> {
        loop {
            let keys = self.near.take_due(now, BATCH_SCHEDULES);
            if keys.is_empty() {
                return None;
            }
            let Some(decided) = self.decide_over(&keys, now).await else {
                keys.into_iter().for_each(|key| self.near.insert(key));
                return None;
            };
            if !decided.fires.is_empty() {
                return Some(decided);
            }
        }
    }

    /// Makes a batch ready for the store, with this daemon as its publisher where there is room, or soon will be, for its runs
    /// and for `unpublished` others.
    async fn begin(&self, decided: Decided, unpublished: usize) -> impl Future<Output = Answered> + use<> {
        let publishes = !self.backlog && self.publisher.room_for_more_than(unpublished, ROOM_PATIENCE).await;
        let publisher = self.lease().filter(|_| publishes);
        let (service, sent) = (self.service.clone(), self.clock.boot());
        async move {
            let answer = service.fire(publisher, decided.fires.clone()).await;
            Answered { decided, publisher, sent, answer }
        }
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

    /// Decides over `keys`, which are out of memory. Those that are out of date stay so: the next look finds their schedules
    /// where they stand.
    async fn decide_over(&mut self, keys: &[DueKey], now: UnixMillis) -> Option<Decided> {
        let payloads = self.load(keys).await?;
        let mut decided = Decided { keys: Vec::new(), fires: Vec::new(), payloads: HashMap::new() };
        let mut runs = 0;
        for key in keys {
            let Some(payload) = payloads.get(&key.id).filter(|due| due.schedule.revision == key.revision).cloned() else { continue };
            // Of a kind that this version does not know: for newer members, and passed over by this one.
            let Some(decision) = decide_guarded(&payload, key, now) else { continue };
            if runs + decision.runs.len() > BATCH_RUNS {
                self.near.insert(*key);
                continue;
            }
            runs += decision.runs.len();
            decided.keys.push(*key);
            decided.fires.push(Fire::of(*key, decision, now));
            decided.payloads.insert(key.id, payload);
        }
        Some(decided)
    }

    /// Follows a batch that was at the store; how many runs it recorded, or `None` when this tick should fire no more.
    async fn end(&mut self, answered: Answered, now: UnixMillis) -> Option<usize> {
        let Answered { decided, publisher, sent, answer } = answered;
        match answer {
            Ok(fired) => {
                // Nothing but `Early` is no progress: the same batch again, at the same `now`, would be answered the same.
                let stuck = fired.refused.is_empty()
                    && fired.unproven.is_empty()
                    && fired.results.iter().all(|result| result.code == FireCode::Early);
                if !fired.in_doubt.is_empty() {
                    self.failed_calls += 1;
                    self.metrics.store_errors.inc();
                    self.doubt(&decided, &fired.in_doubt, publisher, sent);
                }
                still_due(&decided.keys, &fired).into_iter().for_each(|key| self.near.insert(key));
                let recorded = self.take_in(decided, fired, publisher.map(|lease| (lease, sent)), now).await;
                (!stuck && self.failed_calls == 0).then_some(recorded)
            }
            Err(other) => {
                decided.keys.into_iter().for_each(|key| self.near.insert(key));
                self.store_failed("fire", &other);
                None
            }
        }
    }

    /// Follows the answer to a batch: the cursors in memory, the runs to be published, and who is to be told.
    async fn take_in(&mut self, decided: Decided, fired: Fired, publish_from: Option<(PublishLease, Boot)>, now: UnixMillis) -> usize {
        let mut results = by_schedule(fired.results);
        let mut to_publish = Vec::new();
        let mut recorded = 0;
        for fire in &decided.fires {
            let Some(result) = results.remove(&fire.id) else { continue };
            self.follow(fire, &result, now);
            if result.code == FireCode::Moved {
                self.moved_at = self.moved_at.max(Some(fired.store_now));
                // An earlier fire of them, whose answer was lost, has not been carried out: this answer is the one to publish by.
                self.doubtful.retain(|doubt| !result.runs.contains(&doubt.run));
            }
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
            self.held.insert(id, now.plus(HOLD));
        }
        for (id, detail) in fired.refused {
            self.condemn(decided.fires.iter().find(|fire| fire.id == id), detail).await;
        }
        match publish_from {
            Some((lease, sent)) => self.publisher.offer(to_publish, lease.member, sent),
            // The sweep goes on until it has caught up.
            None => self.backlog = true,
        }
        recorded
    }

    /// Remembers what may stand of the fires of `schedules`, whose answer was lost.
    fn doubt(&mut self, decided: &Decided, schedules: &[ScheduleId], publisher: Option<PublishLease>, sent: Boot) {
        for fire in decided.fires.iter().filter(|fire| schedules.contains(&fire.id)) {
            // Without a publisher they are for the sweep.
            let Some(lease) = publisher else { continue };
            let runs = fire.runs.iter();
            self.doubtful.extend(runs.map(|run| Doubt { schedule: fire.id, run: run.id, lease, sent, was_absent: false }));
        }
    }

    fn follow(&mut self, fire: &Fire, result: &FireResult, now: UnixMillis) {
        match result.code {
            FireCode::Moved => {
                self.moved = true;
                if let Cursor { nominal: Some(nominal), due: Some(due) } = fire.next
                    && due <= now.plus(self.settings.look_ahead)
                {
                    self.near.insert(DueKey { id: fire.id, revision: fire.revision, nominal, due });
                }
            }
            FireCode::Gone => {
                self.payloads.forget(fire.id);
                // What moved it may be our own fire, which had not arrived when it was looked up.
                self.doubtful.iter_mut().filter(|doubt| doubt.schedule == fire.id).for_each(|doubt| doubt.was_absent = false);
            }
            // Decided by a clock that ran ahead, it is in memory again; what was locked is found by the next look.
            FireCode::Early | FireCode::Locked => {}
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

    /// Publishes what stands of fires whose answer was lost. What is past its lease, or was taken by a member that others may
    /// have buried, is for the sweep.
    pub(super) async fn publish_doubtful(&mut self) {
        let (boot, own) = (self.clock.boot(), self.membership.id());
        self.doubtful.retain(|doubt| boot.since(doubt.sent) < doubt.lease.lease && own == Some(doubt.lease.member));
        let asked: Vec<&Doubt> = self.doubtful.iter().filter(|doubt| !doubt.was_absent).collect();
        let (Some(member), Some(earliest)) = (own, asked.iter().map(|doubt| doubt.sent).min()) else { return };
        let ids: Vec<RunId> = asked.iter().map(|doubt| doubt.run).collect();
        match self.service.standing(member, &ids).await {
            Ok(runs) => self.settle_doubts(runs, member, earliest),
            Err(error) => self.store_failed("look up a fire whose answer was lost", &error),
        }
    }

    fn settle_doubts(&mut self, standing: Vec<PendingRun>, member: MemberId, leased: Boot) {
        let found: HashSet<RunId> = standing.iter().map(|run| run.id).collect();
        self.doubtful.retain(|doubt| !found.contains(&doubt.run));
        // The fire may still be on its way: they are looked up again when their schedule is found to have moved.
        self.doubtful.iter_mut().for_each(|doubt| doubt.was_absent = true);
        // As a fire records it: of a later `publish_seq`, a sweep of this member took it meanwhile, and has offered it itself.
        let recorded = standing.into_iter().filter(|run| run.publish_seq == 1).collect();
        self.publisher.offer(recorded, member, leased);
    }
}

/// Of a batch, what was decided too early, and what was not sent because another part of it failed.
fn still_due(keys: &[DueKey], fired: &Fired) -> Vec<DueKey> {
    let settled: HashSet<ScheduleId> = fired
        .results
        .iter()
        .filter(|result| result.code != FireCode::Early)
        .map(|result| result.id)
        .chain(fired.refused.iter().chain(&fired.unproven).map(|(id, _)| *id))
        .chain(fired.in_doubt.iter().copied())
        .collect();
    keys.iter().filter(|key| !settled.contains(&key.id)).copied().collect()
}

/// A spec that panics is a fault of ours, and one schedule's: it must not take the daemon and all other schedules with it.
fn decide_guarded(payload: &DueSchedule, key: &DueKey, now: UnixMillis) -> Option<Decision> {
    let mut schedule = payload.schedule.clone();
    schedule.cursor = Cursor { nominal: Some(key.nominal), due: Some(key.due) };
    schedule.is_active = true;
    catch_unwind(AssertUnwindSafe(|| decide(&schedule, Facts::default(), now)))
        .unwrap_or_else(|_| Some(failed(key.nominal, now, "evaluating the spec panicked; please report it".to_owned())))
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
