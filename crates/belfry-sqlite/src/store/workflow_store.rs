//! What users do to workflows and schedules.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{
    Conflict, NewManualRun, NewSchedule, NewWorkflow, Page, ScheduleEdit, ScheduleFilter, StoreError, StoreResult, WorkflowFilter,
    WorkflowStore, WorkflowWrite,
};
use belfry_core::run::Run;
use belfry_core::schedule::{Origin, RecordedOutcome, ScheduledWorkflow};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Workflow, WorkflowVersion};

use super::conditions::{Conditions, one_more, page};
use super::schedules::{self, Made, Rewrite, SELECT_SCHEDULES, check_revision};
use super::workflows::{self, SELECT_WORKFLOWS, facts_of};
use super::{SqliteStore, rows, runs};
use crate::failed::Attempt;
use crate::writer::Tx;

#[async_trait]
impl WorkflowStore for SqliteStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        Ok(self.clock_now())
    }

    async fn create_workflow(&self, new: NewWorkflow) -> StoreResult<Workflow> {
        self.write(move |tx| workflows::create(tx, &new)).await
    }

    async fn update_workflow(&self, write: WorkflowWrite) -> StoreResult<Workflow> {
        self.write(move |tx| workflows::update(tx, &write)).await
    }

    async fn delete_workflow(&self, id: WorkflowId, expected: Option<i64>) -> StoreResult<()> {
        self.write(move |tx| workflows::delete(tx, id, expected)).await
    }

    async fn workflow(&self, id: WorkflowId) -> StoreResult<Workflow> {
        self.read(move |connection| workflows::find(connection, id)).await
    }

    async fn workflows(&self, filter: WorkflowFilter) -> StoreResult<Page<Workflow>> {
        self.read(move |connection| list_workflows(connection, filter)).await
    }

    async fn versions(&self, id: WorkflowId, before: Option<i64>, limit: usize) -> StoreResult<Page<WorkflowVersion>> {
        self.read(move |connection| {
            workflows::find(connection, id)?;
            let mut select = connection.prepare_cached(
                "SELECT workflow_id, version, definition, created_at
                 FROM workflow_versions
                 WHERE workflow_id = ?1
                   AND version < ?2
                 ORDER BY version DESC
                 LIMIT ?3",
            )?;
            let values = params![id.0, before.unwrap_or(i64::MAX), one_more(limit)];
            Ok(page(select.query_map(values, rows::version)?.collect::<Result<_, _>>()?, limit))
        })
        .await
    }

    async fn version(&self, id: WorkflowId, version: i64) -> StoreResult<WorkflowVersion> {
        self.read(move |connection| {
            workflows::find(connection, id)?;
            let mut select = connection.prepare_cached(
                "SELECT workflow_id, version, definition, created_at
                 FROM workflow_versions
                 WHERE workflow_id = ?1
                   AND version = ?2",
            )?;
            let found = select.query_row(params![id.0, version], rows::version).optional()?;
            Ok(found.ok_or(StoreError::NotFound("version"))?)
        })
        .await
    }

    async fn create_schedule(&self, new: NewSchedule) -> StoreResult<ScheduledWorkflow> {
        self.write(move |tx| {
            let workflow = workflows::find(tx, new.workflow_id)?;
            check_schedule_name(tx, new.workflow_id, &new.name)?;
            let made = Made {
                id: new.id,
                workflow: new.workflow_id,
                name: &new.name,
                origin: Origin::Direct,
                is_active: new.is_active,
                content: &new.content,
            };
            schedules::insert(tx, &made, &facts_of(&workflow))?;
            schedules::find(tx, new.id)
        })
        .await
    }

    async fn edit_schedule(&self, edit: ScheduleEdit) -> StoreResult<ScheduledWorkflow> {
        self.write(move |tx| edit_schedule(tx, edit)).await
    }

    async fn delete_schedule(&self, id: ScheduleId, expected: Option<i64>) -> StoreResult<()> {
        self.write(move |tx| {
            let current = schedules::find(tx, id)?;
            check_revision(expected, current.revision)?;
            if current.origin == Origin::Definition {
                return Err(Conflict::OwnedByDefinition.into());
            }
            workflows::delete_schedule(tx, &current)
        })
        .await
    }

    async fn schedule(&self, id: ScheduleId) -> StoreResult<ScheduledWorkflow> {
        self.read(move |connection| schedules::find(connection, id)).await
    }

    async fn schedules(&self, filter: ScheduleFilter) -> StoreResult<Page<ScheduledWorkflow>> {
        self.read(move |connection| list_schedules(connection, filter)).await
    }

    async fn start_run(&self, new: NewManualRun) -> StoreResult<Run> {
        self.write(move |tx| start_run(tx, &new)).await
    }

    async fn outcomes(&self, id: ScheduleId, before: Option<UnixMillis>, limit: usize) -> StoreResult<Page<RecordedOutcome>> {
        self.read(move |connection| {
            if !workflows::knows_schedule(connection, id)? {
                return Err(StoreError::NotFound("schedule").into());
            }
            let mut select = connection.prepare_cached(
                "SELECT schedule_id, revision, from_at, to_at, reason, recorded_at
                 FROM occurrence_outcomes
                 WHERE schedule_id = ?1
                   AND to_at < ?2
                 ORDER BY to_at DESC, from_at DESC
                 LIMIT ?3",
            )?;
            let values = params![id.0, before.map_or(i64::MAX, UnixMillis::get), one_more(limit)];
            Ok(page(select.query_map(values, rows::outcome)?.collect::<Result<_, _>>()?, limit))
        })
        .await
    }
}

fn edit_schedule(tx: &Tx<'_>, edit: ScheduleEdit) -> Attempt<ScheduledWorkflow> {
    let current = schedules::find(tx, edit.id)?;
    check_revision(edit.expected, current.revision)?;
    let name = edit.name.unwrap_or_else(|| current.name.clone());
    let content = edit.content.unwrap_or_else(|| current.content.clone());
    let is_active = edit.is_active.unwrap_or(current.is_active);
    let is_other = name != current.name || content != current.content;
    if is_other && current.origin == Origin::Definition {
        return Err(Conflict::OwnedByDefinition.into());
    }
    if !is_other && is_active == current.is_active {
        return Ok(current);
    }
    if name != current.name {
        check_schedule_name(tx, current.workflow_id, &name)?;
    }
    let facts = facts_of(&workflows::find(tx, current.workflow_id)?);
    schedules::rewrite(tx, &current, &Rewrite { name: &name, is_active, content: &content, facts: &facts })?;
    schedules::find(tx, current.id)
}

fn check_schedule_name(tx: &Tx<'_>, workflow: WorkflowId, name: &str) -> Attempt<()> {
    match schedules::named(tx, workflow, name)? {
        Some(_) => Err(Conflict::ScheduleName(name.to_owned()).into()),
        None => Ok(()),
    }
}

fn start_run(tx: &Tx<'_>, new: &NewManualRun) -> Attempt<Run> {
    let workflow = workflows::find(tx, new.workflow_id)?;
    let id = runs::planned_at(new.id, tx.now);
    tx.prepare_cached(
        "INSERT INTO workflow_runs (
             id, planned_at, workflow_id, workflow_version, kind, reason, nominal_time, due_at, state, queue, delivery,
             input, publish_at, created_at
         )
         VALUES (?1, ?2, ?3, ?4, 'manual', 'manual', ?5, ?2, 'pending', ?6, ?7, ?8, ?2, ?2)",
    )?
    .execute(params![
        id.0,
        tx.now.get(),
        workflow.id.0,
        workflow.version,
        new.nominal_time.map(UnixMillis::get),
        workflow.queue.as_str(),
        workflow.delivery.as_str(),
        new.input.to_string(),
    ])?;
    Ok(runs::find(tx, id)?.ok_or(StoreError::NotFound("run"))?)
}

fn list_workflows(connection: &Connection, filter: WorkflowFilter) -> Attempt<Page<Workflow>> {
    let mut conditions = Conditions::default();
    conditions.and_that("workflow.deleted_at IS NULL");
    conditions.and_if("workflow.name = ?", filter.name);
    conditions.and_if("EXISTS (SELECT 1 FROM json_each(workflow.tags) WHERE value = ?)", filter.tag);
    conditions.and_if("workflow.id > ?", filter.after.map(|id| id.0));
    let text = conditions.text();
    let mut select = connection.prepare_cached(&format!("{SELECT_WORKFLOWS} WHERE {text} ORDER BY workflow.id LIMIT ?"))?;
    let values = params_from_iter(conditions.values(filter.limit));
    Ok(page(select.query_map(values, rows::workflow)?.collect::<Result<_, _>>()?, filter.limit))
}

fn list_schedules(connection: &Connection, filter: ScheduleFilter) -> Attempt<Page<ScheduledWorkflow>> {
    let mut conditions = Conditions::default();
    conditions.and_that("schedule.deleted_at IS NULL");
    conditions.and_if("schedule.workflow_id = ?", filter.workflow_id.map(|id| id.0));
    conditions.and_if("schedule.name = ?", filter.name);
    conditions.and_if("schedule.is_active = ?", filter.is_active);
    conditions.and_if("schedule.id > ?", filter.after.map(|id| id.0));
    let text = conditions.text();
    let mut select = connection.prepare_cached(&format!("{SELECT_SCHEDULES} WHERE {text} ORDER BY schedule.id LIMIT ?"))?;
    let values = params_from_iter(conditions.values(filter.limit));
    Ok(page(select.query_map(values, rows::schedule)?.collect::<Result<_, _>>()?, filter.limit))
}
