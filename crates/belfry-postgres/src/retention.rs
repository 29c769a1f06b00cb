//! What is old goes: whole months of runs with the results of their nodes, and outcomes.
//!
//! Dropping a partition locks its whole table for a moment. Everybody who comes then waits behind whoever waits for that lock, so
//! it is waited for only briefly, and asked for again.

use std::time::Duration;

use belfry_core::ports::{StoreError, StoreResult};
use jiff::SignedDuration;
use tokio_postgres::Row;
use tracing::info;

use crate::connections::{Lease, Tx};
use crate::failed::{Attempt, Failed};
use crate::partitions;
use crate::pool::Pool;
use crate::store::conditions::as_limit;
use crate::store::schedule_store::as_millis;

/// How many times the lock is asked for, and the pause after each.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);
/// Outcomes that go by one statement.
const BATCH: usize = 5_000;

/// Answers how many partitions went. What it did stands, whatever fails after it: again goes on.
pub async fn drop_history(pool: &Pool, keep: SignedDuration) -> StoreResult<usize> {
    let mut dropped = 0;
    for month in old_months(pool, keep).await? {
        dropped += drop_month(pool, &month).await?;
    }
    while drop_outcomes(pool, keep).await? == BATCH {}
    Ok(dropped)
}

/// Those that ended that long ago, oldest first, as their partitions are named. Never the default one.
async fn old_months(pool: &Pool, keep: SignedDuration) -> StoreResult<Vec<String>> {
    let statement = "
        SELECT month
        FROM (
            SELECT substring(child.relname FROM '^workflow_runs_(\\d{4}_\\d{2})$') AS month
            FROM pg_inherits
            JOIN pg_class child
              ON child.oid = pg_inherits.inhrelid
            WHERE pg_inherits.inhparent = 'workflow_runs'::regclass
        ) partition
        WHERE month IS NOT NULL
          AND (to_date(month, 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC'
              <= store_now() - $1::bigint * interval '1 millisecond'
        ORDER BY month";
    let db = Lease::from(pool).await?;
    let found = db.rows(statement, &[&as_millis(keep)]).await;
    let month = |row: &Row| Ok(row.try_get("month")?);
    db.read(found.and_then(|found| found.iter().map(month).collect()))
}

/// Answers how many partitions went: those of the runs and of their nodes, or none.
async fn drop_month(pool: &Pool, month: &str) -> StoreResult<usize> {
    for _ in 1..TRIES {
        match try_to_drop(pool, month).await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
    try_to_drop(pool, month).await
}

async fn try_to_drop(pool: &Pool, month: &str) -> StoreResult<usize> {
    let tx = Tx::begin(pool).await?;
    let dropped = drop_partitions(&tx, month).await;
    let dropped = tx.end(dropped).await?;
    if dropped > 0 {
        info!(partitions.count = dropped, "dropped the history of {month}");
    }
    Ok(dropped)
}

async fn drop_partitions(tx: &Tx, month: &str) -> Attempt<usize> {
    tx.execute("SET LOCAL lock_timeout = '100ms'", &[]).await?;
    partitions::one_process_at_a_time(tx).await?;
    let standing = standing(tx, month).await?;
    // Without the tables' locks first: for a month that lives on nobody waits.
    if standing.is_empty() || lives(tx, month).await? {
        return Ok(0);
    }
    // In the order in which every verb comes to them. A verb locks a table before its partitions.
    tx.execute("LOCK TABLE ONLY workflow_runs IN ACCESS EXCLUSIVE MODE", &[]).await?;
    tx.execute("LOCK TABLE ONLY run_nodes IN ACCESS EXCLUSIVE MODE", &[]).await?;
    if lives(tx, month).await? {
        return Ok(0);
    }
    for partition in &standing {
        tx.execute(&format!("DROP TABLE {partition}"), &[]).await?;
    }
    Ok(standing.len())
}

/// The partitions of a month whose runs have one: another process may have been faster.
async fn standing(tx: &Tx, month: &str) -> Attempt<Vec<String>> {
    let mut standing = Vec::new();
    for table in ["workflow_runs", "run_nodes"] {
        let name = format!("{table}_{month}");
        if !partitions::stands(tx, &name).await? {
            return Ok(standing);
        }
        standing.push(name);
    }
    Ok(standing)
}

/// Whether the month has a run that has not ended.
async fn lives(tx: &Tx, month: &str) -> Attempt<bool> {
    // By the partial index of those, whatever the planner believes that there are: this runs under the lock.
    tx.execute("SET LOCAL enable_seqscan = off", &[]).await?;
    let statement = format!(
        "SELECT EXISTS (
             SELECT 1
             FROM workflow_runs_{month}
             WHERE state IN ('pending', 'queued', 'running')
               AND finished_at IS NULL
         ) AS lives"
    );
    Ok(tx.row(&statement, &[]).await?.ok_or(Failed::Silent)?.try_get("lives")?)
}

/// A batch of those that were recorded that long ago, so that no statement takes long; answers how many.
async fn drop_outcomes(pool: &Pool, keep: SignedDuration) -> StoreResult<usize> {
    let statement = "
        WITH old AS MATERIALIZED (
            SELECT ctid
            FROM occurrence_outcomes
            WHERE recorded_at < store_now() - $1::bigint * interval '1 millisecond'
            ORDER BY recorded_at
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        DELETE FROM occurrence_outcomes
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM old))";
    let db = Lease::from(pool).await?;
    let dropped = db.execute(statement, &[&as_millis(keep), &as_limit(BATCH)]).await;
    db.wrote(dropped)
}
