//! The daemon's verbs.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tracing::error;

use belfry_core::ids::{MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    BACKLOG_COUNTED, BELIEF_TOLERANCE, Backlog, DueKey, DueSchedule, Fire, FireAnswer, FireBatch, FireCode, FireResult, GiveBack, Look,
    Mark, Member, Membership, PendingRun, PublishLease, Reaped, Redrive, Redriven, ScheduleStore, StoreResult, Swept,
};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;

use super::runs::{self, Ended, Recording};
use super::schedules::{self, SELECT_SCHEDULES};
use super::{SqliteStore, members, redrive, rows};
use crate::failed::Attempt;
use crate::writer::Tx;

/// How many workers may be lost with one run.
const MAX_LOST_CLAIMS: i64 = 3;

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        Ok(self.clock_now())
    }

    async fn beat(&self, member: Member) -> StoreResult<Membership> {
        let store_now = self.clock_now();
        let (joined, members) = self.members.beat(member, store_now);
        Ok(Membership { joined, members, store_now })
    }

    async fn bury(&self, believed: UnixMillis) -> StoreResult<usize> {
        let now = self.clock_now();
        let dead = self.members.dead(now);
        if dead.is_empty() || now.since(believed).abs() > BELIEF_TOLERANCE {
            return Ok(0);
        }
        let buried = dead.clone();
        self.write(move |tx| buried.iter().try_for_each(|(member, _)| members::free(tx, *member))).await?;
        // Not before it is written: a burial that failed is for the next one.
        Ok(self.members.bury(&dead))
    }

    async fn leave(&self, member: MemberId) -> StoreResult<()> {
        self.write(move |tx| members::free(tx, member)).await?;
        self.members.remove(member);
        Ok(())
    }

    async fn look(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look> {
        let keys = self.read(move |connection| look(connection, shards, due_by, after, limit)).await?;
        Ok(Look { keys, store_now: self.clock_now() })
    }

    async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>> {
        let ids = ids.to_vec();
        self.read(move |connection| load(connection, &ids)).await
    }

    async fn fire(&self, batch: FireBatch) -> StoreResult<FireAnswer> {
        self.write(move |tx| {
            let fire_one = |fire| fire_one(tx, batch.publisher, fire);
            let results = batch.fires.iter().map(fire_one).collect::<Attempt<_>>()?;
            Ok(FireAnswer { results, store_now: tx.now })
        })
        .await
    }

    async fn pending(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>> {
        let ids = ids.to_vec();
        self.read(move |connection| runs::pending_of(connection, member.0, &ids)).await
    }

    async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Swept> {
        let except = except.to_vec();
        self.write(move |tx| Ok(Swept { runs: sweep(tx, publisher, &except, limit)?, store_now: tx.now })).await
    }

    async fn mark(&self, marks: &[Mark]) -> StoreResult<usize> {
        let marks = marks.to_vec();
        self.write(move |tx| {
            let mut update = tx.prepare_cached(
                "UPDATE workflow_runs
                 SET state = CASE delivery WHEN 'handoff' THEN 'delivered' ELSE 'queued' END,
                     queued_at = ?3,
                     finished_at = CASE delivery WHEN 'handoff' THEN ?3 END,
                     publish_failures = 0,
                     publish_error = NULL
                 WHERE id = ?1
                   AND state = 'pending'
                   AND publish_seq = ?2",
            )?;
            let mut marked = 0;
            for mark in marks {
                marked += update.execute(params![mark.run_id.0, mark.publish_seq, tx.now.get()])?;
            }
            Ok(marked)
        })
        .await
    }

    async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize> {
        let rows = rows.to_vec();
        self.write(move |tx| {
            let mut update = tx.prepare_cached(
                "UPDATE workflow_runs
                 SET publish_at = ?3,
                     publisher = NULL,
                     publish_failures = publish_failures + 1,
                     publish_error = ?4
                 WHERE id = ?1
                   AND state = 'pending'
                   AND publish_seq = ?2",
            )?;
            let mut given_back = 0;
            for row in rows {
                let publish_at = tx.now.plus(row.retry_in).get();
                given_back += update.execute(params![row.run_id.0, row.publish_seq, publish_at, row.error])?;
            }
            Ok(given_back)
        })
        .await
    }

    async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>> {
        let now = self.clock_now();
        self.read(move |connection| redrive::overdue_queues(connection, now)).await
    }

    async fn redrive(&self, redrive: Redrive) -> StoreResult<Redriven> {
        self.write(
            move |tx| {
                if is_disbelieved(tx.now, redrive.believed) { Ok(Redriven::default()) } else { redrive::redrive(tx, &redrive) }
            },
        )
        .await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        let now = self.clock_now();
        self.read(move |connection| backlog(connection, now)).await
    }

    async fn reap(&self, believed: UnixMillis, limit: usize) -> StoreResult<Reaped> {
        self.write(move |tx| if is_disbelieved(tx.now, believed) { Ok(Reaped::default()) } else { reap(tx, limit) }).await
    }
}

/// Whether the clock is too far ahead of what the caller believes for anything to run out by it.
fn is_disbelieved(now: UnixMillis, believed: UnixMillis) -> bool {
    now.since(believed) > BELIEF_TOLERANCE
}

fn look(connection: &Connection, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> Attempt<Vec<DueKey>> {
    // Every due key comes after the least instant and the nil id.
    let (after_due, after_id) = after.map_or((i64::MIN, uuid::Uuid::nil()), |key| (key.due.get(), key.id.0));
    let mut select = connection.prepare_cached(&format!(
        "SELECT id, revision, next_nominal_at, next_run_at
         FROM scheduled_workflows
         WHERE is_active AND next_run_at IS NOT NULL AND deleted_at IS NULL
           AND next_run_at <= ?1
           AND (next_run_at, id) > (?2, ?3)
           {}
         ORDER BY next_run_at, id
         LIMIT ?4",
        condition_of(shards)
    ))?;
    let key = |row: &rusqlite::Row<'_>| {
        Ok(DueKey {
            id: ScheduleId(row.get("id")?),
            revision: row.get("revision")?,
            nominal: rows::instant(row, "next_nominal_at")?,
            due: rows::instant(row, "next_run_at")?,
        })
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(select.query_map(params![due_by.get(), after_due, after_id, limit], key)?.collect::<Result<_, _>>()?)
}

/// As text: who lives changes seldom, so that the statement is found compiled again.
fn condition_of(shards: Shards) -> String {
    if shards == Shards::ALL {
        return String::new();
    }
    let numbers: Vec<String> = shards.iter().map(|shard| shard.to_string()).collect();
    format!("AND shard IN ({})", numbers.join(", "))
}

fn load(connection: &Connection, ids: &[ScheduleId]) -> Attempt<Vec<DueSchedule>> {
    let mut select = connection.prepare_cached(&format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.id = ?1
           AND schedule.deleted_at IS NULL"
    ))?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let due = |row: &rusqlite::Row<'_>| Ok(DueSchedule { schedule: rows::schedule(row)?, workflow: rows::facts(row)? });
        match select.query_row([id.0], due).optional() {
            // A row that cannot be read must not hold up the others.
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => error!(schedule.id = %id, "failed to read a schedule: {error}"),
            read => found.extend(read?),
        }
    }
    Ok(found)
}

/// Where a schedule stands, as a fire compares it.
struct Standing {
    workflow: WorkflowId,
    is_as_decided: bool,
    due: Option<UnixMillis>,
}

fn fire_one(tx: &Tx<'_>, publisher: Option<PublishLease>, fire: &Fire) -> Attempt<FireResult> {
    let refused = |code| Ok(FireResult { id: fire.id, code, runs: Vec::new(), conflicts: 0 });
    let Some(standing) = standing(tx, fire)? else { return refused(FireCode::Gone) };
    let Some(due) = standing.due.filter(|_| standing.is_as_decided) else { return refused(FireCode::Gone) };
    if due > fire.decided_at || fire.decided_at > tx.now {
        return refused(FireCode::Early);
    }
    let recording = Recording { schedule: fire.id, workflow: standing.workflow, revision: fire.revision, publisher };
    let runs = runs::insert_scheduled(tx, &recording, &fire.runs)?;
    schedules::insert_outcomes(tx, fire.id, fire.revision, &fire.outcomes)?;
    tx.prepare_cached(
        "UPDATE scheduled_workflows
         SET next_nominal_at = ?2,
             next_run_at = ?3,
             run_count = run_count + ?4,
             last_run_at = CASE WHEN ?4 > 0 THEN ?5 ELSE last_run_at END,
             failure_count = CASE WHEN ?6 IS NULL THEN 0 ELSE failure_count + 1 END,
             last_error = ?6
         WHERE id = ?1",
    )?
    .execute(params![
        fire.id.0,
        fire.next.nominal.map(UnixMillis::get),
        fire.next.due.map(UnixMillis::get),
        runs.len(),
        tx.now.get(),
        fire.failure,
    ])?;
    let conflicts = fire.runs.len() - runs.len();
    Ok(FireResult { id: fire.id, code: FireCode::Moved, runs, conflicts })
}

fn standing(tx: &Tx<'_>, fire: &Fire) -> Attempt<Option<Standing>> {
    let mut select = tx.prepare_cached(
        "SELECT workflow_id,
                coalesce(is_active AND deleted_at IS NULL AND revision = ?2 AND next_nominal_at = ?3, FALSE) AS is_as_decided,
                next_run_at
         FROM scheduled_workflows
         WHERE id = ?1",
    )?;
    let standing = |row: &rusqlite::Row<'_>| {
        Ok(Standing {
            workflow: WorkflowId(row.get("workflow_id")?),
            is_as_decided: row.get("is_as_decided")?,
            due: rows::instant_or_none(row, "next_run_at")?,
        })
    };
    Ok(select.query_row(params![fire.id.0, fire.revision, fire.nominal.get()], standing).optional()?)
}

fn sweep(tx: &Tx<'_>, publisher: PublishLease, except: &[QueueName], limit: usize) -> Attempt<Vec<PendingRun>> {
    let mut select = tx.prepare_cached(
        "SELECT id
         FROM workflow_runs
         WHERE state = 'pending'
           AND publish_at <= ?1
           AND queue NOT IN (SELECT value FROM json_each(?3))
         ORDER BY publish_at, id
         LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let except = serde_json::Value::from(except.iter().map(QueueName::as_str).collect::<Vec<_>>()).to_string();
    let taken: Vec<RunId> =
        select.query_map(params![tx.now.get(), limit, except], |row| row.get(0).map(RunId))?.collect::<Result<_, _>>()?;
    let mut update = tx.prepare_cached(
        "UPDATE workflow_runs
         SET publisher = ?2,
             publish_at = ?3,
             publish_seq = publish_seq + 1
         WHERE id = ?1",
    )?;
    for run in &taken {
        update.execute(params![run.0, publisher.member.0, tx.now.plus(publisher.lease).get()])?;
    }
    runs::pending_of(tx, publisher.member.0, &taken)
}

fn backlog(connection: &Connection, now: UnixMillis) -> Attempt<Backlog> {
    let mut select = connection.prepare_cached(
        "SELECT count(*) AS pending, min(max(created_at, due_at)) AS oldest
         FROM (SELECT created_at, due_at
               FROM workflow_runs
               WHERE state = 'pending'
                 AND due_at <= ?2
               ORDER BY publish_at, id
               LIMIT ?1)",
    )?;
    let backlog = |row: &rusqlite::Row<'_>| Ok(Backlog { pending: row.get("pending")?, oldest: rows::instant_or_none(row, "oldest")? });
    Ok(select.query_row(params![BACKLOG_COUNTED, now.get()], backlog)?)
}

fn reap(tx: &Tx<'_>, limit: usize) -> Attempt<Reaped> {
    let mut select = tx.prepare_cached(
        "SELECT id, lost_claims + 1 >= ?3 AND cancel_requested_at IS NULL AND NOT is_orphaned AS is_lost
         FROM workflow_runs
         WHERE state = 'running'
           AND claim_until <= ?1
         ORDER BY claim_until, id
         LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ran_out: Vec<(RunId, bool)> = select
        .query_map(params![tx.now.get(), limit, MAX_LOST_CLAIMS], |row| Ok((RunId(row.get("id")?), row.get("is_lost")?)))?
        .collect::<Result<_, _>>()?;
    let mut reaped = Reaped::default();
    for (run, is_lost) in ran_out {
        if is_lost {
            lose(tx, run)?;
            reaped.worker_lost += 1;
            continue;
        }
        match runs::take_from_claim(tx, run, 0, 1)? {
            Ended::Pending => reaped.requeued += 1,
            Ended::Cancelled => reaped.cancelled += 1,
        }
    }
    Ok(reaped)
}

fn lose(tx: &Tx<'_>, run: RunId) -> Attempt<()> {
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'worker_lost',
             claim_epoch = claim_epoch + 1,
             lost_claims = lost_claims + 1,
             claim_token = NULL,
             claim_until = NULL,
             finished_at = ?2
         WHERE id = ?1",
    )?
    .execute(params![run.0, tx.now.get()])?;
    Ok(())
}
