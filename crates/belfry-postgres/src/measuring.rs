//! What a benchmark needs of the database beside the ports.

use belfry_core::ids::WorkflowId;
use belfry_core::ports::StoreResult;

use crate::connections::{Lease, Tx};
use crate::failed::{Attempt, Failed};
use crate::pool::Pool;

/// Everything that hangs on a workflow, from the leaves to the root.
const ERASE: [&str; 8] = [
    "DELETE FROM queue_messages USING workflow_runs run WHERE run.id = queue_messages.run_id AND run.workflow_id = $1",
    "DELETE FROM run_nodes USING workflow_runs run
     WHERE run.planned_at = run_nodes.run_planned_at AND run.id = run_nodes.run_id AND run.workflow_id = $1",
    "DELETE FROM workflow_runs WHERE workflow_id = $1",
    "DELETE FROM occurrence_outcomes USING scheduled_workflows schedule
     WHERE schedule.id = occurrence_outcomes.schedule_id AND schedule.workflow_id = $1",
    "DELETE FROM schedule_revisions USING scheduled_workflows schedule
     WHERE schedule.id = schedule_revisions.schedule_id AND schedule.workflow_id = $1",
    "DELETE FROM scheduled_workflows WHERE workflow_id = $1",
    "DELETE FROM workflow_versions WHERE workflow_id = $1",
    "DELETE FROM workflows WHERE id = $1",
];

pub async fn erase_workflow(pool: &Pool, workflow: WorkflowId) -> StoreResult<()> {
    let tx = Tx::begin(pool).await?;
    let erased = erase(&tx, workflow).await;
    tx.end(erased).await
}

async fn erase(tx: &Tx, workflow: WorkflowId) -> Attempt<()> {
    // A hundred thousand runs take longer than a verb may.
    tx.take_time().await?;
    for statement in ERASE {
        tx.execute_at_length(statement, &[&workflow.0]).await?;
    }
    Ok(())
}

pub async fn wal_position(pool: &Pool) -> StoreResult<u64> {
    let db = Lease::from(pool).await?;
    let found = db.rows("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS position", &[]).await;
    let rows = db.read(found)?;
    let position = rows.first().ok_or(Failed::Silent).and_then(|row| Ok(row.try_get::<_, i64>("position")?));
    position.map(|position| u64::try_from(position).unwrap_or(0)).map_err(Failed::without_doubt)
}
