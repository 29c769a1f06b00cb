//! Runs, for workers and for those who look at them.

use async_trait::async_trait;
use jiff::SignedDuration;
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde_json::Value;

use belfry_core::ids::RunId;
use belfry_core::ports::{
    Beat, Cancelled, Claim, ClaimAnswer, ClaimedRun, Conflict, Finish, FinishAnswer, Page, RunFilter, RunStore, StoreError, StoreResult,
};
use belfry_core::run::{NodeResult, Run, RunResult, RunState};
use belfry_core::schedule::ScheduleContent;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::Delivery;

use super::conditions::{Conditions, page};
use super::runs::{self, select_runs};
use super::{SqliteStore, rows};
use crate::failed::Attempt;
use crate::writer::Tx;

/// How long a run is its worker's after a claim or a heartbeat.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);

#[async_trait]
impl RunStore for SqliteStore {
    async fn claim(&self, claim: Claim) -> StoreResult<ClaimAnswer> {
        let claimed = match self.write(move |tx| self::claim(tx, &claim)).await? {
            Ok(claimed) => claimed,
            Err(refused) => return Ok(refused),
        };
        Ok(ClaimAnswer::Claimed(Box::new(claimed.answer())))
    }

    async fn heartbeat(&self, run: RunId, epoch: i64, progress: Option<String>) -> StoreResult<Beat> {
        self.write(move |tx| {
            let mut update = tx.prepare_cached(
                "UPDATE workflow_runs
                 SET claim_until = ?3,
                     progress = coalesce(?4, progress)
                 WHERE id = ?1
                   AND state = 'running'
                   AND claim_epoch = ?2
                 RETURNING claim_until, cancel_requested_at IS NOT NULL AS cancel_requested",
            )?;
            let alive = |row: &rusqlite::Row<'_>| {
                Ok(Beat::Alive { claim_until: rows::instant(row, "claim_until")?, cancel_requested: row.get("cancel_requested")? })
            };
            let beat = update.query_row(params![run.0, epoch, tx.now.plus(CLAIM).get(), progress], alive).optional()?;
            Ok(beat.unwrap_or(Beat::Stale))
        })
        .await
    }

    async fn record_node(&self, run: RunId, epoch: i64, result: NodeResult) -> StoreResult<bool> {
        self.write(move |tx| record_node(tx, run, epoch, &result)).await
    }

    async fn finish(&self, run: RunId, epoch: i64, finish: Finish) -> StoreResult<FinishAnswer> {
        self.write(move |tx| self::finish(tx, run, epoch, &finish)).await
    }

    async fn release(&self, run: RunId, epoch: i64) -> StoreResult<bool> {
        self.write(move |tx| {
            let is_claimed = is_claimed(tx, run, epoch)?;
            if is_claimed {
                runs::take_from_claim(tx, run, 1, 0)?;
            }
            Ok(is_claimed)
        })
        .await
    }

    async fn cancel(&self, run: RunId) -> StoreResult<Cancelled> {
        self.write(move |tx| cancel(tx, run)).await
    }

    async fn run(&self, run: RunId) -> StoreResult<Run> {
        self.read(move |connection| Ok(runs::find(connection, run)?.ok_or(StoreError::NotFound("run"))?)).await
    }

    async fn runs(&self, filter: RunFilter) -> StoreResult<Page<Run>> {
        self.read(move |connection| list(connection, filter)).await
    }
}

/// What a claim reads.
pub struct Claimed {
    run: Run,
    definition: Value,
    /// Of the run's revision.
    content: Option<ScheduleContent>,
}

impl Claimed {
    /// Not on the writer's thread: searching the spec takes its time.
    pub fn answer(self) -> ClaimedRun {
        ClaimedRun::of(self.run, self.definition, self.content.as_ref())
    }
}

/// `Err`: the answer to one that may not have it.
pub fn claim(tx: &Tx<'_>, claim: &Claim) -> Attempt<Result<Claimed, ClaimAnswer>> {
    let id = claim.run_id.0;
    let mut update = tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'running',
             attempt = attempt + 1,
             claim_epoch = claim_epoch + 1,
             claim_token = ?2,
             claimed_by = ?3,
             claim_until = ?4,
             started_at = coalesce(started_at, ?5),
             publish_failures = 0,
             publish_error = NULL,
             redrives = 0,
             progress = NULL
         WHERE id = ?1
           AND state IN ('pending', 'queued')
           AND delivery = 'tracked'
           AND cancel_requested_at IS NULL
           AND (due_at <= ?5 OR publish_seq > 1 OR publisher IS NOT NULL)",
    )?;
    let claim_until = tx.now.plus(CLAIM).get();
    let is_claimed = update.execute(params![id, claim.token.0, claim.worker, claim_until, tx.now.get()])? == 1;
    let Some(run) = runs::find(tx, claim.run_id)? else { return Ok(Err(ClaimAnswer::Refused(None))) };
    if run.delivery == Delivery::Handoff {
        return Ok(Err(ClaimAnswer::Handoff));
    }
    if !is_claimed && !holds(tx, claim)? {
        return Ok(Err(ClaimAnswer::Refused(Some(run.state))));
    }
    let definition = tx
        .prepare_cached(
            "SELECT definition
             FROM workflow_versions
             WHERE workflow_id = ?1
               AND version = ?2",
        )?
        .query_row(params![run.workflow_id.0, run.workflow_version], |row| rows::json(row, "definition"))?;
    let content = tx
        .prepare_cached(
            "SELECT revision.content
             FROM workflow_runs run
             JOIN schedule_revisions revision
               ON revision.schedule_id = run.schedule_id
              AND revision.revision = run.schedule_revision
             WHERE run.id = ?1",
        )?
        .query_row([id], |row| rows::json(row, "content"))
        .optional()?;
    Ok(Ok(Claimed { run, definition, content }))
}

/// Whether the run is held by this very claim, whose answer was lost.
fn holds(tx: &Tx<'_>, claim: &Claim) -> Attempt<bool> {
    let mut select = tx.prepare_cached(
        "SELECT 1
         FROM workflow_runs
         WHERE id = ?1
           AND state = 'running'
           AND claim_token = ?2",
    )?;
    Ok(select.exists(params![claim.run_id.0, claim.token.0])?)
}

fn is_claimed(tx: &Tx<'_>, run: RunId, epoch: i64) -> Attempt<bool> {
    let mut select = tx.prepare_cached(
        "SELECT 1
         FROM workflow_runs
         WHERE id = ?1
           AND state = 'running'
           AND claim_epoch = ?2",
    )?;
    Ok(select.exists(params![run.0, epoch])?)
}

fn record_node(tx: &Tx<'_>, run: RunId, epoch: i64, result: &NodeResult) -> Attempt<bool> {
    if !is_claimed(tx, run, epoch)? {
        return Ok(false);
    }
    tx.prepare_cached(
        "INSERT INTO run_nodes (
             run_id, node_id, state, output, output_truncated, log, error, attempts, started_at, finished_at, wait_until
         )
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (run_id, node_id) DO UPDATE
         SET state = excluded.state,
             output = excluded.output,
             output_truncated = excluded.output_truncated,
             log = excluded.log,
             error = excluded.error,
             attempts = excluded.attempts,
             started_at = excluded.started_at,
             finished_at = excluded.finished_at,
             wait_until = excluded.wait_until
         WHERE run_nodes.state NOT IN ('succeeded', 'failed', 'skipped')",
    )?
    .execute(params![
        run.0,
        result.node_id,
        result.state.as_str(),
        result.output.to_string(),
        result.output_truncated,
        result.log,
        result.error,
        result.attempts,
        result.started_at.get(),
        result.finished_at.map(UnixMillis::get),
        result.wait_until.map(UnixMillis::get),
    ])?;
    Ok(true)
}

fn finish(tx: &Tx<'_>, run: RunId, epoch: i64, finish: &Finish) -> Attempt<FinishAnswer> {
    if !matches!(finish.state, RunState::Succeeded | RunState::Failed | RunState::Cancelled) {
        return Err(StoreError::Data(format!("a worker cannot end a run as {}", finish.state)).into());
    }
    // What was not said is NULL, which takes no room.
    let RunResult { output, output_truncated, log } = &finish.result;
    let output = (!output.is_null()).then(|| output.to_string());
    let (is_truncated, log) = (output_truncated.then_some(true), Some(log).filter(|log| !log.is_empty()));
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = ?3,
             error = ?4,
             output = ?6,
             output_truncated = ?7,
             log = ?8,
             claim_token = NULL,
             claim_until = NULL,
             finished_at = ?5
         WHERE id = ?1
           AND state = 'running'
           AND claim_epoch = ?2",
    )?
    .execute(params![run.0, epoch, finish.state.as_str(), finish.error, tx.now.get(), output, is_truncated, log])?;
    // Whatever else ends a run also raises its epoch: at this one, what stands is what this claim recorded.
    let mut select = tx.prepare_cached(
        "SELECT state
         FROM workflow_runs
         WHERE id = ?1
           AND claim_epoch = ?2
           AND state NOT IN ('pending', 'queued', 'running')",
    )?;
    let recorded = select.query_row(params![run.0, epoch], |row| rows::word(row, "state", RunState::parse)).optional()?;
    Ok(recorded.map_or(FinishAnswer::Stale, FinishAnswer::Recorded))
}

fn cancel(tx: &Tx<'_>, run: RunId) -> Attempt<Cancelled> {
    let state = tx
        .prepare_cached("SELECT state FROM workflow_runs WHERE id = ?1")?
        .query_row([run.0], |row| rows::word(row, "state", RunState::parse))
        .optional()?
        .ok_or(StoreError::NotFound("run"))?;
    if state.is_terminal() {
        return Err(Conflict::RunEnded(state).into());
    }
    if state == RunState::Running {
        tx.prepare_cached(
            "UPDATE workflow_runs
             SET cancel_requested_at = coalesce(cancel_requested_at, ?2)
             WHERE id = ?1",
        )?
        .execute(params![run.0, tx.now.get()])?;
        return Ok(Cancelled::Asked);
    }
    tx.prepare_cached(
        "UPDATE workflow_runs
         SET state = 'cancelled',
             claim_epoch = claim_epoch + 1,
             finished_at = ?2
         WHERE id = ?1",
    )?
    .execute(params![run.0, tx.now.get()])?;
    Ok(Cancelled::Ended)
}

fn list(connection: &Connection, filter: RunFilter) -> Attempt<Page<Run>> {
    let mut conditions = Conditions::default();
    conditions.and_if("run.workflow_id = ?", filter.workflow_id.map(|id| id.0));
    conditions.and_if("run.schedule_id = ?", filter.schedule_id.map(|id| id.0));
    if let Some(after) = filter.after {
        conditions.and("run.id < ?", after.0);
        conditions.and("run.planned_at <= ?", after.planned_at().get());
    }
    // As a bound of ids and as one of planned times: whichever index is used, it ends the search.
    if let Some(from) = filter.planned_from {
        conditions.and("run.id >= ?", runs::first_planned_at(from).0);
        conditions.and("run.planned_at >= ?", from.get());
    }
    if let Some(before) = filter.planned_before {
        conditions.and("run.id < ?", runs::first_planned_at(before).0);
        conditions.and("run.planned_at < ?", before.get());
    }
    let mut index = "";
    if !filter.states.is_empty() {
        if !filter.states.iter().any(|state| state.is_terminal()) {
            // Live runs are few among all of history; left to itself, SQLite would walk through history in order of ids.
            conditions.and_that("run.state IN ('pending', 'queued', 'running')");
            index = "INDEXED BY workflow_runs_live";
        }
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        conditions.and("run.state IN (SELECT value FROM json_each(?))", SqlValue::Text(Value::from(states).to_string()));
    }
    // Both are the order of ids; each is the order of an index.
    let order = if filter.schedule_id.is_some() { "run.planned_at DESC, run.id DESC" } else { "run.id DESC" };
    let (select, text) = (select_runs("", index), conditions.text());
    let mut select = connection.prepare_cached(&format!("{select} WHERE {text} ORDER BY {order} LIMIT ?"))?;
    let runs = select.query_map(params_from_iter(conditions.values(filter.limit)), rows::run)?.collect::<Result<_, _>>()?;
    Ok(page(runs, filter.limit))
}
