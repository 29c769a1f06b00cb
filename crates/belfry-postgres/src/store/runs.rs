//! What several verbs do to rows of `workflow_runs`.

use jiff::Timestamp;
use uuid::Uuid;

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::NewRun;
use belfry_core::run::Run;
use belfry_core::time::UnixMillis;

use super::rows;
use crate::connections::{Lease, Tx};
use crate::failed::Attempt;

/// The revision whose occurrences are recorded.
pub struct Recording {
    pub schedule: ScheduleId,
    pub workflow: WorkflowId,
    pub revision: i64,
}

/// Inserts `runs` as the revision says, `pending`, for whoever sweeps first when they are due; answers how many: a run whose
/// row stands is left out.
pub async fn insert_scheduled(tx: &Tx, recording: &Recording, runs: &[NewRun], now: UnixMillis) -> Attempt<usize> {
    if runs.is_empty() {
        return Ok(0);
    }
    let statement = "
        INSERT INTO workflow_runs (
            id, planned_at, workflow_id, workflow_version, schedule_id, schedule_revision, kind, reason, nominal_time, due_at,
            state, queue, delivery, publish_at, created_at
        )
        SELECT new.id, new.nominal, $5, revision.workflow_version, revision.schedule_id, revision.revision, 'scheduled', new.reason,
               new.nominal, new.due, 'pending', revision.queue, revision.delivery, greatest(new.due, $6), $6
        FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[]) AS new (id, nominal, due, reason)
        JOIN schedule_revisions revision
          ON revision.schedule_id = $7
         AND revision.revision = $8
        ON CONFLICT DO NOTHING";
    let ids: Vec<Uuid> = runs.iter().map(|run| run.id.0).collect();
    let nominal: Vec<Timestamp> = runs.iter().map(|run| run.nominal.to_timestamp()).collect();
    let due: Vec<Timestamp> = runs.iter().map(|run| run.due.to_timestamp()).collect();
    let reasons: Vec<&str> = runs.iter().map(|run| run.reason.as_str()).collect();
    let (workflow, schedule) = (recording.workflow.0, recording.schedule.0);
    tx.execute(statement, &[&ids, &nominal, &due, &reasons, &workflow, &now.to_timestamp(), &schedule, &recording.revision]).await
}

/// The schedule, or with `None` the whole workflow, is gone: what has not started ends, what runs goes on, and must not be
/// pending again. The conditions on what is live are those of its index, word for word.
pub async fn orphan(tx: &Tx, workflow: WorkflowId, schedule: Option<ScheduleId>, now: UnixMillis) -> Attempt<()> {
    let statement = "
        WITH live AS MATERIALIZED (
            SELECT planned_at, id
            FROM workflow_runs
            WHERE workflow_id = $1
              AND (schedule_id = $2 OR $2 IS NULL)
              AND state IN ('pending', 'queued', 'running')
              AND finished_at IS NULL
            ORDER BY id
            FOR NO KEY UPDATE
        )
        UPDATE workflow_runs run
        SET state = CASE run.state WHEN 'running' THEN 'running' ELSE 'cancelled' END,
            claim_epoch = run.claim_epoch + CASE run.state WHEN 'running' THEN 0 ELSE 1 END,
            finished_at = CASE run.state WHEN 'running' THEN NULL ELSE $3::timestamptz END,
            is_orphaned = TRUE
        FROM live
        WHERE run.planned_at = live.planned_at
          AND run.id = live.id";
    tx.execute(statement, &[&workflow.0, &schedule.map(|id| id.0), &now.to_timestamp()]).await?;
    Ok(())
}

/// With its result, and those of its nodes.
pub async fn find(db: &Lease, run: RunId) -> Attempt<Option<Run>> {
    let statement = format!(
        "SELECT {RUN}, {RESULT}
         FROM workflow_runs run
         {BESIDE_A_RUN}
         WHERE run.planned_at = $1
           AND run.id = $2"
    );
    let planned_at = run.planned_at().to_timestamp();
    let Some(row) = db.row(&statement, &[&planned_at, &run.0]).await? else { return Ok(None) };
    Ok(Some(Run { result: rows::result(&row)?, nodes: nodes(db, run).await?, ..rows::run(&row)? }))
}

pub async fn nodes(db: &Lease, run: RunId) -> Attempt<Vec<belfry_core::run::NodeResult>> {
    let statement = "
        SELECT node_id, state, output, output_truncated, log, error, attempts, started_at, finished_at, wait_until
        FROM run_nodes
        WHERE run_planned_at = $1
          AND run_id = $2
        ORDER BY place";
    rows::all(&db.rows(statement, &[&run.planned_at().to_timestamp(), &run.0]).await?, rows::node)
}

/// For [`rows::run`].
pub const RUN: &str = "
    run.id, run.workflow_id, workflow.name AS workflow_name, run.workflow_version, run.schedule_id, run.kind, run.rerun_of, run.reason,
    run.nominal_time, run.planned_at, run.due_at, run.state, run.queue, run.delivery,
    coalesce(run.input, revision.input) AS input, run.attempt, run.claim_epoch, run.claimed_by, run.claim_until,
    run.cancel_requested_at, run.publish_seq, run.publish_error, run.created_at, run.queued_at, run.started_at,
    run.finished_at, run.error, run.progress";

/// For [`rows::result`].
const RESULT: &str = "run.output, run.output_truncated, run.log";

/// Beside a `workflow_runs run`; one row of each.
pub const BESIDE_A_RUN: &str = "
    JOIN workflows workflow
      ON workflow.id = run.workflow_id
    LEFT JOIN schedule_revisions revision
           ON revision.schedule_id = run.schedule_id
          AND revision.revision = run.schedule_revision";

/// For [`rows::pending_run`].
pub const SELECT_PENDING: &str = "
    run.id, run.workflow_id, workflow.name AS workflow_name, run.workflow_version, run.queue, run.delivery, run.schedule_id,
    run.nominal_time, run.due_at, coalesce(run.input, revision.input)::text AS input, run.attempt, run.publish_seq,
    run.publish_failures";

/// `id` with the leading 48 bits of `at`.
pub fn planned_at(id: RunId, at: UnixMillis) -> RunId {
    let mut bytes = id.0.into_bytes();
    bytes[..6].copy_from_slice(&at.get().to_be_bytes()[2..]);
    RunId(Uuid::from_bytes(bytes))
}
