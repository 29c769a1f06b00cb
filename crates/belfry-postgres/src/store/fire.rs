//! The fire: one statement, a compare-and-set that records the runs of due occurrences and moves their schedules on.
//!
//! In autocommit, so that a daemon that is frozen between two statements holds no lock.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use belfry_core::ids::ScheduleId;
use belfry_core::ports::{Fire, FireAnswer, FireBatch, FireCode, FireResult, StoreError};

use super::rows;
use super::schedule_store::as_millis;
use crate::connections::Lease;
use crate::failed::{Attempt, Failed};

/// The schedules come as arrays beside each other, and so do their runs and outcomes.
///
/// `locked` decides: each comparison is on the row that it locks, so that READ COMMITTED compares the newest version. Locks
/// are taken in the order of ids, and none is waited for. A conflict has no target on purpose: a named one would let
/// violations of the other key through. What a run takes from its workflow comes from the revision that was decided on.
const FIRE: &str = "
    WITH input AS MATERIALIZED (
        SELECT *
        FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[])
             AS input (id, revision, nominal, decided_at, next_nominal_at, next_run_at, failure)
    ),
    locked AS MATERIALIZED (
        SELECT schedule.id, schedule.workflow_id, input.revision, input.next_nominal_at, input.next_run_at, input.failure
        FROM input
        JOIN scheduled_workflows schedule
          ON schedule.id = input.id
        WHERE schedule.revision = input.revision
          AND schedule.next_nominal_at = input.nominal
          AND schedule.is_active
          AND schedule.deleted_at IS NULL
          AND schedule.next_run_at <= input.decided_at
          AND input.decided_at <= store_now()
        ORDER BY schedule.id
        FOR NO KEY UPDATE OF schedule SKIP LOCKED
    ),
    run AS (
        INSERT INTO workflow_runs (
            id, planned_at, workflow_id, workflow_version, schedule_id, schedule_revision, kind, reason, nominal_time, due_at,
            state, queue, delivery, publisher, publish_at, created_at
        )
        SELECT new.id, new.nominal, locked.workflow_id, revision.workflow_version, locked.id, locked.revision, 'scheduled',
               new.reason, new.nominal, new.due, 'pending', revision.queue, revision.delivery, $16,
               store_now() + $17::bigint * interval '1 millisecond', store_now()
        FROM unnest($8::uuid[], $9::uuid[], $10::timestamptz[], $11::timestamptz[], $12::text[])
             AS new (schedule_id, id, nominal, due, reason)
        JOIN locked
          ON locked.id = new.schedule_id
        JOIN schedule_revisions revision
          ON revision.schedule_id = locked.id
         AND revision.revision = locked.revision
        ON CONFLICT DO NOTHING
        RETURNING id, schedule_id
    ),
    inserted AS (
        SELECT schedule_id, count(*) AS count, array_agg(id) AS ids
        FROM run
        GROUP BY schedule_id
    ),
    moved AS (
        UPDATE scheduled_workflows schedule
        SET next_nominal_at = locked.next_nominal_at,
            next_run_at = locked.next_run_at,
            run_count = schedule.run_count + coalesce(inserted.count, 0),
            last_run_at = CASE WHEN inserted.count > 0 THEN store_now() ELSE schedule.last_run_at END,
            failure_count = CASE WHEN locked.failure IS NULL THEN 0 ELSE schedule.failure_count + 1 END,
            last_error = locked.failure
        FROM locked
        LEFT JOIN inserted
               ON inserted.schedule_id = locked.id
        WHERE schedule.id = locked.id
        RETURNING schedule.id
    ),
    outcome AS (
        INSERT INTO occurrence_outcomes (schedule_id, revision, from_at, to_at, reason, recorded_at)
        SELECT locked.id, locked.revision, new.from_at, new.to_at, new.reason, store_now()
        FROM unnest($13::uuid[], $14::timestamptz[], $15::timestamptz[], $18::text[]) AS new (schedule_id, from_at, to_at, reason)
        JOIN locked
          ON locked.id = new.schedule_id
    )
    SELECT input.id,
           CASE WHEN moved.id IS NOT NULL THEN 'moved'
                WHEN schedule.id IS NULL OR schedule.revision <> input.revision
                     OR schedule.next_nominal_at IS DISTINCT FROM input.nominal OR schedule.next_run_at IS NULL
                     OR NOT schedule.is_active OR schedule.deleted_at IS NOT NULL THEN 'gone'
                WHEN input.decided_at > store_now() OR schedule.next_run_at > input.decided_at THEN 'early'
                ELSE 'locked' END AS code,
           inserted.ids,
           store_now() AS now
    FROM input
    LEFT JOIN moved
           ON moved.id = input.id
    LEFT JOIN inserted
           ON inserted.schedule_id = input.id
    LEFT JOIN scheduled_workflows schedule
           ON schedule.id = input.id";

pub async fn fire(db: &Lease, batch: &FireBatch) -> Attempt<FireAnswer> {
    if batch.fires.is_empty() {
        return Ok(FireAnswer { results: Vec::new(), store_now: db.now().await? });
    }
    let arrays = Arrays::of(&batch.fires);
    let publisher = batch.publisher.map(|publisher| publisher.member.0);
    let lease = batch.publisher.map_or(0, |publisher| as_millis(publisher.lease));
    let answered = db.rows(FIRE, &arrays.params(&publisher, &lease)).await?;
    let first = answered.first().ok_or(Failed::Silent)?;
    let store_now = rows::instant(first, "now")?;
    let mut by_schedule = HashMap::with_capacity(answered.len());
    for row in &answered {
        by_schedule.insert(ScheduleId(row.try_get("id")?), row);
    }
    let result = |fire: &Fire| match by_schedule.get(&fire.id) {
        Some(row) => result(fire, row),
        None => Err(StoreError::Data(format!("the schedule {} was not answered", fire.id)).into()),
    };
    Ok(FireAnswer { results: batch.fires.iter().map(result).collect::<Attempt<_>>()?, store_now })
}

/// What a fire came to; its runs in its own order.
fn result(fire: &Fire, row: &Row) -> Attempt<FireResult> {
    let code = rows::word(row, "code", |code| match code {
        "moved" => Some(FireCode::Moved),
        "gone" => Some(FireCode::Gone),
        "early" => Some(FireCode::Early),
        "locked" => Some(FireCode::Locked),
        _ => None,
    })?;
    let mut inserted: HashSet<Uuid> = row.try_get::<_, Option<Vec<Uuid>>>("ids")?.unwrap_or_default().into_iter().collect();
    let runs: Vec<_> = fire.runs.iter().map(|run| run.id).filter(|id| inserted.remove(&id.0)).collect();
    let conflicts = if code == FireCode::Moved { fire.runs.len() - runs.len() } else { 0 };
    Ok(FireResult { id: fire.id, code, runs, conflicts })
}

/// The parameters of [`FIRE`], a field each, in the order of the tables that they make.
#[derive(Default)]
struct Arrays {
    id: Vec<Uuid>,
    revision: Vec<i64>,
    nominal: Vec<Timestamp>,
    decided_at: Vec<Timestamp>,
    next_nominal_at: Vec<Option<Timestamp>>,
    next_run_at: Vec<Option<Timestamp>>,
    failure: Vec<Option<String>>,
    run_schedule: Vec<Uuid>,
    run_id: Vec<Uuid>,
    run_nominal: Vec<Timestamp>,
    run_due: Vec<Timestamp>,
    run_reason: Vec<&'static str>,
    outcome_schedule: Vec<Uuid>,
    outcome_from: Vec<Timestamp>,
    outcome_to: Vec<Timestamp>,
    outcome_reason: Vec<&'static str>,
}

impl Arrays {
    fn of(fires: &[Fire]) -> Arrays {
        let mut arrays = Arrays::default();
        for fire in fires {
            arrays.add(fire);
        }
        arrays
    }

    fn add(&mut self, fire: &Fire) {
        self.id.push(fire.id.0);
        self.revision.push(fire.revision);
        self.nominal.push(fire.nominal.to_timestamp());
        self.decided_at.push(fire.decided_at.to_timestamp());
        self.next_nominal_at.push(rows::at(fire.next.nominal));
        self.next_run_at.push(rows::at(fire.next.due));
        self.failure.push(fire.failure.as_deref().map(rows::text));
        for run in &fire.runs {
            self.run_schedule.push(fire.id.0);
            self.run_id.push(run.id.0);
            self.run_nominal.push(run.nominal.to_timestamp());
            self.run_due.push(run.due.to_timestamp());
            self.run_reason.push(run.reason.as_str());
        }
        for outcome in &fire.outcomes {
            self.outcome_schedule.push(fire.id.0);
            self.outcome_from.push(outcome.from.to_timestamp());
            self.outcome_to.push(outcome.to.to_timestamp());
            self.outcome_reason.push(outcome.reason.as_str());
        }
    }

    fn params<'a>(&'a self, publisher: &'a Option<Uuid>, lease: &'a i64) -> [&'a (dyn ToSql + Sync); 18] {
        [
            &self.id,
            &self.revision,
            &self.nominal,
            &self.decided_at,
            &self.next_nominal_at,
            &self.next_run_at,
            &self.failure,
            &self.run_schedule,
            &self.run_id,
            &self.run_nominal,
            &self.run_due,
            &self.run_reason,
            &self.outcome_schedule,
            &self.outcome_from,
            &self.outcome_to,
            publisher,
            lease,
            &self.outcome_reason,
        ]
    }
}
