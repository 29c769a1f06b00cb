//! What several verbs do to schedules: account for what is due, write a revision, leave a tombstone.

use jiff::Timestamp;
use serde_json::Value;

use belfry_core::edit::{self, Accounted, After};
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{StoreError, StoreResult};
use belfry_core::schedule::{Cursor, Origin, Outcome, ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;

use super::runs::{self, Recording};
use super::{calendars, rows};
use crate::connections::{Lease, Tx};
use crate::failed::Attempt;

/// For [`rows::schedule`] and [`rows::facts`].
pub const SELECT_SCHEDULES: &str = "
    SELECT schedule.id, schedule.workflow_id, schedule.name, schedule.origin, schedule.is_active, schedule.revision,
           schedule.next_nominal_at, schedule.next_run_at, schedule.last_run_at, schedule.run_count,
           schedule.failure_count, schedule.last_error, schedule.created_at, schedule.updated_at,
           revision.content, revision.input, revision.workflow_name, revision.workflow_version, revision.queue,
           revision.delivery
    FROM scheduled_workflows schedule
    JOIN schedule_revisions revision
      ON revision.schedule_id = schedule.id
     AND revision.revision = schedule.revision";

/// A living schedule.
pub async fn find(db: &Lease, id: ScheduleId) -> Attempt<ScheduledWorkflow> {
    let statement = format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.id = $1
           AND schedule.deleted_at IS NULL"
    );
    rows::schedule(&db.row(&statement, &[&id.0]).await?.ok_or(StoreError::NotFound("schedule"))?)
}

/// Locks a schedule after its workflow, then reads it in a later statement: what it locks may be newer than what a
/// statement that waited for it has seen.
pub async fn lock(tx: &Tx, id: ScheduleId) -> Attempt<ScheduledWorkflow> {
    let workflow = find(tx, id).await?.workflow_id;
    super::workflows::lock(tx, workflow).await.map_err(|failed| match failed {
        // Deleted meanwhile, and the schedule with it.
        crate::failed::Failed::Port(StoreError::NotFound(_)) => StoreError::NotFound("schedule").into(),
        failed => failed,
    })?;
    let statement = "
        SELECT id
        FROM scheduled_workflows
        WHERE id = $1
        FOR NO KEY UPDATE";
    tx.execute(statement, &[&id.0]).await?;
    find(tx, id).await
}

/// Locks the living schedules of a workflow that is locked, by id, then reads them.
pub async fn lock_of_workflow(tx: &Tx, workflow: WorkflowId) -> Attempt<Vec<ScheduledWorkflow>> {
    let statement = "
        SELECT id
        FROM scheduled_workflows
        WHERE workflow_id = $1
          AND deleted_at IS NULL
        ORDER BY id
        FOR NO KEY UPDATE";
    tx.execute(statement, &[&workflow.0]).await?;
    let statement = format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.workflow_id = $1
           AND schedule.deleted_at IS NULL
         ORDER BY schedule.id"
    );
    rows::all(&tx.rows(&statement, &[&workflow.0]).await?, rows::schedule)
}

/// Whether a living schedule of the workflow, which is locked, has the name.
pub async fn is_named(tx: &Tx, workflow: WorkflowId, name: &str) -> Attempt<bool> {
    let statement = "
        SELECT 1
        FROM scheduled_workflows
        WHERE workflow_id = $1
          AND name = $2
          AND deleted_at IS NULL";
    Ok(tx.row(statement, &[&workflow.0, &name]).await?.is_some())
}

/// What a new schedule is.
pub struct Made<'a> {
    pub id: ScheduleId,
    pub workflow: WorkflowId,
    pub name: &'a str,
    pub origin: Origin,
    pub is_active: bool,
    pub content: &'a ScheduleContent,
}

/// Inserts a schedule at revision 1, whose first occurrence is the first after now.
pub async fn insert(tx: &Tx, made: &Made<'_>, facts: &WorkflowFacts, now: UnixMillis) -> Attempt<()> {
    let cursor = edit::first(made.id, made.content, now)?;
    let statement = "
        INSERT INTO scheduled_workflows (
            id, workflow_id, name, origin, is_active, revision, shard, next_nominal_at, next_run_at, created_at, updated_at
        )
        VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $9)";
    tx.execute(
        statement,
        &[
            &made.id.0,
            &made.workflow.0,
            &made.name,
            &made.origin.as_str(),
            &made.is_active,
            &i16::from(made.id.shard()),
            &rows::at(cursor.nominal),
            &rows::at(cursor.due),
            &now.to_timestamp(),
        ],
    )
    .await?;
    insert_revision(tx, (made.id, 1), (made.name, made.is_active), made.content, facts, now).await?;
    calendars::note_users(tx, made.id, None, Some(made.content)).await
}

/// What a schedule becomes.
pub struct Rewrite<'a> {
    pub name: &'a str,
    pub is_active: bool,
    pub content: &'a ScheduleContent,
    pub facts: &'a WorkflowFacts,
}

/// Accounts for what is due of `current`, then makes it what `rewrite` says, under the next revision.
pub async fn rewrite(tx: &Tx, current: &ScheduledWorkflow, rewrite: &Rewrite<'_>, now: UnixMillis) -> Attempt<()> {
    let after = if rewrite.is_active { After::Active(rewrite.content) } else { After::Paused(rewrite.content) };
    let (cursor, up_to) = account(tx, current, after, now).await?;
    let revision = current.revision + 1;
    let statement = "
        UPDATE scheduled_workflows
        SET name = $2,
            is_active = $3,
            revision = $4,
            next_nominal_at = $5,
            next_run_at = $6,
            failure_count = 0,
            last_error = NULL,
            updated_at = $7
        WHERE id = $1";
    tx.execute(
        statement,
        &[
            &current.id.0,
            &rewrite.name,
            &rewrite.is_active,
            &revision,
            &rows::at(cursor.nominal),
            &rows::at(cursor.due),
            &up_to.to_timestamp(),
        ],
    )
    .await?;
    insert_revision(tx, (current.id, revision), (rewrite.name, rewrite.is_active), rewrite.content, rewrite.facts, now).await?;
    calendars::note_users(tx, current.id, Some(&current.content), Some(rewrite.content)).await
}

/// Accounts for what is due of `current`, and leaves a tombstone.
pub async fn delete(tx: &Tx, current: &ScheduledWorkflow, now: UnixMillis) -> Attempt<()> {
    account(tx, current, After::Deleted, now).await?;
    // No occurrence is left and the revision is raised: whatever was decided of it matches nothing any more.
    let statement = "
        UPDATE scheduled_workflows
        SET revision = revision + 1,
            next_nominal_at = NULL,
            next_run_at = NULL,
            updated_at = $2,
            deleted_at = $2
        WHERE id = $1";
    tx.execute(statement, &[&current.id.0, &now.to_timestamp()]).await?;
    calendars::note_users(tx, current.id, Some(&current.content), None).await
}

/// Records what is due under the revision that stands; where the next one begins.
async fn account(tx: &Tx, current: &ScheduledWorkflow, after: After<'_>, now: UnixMillis) -> Attempt<(Cursor, UnixMillis)> {
    let Accounted { runs, outcomes, cursor, up_to } = edit::account(current, after, now)?;
    let recording = Recording { schedule: current.id, workflow: current.workflow_id, revision: current.revision };
    let inserted = runs::insert_scheduled(tx, &recording, &runs, now).await?;
    insert_outcomes(tx, current, &outcomes, now).await?;
    if inserted > 0 {
        let statement = "
            UPDATE scheduled_workflows
            SET run_count = run_count + $2,
                last_run_at = $3
            WHERE id = $1";
        let inserted = i64::try_from(inserted).unwrap_or(i64::MAX);
        tx.execute(statement, &[&current.id.0, &inserted, &now.to_timestamp()]).await?;
    }
    Ok((cursor, up_to))
}

async fn insert_revision(
    tx: &Tx,
    (schedule, revision): (ScheduleId, i64),
    (name, is_active): (&str, bool),
    content: &ScheduleContent,
    facts: &WorkflowFacts,
    now: UnixMillis,
) -> Attempt<()> {
    let statement = "
        INSERT INTO schedule_revisions (
            schedule_id, revision, content, input, workflow_name, workflow_version, queue, delivery, created_at, name, is_active
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let rest = ScheduleContent { input: Value::Null, ..content.clone() };
    tx.execute(
        statement,
        &[
            &schedule.0,
            &revision,
            &as_json(&rest)?,
            &content.input,
            &facts.name,
            &facts.version,
            &facts.queue.as_str(),
            &facts.delivery.as_str(),
            &now.to_timestamp(),
            &name,
            &is_active,
        ],
    )
    .await?;
    Ok(())
}

async fn insert_outcomes(tx: &Tx, schedule: &ScheduledWorkflow, outcomes: &[Outcome], now: UnixMillis) -> Attempt<()> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let statement = "
        INSERT INTO occurrence_outcomes (schedule_id, revision, from_at, to_at, reason, recorded_at)
        SELECT $1, $2, new.from_at, new.to_at, new.reason, $3
        FROM unnest($4::timestamptz[], $5::timestamptz[], $6::text[]) AS new (from_at, to_at, reason)";
    let from: Vec<Timestamp> = outcomes.iter().map(|outcome| outcome.from.to_timestamp()).collect();
    let to: Vec<Timestamp> = outcomes.iter().map(|outcome| outcome.to.to_timestamp()).collect();
    let reasons: Vec<&str> = outcomes.iter().map(|outcome| outcome.reason.as_str()).collect();
    tx.execute(statement, &[&schedule.id.0, &schedule.revision, &now.to_timestamp(), &from, &to, &reasons]).await?;
    Ok(())
}

pub fn as_json(value: &impl serde::Serialize) -> StoreResult<Value> {
    serde_json::to_value(value).map_err(|error| StoreError::Data(error.to_string()))
}
