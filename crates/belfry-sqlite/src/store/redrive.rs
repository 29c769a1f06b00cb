//! Runs that are queued and that nobody claims: their messages may be lost.

use std::array;

use rusqlite::{Connection, OptionalExtension, params};

use belfry_core::ids::RunId;
use belfry_core::ports::{MAX_REDRIVES, REDRIVE_AFTER, Redrive, Redriven};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;

use super::rows;
use crate::failed::Attempt;
use crate::writer::Tx;

/// How often a run may have been redriven: never, and up to [`MAX_REDRIVES`] times.
const COUNTS: usize = MAX_REDRIVES as usize + 1;

const SELECT_NEXT_QUEUE: &str = "
    SELECT queue
    FROM workflow_runs
    WHERE state = 'queued'
      AND queue > ?1
    ORDER BY queue
    LIMIT 1";

const SELECT_OVERDUE: &str = "
    SELECT 1
    FROM workflow_runs
    WHERE state = 'queued'
      AND queue = ?1
      AND redrives = ?2
      AND queued_at <= ?3
    LIMIT 1";

/// For each count of redrives: up to when a run was queued whose interval is over by `now`.
fn overdue(now: UnixMillis) -> [UnixMillis; COUNTS] {
    array::from_fn(|redrives| now.minus(REDRIVE_AFTER.saturating_mul(1 << redrives)))
}

/// The queues that have such a run. From one queue to the next, and for each count to its longest queued run: what is not
/// overdue is not read, however much of it there is.
pub fn overdue_queues(connection: &Connection, now: UnixMillis) -> Attempt<Vec<QueueName>> {
    let mut next = connection.prepare_cached(SELECT_NEXT_QUEUE)?;
    let mut is_overdue = connection.prepare_cached(SELECT_OVERDUE)?;
    let mut queues: Vec<QueueName> = Vec::new();
    let mut last = String::new();
    while let Some(queue) = next.query_row([&last], |row| rows::queue(row, "queue")).optional()? {
        queue.as_str().clone_into(&mut last);
        for (redrives, queued_at) in overdue(now).into_iter().enumerate() {
            if is_overdue.exists(params![queue.as_str(), redrives, queued_at.get()])? {
                queues.push(queue);
                break;
            }
        }
    }
    Ok(queues)
}

pub fn redrive(tx: &Tx<'_>, redrive: &Redrive) -> Attempt<Redriven> {
    let queued_by = if redrive.nothing_ready {
        tx.now
    } else {
        let Some(claimed_up_to) = claimed_up_to(tx, &redrive.queue)? else { return Ok(Redriven::default()) };
        claimed_up_to.minus(REDRIVE_AFTER)
    };
    let mut redriven = Redriven::default();
    for (_, run, redrives) in lost(tx, &redrive.queue, queued_by, redrive.limit)? {
        if redrives < MAX_REDRIVES {
            requeue(tx, run)?;
            redriven.requeued += 1;
        } else {
            give_up(tx, run)?;
            redriven.unclaimed += 1;
        }
    }
    Ok(redriven)
}

/// When the latest of the queue's running runs was confirmed, of those that have one message only.
fn claimed_up_to(tx: &Tx<'_>, queue: &QueueName) -> Attempt<Option<UnixMillis>> {
    let mut select = tx.prepare_cached(
        "SELECT max(queued_at) AS queued_at
         FROM workflow_runs
         WHERE state = 'running'
           AND queue = ?1
           AND publish_seq = 1",
    )?;
    Ok(select.query_row([queue.as_str()], |row| rows::instant_or_none(row, "queued_at"))?)
}

/// The overdue runs of `queue` that were queued by `queued_by`, longest queued first, and how often each was redriven.
fn lost(tx: &Tx<'_>, queue: &QueueName, queued_by: UnixMillis, limit: usize) -> Attempt<Vec<(UnixMillis, RunId, u32)>> {
    let mut select = tx.prepare_cached(
        "SELECT queued_at, id, redrives
         FROM workflow_runs
         WHERE state = 'queued'
           AND queue = ?1
           AND redrives = ?2
           AND queued_at <= ?3
         ORDER BY queued_at, id
         LIMIT ?4",
    )?;
    let run = |row: &rusqlite::Row<'_>| Ok((rows::instant(row, "queued_at")?, RunId(row.get("id")?), row.get("redrives")?));
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for (redrives, queued_at) in overdue(tx.now).into_iter().enumerate() {
        let queued_at = queued_at.min(queued_by).get();
        found.extend(select.query_map(params![queue.as_str(), redrives, queued_at, most], run)?.collect::<Result<Vec<_>, _>>()?);
    }
    found.sort_unstable();
    found.truncate(limit);
    Ok(found)
}

fn requeue(tx: &Tx<'_>, run: RunId) -> Attempt<()> {
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'pending',
             redrives = redrives + 1,
             publish_seq = publish_seq + 1,
             publish_at = ?2,
             publisher = NULL
         WHERE id = ?1",
    )?
    .execute(params![run.0, tx.now.get()])?;
    Ok(())
}

fn give_up(tx: &Tx<'_>, run: RunId) -> Attempt<()> {
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'unclaimed',
             finished_at = ?2,
             error = ?3
         WHERE id = ?1",
    )?
    .execute(params![run.0, tx.now.get(), format!("published {COUNTS} times, and never claimed")])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use belfry_core::ports::WallClock;
    use rusqlite::StatementStatus;

    use super::*;
    use crate::Database;

    const NOW: UnixMillis = UnixMillis::EPOCH;

    struct Still;

    impl WallClock for Still {
        fn now(&self) -> UnixMillis {
            NOW
        }
    }

    #[test]
    fn however_much_is_queued_only_what_is_overdue_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        Database::open(&path, Arc::new(Still)).unwrap();
        let connection = Connection::open(&path).unwrap();
        // Of each count of redrives, ten thousand whose interval ends in a second; and one that was over a second ago.
        connection
            .execute_batch(
                "PRAGMA synchronous = OFF;
                 WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 60000)
                 INSERT INTO workflow_runs (
                     id, planned_at, workflow_id, workflow_version, kind, reason, due_at, state, queue, delivery, publish_at,
                     created_at, redrives, queued_at
                 )
                 SELECT randomblob(16), 0, randomblob(16), 1, 'manual', 'manual', 0, 'queued',
                        CASE n WHEN 60000 THEN 'lost' ELSE iif(n % 2, 'one', 'other') END, 'tracked', 0, 0,
                        n % 6, iif(n = 60000, -1000, 1000) - (30000 << (n % 6))
                 FROM n",
            )
            .unwrap();
        assert_eq!(overdue_queues(&connection, NOW).unwrap(), [QueueName::parse("lost").unwrap()]);
        for statement in [SELECT_NEXT_QUEUE, SELECT_OVERDUE] {
            let steps = connection.prepare_cached(statement).unwrap().get_status(StatementStatus::VmStep);
            // About a dozen for each of the 19 questions.
            assert!((1..1_000).contains(&steps), "{steps} steps: {statement}");
        }
    }
}
