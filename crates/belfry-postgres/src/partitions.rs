//! The months of history: partitions made ahead, so that the default one stays empty.

use belfry_core::ports::StoreError;
use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};

use crate::connections::Tx;
use crate::failed::{Attempt, Failed};

/// How many months are made ahead of the current one.
const AHEAD: i32 = 3;
/// One process makes or drops partitions at a time; the others find it done.
const AT_WORK: i64 = 0x0062_656c_6672_7902;

/// A table that is partitioned by month, and how its partitions are kept.
struct Parent {
    table: &'static str,
    key: &'static str,
    /// What is updated as long as its runs live has room on its pages.
    storage: &'static str,
}

const PARENTS: [Parent; 2] = [
    Parent {
        table: "workflow_runs",
        key: "planned_at",
        storage: "WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)",
    },
    Parent { table: "run_nodes", key: "run_planned_at", storage: "WITH (fillfactor = 90)" },
];

pub async fn make(tx: &Tx) -> Attempt<usize> {
    // Moving what the default partition holds may take longer than a verb.
    tx.take_time().await?;
    one_process_at_a_time(tx).await?;
    let today = tx.now().await?.to_timestamp().to_zoned(TimeZone::UTC).date();
    let mut made = 0;
    for ahead in 0..=AHEAD {
        let first = month(today.first_of_month(), ahead)?;
        let next = month(today.first_of_month(), ahead + 1)?;
        for parent in &PARENTS {
            made += usize::from(make_one(tx, parent, first, next).await?);
        }
    }
    Ok(made)
}

/// Until the transaction ends.
pub async fn one_process_at_a_time(tx: &Tx) -> Attempt<()> {
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&AT_WORK]).await?;
    Ok(())
}

pub async fn stands(tx: &Tx, partition: &str) -> Attempt<bool> {
    Ok(tx.row("SELECT 1 WHERE to_regclass($1) IS NOT NULL", &[&partition]).await?.is_some())
}

/// False where it stands.
async fn make_one(tx: &Tx, parent: &Parent, first: Date, next: Date) -> Attempt<bool> {
    let Parent { table, key, storage } = parent;
    let name = format!("{table}_{}", first.strftime("%Y_%m"));
    if stands(tx, &name).await? {
        return Ok(false);
    }
    let (from, to) = (format!("'{first} 00:00:00+00'"), format!("'{next} 00:00:00+00'"));
    tx.execute(&format!("CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) {storage}"), &[]).await?;
    // A row of the month in the default partition would refuse the new one: such rows move first. Nobody writes between.
    tx.execute(&format!("LOCK TABLE {table}_default IN ACCESS EXCLUSIVE MODE"), &[]).await?;
    tx.execute_at_length(
        &format!(
            "WITH moved AS (
                 DELETE FROM {table}_default
                 WHERE {key} >= {from}
                   AND {key} < {to}
                 RETURNING *
             )
             INSERT INTO {name}
             SELECT * FROM moved"
        ),
        &[],
    )
    .await?;
    tx.execute(&format!("ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"), &[]).await?;
    Ok(true)
}

fn month(first: Date, ahead: i32) -> Attempt<Date> {
    first.checked_add(ahead.months()).map_err(|error| Failed::Port(StoreError::Data(error.to_string())))
}
