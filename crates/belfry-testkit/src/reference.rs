//! The reference model: what the protocol means (its sections 2 and 4 to 8), in the fewest words that run.
//!
//! One lock is every transaction, maps are the tables. A verb checks first and writes afterwards, so that one that is
//! refused has written nothing. Nothing here is fast on purpose, and nothing is a policy: what is decided is decided by
//! [`belfry_core::decide`] and [`belfry_core::edit`].

mod calendars;
mod edits;
mod idempotency;
mod keys;
mod mutation;
mod queue;
mod revisions;
mod runs;
mod schedules;
mod workflows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use belfry_core::ids::{ClaimToken, KeyId, MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    ApiKey, CalendarRevision, IdempotencyKey, Member, NewRun, Page, PendingRun, PublishLease, StoreError, StoreResult, WallClock,
};
use belfry_core::run::{Run, RunKind, RunResult, RunState};
use belfry_core::schedule::{Outcome, RecordedOutcome, ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Workflow, WorkflowVersion};

pub use mutation::Mutation;
pub use queue::ReferenceQueue;

/// All of Belfry's store in memory. Its handles share it.
#[derive(Clone)]
pub struct ReferenceStore {
    wall: Arc<dyn WallClock>,
    tables: Arc<Mutex<Tables>>,
}

impl ReferenceStore {
    /// An empty store whose clock is `wall`, kept from going back.
    pub fn new(wall: Arc<dyn WallClock>) -> ReferenceStore {
        let tables = Tables::new(wall.now());
        ReferenceStore { wall, tables: Arc::new(Mutex::new(tables)) }
    }

    /// Its clock goes back when `wall` does, as that of a database server.
    #[must_use]
    pub fn with_a_clock_that_may_go_back(self) -> ReferenceStore {
        self.begin().0.may_go_back = true;
        self
    }

    /// Without some terms of the protocol, to see what misses them.
    #[must_use]
    pub fn mutated(self, mutations: &[Mutation]) -> ReferenceStore {
        self.begin().0.mutations = mutations.to_vec();
        self
    }

    /// The members that were not buried, and have not left.
    pub fn members(&self) -> Vec<MemberId> {
        self.begin().0.members.keys().copied().collect()
    }

    /// Begins a transaction: the lock, and then the store's clock.
    fn begin(&self) -> (MutexGuard<'_, Tables>, UnixMillis) {
        let mut tables = self.tables.lock().expect("no verb panics while it holds the lock");
        let wall = self.wall.now();
        tables.now = if tables.may_go_back { wall } else { tables.now.max(wall) };
        let now = tables.now;
        (tables, now)
    }
}

struct Tables {
    now: UnixMillis,
    may_go_back: bool,
    /// The terms of the protocol that were taken out.
    mutations: Vec<Mutation>,
    workflows: BTreeMap<WorkflowId, WorkflowRow>,
    versions: BTreeMap<(WorkflowId, i64), WorkflowVersion>,
    schedules: BTreeMap<ScheduleId, ScheduleRow>,
    revisions: BTreeMap<(ScheduleId, i64), Revision>,
    runs: BTreeMap<RunId, RunRow>,
    /// The runs that have not ended: so that a long history does not slow the sweep.
    live: BTreeSet<RunId>,
    /// The second wall: one scheduled run for each occurrence.
    occurrences: BTreeSet<(ScheduleId, UnixMillis)>,
    outcomes: BTreeMap<ScheduleId, Vec<RecordedOutcome>>,
    calendars: BTreeMap<String, calendars::CalendarRow>,
    calendar_revisions: BTreeMap<(String, i64), CalendarRevision>,
    keys: BTreeMap<KeyId, ApiKey>,
    idempotency: BTreeMap<IdempotencyKey, idempotency::IdempotencyRow>,
    /// With the instant of its last beat.
    members: BTreeMap<MemberId, (Member, UnixMillis)>,
}

struct WorkflowRow {
    workflow: Workflow,
    deleted: bool,
}

struct ScheduleRow {
    schedule: ScheduledWorkflow,
    deleted: bool,
}

/// What the runs of a schedule's revision are made from.
struct Revision {
    name: String,
    is_active: bool,
    created_at: UnixMillis,
    content: ScheduleContent,
    workflow: WorkflowFacts,
}

struct RunRow {
    /// Its `workflow_name` is filled in where it is read.
    run: Run,
    /// Of its schedule, when it was recorded.
    revision: i64,
    /// Of the last claim.
    token: Option<ClaimToken>,
    publisher: Option<MemberId>,
    /// From when on anyone may publish it.
    publish_at: UnixMillis,
    publish_failures: u32,
    lost_claims: u32,
    /// How many times the present attempt's message was given up for lost.
    redrives: u32,
}

impl Tables {
    fn new(now: UnixMillis) -> Tables {
        Tables {
            now,
            may_go_back: false,
            mutations: Vec::new(),
            workflows: BTreeMap::new(),
            versions: BTreeMap::new(),
            schedules: BTreeMap::new(),
            revisions: BTreeMap::new(),
            runs: BTreeMap::new(),
            live: BTreeSet::new(),
            occurrences: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            calendars: BTreeMap::new(),
            calendar_revisions: BTreeMap::new(),
            keys: BTreeMap::new(),
            idempotency: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// Whether a term of the protocol was left in.
    fn holds(&self, term: Mutation) -> bool {
        !self.mutations.contains(&term)
    }

    fn living_workflow(&self, id: WorkflowId) -> StoreResult<&Workflow> {
        let row = self.workflows.get(&id).filter(|row| !row.deleted);
        row.map(|row| &row.workflow).ok_or(StoreError::NotFound("workflow"))
    }

    fn living_workflows(&self) -> impl Iterator<Item = &Workflow> {
        self.workflows.values().filter(|row| !row.deleted).map(|row| &row.workflow)
    }

    fn living_schedule(&self, id: ScheduleId) -> StoreResult<&ScheduledWorkflow> {
        let row = self.schedules.get(&id).filter(|row| !row.deleted);
        row.map(|row| &row.schedule).ok_or(StoreError::NotFound("schedule"))
    }

    fn living_schedules(&self) -> impl Iterator<Item = &ScheduledWorkflow> {
        self.schedules.values().filter(|row| !row.deleted).map(|row| &row.schedule)
    }

    /// What runs take from the workflow as it stands.
    fn facts(&self, id: WorkflowId) -> WorkflowFacts {
        let workflow = &self.workflows[&id].workflow;
        WorkflowFacts { name: workflow.name.clone(), version: workflow.version, queue: workflow.queue.clone(), delivery: workflow.delivery }
    }

    /// Records the runs of a schedule under its current revision; a run whose row stands is passed over.
    fn insert_runs(&mut self, schedule: ScheduleId, runs: &[NewRun], publisher: Option<PublishLease>, now: UnixMillis) -> Vec<RunId> {
        let mut inserted = Vec::new();
        for new in runs {
            let free = !self.runs.contains_key(&new.id) && self.occurrences.insert((schedule, new.nominal));
            if free {
                let (run, revision) = self.scheduled_run(schedule, new, now);
                self.insert_run(run, revision, publisher);
                inserted.push(new.id);
            }
        }
        let row = &mut self.schedules.get_mut(&schedule).expect("a schedule that is written stands").schedule;
        row.run_count += inserted.len() as i64;
        row.last_run_at = if inserted.is_empty() { row.last_run_at } else { Some(now) };
        inserted
    }

    fn scheduled_run(&self, schedule: ScheduleId, new: &NewRun, now: UnixMillis) -> (Run, i64) {
        let schedule = &self.schedules[&schedule].schedule;
        let Revision { content, workflow, .. } = &self.revisions[&(schedule.id, schedule.revision)];
        let run = Run {
            schedule_id: Some(schedule.id),
            kind: RunKind::Scheduled,
            reason: new.reason,
            nominal_time: Some(new.nominal),
            due_at: new.due,
            ..pending_run(new.id, schedule.workflow_id, workflow, content.input.clone(), now)
        };
        (run, schedule.revision)
    }

    fn insert_run(&mut self, run: Run, revision: i64, publisher: Option<PublishLease>) {
        let due_at = if self.holds(Mutation::EditDue) { run.due_at } else { run.created_at };
        let publish_at = publisher.map_or(run.created_at.max(due_at), |publisher| run.created_at.plus(publisher.lease));
        self.live.insert(run.id);
        let publisher = publisher.map(|publisher| publisher.member);
        let row = RunRow { revision, token: None, publisher, publish_at, publish_failures: 0, lost_claims: 0, redrives: 0, run };
        self.runs.insert(row.run.id, row);
    }

    fn insert_outcomes(&mut self, schedule: ScheduleId, outcomes: Vec<Outcome>, now: UnixMillis) {
        let revision = self.schedules[&schedule].schedule.revision;
        let recorded = outcomes.into_iter().map(|outcome| RecordedOutcome { schedule_id: schedule, revision, outcome, recorded_at: now });
        self.outcomes.entry(schedule).or_default().extend(recorded);
    }

    /// As it is answered: with the name that its workflow has, or had last.
    fn shown_run(&self, row: &RunRow) -> Run {
        Run { workflow_name: self.workflows[&row.run.workflow_id].workflow.name.clone(), ..row.run.clone() }
    }

    fn publishable(&self, row: &RunRow) -> PendingRun {
        let run = self.shown_run(row);
        PendingRun {
            id: run.id,
            workflow_id: run.workflow_id,
            workflow: WorkflowFacts { name: run.workflow_name, version: run.workflow_version, queue: run.queue, delivery: run.delivery },
            schedule_id: run.schedule_id,
            nominal_time: run.nominal_time,
            due_at: run.due_at,
            input: run.input.to_string().into(),
            attempt: run.attempt + 1,
            publish_seq: run.publish_seq,
            publish_failures: row.publish_failures,
        }
    }
}

/// A manual run as it begins; a scheduled one differs in what its occurrence says.
fn pending_run(id: RunId, workflow_id: WorkflowId, workflow: &WorkflowFacts, input: serde_json::Value, now: UnixMillis) -> Run {
    Run {
        id,
        workflow_id,
        workflow_name: String::new(),
        workflow_version: workflow.version,
        schedule_id: None,
        kind: RunKind::Manual,
        rerun_of: None,
        reason: belfry_core::run::RunReason::Manual,
        nominal_time: None,
        planned_at: id.planned_at(),
        due_at: now,
        state: RunState::Pending,
        queue: workflow.queue.clone(),
        delivery: workflow.delivery,
        input,
        attempt: 0,
        claim_epoch: 0,
        claimed_by: None,
        claim_until: None,
        cancel_requested_at: None,
        publish_seq: 1,
        publish_error: None,
        created_at: now,
        queued_at: None,
        started_at: None,
        finished_at: None,
        error: None,
        progress: None,
        result: RunResult::default(),
        nodes: Vec::new(),
    }
}

/// The first `limit` of `items`.
fn page<T>(items: impl Iterator<Item = T>, limit: usize) -> Page<T> {
    let mut items: Vec<T> = items.take(limit.saturating_add(1)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    Page { items, more }
}

/// The values of a new row are refused: its id is taken.
fn taken(id: impl std::fmt::Display) -> StoreError {
    StoreError::Data(format!("the id {id} is taken"))
}
