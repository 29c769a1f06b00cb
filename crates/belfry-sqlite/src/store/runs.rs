//! What several verbs do to rows of `workflow_runs`.

use rusqlite::{Connection, OptionalExtension, Row, params};
use tracing::error;

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{NewRun, PendingRun, PublishLease};
use belfry_core::run::Run;
use belfry_core::time::UnixMillis;

use super::rows;
use crate::failed::Attempt;
use crate::writer::Tx;

/// The revision whose occurrences are recorded, and who publishes their runs.
pub struct Recording {
    pub schedule: ScheduleId,
    pub workflow: WorkflowId,
    pub revision: i64,
    /// Absent: whoever sweeps next.
    pub publisher: Option<PublishLease>,
}

/// Inserts `runs` as the revision says, `pending`, each to be published when it is due; answers which were: a run whose row
/// stands is left out.
pub fn insert_scheduled(tx: &Tx<'_>, recording: &Recording, runs: &[NewRun]) -> Attempt<Vec<RunId>> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let facts = tx
        .prepare_cached(
            "SELECT workflow_name, workflow_version, queue, delivery
             FROM schedule_revisions
             WHERE schedule_id = ?1
               AND revision = ?2",
        )?
        .query_row(params![recording.schedule.0, recording.revision], rows::facts)?;
    // Of values, not of that select: a statement that may insert several rows first keeps what would undo it, page by page,
    // which took half of the time of a batch.
    let mut insert = tx.prepare_cached(
        "INSERT INTO workflow_runs (
             id, planned_at, workflow_id, workflow_version, schedule_id, schedule_revision, kind, reason, nominal_time,
             due_at, state, queue, delivery, publisher, publish_at, created_at
         )
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'scheduled', ?7, ?2, ?8, 'pending', ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT DO NOTHING",
    )?;
    let publisher = recording.publisher.map(|publisher| publisher.member.0);
    let leased_until = recording.publisher.map_or(tx.now, |publisher| tx.now.plus(publisher.lease));
    let mut inserted = Vec::with_capacity(runs.len());
    for run in runs {
        let count = insert.execute(params![
            run.id.0,
            run.nominal.get(),
            recording.workflow.0,
            facts.version,
            recording.schedule.0,
            recording.revision,
            run.reason.as_str(),
            run.due.get(),
            facts.queue.as_str(),
            facts.delivery.as_str(),
            publisher,
            leased_until.max(run.due).get(),
            tx.now.get(),
        ])?;
        if count == 1 {
            inserted.push(run.id);
        }
    }
    Ok(inserted)
}

// `state IN (…)` below is the condition of the index of live runs, word for word; without it all of history would be read.

/// Its schedule is gone: what has not started ends, what runs goes on, and must not be pending again.
pub fn orphan_of_schedule(tx: &Tx<'_>, workflow: WorkflowId, schedule: ScheduleId) -> Attempt<()> {
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'cancelled', claim_epoch = claim_epoch + 1, finished_at = ?3
         WHERE workflow_id = ?1
           AND schedule_id = ?2
           AND state IN ('pending', 'queued', 'running')
           AND state <> 'running'",
    )?
    .execute(params![workflow.0, schedule.0, tx.now.get()])?;
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET is_orphaned = TRUE
         WHERE workflow_id = ?1
           AND schedule_id = ?2
           AND state IN ('pending', 'queued', 'running')",
    )?
    .execute(params![workflow.0, schedule.0])?;
    Ok(())
}

/// The same for all runs of a workflow, the manual ones too.
pub fn orphan_of_workflow(tx: &Tx<'_>, workflow: WorkflowId) -> Attempt<()> {
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'cancelled', claim_epoch = claim_epoch + 1, finished_at = ?2
         WHERE workflow_id = ?1
           AND state IN ('pending', 'queued', 'running')
           AND state <> 'running'",
    )?
    .execute(params![workflow.0, tx.now.get()])?;
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET is_orphaned = TRUE
         WHERE workflow_id = ?1
           AND state IN ('pending', 'queued', 'running')",
    )?
    .execute([workflow.0])?;
    Ok(())
}

/// A running run without its worker is `pending` again, or `cancelled` where it must not be.
pub enum Ended {
    Pending,
    Cancelled,
}

/// Takes a running run from its claim. A released claim does not count as an attempt.
pub fn take_from_claim(tx: &Tx<'_>, run: RunId, attempts_less: i64, lost_more: i64) -> Attempt<Ended> {
    let state: String = tx
        .prepare_cached(
            "UPDATE workflow_runs
             SET state = CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN 'cancelled' ELSE 'pending' END,
                 finished_at = CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN ?2 END,
                 publish_seq = publish_seq + CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN 0 ELSE 1 END,
                 publish_at = ?2,
                 publisher = NULL,
                 claim_epoch = claim_epoch + 1,
                 claim_token = NULL,
                 claimed_by = CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN claimed_by END,
                 claim_until = NULL,
                 attempt = attempt - ?3,
                 lost_claims = lost_claims + ?4
             WHERE id = ?1
             RETURNING state",
        )?
        .query_row(params![run.0, tx.now.get(), attempts_less, lost_more], |row| row.get(0))?;
    Ok(if state == "pending" { Ended::Pending } else { Ended::Cancelled })
}

/// With its result, and those of its nodes.
pub fn find(connection: &Connection, id: RunId) -> Attempt<Option<Run>> {
    let mut select = connection.prepare_cached(&format!("{} WHERE run.id = ?1", select_runs(RESULT, "")))?;
    let whole = |row: &Row<'_>| Ok(Run { result: rows::result(row)?, ..rows::run(row)? });
    let Some(run) = select.query_row([id.0], whole).optional()? else { return Ok(None) };
    let mut select = connection.prepare_cached(
        "SELECT node_id, state, output, output_truncated, log, error, attempts, started_at, finished_at, wait_until
         FROM run_nodes
         WHERE run_id = ?1
         ORDER BY rowid",
    )?;
    let nodes = select.query_map([id.0], rows::node)?.collect::<Result<_, _>>()?;
    Ok(Some(Run { nodes, ..run }))
}

/// For [`rows::result`].
const RESULT: &str = ", run.output, run.output_truncated, run.log";

/// For [`rows::run`]; `index` is empty, or names the one to use.
pub fn select_runs(more: &str, index: &str) -> String {
    format!(
        "SELECT run.id, run.workflow_id, workflow.name AS workflow_name, run.workflow_version, run.schedule_id, run.kind, run.rerun_of,
                run.reason, run.nominal_time, run.planned_at, run.due_at, run.state, run.queue, run.delivery,
                coalesce(run.input, revision.input) AS input, run.attempt, run.claim_epoch, run.claimed_by,
                run.claim_until, run.cancel_requested_at, run.publish_seq, run.publish_error, run.created_at,
                run.queued_at, run.started_at, run.finished_at, run.error, run.progress{more}
         FROM workflow_runs run {index}
         JOIN workflows workflow
           ON workflow.id = run.workflow_id
         LEFT JOIN schedule_revisions revision
                ON revision.schedule_id = run.schedule_id
               AND revision.revision = run.schedule_revision"
    )
}

/// For [`rows::pending_run`].
const SELECT_PENDING: &str = "
    SELECT run.id, run.workflow_id, workflow.name AS workflow_name, run.workflow_version, run.queue, run.delivery,
           run.schedule_id, run.nominal_time, run.due_at, coalesce(run.input, revision.input) AS input, run.attempt, run.publish_seq,
           run.publish_failures
    FROM workflow_runs run
    JOIN workflows workflow
      ON workflow.id = run.workflow_id
    LEFT JOIN schedule_revisions revision
           ON revision.schedule_id = run.schedule_id
          AND revision.revision = run.schedule_revision
    WHERE run.id = ?1
      AND run.state = 'pending'
      AND run.publisher = ?2";

/// The runs of `ids`, in order, that are `pending` and published by `member`.
pub fn pending_of(connection: &Connection, member: uuid::Uuid, ids: &[RunId]) -> Attempt<Vec<PendingRun>> {
    let mut select = connection.prepare_cached(SELECT_PENDING)?;
    let mut found = Vec::new();
    for id in ids {
        match select.query_row(params![id.0, member], rows::pending_run).optional() {
            // A row that cannot be read must not hold up the others; it is looked at again when its lease is over.
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => error!(run.id = %id, "failed to read a run to publish: {error}"),
            read => found.extend(read?),
        }
    }
    Ok(found)
}

/// `id` with the leading 48 bits of `at`.
pub fn planned_at(id: RunId, at: UnixMillis) -> RunId {
    let mut bytes = id.0.into_bytes();
    bytes[..6].copy_from_slice(&at.get().to_be_bytes()[2..]);
    RunId(uuid::Uuid::from_bytes(bytes))
}

/// The least id of what is planned at `at`; nothing is planned before 1970.
pub fn first_planned_at(at: UnixMillis) -> RunId {
    planned_at(RunId(uuid::Uuid::nil()), at.max(UnixMillis::EPOCH))
}
