//! What is written of workflows, their trigger's schedule included.

use serde_json::Value;

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{Conflict, NewWorkflow, StoreError, TriggerSchedule, WorkflowWrite, check_revision};
use belfry_core::schedule::{DEFAULT_SCHEDULE, Origin, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::Workflow;

use super::schedules::{self, Made, Rewrite};
use super::{calendars, rows, runs};
use crate::connections::{Lease, Tx};
use crate::failed::{Attempt, Failed};

/// For [`rows::workflow`].
pub const SELECT_WORKFLOWS: &str = "
    SELECT workflow.id, workflow.name, workflow.description, version.definition, workflow.version, workflow.tags,
           workflow.queue, workflow.delivery, workflow.revision, workflow.created_at, workflow.updated_at
    FROM workflows workflow
    JOIN workflow_versions version
      ON version.workflow_id = workflow.id
     AND version.version = workflow.version";

/// A living workflow.
pub async fn find(db: &Lease, id: WorkflowId) -> Attempt<Workflow> {
    let statement = format!(
        "{SELECT_WORKFLOWS}
         WHERE workflow.id = $1
           AND workflow.deleted_at IS NULL"
    );
    rows::workflow(&db.row(&statement, &[&id.0]).await?.ok_or(StoreError::NotFound("workflow"))?)
}

/// Locks a workflow, then reads it in a later statement.
pub async fn lock(tx: &Tx, id: WorkflowId) -> Attempt<Workflow> {
    tx.execute("SELECT id FROM workflows WHERE id = $1 FOR NO KEY UPDATE", &[&id.0]).await?;
    find(tx, id).await
}

/// Keeps a workflow from being written, beside others who do the same, then reads it in a later statement.
pub async fn hold(tx: &Tx, id: WorkflowId) -> Attempt<Workflow> {
    tx.execute("SELECT id FROM workflows WHERE id = $1 FOR SHARE", &[&id.0]).await?;
    find(tx, id).await
}

pub fn facts_of(workflow: &Workflow) -> WorkflowFacts {
    WorkflowFacts { name: workflow.name.clone(), version: workflow.version, queue: workflow.queue.clone(), delivery: workflow.delivery }
}

pub async fn create(tx: &Tx, new: &NewWorkflow) -> Attempt<Workflow> {
    calendars::hold_pinned(tx, new.trigger.as_ref().map(|trigger| &trigger.content)).await?;
    if tx.row("SELECT id FROM workflows WHERE id = $1", &[&new.id.0]).await?.is_some() {
        return find(tx, new.id).await;
    }
    let now = tx.now().await?;
    let statement = "
        INSERT INTO workflows (id, name, description, version, tags, queue, delivery, revision, created_at, updated_at)
        VALUES ($1, $2, $3, 1, $4, $5, $6, 1, $7, $7)";
    tx.execute(
        statement,
        &[&new.id.0, &new.name, &new.description, &new.tags, &new.queue.as_str(), &new.delivery.as_str(), &now.to_timestamp()],
    )
    .await
    .map_err(|failed| of_name(failed, &new.name))?;
    insert_version(tx, (new.id, 1), &new.definition, now).await?;
    let workflow = find(tx, new.id).await?;
    if let Some(trigger) = &new.trigger {
        insert_trigger(tx, &workflow, trigger, now).await?;
    }
    Ok(workflow)
}

pub async fn update(tx: &Tx, write: &WorkflowWrite) -> Attempt<Workflow> {
    calendars::hold_pinned(tx, write.trigger.as_ref().map(|trigger| &trigger.content)).await?;
    let current = lock(tx, write.id).await?;
    check_revision(Some(write.expected), current.revision)?;
    let standing = schedules::lock_of_workflow(tx, write.id).await?;
    let now = tx.now().await?;
    let owned = standing.iter().find(|schedule| schedule.origin == Origin::Definition);
    if write.changes_nothing(&current, owned) {
        return Ok(current);
    }
    check_name(tx, &write.name, write.id).await?;
    // The definition's own `default` is not in its own way.
    if write.trigger.is_some() && owned.is_none() && standing.iter().any(|schedule| schedule.name == DEFAULT_SCHEDULE) {
        return Err(Conflict::DirectDefaultStands.into());
    }
    write_workflow(tx, &current, write, now).await?;
    let workflow = find(tx, write.id).await?;
    update_schedules(tx, &workflow, &standing, write.trigger.as_ref(), now).await?;
    Ok(workflow)
}

async fn write_workflow(tx: &Tx, current: &Workflow, write: &WorkflowWrite, now: UnixMillis) -> Attempt<()> {
    let makes_version = write.definition != current.definition;
    let version = current.version + i64::from(makes_version);
    if makes_version {
        insert_version(tx, (write.id, version), &write.definition, now).await?;
    }
    let statement = "
        UPDATE workflows
        SET name = $2,
            description = $3,
            version = $4,
            tags = $5,
            queue = $6,
            delivery = $7,
            revision = revision + 1,
            updated_at = $8
        WHERE id = $1";
    tx.execute(
        statement,
        &[
            &write.id.0,
            &write.name,
            &write.description,
            &version,
            &write.tags,
            &write.queue.as_str(),
            &write.delivery.as_str(),
            &now.to_timestamp(),
        ],
    )
    .await
    .map_err(|failed| of_name(failed, &write.name))?;
    Ok(())
}

/// Every schedule goes on under a new revision, with what its runs now take from the workflow; that of the definition as
/// its trigger node says.
async fn update_schedules(
    tx: &Tx,
    workflow: &Workflow,
    standing: &[ScheduledWorkflow],
    trigger: Option<&TriggerSchedule>,
    now: UnixMillis,
) -> Attempt<()> {
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
                delete_schedule(tx, schedule, now).await?;
                continue;
            }
        };
        schedules::rewrite(tx, schedule, &Rewrite { name: &schedule.name, is_active, content, facts: &facts }, now).await?;
    }
    match trigger {
        Some(trigger) if !is_standing => insert_trigger(tx, workflow, trigger, now).await,
        _ => Ok(()),
    }
}

async fn insert_trigger(tx: &Tx, workflow: &Workflow, trigger: &TriggerSchedule, now: UnixMillis) -> Attempt<()> {
    let made = Made {
        id: trigger.id,
        workflow: workflow.id,
        name: DEFAULT_SCHEDULE,
        origin: TriggerSchedule::ORIGIN,
        is_active: trigger.is_active.unwrap_or(true),
        content: &trigger.content,
    };
    schedules::insert(tx, &made, &facts_of(workflow), now).await
}

pub async fn delete(tx: &Tx, id: WorkflowId, expected: Option<i64>) -> Attempt<()> {
    let current = lock(tx, id).await?;
    check_revision(expected, current.revision)?;
    let standing = schedules::lock_of_workflow(tx, id).await?;
    let now = tx.now().await?;
    for schedule in &standing {
        schedules::delete(tx, schedule, now).await?;
    }
    runs::orphan(tx, id, None, now).await?;
    let statement = "
        UPDATE workflows
        SET revision = revision + 1,
            updated_at = $2,
            deleted_at = $2
        WHERE id = $1";
    tx.execute(statement, &[&id.0, &now.to_timestamp()]).await?;
    Ok(())
}

/// Deletes a schedule, and cancels what it has recorded and nobody has begun.
pub async fn delete_schedule(tx: &Tx, schedule: &ScheduledWorkflow, now: UnixMillis) -> Attempt<()> {
    schedules::delete(tx, schedule, now).await?;
    runs::orphan(tx, schedule.workflow_id, Some(schedule.id), now).await
}

async fn check_name(tx: &Tx, name: &str, id: WorkflowId) -> Attempt<()> {
    let statement = "
        SELECT 1
        FROM workflows
        WHERE name = $1
          AND deleted_at IS NULL
          AND id <> $2";
    match tx.row(statement, &[&name, &id.0]).await? {
        Some(_) => Err(Conflict::WorkflowName(name.to_owned()).into()),
        None => Ok(()),
    }
}

/// The index refuses what another transaction named so at the same time.
fn of_name(failed: Failed, name: &str) -> Failed {
    if failed.violates("workflows_living_name") { Conflict::WorkflowName(name.to_owned()).into() } else { failed }
}

async fn insert_version(tx: &Tx, (id, version): (WorkflowId, i64), definition: &Value, now: UnixMillis) -> Attempt<()> {
    let statement = "
        INSERT INTO workflow_versions (workflow_id, version, definition, created_at)
        VALUES ($1, $2, $3, $4)";
    tx.execute(statement, &[&id.0, &version, definition, &now.to_timestamp()]).await?;
    Ok(())
}

/// Whether the schedule exists, be it deleted.
pub async fn knows_schedule(db: &Lease, id: ScheduleId) -> Attempt<bool> {
    Ok(db.row("SELECT 1 FROM scheduled_workflows WHERE id = $1", &[&id.0]).await?.is_some())
}
