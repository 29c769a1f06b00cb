//! What users do to workflows and schedules.

use async_trait::async_trait;
use serde_json::Value;

use super::{Page, StoreResult};
use crate::ids::{RunId, ScheduleId, WorkflowId};
use crate::run::Run;
use crate::schedule::{Origin, RecordedOutcome, ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use crate::time::UnixMillis;
use crate::workflow::{Delivery, QueueName, Workflow, WorkflowVersion};

#[derive(Debug, Clone, PartialEq)]
pub struct NewWorkflow {
    pub id: WorkflowId,
    pub name: String,
    pub description: String,
    pub definition: Value,
    pub tags: Vec<String>,
    pub queue: QueueName,
    pub delivery: Delivery,
    /// Of its trigger node.
    pub trigger: Option<TriggerSchedule>,
}

/// The schedule of a definition's trigger node: the workflow's `default` one, with `Origin::Definition`.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerSchedule {
    /// Its id if it is to be created; one that stands keeps its own.
    pub id: ScheduleId,
    pub content: ScheduleContent,
    /// What it is to be when it is created, and when the definition names it; `None` leaves a standing one as it is.
    pub is_active: Option<bool>,
}

/// The whole new state of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowWrite {
    pub id: WorkflowId,
    /// The revision that the new state was made from; another one is `Stale`.
    pub expected: i64,
    pub name: String,
    pub description: String,
    /// A definition that differs from the current one makes a new version.
    pub definition: Value,
    pub tags: Vec<String>,
    pub queue: QueueName,
    pub delivery: Delivery,
    /// What its trigger node says now: `None` removes the schedule that an earlier definition had.
    pub trigger: Option<TriggerSchedule>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewSchedule {
    pub id: ScheduleId,
    pub workflow_id: WorkflowId,
    pub name: String,
    pub content: ScheduleContent,
    pub is_active: bool,
}

/// A change of a schedule; what is `None` stays.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleEdit {
    pub id: ScheduleId,
    pub expected: Option<i64>,
    pub name: Option<String>,
    pub content: Option<ScheduleContent>,
    pub is_active: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NewManualRun {
    /// A UUIDv7 whose time the store replaces by its own clock, unless `keeps_id`: the run's id is in the answer.
    pub id: RunId,
    /// The id is that of a request that may come again, and its time, not long ago, is the run's `planned_at`.
    pub keeps_id: bool,
    pub workflow_id: WorkflowId,
    pub input: Value,
    pub nominal_time: Option<UnixMillis>,
    /// The run whose input and nominal time it has: its kind is `rerun`.
    pub rerun_of: Option<RunId>,
}

impl NewManualRun {
    /// Planned at the store's now, with a nominal time of its own or none.
    pub fn now(id: RunId, workflow_id: WorkflowId, input: Value, nominal_time: Option<UnixMillis>) -> NewManualRun {
        NewManualRun { id, keeps_id: false, workflow_id, input, nominal_time, rerun_of: None }
    }
}

/// Which workflows a list shows: those for which all that is given holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkflowFilter {
    pub name: Option<String>,
    /// Part of the name, in any case.
    pub named_like: Option<String>,
    pub tag: Option<String>,
    /// Whether it has a schedule that is active.
    pub is_active: Option<bool>,
    /// Whether it has a schedule that could not be decided or fired, and has not been since.
    pub is_failing: Option<bool>,
    pub order: WorkflowOrder,
    /// 1 to 200.
    pub limit: usize,
}

/// Each with where the page before ended. By values, not by the row that was there: it may have moved since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkflowOrder {
    /// By id, which is by creation.
    Oldest(Option<WorkflowId>),
    Newest(Option<WorkflowId>),
    /// By the bytes of the name, then by id.
    Name(Option<(String, WorkflowId)>),
}

impl Default for WorkflowOrder {
    fn default() -> WorkflowOrder {
        WorkflowOrder::Oldest(None)
    }
}

/// Which schedules a list shows: those for which all that is given holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScheduleFilter {
    pub workflow_id: Option<WorkflowId>,
    pub name: Option<String>,
    /// Part of its name or of its workflow's, in any case.
    pub named_like: Option<String>,
    /// Of its workflow.
    pub tag: Option<String>,
    pub is_active: Option<bool>,
    /// Whether it could not be decided or fired, and has not been since.
    pub is_failing: Option<bool>,
    /// A business calendar that it is planned by, be it through another one.
    pub calendar: Option<String>,
    /// `next_run_at` in `next_run_from..next_run_before`, of those that are active.
    pub next_run_from: Option<UnixMillis>,
    pub next_run_before: Option<UnixMillis>,
    pub order: ScheduleOrder,
    /// 1 to 200.
    pub limit: usize,
}

/// Each with where the page before ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleOrder {
    /// By id, which is by creation.
    Oldest(Option<ScheduleId>),
    Newest(Option<ScheduleId>),
    /// By the bytes of the name, then by id.
    Name(Option<(String, ScheduleId)>),
    /// By `next_run_at`, then by id; only those that are active and have one.
    NextRun(Option<(UnixMillis, ScheduleId)>),
}

impl Default for ScheduleOrder {
    fn default() -> ScheduleOrder {
        ScheduleOrder::Oldest(None)
    }
}

/// What a schedule was at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleRevision {
    pub revision: i64,
    /// `None` where a version of Belfry wrote it that did not keep it.
    pub name: Option<String>,
    pub is_active: Option<bool>,
    pub content: ScheduleContent,
    /// What its runs took from its workflow.
    pub workflow: WorkflowFacts,
    pub created_at: UnixMillis,
}

/// What schedules were.
#[async_trait]
pub trait RevisionStore: Send + Sync {
    /// Newest first; those below `before`. `NotFound` for a schedule that was never made; deleted ones keep theirs.
    async fn revisions(&self, id: ScheduleId, before: Option<i64>, limit: usize) -> StoreResult<Page<ScheduleRevision>>;
}

/// Every write locks its workflow, then its schedule, reads the store's clock after that, and accounts for what is due of
/// the schedule as [`crate::edit`] says, before it changes anything. All of a write is one transaction, or nothing.
/// Every write to a workflow raises the revision of its schedules too.
/// A creation whose id stands is the same one again: it answers what stands, and writes nothing.
#[async_trait]
pub trait WorkflowStore: Send + Sync {
    /// The store's clock.
    async fn now(&self) -> StoreResult<UnixMillis>;

    /// With version 1, and its trigger's schedule. `Conflict::WorkflowName` when a living workflow has the name.
    async fn create_workflow(&self, new: NewWorkflow) -> StoreResult<Workflow>;

    /// `Stale`, `Conflict::WorkflowName`, `Conflict::DirectDefaultStands`, `Conflict::StillCatchingUp`.
    /// A run that is recorded here has no publisher; the next sweep publishes it.
    async fn update_workflow(&self, write: WorkflowWrite) -> StoreResult<Workflow>;

    /// Deletes its schedules as [`WorkflowStore::delete_schedule`] does, and cancels its manual runs alike.
    async fn delete_workflow(&self, id: WorkflowId, expected: Option<i64>) -> StoreResult<()>;

    async fn workflow(&self, id: WorkflowId) -> StoreResult<Workflow>;

    async fn workflows(&self, filter: WorkflowFilter) -> StoreResult<Page<Workflow>>;

    /// Newest first; versions below `before`.
    async fn versions(&self, id: WorkflowId, before: Option<i64>, limit: usize) -> StoreResult<Page<WorkflowVersion>>;

    async fn version(&self, id: WorkflowId, version: i64) -> StoreResult<WorkflowVersion>;

    /// A directly made schedule, whose first occurrence is the first after the store's now.
    /// `Conflict::ScheduleName` when the workflow has a living one of the name.
    async fn create_schedule(&self, new: NewSchedule) -> StoreResult<ScheduledWorkflow>;

    /// `Conflict::OwnedByDefinition` when `content` or `name` of a definition's schedule would change. An edit that changes
    /// nothing answers what stands and raises nothing.
    async fn edit_schedule(&self, edit: ScheduleEdit) -> StoreResult<ScheduledWorkflow>;

    /// Leaves a tombstone; what is due is recorded as `deleted`, its pending and queued runs end as `cancelled`, its running
    /// ones go on. `Conflict::OwnedByDefinition` for a definition's schedule.
    async fn delete_schedule(&self, id: ScheduleId, expected: Option<i64>) -> StoreResult<()>;

    async fn schedule(&self, id: ScheduleId) -> StoreResult<ScheduledWorkflow>;

    async fn schedules(&self, filter: ScheduleFilter) -> StoreResult<Page<ScheduledWorkflow>>;

    /// A manual run, `pending`, without a publisher: the next sweep publishes it.
    async fn start_run(&self, new: NewManualRun) -> StoreResult<Run>;

    /// The occurrences of a schedule that did not fire, latest first, `to` before `before`; deleted schedules too.
    async fn outcomes(&self, id: ScheduleId, before: Option<UnixMillis>, limit: usize) -> StoreResult<Page<RecordedOutcome>>;
}

impl WorkflowWrite {
    /// Whether `current` and the schedule of its trigger node, `owned`, already stand as this write would leave them.
    pub fn changes_nothing(&self, current: &Workflow, owned: Option<&ScheduledWorkflow>) -> bool {
        let same_trigger = match (owned, &self.trigger) {
            (None, None) => true,
            (Some(owned), Some(trigger)) => {
                owned.content == trigger.content && trigger.is_active.is_none_or(|is_active| is_active == owned.is_active)
            }
            _ => false,
        };
        same_trigger
            && current.name == self.name
            && current.description == self.description
            && current.definition == self.definition
            && current.tags == self.tags
            && current.queue == self.queue
            && current.delivery == self.delivery
    }
}

impl TriggerSchedule {
    pub const ORIGIN: Origin = Origin::Definition;
}
