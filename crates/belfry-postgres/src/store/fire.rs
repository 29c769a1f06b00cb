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

/// The schedules come as arrays beside each other, and so do their runs and outcomes, of which each schedule names its first
/// and its last place.
///
/// `locked` decides: each comparison is on the row that it locks, so that READ COMMITTED compares the newest version. Locks
/// are taken in the order of ids, and none is waited for. A conflict has no target on purpose: a named one would let
/// violations of the other key through. What a run takes from its workflow comes from the revision that was decided on.
///
/// Whatever the planner believes of how many schedules come, it must find no join to do but by a table's index: of two lists
/// without one it pairs each with each, which took 100 ms for 500 schedules. So places stand where a join would, runs of a
/// schedule are counted one by one only where not all were inserted, and what did not move is found by `NOT IN`, which hashes.
const FIRE: &str = "
    WITH input AS MATERIALIZED (
        SELECT *
        FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
                    $7::text[], $8::int[], $9::int[], $10::int[], $11::int[])
             AS input (id, revision, nominal, decided_at, next_nominal_at, next_run_at, failure, first_run, last_run,
                       first_outcome, last_outcome)
    ),
    locked AS MATERIALIZED (
        SELECT schedule.workflow_id, input.*
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
        SELECT ($12::uuid[])[place], ($13::timestamptz[])[place], locked.workflow_id, revision.workflow_version, locked.id,
               locked.revision, 'scheduled', ($15::text[])[place], ($13::timestamptz[])[place], ($14::timestamptz[])[place],
               'pending', revision.queue, revision.delivery, $16, store_now() + $17::bigint * interval '1 millisecond', store_now()
        FROM locked
        JOIN schedule_revisions revision
          ON revision.schedule_id = locked.id
         AND revision.revision = locked.revision
        CROSS JOIN LATERAL generate_series(locked.first_run, locked.last_run) AS place
        ON CONFLICT DO NOTHING
        RETURNING id, schedule_id
    ),
    moved AS (
        UPDATE scheduled_workflows schedule
        SET next_nominal_at = locked.next_nominal_at,
            next_run_at = locked.next_run_at,
            run_count = schedule.run_count + inserted.count,
            last_run_at = CASE WHEN inserted.count > 0 THEN store_now() ELSE schedule.last_run_at END,
            failure_count = CASE WHEN locked.failure IS NULL THEN 0 ELSE schedule.failure_count + 1 END,
            last_error = locked.failure
        FROM locked
        CROSS JOIN LATERAL (
            SELECT CASE WHEN (SELECT count(*) FROM run) = (SELECT sum(last_run - first_run + 1) FROM locked)
                        THEN locked.last_run - locked.first_run + 1
                        ELSE (SELECT count(*) FROM run WHERE run.schedule_id = locked.id) END AS count
        ) inserted
        WHERE schedule.id = locked.id
        RETURNING schedule.id
    ),
    outcome AS (
        INSERT INTO occurrence_outcomes (schedule_id, revision, from_at, to_at, reason, recorded_at)
        SELECT locked.id, locked.revision, ($18::timestamptz[])[place], ($19::timestamptz[])[place], ($20::text[])[place], store_now()
        FROM locked
        CROSS JOIN LATERAL generate_series(locked.first_outcome, locked.last_outcome) AS place
    ),
    other AS MATERIALIZED (
        SELECT input.id,
               CASE WHEN schedule.id IS NULL OR schedule.revision <> input.revision
                         OR schedule.next_nominal_at IS DISTINCT FROM input.nominal OR schedule.next_run_at IS NULL
                         OR NOT schedule.is_active OR schedule.deleted_at IS NOT NULL THEN 'gone'
                    WHEN input.decided_at > store_now() OR schedule.next_run_at > input.decided_at THEN 'early'
                    ELSE 'locked' END AS code
        FROM input
        LEFT JOIN scheduled_workflows schedule
               ON schedule.id = input.id
        WHERE input.id NOT IN (SELECT id FROM moved)
    )
    SELECT store_now() AS now,
           ARRAY(SELECT id FROM run) AS runs,
           ARRAY(SELECT id FROM other) AS others,
           ARRAY(SELECT code FROM other) AS codes";

pub async fn fire(db: &Lease, batch: &FireBatch) -> Attempt<FireAnswer> {
    if batch.fires.is_empty() {
        return Ok(FireAnswer { results: Vec::new(), store_now: db.now().await? });
    }
    let arrays = Arrays::of(&batch.fires);
    let publisher = batch.publisher.map(|publisher| publisher.member.0);
    let lease = batch.publisher.map_or(0, |publisher| as_millis(publisher.lease));
    let answered = db.row(FIRE, &arrays.params(&publisher, &lease)).await?.ok_or(Failed::Silent)?;
    let mut inserted: HashSet<Uuid> = answered.try_get::<_, Vec<Uuid>>("runs")?.into_iter().collect();
    let others = others(&answered)?;
    let results = batch.fires.iter().map(|fire| match others.get(&fire.id) {
        Some(code) => FireResult { id: fire.id, code: *code, runs: Vec::new(), conflicts: 0 },
        None => moved(fire, &mut inserted),
    });
    Ok(FireAnswer { results: results.collect(), store_now: rows::instant(&answered, "now")? })
}

/// Why the schedules that did not move did not.
fn others(answered: &Row) -> Attempt<HashMap<ScheduleId, FireCode>> {
    let ids: Vec<Uuid> = answered.try_get("others")?;
    let codes: Vec<&str> = answered.try_get("codes")?;
    let code = |code: &str| match code {
        "gone" => Ok(FireCode::Gone),
        "early" => Ok(FireCode::Early),
        "locked" => Ok(FireCode::Locked),
        other => Err(StoreError::Data(format!("a fire was answered {other}"))),
    };
    ids.into_iter().zip(codes).map(|(id, word)| Ok((ScheduleId(id), code(word)?))).collect()
}

/// A fire that moved its schedule; its runs in its own order.
fn moved(fire: &Fire, inserted: &mut HashSet<Uuid>) -> FireResult {
    let runs: Vec<_> = fire.runs.iter().map(|run| run.id).filter(|id| inserted.remove(&id.0)).collect();
    FireResult { id: fire.id, code: FireCode::Moved, conflicts: fire.runs.len() - runs.len(), runs }
}

/// The parameters of [`FIRE`], a field each, in the order of the tables that they make. Places count from 1; where a schedule
/// has none, its last is before its first.
#[derive(Default)]
struct Arrays {
    id: Vec<Uuid>,
    revision: Vec<i64>,
    nominal: Vec<Timestamp>,
    decided_at: Vec<Timestamp>,
    next_nominal_at: Vec<Option<Timestamp>>,
    next_run_at: Vec<Option<Timestamp>>,
    failure: Vec<Option<String>>,
    first_run: Vec<i32>,
    last_run: Vec<i32>,
    first_outcome: Vec<i32>,
    last_outcome: Vec<i32>,
    run_id: Vec<Uuid>,
    run_nominal: Vec<Timestamp>,
    run_due: Vec<Timestamp>,
    run_reason: Vec<&'static str>,
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
        self.first_run.push(place(self.run_id.len() + 1));
        self.first_outcome.push(place(self.outcome_from.len() + 1));
        for run in &fire.runs {
            self.run_id.push(run.id.0);
            self.run_nominal.push(run.nominal.to_timestamp());
            self.run_due.push(run.due.to_timestamp());
            self.run_reason.push(run.reason.as_str());
        }
        for outcome in &fire.outcomes {
            self.outcome_from.push(outcome.from.to_timestamp());
            self.outcome_to.push(outcome.to.to_timestamp());
            self.outcome_reason.push(outcome.reason.as_str());
        }
        self.last_run.push(place(self.run_id.len()));
        self.last_outcome.push(place(self.outcome_from.len()));
    }

    fn params<'a>(&'a self, publisher: &'a Option<Uuid>, lease: &'a i64) -> [&'a (dyn ToSql + Sync); 20] {
        [
            &self.id,
            &self.revision,
            &self.nominal,
            &self.decided_at,
            &self.next_nominal_at,
            &self.next_run_at,
            &self.failure,
            &self.first_run,
            &self.last_run,
            &self.first_outcome,
            &self.last_outcome,
            &self.run_id,
            &self.run_nominal,
            &self.run_due,
            &self.run_reason,
            publisher,
            lease,
            &self.outcome_from,
            &self.outcome_to,
            &self.outcome_reason,
        ]
    }
}

/// A batch holds a few thousand rows.
fn place(place: usize) -> i32 {
    i32::try_from(place).unwrap_or(i32::MAX)
}
