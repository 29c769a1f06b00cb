//! The daemon's verbs.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::error;
use uuid::Uuid;

use belfry_core::ids::{MemberId, RunId, ScheduleId};
use belfry_core::ports::{
    BELIEF_TOLERANCE, Backlog, DueKey, DueSchedule, FireAnswer, FireBatch, GiveBack, Look, Mark, Member, Membership, PendingRun,
    PublishLease, Reaped, Redrive, Redriven, ScheduleStore, StoreError, StoreResult, Swept,
};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;

use super::conditions::as_limit;
use super::runs::SELECT_PENDING;
use super::schedules::SELECT_SCHEDULES;
use super::{PostgresStore, fire, members, redrive, rows};
use crate::connections::Lease;
use crate::failed::{Attempt, Failed};

/// How many workers may be lost with one run.
const MAX_LOST_CLAIMS: i64 = 3;

#[async_trait]
impl ScheduleStore for PostgresStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        let db = self.lease().await?;
        let now = db.now().await;
        db.read(now)
    }

    async fn beat(&self, member: Member) -> StoreResult<Membership> {
        let db = self.lease().await?;
        let beaten = members::beat(&db, member).await;
        db.wrote(beaten)
    }

    async fn bury(&self, believed: UnixMillis) -> StoreResult<usize> {
        let db = self.lease().await?;
        let buried = members::bury(&db, believed).await;
        db.wrote(buried)
    }

    async fn leave(&self, member: MemberId) -> StoreResult<()> {
        let db = self.lease().await?;
        let left = members::leave(&db, member).await;
        db.wrote(left)
    }

    async fn look(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look> {
        let db = self.lease().await?;
        let found = look(&db, shards, due_by, after, limit).await;
        db.read(found)
    }

    async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>> {
        let db = self.lease().await?;
        let found = load(&db, ids).await;
        db.read(found)
    }

    async fn fire(&self, batch: FireBatch) -> StoreResult<FireAnswer> {
        let db = self.lease().await?;
        let fired = fire::fire(&db, &batch).await;
        db.wrote(fired)
    }

    async fn pending(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>> {
        let db = self.lease().await?;
        let found = pending(&db, member, ids).await;
        db.read(found)
    }

    async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Swept> {
        let db = self.lease().await?;
        let swept = sweep(&db, publisher, except, limit).await;
        db.wrote(swept)
    }

    async fn mark(&self, marks: &[Mark]) -> StoreResult<usize> {
        let db = self.lease().await?;
        let marked = mark(&db, marks).await;
        db.wrote(marked)
    }

    async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize> {
        let db = self.lease().await?;
        let given_back = give_back(&db, rows).await;
        db.wrote(given_back)
    }

    async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>> {
        let db = self.lease().await?;
        let found = redrive::overdue_queues(&db).await;
        db.read(found)
    }

    async fn redrive(&self, redrive: Redrive) -> StoreResult<Redriven> {
        let db = self.lease().await?;
        let redriven = redrive::redrive(&db, &redrive).await;
        db.wrote(redriven)
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        let db = self.lease().await?;
        let found = redrive::backlog(&db).await;
        db.read(found)
    }

    async fn reap(&self, believed: UnixMillis, limit: usize) -> StoreResult<Reaped> {
        let db = self.lease().await?;
        let reaped = reap(&db, believed, limit).await;
        db.wrote(reaped)
    }
}

async fn look(db: &Lease, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> Attempt<Look> {
    if shards.is_empty() {
        return Ok(Look { keys: Vec::new(), store_now: db.now().await? });
    }
    // A member alone asks for no shard: the index knows none.
    let (of_shards, shards) = match shards {
        Shards::ALL => ("", Vec::new()),
        some => ("AND shard = ANY ($5)", some.iter().map(i16::from).collect()),
    };
    let statement = format!(
        "WITH due AS (
             SELECT id, revision, next_nominal_at, next_run_at
             FROM scheduled_workflows
             WHERE is_active AND next_run_at IS NOT NULL AND deleted_at IS NULL
               AND next_run_at <= $1
               AND (next_run_at, id) > (coalesce($2, '-infinity'::timestamptz), $3)
               {of_shards}
             ORDER BY next_run_at, id
             LIMIT $4
         )
         SELECT due.id, due.revision, due.next_nominal_at, due.next_run_at, clock.now
         FROM (SELECT store_now() AS now) clock
         LEFT JOIN due ON TRUE
         ORDER BY due.next_run_at, due.id"
    );
    let (after_due, after_id) = (after.map(|key| key.due.to_timestamp()), after.map_or(Uuid::nil(), |key| key.id.0));
    let (due_by, limit) = (due_by.to_timestamp(), as_limit(limit));
    let params: [&(dyn ToSql + Sync); 5] = [&due_by, &after_due, &after_id, &limit, &shards];
    let found = db.rows(&statement, if of_shards.is_empty() { &params[..4] } else { &params }).await?;
    let first = found.first().ok_or(Failed::Silent)?;
    let store_now = rows::instant(first, "now")?;
    // Where nothing is due, the one row has the clock alone.
    let is_empty = first.try_get::<_, Option<Uuid>>("id")?.is_none();
    let keys = if is_empty { Vec::new() } else { rows::all(&found, rows::due_key)? };
    Ok(Look { keys, store_now })
}

async fn load(db: &Lease, ids: &[ScheduleId]) -> Attempt<Vec<DueSchedule>> {
    let statement = format!(
        "{SELECT_SCHEDULES}
         JOIN unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
           ON wanted.id = schedule.id
         WHERE schedule.deleted_at IS NULL
         ORDER BY wanted.place"
    );
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut found = Vec::with_capacity(ids.len());
    for row in db.rows(&statement, &[&ids]).await? {
        match (rows::schedule(&row), rows::facts(&row)) {
            (Ok(schedule), Ok(workflow)) => found.push(DueSchedule { schedule, workflow }),
            // A row that cannot be read must not hold up the others.
            (Err(failed), _) | (_, Err(failed)) => {
                let id = ScheduleId(row.try_get("id")?);
                error!(schedule.id = %id, "failed to read a schedule: {}", failed.without_doubt());
            }
        }
    }
    Ok(found)
}

async fn pending(db: &Lease, member: MemberId, ids: &[RunId]) -> Attempt<Vec<PendingRun>> {
    let statement = format!(
        "SELECT {SELECT_PENDING}
         FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS wanted (id, planned_at, place)
         JOIN workflow_runs run
           ON run.planned_at = wanted.planned_at
          AND run.id = wanted.id
         JOIN workflows workflow
           ON workflow.id = run.workflow_id
         LEFT JOIN schedule_revisions revision
                ON revision.schedule_id = run.schedule_id
               AND revision.revision = run.schedule_revision
         WHERE run.state = 'pending'
           AND run.publisher = $3
         ORDER BY wanted.place"
    );
    let (ids, planned) = keys_of(ids.iter().copied());
    readable(&db.rows(&statement, &[&ids, &planned, &member.0]).await?)
}

/// A row that cannot be read must not hold up the others; it is looked at again when its lease is over.
fn readable(found: &[Row]) -> Attempt<Vec<PendingRun>> {
    let mut runs = Vec::with_capacity(found.len());
    for row in found {
        match rows::pending_run(row) {
            Ok(run) => runs.push(run),
            Err(failed) => {
                let id = RunId(row.try_get("id")?);
                error!(run.id = %id, "failed to read a run to publish: {}", failed.without_doubt());
            }
        }
    }
    Ok(runs)
}

/// What anyone may publish now; `$4` is empty.
const FREE: &str = "
    SELECT planned_at, id, publish_at
    FROM workflow_runs
    WHERE state = 'pending'
      AND publish_at <= store_now()
      AND $4::text[] = '{}'
    ORDER BY publish_at, id
    LIMIT $1
    FOR NO KEY UPDATE SKIP LOCKED";

/// Queue by queue, so that what waits in those of `$4` is not walked through. Compared as rows, and not by `queue = `, because with
/// that the planner takes the order for that of the index without the queue, and walks all of it.
const FREE_BUT_OF_SOME: &str = "
    WITH RECURSIVE waiting (queue) AS (
        (
            SELECT queue
            FROM workflow_runs
            WHERE state = 'pending'
              AND publish_at > '-infinity'
            ORDER BY queue
            LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT run.queue
            FROM workflow_runs run
            WHERE run.state = 'pending'
              AND run.publish_at > '-infinity'
              AND run.queue > waiting.queue
            ORDER BY run.queue
            LIMIT 1
        )
        FROM waiting
        WHERE waiting.queue IS NOT NULL
    )
    SELECT run.planned_at, run.id, run.publish_at
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT planned_at, id, publish_at
        FROM workflow_runs
        WHERE state = 'pending'
          AND queue >= waiting.queue
          AND publish_at > '-infinity'
          AND (queue, publish_at) <= (waiting.queue, store_now())
        ORDER BY queue, publish_at, id
        LIMIT $1
        FOR NO KEY UPDATE SKIP LOCKED
    ) run
    WHERE waiting.queue <> ALL ($4)
    ORDER BY run.publish_at, run.id
    LIMIT $1";

async fn sweep(db: &Lease, publisher: PublishLease, except: &[QueueName], limit: usize) -> Attempt<Swept> {
    let free = if except.is_empty() { FREE } else { FREE_BUT_OF_SOME };
    // Materialized: a limit inside a plain sub-select may be run anew, and lock more rows than it says.
    let statement = format!(
        "WITH free AS MATERIALIZED ({free}),
         run AS (
             UPDATE workflow_runs run
             SET publisher = $2,
                 publish_at = store_now() + $3::bigint * interval '1 millisecond',
                 publish_seq = run.publish_seq + 1
             FROM free
             WHERE run.planned_at = free.planned_at
               AND run.id = free.id
             RETURNING run.*, free.publish_at AS was_free_at
         )
         SELECT {SELECT_PENDING}, clock.now
         FROM (SELECT store_now() AS now) clock
         LEFT JOIN run
                ON TRUE
         LEFT JOIN workflows workflow
                ON workflow.id = run.workflow_id
         LEFT JOIN schedule_revisions revision
                ON revision.schedule_id = run.schedule_id
               AND revision.revision = run.schedule_revision
         ORDER BY run.was_free_at, run.id"
    );
    let lease = as_millis(publisher.lease);
    let except: Vec<&str> = except.iter().map(QueueName::as_str).collect();
    let found = db.rows(&statement, &[&as_limit(limit), &publisher.member.0, &lease, &except]).await?;
    let first = found.first().ok_or(Failed::Silent)?;
    let store_now = rows::instant(first, "now")?;
    let is_empty = first.try_get::<_, Option<Uuid>>("id")?.is_none();
    let runs = if is_empty { Vec::new() } else { readable(&found)? };
    Ok(Swept { runs, store_now })
}

async fn mark(db: &Lease, marks: &[Mark]) -> Attempt<usize> {
    // Locked in the order of ids by a statement part of its own: without it, marks and cancels deadlock.
    let statement = "
        WITH published AS MATERIALIZED (
            SELECT run.planned_at, run.id
            FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) AS mark (id, planned_at, publish_seq)
            JOIN workflow_runs run
              ON run.planned_at = mark.planned_at
             AND run.id = mark.id
            WHERE run.state = 'pending'
              AND run.publish_seq = mark.publish_seq
            ORDER BY run.id
            FOR NO KEY UPDATE OF run
        )
        UPDATE workflow_runs run
        SET state = CASE run.delivery WHEN 'handoff' THEN 'delivered' ELSE 'queued' END,
            queued_at = store_now(),
            finished_at = CASE run.delivery WHEN 'handoff' THEN store_now() END,
            publish_failures = 0,
            publish_error = NULL
        FROM published
        WHERE run.planned_at = published.planned_at
          AND run.id = published.id";
    let (ids, planned) = keys_of(marks.iter().map(|mark| mark.run_id));
    let seqs: Vec<i64> = marks.iter().map(|mark| mark.publish_seq).collect();
    db.execute(statement, &[&ids, &planned, &seqs]).await
}

async fn give_back(db: &Lease, given: &[GiveBack]) -> Attempt<usize> {
    let statement = "
        WITH held AS MATERIALIZED (
            SELECT run.planned_at, run.id, given.retry_in, given.error
            FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::text[])
                 AS given (id, planned_at, publish_seq, retry_in, error)
            JOIN workflow_runs run
              ON run.planned_at = given.planned_at
             AND run.id = given.id
            WHERE run.state = 'pending'
              AND run.publish_seq = given.publish_seq
            ORDER BY run.id
            FOR NO KEY UPDATE OF run
        )
        UPDATE workflow_runs run
        SET publish_at = store_now() + held.retry_in * interval '1 millisecond',
            publisher = NULL,
            publish_failures = run.publish_failures + 1,
            publish_error = held.error
        FROM held
        WHERE run.planned_at = held.planned_at
          AND run.id = held.id";
    let (ids, planned) = keys_of(given.iter().map(|row| row.run_id));
    let seqs: Vec<i64> = given.iter().map(|row| row.publish_seq).collect();
    let pauses: Vec<i64> = given.iter().map(|row| as_millis(row.retry_in)).collect();
    let errors: Vec<String> = given.iter().map(|row| rows::text(&row.error)).collect();
    db.execute(statement, &[&ids, &planned, &seqs, &pauses, &errors]).await
}

async fn reap(db: &Lease, believed: UnixMillis, limit: usize) -> Attempt<Reaped> {
    let statement = "
        WITH ran_out AS MATERIALIZED (
            SELECT planned_at, id,
                   CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN 'cancelled'
                        WHEN lost_claims + 1 >= $2 THEN 'worker_lost'
                        ELSE 'pending' END AS becomes
            FROM workflow_runs
            WHERE state = 'running'
              AND claim_until <= store_now()
              AND store_now() <= $3::timestamptz + $4::bigint * interval '1 millisecond'
            ORDER BY claim_until, id
            LIMIT $1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE workflow_runs run
        SET state = becomes,
            finished_at = CASE WHEN becomes <> 'pending' THEN store_now() END,
            publish_seq = run.publish_seq + CASE becomes WHEN 'pending' THEN 1 ELSE 0 END,
            publish_at = store_now(),
            publisher = NULL,
            claim_epoch = run.claim_epoch + 1,
            claimed_by = CASE WHEN becomes <> 'pending' THEN run.claimed_by END,
            claim_until = NULL,
            lost_claims = run.lost_claims + 1
        FROM ran_out
        WHERE run.planned_at = ran_out.planned_at
          AND run.id = ran_out.id
        RETURNING run.state";
    let mut reaped = Reaped::default();
    let (believed, tolerance) = (believed.to_timestamp(), as_millis(BELIEF_TOLERANCE));
    for row in db.rows(statement, &[&as_limit(limit), &MAX_LOST_CLAIMS, &believed, &tolerance]).await? {
        match row.try_get("state")? {
            "pending" => reaped.requeued += 1,
            "worker_lost" => reaped.worker_lost += 1,
            "cancelled" => reaped.cancelled += 1,
            other => return Err(StoreError::Data(format!("a reaped run became {other}")).into()),
        }
    }
    Ok(reaped)
}

/// Ids, and the instants that lead them: together they find a run in its partition.
fn keys_of(ids: impl Iterator<Item = RunId>) -> (Vec<Uuid>, Vec<Timestamp>) {
    ids.map(|id| (id.0, id.planned_at().to_timestamp())).unzip()
}

pub fn as_millis(length: jiff::SignedDuration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}
