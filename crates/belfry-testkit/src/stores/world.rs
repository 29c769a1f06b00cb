//! A store under test, and the words in which its laws are told.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

use belfry_core::decide::{Facts, decide};
use belfry_core::ids::{ClaimToken, KeyId, MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    BELIEF_TOLERANCE, Claim, ClaimAnswer, ClaimedRun, DueKey, Fire, FireAnswer, FireBatch, FireCode, Ids, Mark, Member, Membership,
    NewManualRun, NewSchedule, NewWorkflow, Page, PendingRun, PublishLease, Reaped, Redrive, Redriven, RunFilter, ScheduleEdit,
    StoreResult, TriggerSchedule, WorkflowWrite,
};
use belfry_core::run::{NodeResult, NodeState, Run, RunState};
use belfry_core::schedule::{CatchUp, Lateness, RecordedOutcome, ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::Spec;
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::workflow::{Delivery, QueueName, Workflow};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Backend, Stores};
use crate::clock::SeededIds;

pub const SECOND: SignedDuration = SignedDuration::from_secs(1);
pub const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// A fresh store, and identities for what is put into it.
pub struct World<'a> {
    backend: &'a dyn Backend,
    stores: Stores,
    ids: SeededIds,
    names: AtomicU64,
}

impl Deref for World<'_> {
    type Target = Stores;

    fn deref(&self) -> &Stores {
        &self.stores
    }
}

/// One spec, in UTC, with the default policies.
pub fn content(spec: Spec) -> ScheduleContent {
    ScheduleContent::new(vec![spec], Zone::utc())
}

/// Every so many seconds from `start` on, whatever is due being fired however late it is.
pub fn every(seconds: i64, start: UnixMillis) -> ScheduleContent {
    let lateness = Lateness { catch_up: CatchUp::All, catch_up_window: SignedDuration::from_hours(24), ..Lateness::default() };
    ScheduleContent { lateness, ..content(Spec::every(SignedDuration::from_secs(seconds), start)) }
}

impl<'a> World<'a> {
    pub async fn fresh(backend: &'a dyn Backend) -> World<'a> {
        World { backend, stores: backend.fresh().await, ids: SeededIds::new(1), names: AtomicU64::new(0) }
    }

    pub async fn now(&self) -> UnixMillis {
        self.schedules.now().await.unwrap()
    }

    pub async fn advance(&self, by: SignedDuration) {
        self.backend.advance(by).await;
    }

    /// Lets the store's clock reach `instant`.
    pub async fn reach(&self, instant: UnixMillis) {
        let left = instant.since(self.now().await);
        if left.is_positive() {
            self.advance(left).await;
        }
        assert!(self.now().await >= instant, "the backend's `advance` does not move the store's clock");
    }

    fn name(&self, kind: &str) -> String {
        format!("{kind}-{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    async fn id(&self) -> uuid::Uuid {
        self.ids.v7(self.now().await)
    }

    pub async fn workflow_id(&self) -> WorkflowId {
        WorkflowId(self.id().await)
    }

    pub async fn schedule_id(&self) -> ScheduleId {
        ScheduleId(self.id().await)
    }

    pub async fn run_id(&self) -> RunId {
        RunId(self.id().await)
    }

    pub async fn key_id(&self) -> KeyId {
        KeyId(self.id().await)
    }

    pub async fn publisher(&self) -> PublishLease {
        PublishLease { member: MemberId(self.id().await), lease: LEASE }
    }

    /// One that has told nothing of itself yet.
    pub async fn member(&self) -> Member {
        Member { id: MemberId(self.id().await), is_draining: false, behind_since: None, progressed_at: None }
    }

    pub async fn beat(&self, member: Member) -> Membership {
        self.schedules.beat(member).await.unwrap()
    }

    pub async fn bury(&self) -> usize {
        self.schedules.bury(self.now().await).await.unwrap()
    }

    /// A belief about the store's clock that it is too far ahead of.
    pub async fn disbelieved(&self) -> UnixMillis {
        self.now().await.minus(BELIEF_TOLERANCE + SignedDuration::from_millis(1))
    }

    /// Every ten seconds, first in ten seconds.
    pub async fn every_ten_seconds(&self) -> ScheduleContent {
        every(10, self.now().await)
    }

    pub async fn new_workflow(&self) -> NewWorkflow {
        NewWorkflow {
            id: self.workflow_id().await,
            name: self.name("workflow"),
            description: "what it is for".to_owned(),
            definition: definition(1),
            tags: vec!["nightly".to_owned()],
            queue: queue("reports"),
            delivery: Delivery::Tracked,
            trigger: None,
        }
    }

    pub async fn workflow(&self) -> Workflow {
        self.workflows.create_workflow(self.new_workflow().await).await.unwrap()
    }

    pub async fn handoff_workflow(&self) -> Workflow {
        let new = NewWorkflow { delivery: Delivery::Handoff, ..self.new_workflow().await };
        self.workflows.create_workflow(new).await.unwrap()
    }

    pub async fn trigger(&self, content: ScheduleContent) -> TriggerSchedule {
        TriggerSchedule { id: self.schedule_id().await, content, is_active: None }
    }

    pub async fn new_schedule(&self, workflow: &Workflow, content: ScheduleContent) -> NewSchedule {
        NewSchedule { id: self.schedule_id().await, workflow_id: workflow.id, name: self.name("schedule"), content, is_active: true }
    }

    pub async fn schedule_of(&self, workflow: &Workflow, content: ScheduleContent) -> ScheduledWorkflow {
        self.workflows.create_schedule(self.new_schedule(workflow, content).await).await.unwrap()
    }

    /// A schedule every ten seconds, of a workflow of its own.
    pub async fn schedule(&self) -> ScheduledWorkflow {
        self.schedule_of(&self.workflow().await, self.every_ten_seconds().await).await
    }

    /// The same, its first occurrence being due.
    pub async fn due_schedule(&self) -> ScheduledWorkflow {
        let schedule = self.schedule().await;
        self.reach(due(&schedule)).await;
        schedule
    }

    pub async fn read(&self, schedule: &ScheduledWorkflow) -> ScheduledWorkflow {
        self.workflows.schedule(schedule.id).await.unwrap()
    }

    /// What a daemon would fire of it now.
    pub async fn decided(&self, schedule: &ScheduledWorkflow) -> Fire {
        let now = self.now().await;
        let key = DueKey::of(schedule).expect("a schedule that is due has a cursor");
        Fire::of(key, decide(schedule, Facts::default(), now).expect("the schedule is due"), now)
    }

    pub async fn fire(&self, publisher: Option<PublishLease>, fires: Vec<Fire>) -> FireAnswer {
        self.schedules.fire(FireBatch { publisher, fires }).await.unwrap()
    }

    /// Fires what is due of it, without a publisher.
    pub async fn fire_due(&self, schedule: &ScheduledWorkflow) -> Vec<RunId> {
        let mut answer = self.fire(None, vec![self.decided(schedule).await]).await;
        assert_eq!(answer.results[0].code, FireCode::Moved);
        answer.results.remove(0).runs
    }

    /// A run in `pending` without a publisher, and its schedule.
    pub async fn scheduled_run(&self) -> (ScheduledWorkflow, RunId) {
        let schedule = self.due_schedule().await;
        let runs = self.fire_due(&schedule).await;
        (schedule, runs[0])
    }

    pub async fn new_manual_run(&self, workflow: &Workflow) -> NewManualRun {
        NewManualRun::now(self.run_id().await, workflow.id, json!({"by": "hand"}), None)
    }

    pub async fn manual_run_of(&self, workflow: &Workflow) -> RunId {
        self.workflows.start_run(self.new_manual_run(workflow).await).await.unwrap().id
    }

    /// A run in `pending`.
    pub async fn pending_run(&self) -> RunId {
        self.manual_run_of(&self.workflow().await).await
    }

    /// A run in `queued`.
    pub async fn queued_run(&self) -> RunId {
        self.queued_run_in("reports").await
    }

    pub async fn queued_run_in(&self, name: &str) -> RunId {
        let workflow = self.workflows.create_workflow(NewWorkflow { queue: queue(name), ..self.new_workflow().await }).await.unwrap();
        let run = self.manual_run_of(&workflow).await;
        assert_eq!(self.schedules.mark(&[Mark { run_id: run, publish_seq: 1 }]).await, Ok(1));
        run
    }

    /// A run in `running`.
    pub async fn claimed_run(&self) -> ClaimedRun {
        let run = self.queued_run().await;
        self.claim(run).await
    }

    pub async fn new_claim(&self, run: RunId) -> Claim {
        Claim { run_id: run, token: ClaimToken(self.id().await), worker: "worker-1".to_owned() }
    }

    pub async fn claim(&self, run: RunId) -> ClaimedRun {
        let claim = self.new_claim(run).await;
        match self.runs.claim(claim).await.unwrap() {
            ClaimAnswer::Claimed(claimed) => *claimed,
            refused @ (ClaimAnswer::Refused(_) | ClaimAnswer::Handoff) => panic!("{run} was to be had: {refused:?}"),
        }
    }

    pub async fn run(&self, run: RunId) -> Run {
        self.runs.run(run).await.unwrap()
    }

    pub async fn state(&self, run: RunId) -> RunState {
        self.run(run).await.state
    }

    pub async fn reap(&self, limit: usize) -> StoreResult<Reaped> {
        self.schedules.reap(self.now().await, limit).await
    }

    /// Of the queue of most runs here.
    pub async fn redrive(&self, nothing_ready: bool, limit: usize) -> Redriven {
        let redrive = Redrive { queue: queue("reports"), nothing_ready, believed: self.now().await, limit };
        self.schedules.redrive(redrive).await.unwrap()
    }

    /// Lets the claim of `run` run out, and reaps it.
    pub async fn lose(&self, run: RunId) {
        let until = self.run(run).await.claim_until.expect("a lost run was running");
        self.reach(until).await;
        self.reap(100).await.unwrap();
    }

    /// Everything that may be published, oldest first.
    pub async fn sweep(&self, limit: usize) -> Vec<PendingRun> {
        self.schedules.sweep(self.publisher().await, &[], limit).await.unwrap().runs
    }

    pub async fn outcomes(&self, schedule: &ScheduledWorkflow) -> Vec<RecordedOutcome> {
        self.workflows.outcomes(schedule.id, None, 100).await.unwrap().items
    }

    pub async fn runs_of(&self, schedule: &ScheduledWorkflow) -> Vec<Run> {
        let filter = RunFilter { schedule_id: Some(schedule.id), limit: 200, ..RunFilter::default() };
        self.runs.runs(filter).await.unwrap().items
    }

    pub async fn set_active(&self, schedule: &ScheduledWorkflow, is_active: bool) -> ScheduledWorkflow {
        self.workflows.edit_schedule(ScheduleEdit { is_active: Some(is_active), ..edit_of(schedule) }).await.unwrap()
    }

    /// A node that began now.
    pub async fn node(&self, id: &str) -> NodeResult {
        NodeResult {
            node_id: id.to_owned(),
            state: NodeState::Running,
            output: Value::Null,
            output_truncated: false,
            log: String::new(),
            error: None,
            attempts: 1,
            started_at: self.now().await,
            finished_at: None,
            wait_until: None,
        }
    }
}

/// A definition that differs from the others by its number.
pub fn definition(number: u32) -> Value {
    json!({"nodes": [{"id": "say", "type": "log", "parameters": {"message": format!("number {number}")}}], "edges": []})
}

pub fn queue(name: &str) -> QueueName {
    QueueName::parse(name).expect("the suites name queues as they may be named")
}

/// When its next occurrence is due.
pub fn due(schedule: &ScheduledWorkflow) -> UnixMillis {
    schedule.cursor.due.expect("the schedule has a next occurrence")
}

/// A write that changes nothing yet.
pub fn write_of(workflow: &Workflow) -> WorkflowWrite {
    WorkflowWrite {
        id: workflow.id,
        expected: workflow.revision,
        name: workflow.name.clone(),
        description: workflow.description.clone(),
        definition: workflow.definition.clone(),
        tags: workflow.tags.clone(),
        queue: workflow.queue.clone(),
        delivery: workflow.delivery,
        trigger: None,
    }
}

/// An edit that changes nothing yet.
pub fn edit_of(schedule: &ScheduledWorkflow) -> ScheduleEdit {
    ScheduleEdit { id: schedule.id, expected: None, name: None, content: None, is_active: None }
}

/// The bounds of `outcomes`, without when they were recorded.
pub fn told(outcomes: &[RecordedOutcome]) -> Vec<(UnixMillis, UnixMillis, &'static str, i64)> {
    outcomes.iter().map(|row| (row.outcome.from, row.outcome.to, row.outcome.reason.as_str(), row.revision)).collect()
}

pub fn ids<T, I: Copy>(page: &Page<T>, id: impl Fn(&T) -> I) -> Vec<I> {
    page.items.iter().map(id).collect()
}

#[track_caller]
pub fn assert_between(earlier: UnixMillis, instant: UnixMillis, later: UnixMillis) {
    assert!(earlier <= instant && instant <= later, "{instant} is not between {earlier} and {later}");
}
