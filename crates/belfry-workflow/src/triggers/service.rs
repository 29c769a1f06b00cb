//! `ScheduleTriggerService`: the schedules of workflows, for users.

use std::future::Future;
use std::sync::Arc;

use belfry_core::definition::Definition;
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{CalendarStore, Conflict, Ids, NewSchedule, ScheduleEdit, ScheduleFilter, StoreError, WorkflowStore};
use belfry_core::schedule::{DEFAULT_SCHEDULE, Origin, ScheduleContent, ScheduledWorkflow};
use belfry_core::time::UnixMillis;
use belfry_core::violation::{Violation, Violations};
use serde_json::Value;

use super::calendars::{KnownCalendars, Reading};
use super::document::{differ_beyond_activity, patched, settable};
use super::finding;
use super::parse::{ScheduleDraft, parse_schedule};
use super::preview::{PreviewResponse, preview};
use super::schemas::{Created, ListSchedules, OutcomeResponse, ScheduleResponse};
use crate::error::ServiceError;
use crate::list::{self, ListResponse};

/// How often a write without a revision of the caller's is tried when others come between. Each time that it is overtaken
/// one of the others is done, so this is how many may write at once.
pub(crate) const ATTEMPTS: usize = 50;

#[derive(Clone)]
pub struct ScheduleTriggerService {
    store: Arc<dyn WorkflowStore>,
    calendars: Arc<dyn CalendarStore>,
    ids: Arc<dyn Ids>,
    /// Whether `ids` are those of one request, which makes them again when it comes again.
    comes_again: bool,
}

/// `if_match` is the revision that the caller has seen; another one that stands is `Stale`.
///
/// The schedule of a trigger node is written through its workflow: `OwnedByNode` for every other write but those that touch
/// `is_active` alone.
impl ScheduleTriggerService {
    pub fn new(store: Arc<dyn WorkflowStore>, calendars: Arc<dyn CalendarStore>, ids: Arc<dyn Ids>) -> ScheduleTriggerService {
        ScheduleTriggerService { store, calendars, ids, comes_again: false }
    }

    /// For one request that may come again: `ids` are the same when it does, and what it then finds made is answered.
    #[must_use]
    pub fn for_request(&self, ids: Arc<dyn Ids>) -> ScheduleTriggerService {
        ScheduleTriggerService { ids, comes_again: true, ..self.clone() }
    }

    /// Makes or replaces the workflow's `default` schedule. What the body leaves out gets its default, but for
    /// `is_active`, which stays, and the start of an interval of the same length.
    pub async fn put(
        &self,
        workflow: WorkflowId,
        if_match: Option<i64>,
        body: &Value,
    ) -> Result<(ScheduleResponse, Created), ServiceError> {
        again_when_overtaken(if_match, || self.put_once(workflow, if_match, body)).await
    }

    /// The workflow's `default` schedule.
    pub async fn get(&self, workflow: WorkflowId) -> Result<ScheduleResponse, ServiceError> {
        Ok(self.standing(workflow).await?.into())
    }

    /// A merge patch of the `default` schedule, as [`ScheduleTriggerService::patch_by_id`].
    pub async fn patch(&self, workflow: WorkflowId, if_match: Option<i64>, patch: &Value) -> Result<ScheduleResponse, ServiceError> {
        let standing = self.standing(workflow).await?;
        self.patch_by_id(standing.id, if_match, patch).await
    }

    pub async fn delete(&self, workflow: WorkflowId, if_match: Option<i64>) -> Result<(), ServiceError> {
        let standing = self.standing(workflow).await?;
        self.delete_by_id(standing.id, if_match).await
    }

    /// Makes a further schedule; without a name it is the `default` one.
    pub async fn create(&self, workflow: WorkflowId, body: &Value) -> Result<ScheduleResponse, ServiceError> {
        let now = self.store.now().await?;
        let id = ScheduleId(self.ids.v7(now));
        // Before it is read: what was valid when it was made may be no more, a time that has passed since.
        if self.comes_again
            && let Ok(standing) = self.store.schedule(id).await
        {
            return Ok(standing.into());
        }
        again_when_overtaken(None, || async {
            let draft = self.read(body, now, None).await?;
            self.make(id, workflow, draft).await
        })
        .await
    }

    /// Oldest first, unless asked otherwise.
    pub async fn list(&self, query: ListSchedules) -> Result<ListResponse<ScheduleResponse>, ServiceError> {
        let (filter, sort) = finding::filter(query)?;
        let page = self.store.schedules(filter).await?;
        Ok(ListResponse::of(page, ScheduleResponse::from, |schedule| finding::cursor(schedule, sort)))
    }

    pub async fn get_by_id(&self, id: ScheduleId) -> Result<ScheduleResponse, ServiceError> {
        Ok(self.store.schedule(id).await?.into())
    }

    /// A merge patch (RFC 7396) over what users set. Naming another kind of spec replaces the standing kind; `"start": null`
    /// lets an interval count from now; every other null sets the default. A patch that changes nothing writes nothing.
    pub async fn patch_by_id(&self, id: ScheduleId, if_match: Option<i64>, patch: &Value) -> Result<ScheduleResponse, ServiceError> {
        again_when_overtaken(if_match, || self.patch_once(id, if_match, patch)).await
    }

    pub async fn delete_by_id(&self, id: ScheduleId, if_match: Option<i64>) -> Result<(), ServiceError> {
        match self.store.delete_schedule(id, if_match).await {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict(Conflict::OwnedByDefinition)) => {
                Err(self.owned_by_node(self.store.schedule(id).await?.workflow_id).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Pausing a paused schedule, like resuming an active one, answers what stands.
    pub async fn pause(&self, id: ScheduleId, if_match: Option<i64>) -> Result<ScheduleResponse, ServiceError> {
        self.set_active(id, if_match, false).await
    }

    /// Planning goes on from now; what fell into the pause is recorded, not fired.
    pub async fn resume(&self, id: ScheduleId, if_match: Option<i64>) -> Result<ScheduleResponse, ServiceError> {
        self.set_active(id, if_match, true).await
    }

    /// The planned times that did not fire, latest first, those that end before `before`. Of deleted schedules too.
    pub async fn outcomes(
        &self,
        id: ScheduleId,
        before: Option<UnixMillis>,
        limit: Option<usize>,
    ) -> Result<ListResponse<OutcomeResponse>, ServiceError> {
        let mut violations = Violations::default();
        let limit = list::limit(limit, &mut violations);
        violations.or(())?;
        Ok(self.store.outcomes(id, before, limit).await?.into())
    }

    /// [`preview`], by the store's clock.
    pub async fn preview(&self, body: &Value) -> Result<PreviewResponse, ServiceError> {
        let now = self.store.now().await?;
        let calendars = KnownCalendars::named_by(self.calendars.as_ref(), &[body]).await?;
        Ok(preview(body, Reading { now, calendars: &calendars })?)
    }

    async fn put_once(
        &self,
        workflow: WorkflowId,
        if_match: Option<i64>,
        body: &Value,
    ) -> Result<(ScheduleResponse, Created), ServiceError> {
        let standing = default_schedule(self.store.as_ref(), workflow).await?;
        match (&standing, if_match) {
            (Some(standing), if_match) => check_revision(if_match, standing.revision)?,
            (None, Some(_)) => return Err(ServiceError::NotFound("schedule")),
            (None, None) => {}
        }
        let now = self.store.now().await?;
        let draft = self.read(body, now, standing.as_ref().map(|standing| &standing.content)).await?;
        check_default_name(&draft)?;
        match standing {
            None => match self.make(ScheduleId(self.ids.v7(now)), workflow, draft).await {
                // Another has made it since: it stands now, and is to be replaced.
                Err(ServiceError::Conflict(Conflict::ScheduleName(_))) => Err(self.overtaken(workflow).await?),
                made => Ok((made?, Created(true))),
            },
            Some(standing) => Ok((self.write(standing, draft).await?, Created(false))),
        }
    }

    async fn patch_once(&self, id: ScheduleId, if_match: Option<i64>, patch: &Value) -> Result<ScheduleResponse, ServiceError> {
        let standing = self.store.schedule(id).await?;
        check_revision(if_match, standing.revision)?;
        let before = settable(&standing);
        let after = patched(before.clone(), patch);
        // A pause must work on what this version cannot read, a spec of a newer one.
        if !differ_beyond_activity(&before, &after) {
            let is_active = activity(&after)?;
            let expected = Some(standing.revision);
            return self.edit(&standing, ScheduleEdit { id, expected, name: None, content: None, is_active: Some(is_active) }).await;
        }
        // A start that is taken away on purpose must not come back from the standing content.
        let anew = patch.get("start").is_some_and(Value::is_null);
        let now = self.store.now().await?;
        let draft = self.read(&after, now, Some(&standing.content).filter(|_| !anew)).await?;
        let draft = ScheduleDraft { is_active: Some(draft.is_active.unwrap_or(true)), ..draft };
        self.write(standing, draft).await
    }

    /// [`parse_schedule`], among the calendars that the body names.
    async fn read(&self, body: &Value, now: UnixMillis, standing: Option<&ScheduleContent>) -> Result<ScheduleDraft, ServiceError> {
        let calendars = KnownCalendars::named_by(self.calendars.as_ref(), &[body]).await?;
        Ok(parse_schedule(body, Reading { now, calendars: &calendars }, standing)?)
    }

    async fn make(&self, id: ScheduleId, workflow: WorkflowId, draft: ScheduleDraft) -> Result<ScheduleResponse, ServiceError> {
        let new = NewSchedule {
            id,
            workflow_id: workflow,
            name: draft.name.unwrap_or_else(|| DEFAULT_SCHEDULE.to_owned()),
            content: draft.content,
            is_active: draft.is_active.unwrap_or(true),
        };
        match self.store.create_schedule(new).await {
            Ok(schedule) => Ok(schedule.into()),
            Err(StoreError::Conflict(Conflict::ScheduleName(name))) if name == DEFAULT_SCHEDULE => {
                Err(self.default_stands(workflow).await?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Compared by the revision that the draft was made from.
    async fn write(&self, standing: ScheduledWorkflow, draft: ScheduleDraft) -> Result<ScheduleResponse, ServiceError> {
        let edit = ScheduleEdit {
            id: standing.id,
            expected: Some(standing.revision),
            name: draft.name.filter(|name| *name != standing.name),
            content: Some(draft.content).filter(|content| *content != standing.content),
            is_active: draft.is_active,
        };
        self.edit(&standing, edit).await
    }

    async fn set_active(&self, id: ScheduleId, expected: Option<i64>, is_active: bool) -> Result<ScheduleResponse, ServiceError> {
        let edit = ScheduleEdit { id, expected, name: None, content: None, is_active: Some(is_active) };
        Ok(self.store.edit_schedule(edit).await?.into())
    }

    async fn edit(&self, standing: &ScheduledWorkflow, edit: ScheduleEdit) -> Result<ScheduleResponse, ServiceError> {
        match self.store.edit_schedule(edit).await {
            Ok(schedule) => Ok(schedule.into()),
            Err(StoreError::Conflict(Conflict::OwnedByDefinition)) => Err(self.owned_by_node(standing.workflow_id).await?),
            Err(error) => Err(error.into()),
        }
    }

    async fn standing(&self, workflow: WorkflowId) -> Result<ScheduledWorkflow, ServiceError> {
        default_schedule(self.store.as_ref(), workflow).await?.ok_or(ServiceError::NotFound("schedule"))
    }

    async fn overtaken(&self, workflow: WorkflowId) -> Result<ServiceError, ServiceError> {
        let standing = default_schedule(self.store.as_ref(), workflow).await?;
        Ok(ServiceError::Stale { current: standing.map_or(0, |standing| standing.revision) })
    }

    /// Why no further `default` schedule can be made.
    async fn default_stands(&self, workflow: WorkflowId) -> Result<ServiceError, ServiceError> {
        match of_definition(default_schedule(self.store.as_ref(), workflow).await?) {
            Some(_) => self.owned_by_node(workflow).await,
            None => Ok(ServiceError::Conflict(Conflict::ScheduleName(DEFAULT_SCHEDULE.to_owned()))),
        }
    }

    /// The error that names the node to edit.
    async fn owned_by_node(&self, workflow: WorkflowId) -> Result<ServiceError, ServiceError> {
        let definition = self.store.workflow(workflow).await?.definition;
        Ok(ServiceError::OwnedByNode { node: trigger_node(&definition) })
    }
}

/// Makes a write without a revision of the caller's again whenever another one came between: its author gave no condition,
/// so none can fail. So it is with a calendar that came between; nobody gives a condition for that.
pub(crate) async fn again_when_overtaken<T, F>(if_match: Option<i64>, write: impl Fn() -> F) -> Result<T, ServiceError>
where
    F: Future<Output = Result<T, ServiceError>>,
{
    for _ in 0..ATTEMPTS {
        match write().await {
            Err(ServiceError::Stale { .. }) if if_match.is_none() => {}
            Err(ServiceError::Conflict(Conflict::CalendarMoved(_))) => {}
            answer => return answer,
        }
    }
    Err(ServiceError::Unavailable("nothing was written: the object is being written by others".to_owned()))
}

/// A precondition comes before everything else that may be wrong with a write.
pub(crate) fn check_revision(if_match: Option<i64>, current: i64) -> Result<(), ServiceError> {
    Ok(belfry_core::ports::check_revision(if_match, current)?)
}

/// The id of the trigger node of a stored definition.
pub(crate) fn trigger_node(definition: &Value) -> String {
    let definition = serde_json::from_value::<Definition>(definition.clone()).ok();
    definition.as_ref().and_then(Definition::trigger).map(|node| node.id.clone()).unwrap_or_default()
}

/// The living schedule of `workflow` named `default`; `NotFound` when there is no such workflow.
pub(crate) async fn default_schedule(store: &dyn WorkflowStore, workflow: WorkflowId) -> Result<Option<ScheduledWorkflow>, ServiceError> {
    let filter =
        ScheduleFilter { workflow_id: Some(workflow), name: Some(DEFAULT_SCHEDULE.to_owned()), limit: 1, ..ScheduleFilter::default() };
    match store.schedules(filter).await?.items.pop() {
        Some(schedule) => Ok(Some(schedule)),
        // An empty page does not tell whether the workflow exists.
        None => store.workflow(workflow).await.map(|_| None).map_err(ServiceError::from),
    }
}

/// The schedule, if the trigger node of a definition owns it.
pub(crate) fn of_definition(schedule: Option<ScheduledWorkflow>) -> Option<ScheduledWorkflow> {
    schedule.filter(|schedule| schedule.origin == Origin::Definition)
}

/// Null, which removes it, sets the default.
fn activity(document: &Value) -> Result<bool, Violations> {
    let given = document.get("is_active").cloned().unwrap_or(Value::Bool(true));
    given.as_bool().ok_or_else(|| Violations::one(Violation::new("/is_active", Some(given), "it is no truth value", "true or false")))
}

fn check_default_name(draft: &ScheduleDraft) -> Result<(), Violations> {
    let mut violations = Violations::default();
    if let Some(name) = draft.name.as_deref().filter(|name| *name != DEFAULT_SCHEDULE) {
        let detail = format!("`{name}` is another schedule than the one at this address");
        violations.add("/name", Some(Value::from(name)), detail, "`default`, or nothing");
    }
    violations.or(())
}
