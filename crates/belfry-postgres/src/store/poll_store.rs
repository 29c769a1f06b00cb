//! Work for those who ask for it.

use async_trait::async_trait;

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Claim, ClaimedRun, PollStore, StoreResult};
use belfry_core::workflow::QueueName;

use super::PostgresStore;
use super::run_store::{self, Claimed};
use crate::connections::Tx;
use crate::failed::Attempt;

#[async_trait]
impl PollStore for PostgresStore {
    async fn claim_oldest(&self, queue: QueueName, token: ClaimToken, worker: String) -> StoreResult<Option<ClaimedRun>> {
        let tx = self.begin().await?;
        let claimed = claim_oldest(&tx, &queue, token, worker).await;
        Ok(tx.end(claimed).await?.map(Claimed::answer))
    }
}

async fn claim_oldest(tx: &Tx, queue: &QueueName, token: ClaimToken, worker: String) -> Attempt<Option<Claimed>> {
    let found = match held(tx, queue, token).await? {
        Some(held) => Some(held),
        None => oldest(tx, queue).await?,
    };
    let Some(run_id) = found else { return Ok(None) };
    Ok(run_store::claim(tx, &Claim { run_id, token, worker }).await?.ok())
}

/// What this very asker claimed when its answer was lost.
async fn held(tx: &Tx, queue: &QueueName, token: ClaimToken) -> Attempt<Option<RunId>> {
    let statement = "
        SELECT id
        FROM workflow_runs
        WHERE state = 'running'
          AND claim_until IS NOT NULL
          AND claim_token = $1
          AND queue = $2";
    let row = tx.row(statement, &[&token.0, &queue.as_str()]).await?;
    row.map(|row| Ok(RunId(row.try_get("id")?))).transpose()
}

/// Of each of the states, and of the queued of each count of redrives (which begin their index), the one that waits longest and
/// that nobody else has locked. A few are locked and one is taken: the others are passed over by those who ask at this instant,
/// who find the next ones.
async fn oldest(tx: &Tx, queue: &QueueName) -> Attempt<Option<RunId>> {
    let statement = "
        WITH pending AS MATERIALIZED (
            SELECT id
            FROM workflow_runs
            WHERE state = 'pending'
              AND publish_at IS NOT NULL
              AND queue = $1
              AND delivery = 'tracked'
              AND due_at <= store_now()
            ORDER BY publish_at, id
            LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        ),
        queued AS MATERIALIZED (
            SELECT waiting.id
            FROM generate_series(0, 5) AS redriven (times)
            CROSS JOIN LATERAL (
                SELECT id
                FROM workflow_runs
                WHERE state = 'queued'
                  AND queued_at IS NOT NULL
                  AND queue = $1
                  AND redrives = redriven.times
                  AND delivery = 'tracked'
                ORDER BY queued_at, id
                LIMIT 1
                FOR NO KEY UPDATE SKIP LOCKED
            ) AS waiting
        )
        SELECT id
        FROM (SELECT id FROM pending UNION ALL SELECT id FROM queued) AS oldest
        ORDER BY id
        LIMIT 1";
    let row = tx.row(statement, &[&queue.as_str()]).await?;
    row.map(|row| Ok(RunId(row.try_get("id")?))).transpose()
}
