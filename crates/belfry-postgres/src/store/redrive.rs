//! Runs whose messages are lost, and what waits for its own to be sent.

use belfry_core::ports::{BACKLOG_COUNTED, BELIEF_TOLERANCE, Backlog, MAX_REDRIVES, REDRIVE_AFTER, Redrive, Redriven, StoreError};
use belfry_core::workflow::QueueName;

use super::conditions::as_limit;
use super::rows;
use super::schedule_store::as_millis;
use crate::connections::Lease;
use crate::failed::{Attempt, Failed};

/// From queue to queue along the index of what is queued, and in each one probe for every number of redrives: a million runs
/// that wait for a worker are not walked through.
pub async fn overdue_queues(db: &Lease) -> Attempt<Vec<QueueName>> {
    let statement = "
        WITH RECURSIVE queue (name) AS (
            (
                SELECT queue
                FROM workflow_runs
                WHERE state = 'queued'
                  AND queued_at > '-infinity'
                ORDER BY queue
                LIMIT 1
            )
            UNION ALL
            SELECT (
                SELECT run.queue
                FROM workflow_runs run
                WHERE run.state = 'queued'
                  AND run.queued_at > '-infinity'
                  AND run.queue > queue.name
                ORDER BY run.queue
                LIMIT 1
            )
            FROM queue
            WHERE queue.name IS NOT NULL
        )
        SELECT name AS queue
        FROM queue
        WHERE name IS NOT NULL
          AND EXISTS (
              SELECT 1
              FROM generate_series(0, $1::bigint) AS level (redrives)
              CROSS JOIN LATERAL (
                  SELECT 1
                  FROM workflow_runs run
                  WHERE run.state = 'queued'
                    AND run.queue = queue.name
                    AND run.redrives = level.redrives
                    AND run.queued_at <= store_now() - (power(2, level.redrives) * $2::bigint) * interval '1 millisecond'
                  ORDER BY run.queued_at
                  LIMIT 1
              ) overdue
          )
        ORDER BY name COLLATE \"C\"";
    rows::all(&db.rows(statement, &[&i64::from(MAX_REDRIVES), &as_millis(REDRIVE_AFTER)]).await?, rows::queue)
}

/// Chosen without a lock, in the order of waiting; then locked in the order of ids, and compared with what was chosen.
/// Nothing that is queued has a cancel asked or lost its schedule: both have ended it.
pub async fn redrive(db: &Lease, redrive: &Redrive) -> Attempt<Redriven> {
    let statement = "
        WITH overtaken AS MATERIALIZED (
            SELECT coalesce(max(queued_at) - $6::bigint * interval '1 millisecond', '-infinity') AS up_to
            FROM workflow_runs
            WHERE state = 'running'
              AND claim_until > '-infinity'
              AND queue = $1
              AND publish_seq = 1
        ),
        overdue AS MATERIALIZED (
            SELECT run.planned_at, run.id, run.publish_seq
            FROM generate_series(0, $5::bigint) AS level (redrives)
            CROSS JOIN LATERAL (
                SELECT planned_at, id, publish_seq, queued_at
                FROM workflow_runs
                WHERE state = 'queued'
                  AND queue = $1
                  AND redrives = level.redrives
                  AND queued_at <= least(store_now() - (power(2, level.redrives) * $6::bigint) * interval '1 millisecond',
                                         CASE WHEN $2::boolean THEN 'infinity' ELSE (SELECT up_to FROM overtaken) END)
                ORDER BY queued_at, id
                LIMIT $4
            ) run
            WHERE store_now() <= $3::timestamptz + $7::bigint * interval '1 millisecond'
            ORDER BY run.queued_at, run.id
            LIMIT $4
        ),
        lost AS MATERIALIZED (
            SELECT run.planned_at, run.id,
                   CASE WHEN run.redrives >= $5 THEN 'unclaimed' ELSE 'pending' END AS becomes
            FROM overdue
            JOIN workflow_runs run
              ON run.planned_at = overdue.planned_at
             AND run.id = overdue.id
            WHERE run.state = 'queued'
              AND run.publish_seq = overdue.publish_seq
            ORDER BY run.id
            FOR NO KEY UPDATE OF run SKIP LOCKED
        )
        UPDATE workflow_runs run
        SET state = becomes,
            redrives = run.redrives + CASE becomes WHEN 'pending' THEN 1 ELSE 0 END,
            publish_seq = run.publish_seq + CASE becomes WHEN 'pending' THEN 1 ELSE 0 END,
            publish_at = store_now(),
            publisher = NULL,
            finished_at = CASE WHEN becomes <> 'pending' THEN store_now() END,
            error = CASE becomes WHEN 'pending' THEN run.error ELSE $8 END
        FROM lost
        WHERE run.planned_at = lost.planned_at
          AND run.id = lost.id
        RETURNING run.state";
    let (most, after) = (i64::from(MAX_REDRIVES), as_millis(REDRIVE_AFTER));
    let (believed, tolerance) = (redrive.believed.to_timestamp(), as_millis(BELIEF_TOLERANCE));
    let error = format!("published {} times, and never claimed", MAX_REDRIVES + 1);
    let (queue, limit) = (redrive.queue.as_str(), as_limit(redrive.limit));
    let found = db.rows(statement, &[&queue, &redrive.nothing_ready, &believed, &limit, &most, &after, &tolerance, &error]).await?;
    let mut redriven = Redriven::default();
    for row in found {
        match row.try_get("state")? {
            "pending" => redriven.requeued += 1,
            "unclaimed" => redriven.unclaimed += 1,
            other => return Err(StoreError::Data(format!("a redriven run became {other}")).into()),
        }
    }
    Ok(redriven)
}

pub async fn backlog(db: &Lease) -> Attempt<Backlog> {
    let statement = "
        SELECT count(*) AS pending, min(greatest(created_at, due_at)) AS oldest
        FROM (
            SELECT created_at, due_at
            FROM workflow_runs
            WHERE state = 'pending'
              AND publish_at > '-infinity'
              AND due_at <= store_now()
            ORDER BY publish_at, id
            LIMIT $1
        ) counted";
    let row = db.row(statement, &[&as_limit(BACKLOG_COUNTED)]).await?.ok_or(Failed::Silent)?;
    let pending: i64 = row.try_get("pending")?;
    Ok(Backlog { pending: usize::try_from(pending).unwrap_or_default(), oldest: rows::instant_or_none(&row, "oldest")? })
}
