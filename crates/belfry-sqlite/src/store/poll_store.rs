//! Work for those who ask for it.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Claim, ClaimedRun, PollStore, StoreResult};
use belfry_core::workflow::QueueName;

use super::SqliteStore;
use super::run_store::{self, Claimed};
use crate::failed::Attempt;
use crate::writer::Tx;

#[async_trait]
impl PollStore for SqliteStore {
    async fn claim_oldest(&self, queue: QueueName, token: ClaimToken, worker: String) -> StoreResult<Option<ClaimedRun>> {
        let claimed = self.write(move |tx| claim_oldest(tx, &queue, token, worker)).await?;
        Ok(claimed.map(Claimed::answer))
    }
}

fn claim_oldest(tx: &Tx<'_>, queue: &QueueName, token: ClaimToken, worker: String) -> Attempt<Option<Claimed>> {
    let found = match held(tx, queue, token)? {
        Some(held) => Some(held),
        None => oldest(tx, queue)?,
    };
    let Some(run_id) = found else { return Ok(None) };
    Ok(run_store::claim(tx, &Claim { run_id, token, worker })?.ok())
}

/// What this very asker claimed when its answer was lost.
fn held(tx: &Tx<'_>, queue: &QueueName, token: ClaimToken) -> Attempt<Option<RunId>> {
    let mut select = tx.prepare_cached(
        "SELECT id
         FROM workflow_runs
         WHERE state = 'running'
           AND claim_token = ?1
           AND queue = ?2",
    )?;
    Ok(select.query_row(params![token.0, queue.as_str()], |row| row.get(0).map(RunId)).optional()?)
}

/// Of each of the states, and of the queued of each count of redrives (which begin their index), the one that waits longest.
fn oldest(tx: &Tx<'_>, queue: &QueueName) -> Attempt<Option<RunId>> {
    let mut select = tx.prepare_cached(
        "SELECT min(id)
         FROM (
             SELECT id FROM (
                 SELECT id
                 FROM workflow_runs
                 WHERE state = 'pending'
                   AND queue = ?1
                   AND delivery = 'tracked'
                   AND due_at <= ?2
                 ORDER BY publish_at, id
                 LIMIT 1
             )
             UNION ALL
             SELECT id FROM (
                 SELECT id
                 FROM workflow_runs
                 WHERE state = 'queued'
                   AND queue = ?1
                   AND delivery = 'tracked'
                   AND redrives BETWEEN 0 AND 5
                 ORDER BY queued_at, id
                 LIMIT 1
             )
         )",
    )?;
    Ok(select.query_row(params![queue.as_str(), tx.now.get()], |row| row.get::<_, Option<uuid::Uuid>>(0))?.map(RunId))
}
