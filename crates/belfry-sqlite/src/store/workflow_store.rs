//! What users do to workflows and schedules.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{
    Conflict, NewManualRun, NewSchedule, NewWorkflow, Page, ScheduleEdit, ScheduleFilter, ScheduleOrder, StoreError, StoreResult,
    WorkflowFilter, WorkflowOrder, WorkflowStore, WorkflowWrite, check_revision,
};
use belfry_core::run::Run;
use belfry_core::schedule::{Origin, RecordedOutcome, ScheduledWorkflow};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Workflow, WorkflowVersion};

use super::conditions::{Conditions, one_more, page};
use super::schedules::{self, Made, Rewrite, SELECT_SCHEDULES};
use super::workflows::{self, SELECT_WORKFLOWS, facts_of};
use super::{SqliteStore, calendars, rows, runs};
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
            calendars::check_pinned(tx, Some(&new.content))?;
            let workflow = workflows::find(tx, new.workflow_id)?;
            if workflows::knows_schedule(tx, new.id)? {
                return schedules::find(tx, new.id);
            }
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
    calendars::check_pinned(tx, edit.content.as_ref())?;
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
    let id = if new.keeps_id { new.id } else { runs::planned_at(new.id, tx.now) };
    if let Some(standing) = runs::find(tx, id)? {
        return Ok(standing);
    }
    tx.prepare_cached(
        "INSERT INTO workflow_runs (
             id, planned_at, workflow_id, workflow_version, kind, reason, nominal_time, due_at, state, queue, delivery,
             input, publish_at, created_at, rerun_of
         )
         VALUES (?1, ?2, ?3, ?4, 'manual', 'manual', ?5, ?9, 'pending', ?6, ?7, ?8, ?9, ?9, ?10)",
    )?
    .execute(params![
        id.0,
        id.planned_at().get(),
        workflow.id.0,
        workflow.version,
        new.nominal_time.map(UnixMillis::get),
        workflow.queue.as_str(),
        workflow.delivery.as_str(),
        new.input.to_string(),
        tx.now.get(),
        new.rerun_of.map(|run| run.0),
    ])?;
    Ok(runs::find(tx, id)?.ok_or(StoreError::NotFound("run"))?)
}

/// In the order of an index each.
fn list_workflows(connection: &Connection, filter: WorkflowFilter) -> Attempt<Page<Workflow>> {
    let mut conditions = Conditions::default();
    conditions.and_that("workflow.deleted_at IS NULL");
    conditions.and_if("workflow.name = ?", filter.name);
    conditions.and_if("instr(lower(workflow.name), lower(?)) > 0", filter.named_like);
    conditions.and_if("EXISTS (SELECT 1 FROM json_each(workflow.tags) WHERE value = ?)", filter.tag);
    conditions.and_if(
        "EXISTS (
             SELECT 1
             FROM scheduled_workflows
             WHERE workflow_id = workflow.id
               AND deleted_at IS NULL
               AND is_active
         ) = ?",
        filter.is_active,
    );
    conditions.and_if(
        "EXISTS (
             SELECT 1
             FROM scheduled_workflows
             WHERE workflow_id = workflow.id
               AND deleted_at IS NULL
               AND failure_count > 0
         ) = ?",
        filter.is_failing,
    );
    let order = match filter.order {
        WorkflowOrder::Oldest(after) => {
            conditions.and_if("workflow.id > ?", after.map(|id| id.0));
            "workflow.id"
        }
        WorkflowOrder::Newest(after) => {
            conditions.and_if("workflow.id < ?", after.map(|id| id.0));
            "workflow.id DESC"
        }
        WorkflowOrder::Name(after) => {
            if let Some((name, id)) = after {
                conditions.and_two("(workflow.name, workflow.id) > (?, ?)", name, id.0);
            }
            "workflow.name, workflow.id"
        }
    };
    let text = conditions.text();
    let mut select = connection.prepare_cached(&format!("{SELECT_WORKFLOWS} WHERE {text} ORDER BY {order} LIMIT ?"))?;
    let values = params_from_iter(conditions.values(filter.limit));
    Ok(page(select.query_map(values, rows::workflow)?.collect::<Result<_, _>>()?, filter.limit))
}

fn list_schedules(connection: &Connection, filter: ScheduleFilter) -> Attempt<Page<ScheduledWorkflow>> {
    let mut conditions = Conditions::default();
    conditions.and_that("schedule.deleted_at IS NULL");
    conditions.and_if("schedule.workflow_id = ?", filter.workflow_id.map(|id| id.0));
    conditions.and_if("schedule.name = ?", filter.name);
    if let Some(part) = filter.named_like {
        let text = "(
            instr(lower(schedule.name), lower(?)) > 0
            OR EXISTS (SELECT 1 FROM workflows WHERE id = schedule.workflow_id AND instr(lower(name), lower(?)) > 0)
        )";
        conditions.and_two(text, part.clone(), part);
    }
    conditions.and_if(
        "EXISTS (SELECT 1 FROM workflows, json_each(workflows.tags) tag WHERE workflows.id = schedule.workflow_id AND tag.value = ?)",
        filter.tag,
    );
    conditions.and_if("schedule.is_active = ?", filter.is_active);
    conditions.and_if("(schedule.failure_count > 0) = ?", filter.is_failing);
    let by_next_run = matches!(filter.order, ScheduleOrder::NextRun(_));
    if by_next_run || filter.next_run_from.is_some() || filter.next_run_before.is_some() {
        // The conditions of the index of what is due, word for word.
        conditions.and_that("schedule.is_active AND schedule.next_run_at IS NOT NULL");
    }
    conditions.and_if("schedule.next_run_at >= ?", filter.next_run_from.map(UnixMillis::get));
    conditions.and_if("schedule.next_run_at < ?", filter.next_run_before.map(UnixMillis::get));
    conditions.and_if("schedule.id IN (SELECT schedule_id FROM schedule_calendars WHERE calendar = ?)", filter.calendar);
    let order = schedules_in(filter.order, &mut conditions);
    let text = conditions.text();
    let mut select = connection.prepare_cached(&format!("{SELECT_SCHEDULES} WHERE {text} ORDER BY {order} LIMIT ?"))?;
    let values = params_from_iter(conditions.values(filter.limit));
    Ok(page(select.query_map(values, rows::schedule)?.collect::<Result<_, _>>()?, filter.limit))
}

/// The order, which is that of an index; `conditions` then begin where the page before ended.
fn schedules_in(order: ScheduleOrder, conditions: &mut Conditions) -> &'static str {
    match order {
        ScheduleOrder::Oldest(after) => {
            conditions.and_if("schedule.id > ?", after.map(|id| id.0));
            "schedule.id"
        }
        ScheduleOrder::Newest(after) => {
            conditions.and_if("schedule.id < ?", after.map(|id| id.0));
            "schedule.id DESC"
        }
        ScheduleOrder::Name(after) => {
            if let Some((name, id)) = after {
                conditions.and_two("(schedule.name, schedule.id) > (?, ?)", name, id.0);
            }
            "schedule.name, schedule.id"
        }
        ScheduleOrder::NextRun(after) => {
            if let Some((next_run_at, id)) = after {
                conditions.and_two("(schedule.next_run_at, schedule.id) > (?, ?)", next_run_at.get(), id.0);
            }
            "schedule.next_run_at, schedule.id"
        }
    }
}
