//! Workflows, as users make, read, edit, delete and run them.

mod schemas;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use belfry_core::definition::Definition;
use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    CalendarStore, Conflict, Ids, NewManualRun, NewWorkflow, StoreError, TriggerSchedule, WorkflowFilter, WorkflowOrder, WorkflowStore,
    WorkflowWrite,
};
use belfry_core::run::Run;
use belfry_core::schedule::ScheduleContent;
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;
use belfry_core::workflow::Workflow;
use serde_json::Value;

pub use self::schemas::{ListWorkflows, RunRequest, VersionResponse, WorkflowRequest, WorkflowResponse};
use self::write::WorkflowDraft;
use crate::error::ServiceError;
use crate::list::{self, ListResponse};
use crate::read::{merge_patch, read_partly};
use crate::runs::RunResponse;
use crate::triggers::{
    KnownCalendars, Reading, again_when_overtaken, check_input, check_revision, default_schedule, of_definition, trigger_node,
};

#[derive(Clone)]
pub struct WorkflowService {
    store: Arc<dyn WorkflowStore>,
    calendars: Arc<dyn CalendarStore>,
    ids: Arc<dyn Ids>,
    /// Whether `ids` are those of one request, which makes them again when it comes again.
    comes_again: bool,
}

/// `if_match` is the revision that the caller has seen; another one that stands is `Stale`.
///
/// A write keeps the schedule of the definition's trigger node in step, in one transaction. An interval without `start` of
/// that node is counted from the workflow's creation and keeps its start as long as its length stays. `is_active` of that
/// node holds at a write that changes what is stated there; a pause outlives every other.
impl WorkflowService {
    pub fn new(store: Arc<dyn WorkflowStore>, calendars: Arc<dyn CalendarStore>, ids: Arc<dyn Ids>) -> WorkflowService {
        WorkflowService { store, calendars, ids, comes_again: false }
    }

    /// For one request that may come again: `ids` are the same when it does, and what it then finds made is answered.
    #[must_use]
    pub fn for_request(&self, ids: Arc<dyn Ids>) -> WorkflowService {
        WorkflowService { ids, comes_again: true, ..self.clone() }
    }

    /// `Conflict::WorkflowName` when a living workflow has the name.
    pub async fn create(&self, body: &Value) -> Result<WorkflowResponse, ServiceError> {
        let now = self.store.now().await?;
        let id = WorkflowId(self.ids.v7(now));
        // Before it is read: what was valid when it was made may be no more, a time that has passed since.
        if self.comes_again
            && let Ok(standing) = self.store.workflow(id).await
        {
            return Ok(standing.into());
        }
        again_when_overtaken(None, || self.create_once(id, now, body)).await
    }

    async fn create_once(&self, id: WorkflowId, now: UnixMillis, body: &Value) -> Result<WorkflowResponse, ServiceError> {
        let draft = self.read(body, now, None).await?;
        let trigger = self.trigger(&draft, now);
        let new = NewWorkflow {
            id,
            name: draft.name,
            description: draft.description,
            definition: draft.definition,
            tags: draft.tags,
            queue: draft.queue,
            delivery: draft.delivery,
            trigger,
        };
        Ok(self.store.create_workflow(new).await?.into())
    }

    pub async fn get(&self, id: WorkflowId) -> Result<WorkflowResponse, ServiceError> {
        Ok(self.store.workflow(id).await?.into())
    }

    /// Oldest first, unless asked otherwise.
    pub async fn list(&self, query: ListWorkflows) -> Result<ListResponse<WorkflowResponse>, ServiceError> {
        let (filter, sort) = filter(query)?;
        let page = self.store.workflows(filter).await?;
        Ok(ListResponse::of(page, WorkflowResponse::from, |workflow| cursor(workflow, sort)))
    }

    /// The whole new state: what the body leaves out gets its default. A definition that differs makes a new version.
    pub async fn replace(&self, id: WorkflowId, if_match: Option<i64>, body: &Value) -> Result<WorkflowResponse, ServiceError> {
        self.write(id, if_match, |_| body.clone()).await
    }

    /// A merge patch (RFC 7396) over what users set; arrays, as `nodes`, are replaced whole.
    pub async fn patch(&self, id: WorkflowId, if_match: Option<i64>, patch: &Value) -> Result<WorkflowResponse, ServiceError> {
        self.write(id, if_match, |workflow| {
            let mut document = write::settable(workflow);
            merge_patch(&mut document, patch);
            document
        })
        .await
    }

    /// Deletes its schedules too and cancels its runs that have not started; running ones end by themselves.
    pub async fn delete(&self, id: WorkflowId, if_match: Option<i64>) -> Result<(), ServiceError> {
        Ok(self.store.delete_workflow(id, if_match).await?)
    }

    /// Newest first, those below `before`.
    pub async fn versions(
        &self,
        id: WorkflowId,
        before: Option<i64>,
        limit: Option<usize>,
    ) -> Result<ListResponse<VersionResponse>, ServiceError> {
        let mut violations = Violations::default();
        let limit = list::limit(limit, &mut violations);
        violations.or(())?;
        let page = self.store.versions(id, before, limit).await?;
        Ok(ListResponse::of(page, VersionResponse::from, |version| version.version.to_string()))
    }

    pub async fn version(&self, id: WorkflowId, version: i64) -> Result<VersionResponse, ServiceError> {
        Ok(self.store.version(id, version).await?.into())
    }

    /// A manual run, at once. The body is `{}`, or has `input` and a `nominal_time` for it to stand for.
    pub async fn run(&self, id: WorkflowId, body: &Value) -> Result<RunResponse, ServiceError> {
        let (request, mut violations) = read_partly::<RunRequest>(body, &[]);
        let request = match request {
            Some(request) => request,
            None => return Err(violations.into()),
        };
        let input = Value::Object(request.input.unwrap_or_default());
        check_input("/input", &input, &mut violations);
        violations.or(())?;
        let run_id = RunId(self.ids.v7(self.store.now().await?));
        let new = NewManualRun::now(run_id, id, input, request.nominal_time);
        self.start(new).await
    }

    /// Once more, with the same input and nominal time, as the workflow stands now. `Conflict::RunNotEnded` while the run goes on.
    pub async fn rerun(&self, of: Run) -> Result<RunResponse, ServiceError> {
        if !of.state.is_terminal() {
            return Err(ServiceError::Conflict(Conflict::RunNotEnded(of.state)));
        }
        let run_id = RunId(self.ids.v7(self.store.now().await?));
        let new = NewManualRun::now(run_id, of.workflow_id, of.input, of.nominal_time);
        self.start(NewManualRun { rerun_of: Some(of.id), ..new }).await
    }

    async fn start(&self, new: NewManualRun) -> Result<RunResponse, ServiceError> {
        let new = NewManualRun { keeps_id: self.comes_again, ..new };
        Ok(self.store.start_run(new).await?.into())
    }

    async fn write(
        &self,
        id: WorkflowId,
        if_match: Option<i64>,
        document: impl Fn(&Workflow) -> Value + Send + Sync,
    ) -> Result<WorkflowResponse, ServiceError> {
        again_when_overtaken(if_match, || self.write_once(id, if_match, &document)).await
    }

    async fn write_once(
        &self,
        id: WorkflowId,
        if_match: Option<i64>,
        document: &(impl Fn(&Workflow) -> Value + Send + Sync),
    ) -> Result<WorkflowResponse, ServiceError> {
        let workflow = self.store.workflow(id).await?;
        check_revision(if_match, workflow.revision)?;
        // The content of the trigger's schedule is read here and written below, compared by the workflow's revision: every
        // write of it goes through the workflow.
        let standing = of_definition(default_schedule(self.store.as_ref(), id).await?);
        let now = self.store.now().await?;
        let draft = self.read(&document(&workflow), now, standing.as_ref().map(|standing| &standing.content)).await?;
        let node = trigger_node(&draft.definition);
        let mut trigger = self.trigger(&draft, now);
        if let (Some(trigger), Some(_)) = (&mut trigger, &standing)
            && trigger.is_active == stated_activity(&workflow.definition)
        {
            // Whoever writes something else does not mean to undo a pause.
            trigger.is_active = None;
        }
        let write = WorkflowWrite {
            id,
            expected: workflow.revision,
            name: draft.name,
            description: draft.description,
            definition: draft.definition,
            tags: draft.tags,
            queue: draft.queue,
            delivery: draft.delivery,
            trigger,
        };
        match self.store.update_workflow(write).await {
            Ok(workflow) => Ok(workflow.into()),
            Err(StoreError::Conflict(Conflict::DirectDefaultStands)) => Err(ServiceError::DirectDefaultStands { node }),
            Err(error) => Err(error.into()),
        }
    }

    /// Among the calendars that the trigger node's schedule names.
    async fn read(&self, body: &Value, now: UnixMillis, standing: Option<&ScheduleContent>) -> Result<WorkflowDraft, ServiceError> {
        let calendars = KnownCalendars::of_definition(self.calendars.as_ref(), body.get("definition")).await?;
        Ok(write::read_workflow(body, Reading { now, calendars: &calendars }, standing)?)
    }

    fn trigger(&self, draft: &WorkflowDraft, now: UnixMillis) -> Option<TriggerSchedule> {
        let schedule = draft.trigger.clone()?;
        Some(TriggerSchedule { id: ScheduleId(self.ids.v7(now)), content: schedule.content, is_active: schedule.is_active })
    }
}

/// What the trigger node of a stored definition says of its schedule's `is_active`.
fn stated_activity(definition: &Value) -> Option<bool> {
    let definition = serde_json::from_value::<Definition>(definition.clone()).ok()?;
    definition.trigger()?.parameters.get("schedule")?.get("is_active")?.as_bool()
}

#[derive(Clone, Copy)]
enum Sort {
    Oldest,
    Newest,
    Name,
}

const SORTS: [(&str, Sort); 3] = [("created", Sort::Oldest), ("-created", Sort::Newest), ("name", Sort::Name)];

fn filter(query: ListWorkflows) -> Result<(WorkflowFilter, Sort), Violations> {
    let mut violations = Violations::default();
    let cursor = query.cursor.as_deref();
    let sort = list::sort(query.sort.as_deref(), &SORTS, &mut violations);
    let order = match sort {
        Sort::Oldest => WorkflowOrder::Oldest(list::cursor(cursor, &mut violations)),
        Sort::Newest => WorkflowOrder::Newest(list::cursor(cursor, &mut violations)),
        Sort::Name => WorkflowOrder::Name(list::value_and_id(cursor, |name| Some(name.to_owned()), &mut violations)),
    };
    let filter = WorkflowFilter {
        name: query.name,
        named_like: query.q,
        tag: query.tag,
        is_active: query.is_active,
        is_failing: query.is_failing,
        order,
        limit: list::limit(query.limit, &mut violations),
    };
    violations.or((filter, sort))
}

fn cursor(workflow: &Workflow, sort: Sort) -> String {
    match sort {
        Sort::Oldest | Sort::Newest => workflow.id.to_string(),
        Sort::Name => list::value_cursor(&workflow.name, workflow.id),
    }
}
