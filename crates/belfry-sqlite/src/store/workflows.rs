//! What is written of workflows, their trigger's schedule included.

use rusqlite::{Connection, OptionalExtension, params};

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{Conflict, NewWorkflow, StoreError, TriggerSchedule, WorkflowWrite, check_revision};
use belfry_core::schedule::{DEFAULT_SCHEDULE, Origin, ScheduledWorkflow, WorkflowFacts};
use belfry_core::workflow::Workflow;

use super::schedules::{self, Made, Rewrite, as_json};
use super::{calendars, rows, runs};
use crate::failed::Attempt;
use crate::writer::Tx;

/// For [`rows::workflow`].
pub const SELECT_WORKFLOWS: &str = "
    SELECT workflow.id, workflow.name, workflow.description, version.definition, workflow.version, workflow.tags,
           workflow.queue, workflow.delivery, workflow.revision, workflow.created_at, workflow.updated_at
    FROM workflows workflow
    JOIN workflow_versions version
      ON version.workflow_id = workflow.id
     AND version.version = workflow.version";

/// A living workflow.
pub fn find(connection: &Connection, id: WorkflowId) -> Attempt<Workflow> {
    let mut select = connection.prepare_cached(&format!(
        "{SELECT_WORKFLOWS}
         WHERE workflow.id = ?1
           AND workflow.deleted_at IS NULL"
    ))?;
    let found = select.query_row([id.0], rows::workflow).optional()?;
    Ok(found.ok_or(StoreError::NotFound("workflow"))?)
}

pub fn facts_of(workflow: &Workflow) -> WorkflowFacts {
    WorkflowFacts { name: workflow.name.clone(), version: workflow.version, queue: workflow.queue.clone(), delivery: workflow.delivery }
}

pub fn create(tx: &Tx<'_>, new: &NewWorkflow) -> Attempt<Workflow> {
    calendars::check_pinned(tx, new.trigger.as_ref().map(|trigger| &trigger.content))?;
    if tx.prepare_cached("SELECT 1 FROM workflows WHERE id = ?1")?.exists([new.id.0])? {
        return find(tx, new.id);
    }
    check_name(tx, &new.name, new.id)?;
    tx.prepare_cached(
        "INSERT INTO workflows (
             id, name, description, version, tags, queue, delivery, revision, created_at, updated_at
         )
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, 1, ?7, ?7)",
    )?
    .execute(params![
        new.id.0,
        new.name,
        new.description,
        as_json(&new.tags)?,
        new.queue.as_str(),
        new.delivery.as_str(),
        tx.now.get(),
    ])?;
    insert_version(tx, new.id, 1, &new.definition)?;
    let workflow = find(tx, new.id)?;
    if let Some(trigger) = &new.trigger {
        insert_trigger(tx, &workflow, trigger)?;
    }
    Ok(workflow)
}

pub fn update(tx: &Tx<'_>, write: &WorkflowWrite) -> Attempt<Workflow> {
    calendars::check_pinned(tx, write.trigger.as_ref().map(|trigger| &trigger.content))?;
    let current = find(tx, write.id)?;
    check_revision(Some(write.expected), current.revision)?;
    let standing = schedules::of_workflow(tx, write.id)?;
    let owned = standing.iter().find(|schedule| schedule.origin == Origin::Definition);
    if write.changes_nothing(&current, owned) {
        return Ok(current);
    }
    check_name(tx, &write.name, write.id)?;
    // The definition's own `default` is not in its own way.
    if write.trigger.is_some() && owned.is_none() && schedules::named(tx, write.id, DEFAULT_SCHEDULE)?.is_some() {
        return Err(Conflict::DirectDefaultStands.into());
    }
    let makes_version = write.definition != current.definition;
    let version = current.version + i64::from(makes_version);
    if makes_version {
        insert_version(tx, write.id, version, &write.definition)?;
    }
    tx.prepare_cached(
        "UPDATE workflows
         SET name = ?2,
             description = ?3,
             version = ?4,
             tags = ?5,
             queue = ?6,
             delivery = ?7,
             revision = revision + 1,
             updated_at = ?8
         WHERE id = ?1",
    )?
    .execute(params![
        write.id.0,
        write.name,
        write.description,
        version,
        as_json(&write.tags)?,
        write.queue.as_str(),
        write.delivery.as_str(),
        tx.now.get(),
    ])?;
    let workflow = find(tx, write.id)?;
    update_schedules(tx, &workflow, &standing, write.trigger.as_ref())?;
    Ok(workflow)
}

/// Every schedule goes on under a new revision, with what its runs now take from the workflow; that of the definition as
/// its trigger node says.
fn update_schedules(tx: &Tx<'_>, workflow: &Workflow, standing: &[ScheduledWorkflow], trigger: Option<&TriggerSchedule>) -> Attempt<()> {
    let facts = facts_of(workflow);
    let mut is_standing = false;
    for schedule in standing {
        let (content, is_active) = match (schedule.origin, trigger) {
            (Origin::Direct, _) => (&schedule.content, schedule.is_active),
            (Origin::Definition, Some(trigger)) => {
                is_standing = true;
                (&trigger.content, trigger.is_active.unwrap_or(schedule.is_active))
            }
            (Origin::Definition, None) => {
                delete_schedule(tx, schedule)?;
                continue;
            }
        };
        schedules::rewrite(tx, schedule, &Rewrite { name: &schedule.name, is_active, content, facts: &facts })?;
    }
    match trigger {
        Some(trigger) if !is_standing => insert_trigger(tx, workflow, trigger),
        _ => Ok(()),
    }
}

fn insert_trigger(tx: &Tx<'_>, workflow: &Workflow, trigger: &TriggerSchedule) -> Attempt<()> {
    let made = Made {
        id: trigger.id,
        workflow: workflow.id,
        name: DEFAULT_SCHEDULE,
        origin: TriggerSchedule::ORIGIN,
        is_active: trigger.is_active.unwrap_or(true),
        content: &trigger.content,
    };
    schedules::insert(tx, &made, &facts_of(workflow))
}

pub fn delete(tx: &Tx<'_>, id: WorkflowId, expected: Option<i64>) -> Attempt<()> {
    let current = find(tx, id)?;
    check_revision(expected, current.revision)?;
    for schedule in schedules::of_workflow(tx, id)? {
        schedules::delete(tx, &schedule)?;
    }
    runs::orphan_of_workflow(tx, id)?;
    tx.prepare_cached(
        "UPDATE workflows
         SET revision = revision + 1,
             updated_at = ?2,
             deleted_at = ?2
         WHERE id = ?1",
    )?
    .execute(params![id.0, tx.now.get()])?;
    Ok(())
}

/// Deletes a schedule, and cancels what it has recorded and nobody has begun.
pub fn delete_schedule(tx: &Tx<'_>, schedule: &ScheduledWorkflow) -> Attempt<()> {
    schedules::delete(tx, schedule)?;
    runs::orphan_of_schedule(tx, schedule.workflow_id, schedule.id)
}

fn check_name(tx: &Tx<'_>, name: &str, id: WorkflowId) -> Attempt<()> {
    let mut select = tx.prepare_cached(
        "SELECT 1
         FROM workflows
         WHERE name = ?1
           AND deleted_at IS NULL
           AND id <> ?2",
    )?;
    if select.exists(params![name, id.0])? {
        return Err(Conflict::WorkflowName(name.to_owned()).into());
    }
    Ok(())
}

fn insert_version(tx: &Tx<'_>, id: WorkflowId, version: i64, definition: &serde_json::Value) -> Attempt<()> {
    tx.prepare_cached(
        "INSERT INTO workflow_versions (workflow_id, version, definition, created_at)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![id.0, version, definition.to_string(), tx.now.get()])?;
    Ok(())
}

/// Whether the schedule exists, be it deleted.
pub fn knows_schedule(connection: &Connection, id: ScheduleId) -> Attempt<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM scheduled_workflows WHERE id = ?1")?.exists([id.0])?)
}
