//! What several verbs do to schedules: account for what is due, write a revision, leave a tombstone.

use rusqlite::{Connection, OptionalExtension, params};

use belfry_core::edit::{self, Accounted, After};
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{StoreError, StoreResult};
use belfry_core::schedule::{Cursor, Origin, Outcome, ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;

use super::runs::{self, Recording};
use super::{calendars, rows};
use crate::failed::Attempt;
use crate::writer::Tx;

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
pub fn find(connection: &Connection, id: ScheduleId) -> Attempt<ScheduledWorkflow> {
    let mut select = connection.prepare_cached(&format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.id = ?1
           AND schedule.deleted_at IS NULL"
    ))?;
    let found = select.query_row([id.0], rows::schedule).optional()?;
    Ok(found.ok_or(StoreError::NotFound("schedule"))?)
}

/// The living schedules of a workflow, by id.
pub fn of_workflow(connection: &Connection, workflow: WorkflowId) -> Attempt<Vec<ScheduledWorkflow>> {
    let mut select = connection.prepare_cached(&format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.workflow_id = ?1
           AND schedule.deleted_at IS NULL
         ORDER BY schedule.id"
    ))?;
    Ok(select.query_map([workflow.0], rows::schedule)?.collect::<Result<_, _>>()?)
}

/// The living schedule of that name.
pub fn named(connection: &Connection, workflow: WorkflowId, name: &str) -> Attempt<Option<ScheduleId>> {
    let mut select = connection.prepare_cached(
        "SELECT id
         FROM scheduled_workflows
         WHERE workflow_id = ?1
           AND name = ?2
           AND deleted_at IS NULL",
    )?;
    Ok(select.query_row(params![workflow.0, name], |row| row.get(0).map(ScheduleId)).optional()?)
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
pub fn insert(tx: &Tx<'_>, made: &Made<'_>, facts: &WorkflowFacts) -> Attempt<()> {
    let cursor = edit::first(made.id, made.content, tx.now)?;
    tx.prepare_cached(
        "INSERT INTO scheduled_workflows (
             id, workflow_id, name, origin, is_active, revision, shard, next_nominal_at, next_run_at, run_count,
             failure_count, created_at, updated_at
         )
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, 0, 0, ?9, ?9)",
    )?
    .execute(params![
        made.id.0,
        made.workflow.0,
        made.name,
        made.origin.as_str(),
        made.is_active,
        made.id.shard(),
        cursor.nominal.map(UnixMillis::get),
        cursor.due.map(UnixMillis::get),
        tx.now.get(),
    ])?;
    insert_revision(tx, made.id, 1, (made.name, made.is_active), made.content, facts)?;
    calendars::note_users(tx, made.id, None, Some(made.content))
}

/// What a schedule becomes.
pub struct Rewrite<'a> {
    pub name: &'a str,
    pub is_active: bool,
    pub content: &'a ScheduleContent,
    pub facts: &'a WorkflowFacts,
}

/// Accounts for what is due of `current`, then makes it what `rewrite` says, under the next revision.
pub fn rewrite(tx: &Tx<'_>, current: &ScheduledWorkflow, rewrite: &Rewrite<'_>) -> Attempt<()> {
    let after = if rewrite.is_active { After::Active(rewrite.content) } else { After::Paused(rewrite.content) };
    let (cursor, up_to) = account(tx, current, after)?;
    let revision = current.revision + 1;
    tx.prepare_cached(
        "UPDATE scheduled_workflows
         SET name = ?2,
             is_active = ?3,
             revision = ?4,
             next_nominal_at = ?5,
             next_run_at = ?6,
             failure_count = 0,
             last_error = NULL,
             updated_at = ?7
         WHERE id = ?1",
    )?
    .execute(params![
        current.id.0,
        rewrite.name,
        rewrite.is_active,
        revision,
        cursor.nominal.map(UnixMillis::get),
        cursor.due.map(UnixMillis::get),
        up_to.get(),
    ])?;
    insert_revision(tx, current.id, revision, (rewrite.name, rewrite.is_active), rewrite.content, rewrite.facts)?;
    calendars::note_users(tx, current.id, Some(&current.content), Some(rewrite.content))
}

/// Accounts for what is due of `current`, and leaves a tombstone.
pub fn delete(tx: &Tx<'_>, current: &ScheduledWorkflow) -> Attempt<()> {
    account(tx, current, After::Deleted)?;
    // No occurrence is left and the revision is raised: whatever was decided of it matches nothing any more.
    tx.prepare_cached(
        "UPDATE scheduled_workflows
         SET revision = revision + 1,
             next_nominal_at = NULL,
             next_run_at = NULL,
             updated_at = ?2,
             deleted_at = ?2
         WHERE id = ?1",
    )?
    .execute(params![current.id.0, tx.now.get()])?;
    calendars::note_users(tx, current.id, Some(&current.content), None)
}

/// Records what is due under the revision that stands; where the next one begins.
fn account(tx: &Tx<'_>, current: &ScheduledWorkflow, after: After<'_>) -> Attempt<(Cursor, UnixMillis)> {
    let Accounted { runs, outcomes, cursor, up_to } = edit::account(current, after, tx.now)?;
    let recording = Recording { schedule: current.id, workflow: current.workflow_id, revision: current.revision, publisher: None };
    let inserted = runs::insert_scheduled(tx, &recording, &runs)?;
    insert_outcomes(tx, current.id, current.revision, &outcomes)?;
    if !inserted.is_empty() {
        tx.prepare_cached(
            "UPDATE scheduled_workflows
             SET run_count = run_count + ?2,
                 last_run_at = ?3
             WHERE id = ?1",
        )?
        .execute(params![current.id.0, inserted.len(), tx.now.get()])?;
    }
    Ok((cursor, up_to))
}

fn insert_revision(
    tx: &Tx<'_>,
    schedule: ScheduleId,
    revision: i64,
    (name, is_active): (&str, bool),
    content: &ScheduleContent,
    facts: &WorkflowFacts,
) -> Attempt<()> {
    let input = content.input.to_string();
    let rest = ScheduleContent { input: serde_json::Value::Null, ..content.clone() };
    tx.prepare_cached(
        "INSERT INTO schedule_revisions (
             schedule_id, revision, content, input, workflow_name, workflow_version, queue, delivery, created_at, name, is_active
         )
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        schedule.0,
        revision,
        as_json(&rest)?,
        input,
        facts.name,
        facts.version,
        facts.queue.as_str(),
        facts.delivery.as_str(),
        tx.now.get(),
        name,
        is_active,
    ])?;
    Ok(())
}

pub fn insert_outcomes(tx: &Tx<'_>, schedule: ScheduleId, revision: i64, outcomes: &[Outcome]) -> Attempt<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO occurrence_outcomes (schedule_id, revision, from_at, to_at, reason, recorded_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for outcome in outcomes {
        insert.execute(params![schedule.0, revision, outcome.from.get(), outcome.to.get(), outcome.reason.as_str(), tx.now.get(),])?;
    }
    Ok(())
}

pub fn as_json(value: &impl serde::Serialize) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Data(error.to_string()))
}
