//! Runs, for workers and for those who look at them.

use async_trait::async_trait;
use serde_json::Value;

use belfry_core::ids::RunId;
use belfry_core::ports::{
    Beat, Cancelled, Claim, ClaimAnswer, ClaimedRun, Conflict, Finish, FinishAnswer, Page, RunFilter, RunStore, StoreError, StoreResult,
};
use belfry_core::run::{NodeResult, Run, RunResult, RunState};
use belfry_core::schedule::ScheduleContent;
use belfry_core::workflow::Delivery;

use super::conditions::{Conditions, page};
use super::runs::{self, BESIDE_A_RUN, RUN};
use super::{PostgresStore, rows};
use crate::connections::{Lease, Tx};
use crate::failed::Attempt;

#[async_trait]
impl RunStore for PostgresStore {
    async fn claim(&self, claim: Claim) -> StoreResult<ClaimAnswer> {
        let tx = self.begin().await?;
        let claimed = self::claim(&tx, &claim).await;
        let claimed = match tx.end(claimed).await? {
            Ok(claimed) => claimed,
            Err(answer) => return Ok(answer),
        };
        Ok(ClaimAnswer::Claimed(Box::new(claimed.answer())))
    }

    async fn heartbeat(&self, run: RunId, epoch: i64, progress: Option<String>) -> StoreResult<Beat> {
        let db = self.lease().await?;
        let beat = heartbeat(&db, run, epoch, progress.as_deref()).await;
        db.wrote(beat)
    }

    async fn record_node(&self, run: RunId, epoch: i64, result: NodeResult) -> StoreResult<bool> {
        let db = self.lease().await?;
        let recorded = record_node(&db, run, epoch, &result).await;
        db.wrote(recorded)
    }

    async fn finish(&self, run: RunId, epoch: i64, finish: Finish) -> StoreResult<FinishAnswer> {
        let db = self.lease().await?;
        let finished = self::finish(&db, run, epoch, &finish).await;
        db.wrote(finished)
    }

    async fn release(&self, run: RunId, epoch: i64) -> StoreResult<bool> {
        let db = self.lease().await?;
        let released = release(&db, run, epoch).await;
        db.wrote(released)
    }

    async fn cancel(&self, run: RunId) -> StoreResult<Cancelled> {
        let tx = self.begin().await?;
        let cancelled = cancel(&tx, run).await;
        tx.end(cancelled).await
    }

    async fn run(&self, run: RunId) -> StoreResult<Run> {
        let db = self.lease().await?;
        let found = runs::find(&db, run).await;
        db.read(found.and_then(|run| run.ok_or(StoreError::NotFound("run").into())))
    }

    async fn runs(&self, filter: RunFilter) -> StoreResult<Page<Run>> {
        let db = self.lease().await?;
        let found = list(&db, filter).await;
        db.read(found)
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
    /// Not while the row is locked: searching the spec takes its time.
    pub fn answer(self) -> ClaimedRun {
        ClaimedRun::of(self.run, self.definition, self.content.as_ref())
    }
}

/// `Err`: not to be claimed, and why.
pub async fn claim(tx: &Tx, claim: &Claim) -> Attempt<Result<Claimed, ClaimAnswer>> {
    let statement = "
        UPDATE workflow_runs
        SET state = 'running',
            attempt = attempt + 1,
            claim_epoch = claim_epoch + 1,
            claim_token = $3,
            claimed_by = $4,
            claim_until = store_now() + interval '60 seconds',
            started_at = coalesce(started_at, store_now()),
            publish_failures = 0,
            publish_error = NULL,
            redrives = 0,
            progress = NULL
        WHERE planned_at = $1
          AND id = $2
          AND state IN ('pending', 'queued')
          AND delivery = 'tracked'
          AND cancel_requested_at IS NULL
          AND (due_at <= store_now() OR publish_seq > 1 OR publisher IS NOT NULL)";
    let planned_at = claim.run_id.planned_at().to_timestamp();
    let id = claim.run_id.0;
    let is_claimed = tx.execute(statement, &[&planned_at, &id, &claim.token.0, &rows::text(&claim.worker)]).await? == 1;
    // Its workflow's version stands as long as its runs do.
    let statement = format!(
        "SELECT {RUN}, run.claim_token = $3 AND run.state = 'running' AS is_held, version.definition, revision.content
         FROM workflow_runs run
         {BESIDE_A_RUN}
         JOIN workflow_versions version
           ON version.workflow_id = run.workflow_id
          AND version.version = run.workflow_version
         WHERE run.planned_at = $1
           AND run.id = $2"
    );
    let Some(row) = tx.row(&statement, &[&planned_at, &id, &claim.token.0]).await? else {
        return Ok(Err(ClaimAnswer::Refused(None)));
    };
    let run = rows::run(&row)?;
    if run.delivery == Delivery::Handoff {
        return Ok(Err(ClaimAnswer::Handoff));
    }
    // The same claim again, whose answer was lost, finds the run held by itself.
    let is_held: Option<bool> = row.try_get("is_held")?;
    if !is_claimed && is_held != Some(true) {
        return Ok(Err(ClaimAnswer::Refused(Some(run.state))));
    }
    let run = Run { nodes: runs::nodes(tx, claim.run_id).await?, ..run };
    let content = row.try_get::<_, Option<Value>>("content")?.and_then(|content| serde_json::from_value(content).ok());
    Ok(Ok(Claimed { run, definition: row.try_get("definition")?, content }))
}

async fn heartbeat(db: &Lease, run: RunId, epoch: i64, progress: Option<&str>) -> Attempt<Beat> {
    let statement = "
        UPDATE workflow_runs
        SET claim_until = store_now() + interval '60 seconds',
            progress = coalesce($4, progress)
        WHERE planned_at = $1
          AND id = $2
          AND state = 'running'
          AND claim_epoch = $3
        RETURNING claim_until, cancel_requested_at IS NOT NULL AS cancel_requested";
    match db.row(statement, &[&run.planned_at().to_timestamp(), &run.0, &epoch, &progress.map(rows::text)]).await? {
        Some(row) => {
            Ok(Beat::Alive { claim_until: rows::instant(&row, "claim_until")?, cancel_requested: row.try_get("cancel_requested")? })
        }
        None => Ok(Beat::Stale),
    }
}

async fn record_node(db: &Lease, run: RunId, epoch: i64, result: &NodeResult) -> Attempt<bool> {
    // The run is locked first, so that no other claim begins between the comparison and the writing. A statement locks the
    // tables of its parts in their order: that of the runs comes before that of their nodes, as in every verb.
    let statement = "
        WITH held AS MATERIALIZED (
            SELECT planned_at, id
            FROM workflow_runs
            WHERE planned_at = $1
              AND id = $2
              AND state = 'running'
              AND claim_epoch = $3
            FOR SHARE
        ),
        written AS (
            INSERT INTO run_nodes (
                run_planned_at, run_id, node_id, state, output, output_truncated, log, error, attempts, started_at, finished_at, wait_until
            )
            SELECT held.planned_at, held.id, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
            FROM held
            ON CONFLICT (run_planned_at, run_id, node_id) DO UPDATE
            SET state = excluded.state,
                output = excluded.output,
                output_truncated = excluded.output_truncated,
                log = excluded.log,
                error = excluded.error,
                attempts = excluded.attempts,
                started_at = excluded.started_at,
                finished_at = excluded.finished_at,
                wait_until = excluded.wait_until
            WHERE run_nodes.state NOT IN ('succeeded', 'failed', 'skipped')
        )
        SELECT id
        FROM held";
    let written = db
        .row(
            statement,
            &[
                &run.planned_at().to_timestamp(),
                &run.0,
                &epoch,
                &rows::text(&result.node_id),
                &result.state.as_str(),
                &result.output,
                &result.output_truncated,
                &rows::text(&result.log),
                &result.error.as_deref().map(rows::text),
                &i64::from(result.attempts),
                &result.started_at.to_timestamp(),
                &rows::at(result.finished_at),
                &rows::at(result.wait_until),
            ],
        )
        .await?;
    Ok(written.is_some())
}

async fn finish(db: &Lease, run: RunId, epoch: i64, finish: &Finish) -> Attempt<FinishAnswer> {
    if !matches!(finish.state, RunState::Succeeded | RunState::Failed | RunState::Cancelled) {
        return Err(StoreError::Data(format!("a worker cannot end a run as {}", finish.state)).into());
    }
    let statement = "
        UPDATE workflow_runs
        SET state = $4,
            error = $5,
            output = $6,
            output_truncated = $7,
            log = $8,
            claim_until = NULL,
            finished_at = store_now()
        WHERE planned_at = $1
          AND id = $2
          AND state = 'running'
          AND claim_epoch = $3";
    let planned_at = run.planned_at().to_timestamp();
    let error = finish.error.as_deref().map(rows::text);
    // What was not said is NULL, which takes no room.
    let RunResult { output, output_truncated, log } = &finish.result;
    let (output, log) = (Some(output).filter(|output| !output.is_null()), Some(rows::text(log)).filter(|log| !log.is_empty()));
    let is_truncated = output_truncated.then_some(true);
    if db.execute(statement, &[&planned_at, &run.0, &epoch, &finish.state.as_str(), &error, &output, &is_truncated, &log]).await? == 1 {
        return Ok(FinishAnswer::Recorded(finish.state));
    }
    // Whatever else ends a run also raises its epoch: at this one, what stands is what this claim recorded.
    let statement = "
        SELECT state
        FROM workflow_runs
        WHERE planned_at = $1
          AND id = $2
          AND claim_epoch = $3
          AND state NOT IN ('pending', 'queued', 'running')";
    match db.row(statement, &[&planned_at, &run.0, &epoch]).await? {
        Some(row) => Ok(FinishAnswer::Recorded(rows::word(&row, "state", RunState::parse)?)),
        None => Ok(FinishAnswer::Stale),
    }
}

async fn release(db: &Lease, run: RunId, epoch: i64) -> Attempt<bool> {
    let statement = "
        UPDATE workflow_runs
        SET state = CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN 'cancelled' ELSE 'pending' END,
            finished_at = CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN store_now() END,
            publish_seq = publish_seq + CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN 0 ELSE 1 END,
            publish_at = store_now(),
            publisher = NULL,
            claim_epoch = claim_epoch + 1,
            claimed_by = CASE WHEN cancel_requested_at IS NOT NULL OR is_orphaned THEN claimed_by END,
            claim_until = NULL,
            attempt = attempt - 1
        WHERE planned_at = $1
          AND id = $2
          AND state = 'running'
          AND claim_epoch = $3";
    Ok(db.execute(statement, &[&run.planned_at().to_timestamp(), &run.0, &epoch]).await? == 1)
}

async fn cancel(tx: &Tx, run: RunId) -> Attempt<Cancelled> {
    let statement = "
        SELECT state
        FROM workflow_runs
        WHERE planned_at = $1
          AND id = $2
        FOR NO KEY UPDATE";
    let planned_at = run.planned_at().to_timestamp();
    let row = tx.row(statement, &[&planned_at, &run.0]).await?.ok_or(StoreError::NotFound("run"))?;
    let state = rows::word(&row, "state", RunState::parse)?;
    if state.is_terminal() {
        return Err(Conflict::RunEnded(state).into());
    }
    if state == RunState::Running {
        let statement = "
            UPDATE workflow_runs
            SET cancel_requested_at = coalesce(cancel_requested_at, store_now())
            WHERE planned_at = $1
              AND id = $2";
        tx.execute(statement, &[&planned_at, &run.0]).await?;
        return Ok(Cancelled::Asked);
    }
    let statement = "
        UPDATE workflow_runs
        SET state = 'cancelled',
            claim_epoch = claim_epoch + 1,
            finished_at = store_now()
        WHERE planned_at = $1
          AND id = $2";
    tx.execute(statement, &[&planned_at, &run.0]).await?;
    Ok(Cancelled::Ended)
}

async fn list(db: &Lease, filter: RunFilter) -> Attempt<Page<Run>> {
    let mut conditions = Conditions::default();
    conditions.and_if("run.workflow_id = ?", filter.workflow_id.map(|id| id.0));
    conditions.and_if("run.schedule_id = ?", filter.schedule_id.map(|id| id.0));
    if let Some(after) = filter.after {
        // The first says it all, and is where a walk along an index begins; the second lets whole partitions be passed over.
        conditions.and_two("(run.planned_at, run.id) < (?, ?)", after.planned_at().to_timestamp(), after.0);
        conditions.and("run.planned_at <= ?", after.planned_at().to_timestamp());
    }
    conditions.and_if("run.planned_at >= ?", rows::at(filter.planned_from));
    conditions.and_if("run.planned_at < ?", rows::at(filter.planned_before));
    if !filter.states.is_empty() {
        conditions.and_that(&in_states(&filter.states));
    }
    let order = "run.planned_at DESC, run.id DESC";
    // The page first: what is beside a run is read for those that are shown, not for all that are found.
    let page_of_runs = conditions.statement("SELECT run.* FROM workflow_runs run", order, filter.limit);
    let statement = format!("SELECT {RUN} FROM ({page_of_runs}) run {BESIDE_A_RUN} ORDER BY {order}");
    let found = db.rows(&statement, &conditions.values()).await?;
    Ok(page(rows::all(&found, rows::run)?, filter.limit))
}

/// The words themselves, not parameters: the plan depends on which they are. What is few among all of history has an index each,
/// whose condition is stated word for word.
fn in_states(states: &[RunState]) -> String {
    if states.contains(&RunState::Succeeded) {
        return any_of(states);
    }
    let (ended, live): (Vec<RunState>, Vec<RunState>) = states.iter().partition(|state| state.is_terminal());
    let (delivered, ended): (Vec<RunState>, Vec<RunState>) = ended.iter().partition(|state| **state == RunState::Delivered);
    let parts = [
        (live, "run.state IN ('pending', 'queued', 'running') AND run.finished_at IS NULL"),
        (ended, "run.state IN ('failed', 'cancelled', 'worker_lost', 'unclaimed') AND run.finished_at IS NOT NULL"),
        (delivered, "run.finished_at IS NOT NULL"),
    ];
    let parts = parts.iter().filter(|(states, _)| !states.is_empty()).map(|(states, few)| format!("({} AND {few})", any_of(states)));
    format!("({})", parts.collect::<Vec<_>>().join(" OR "))
}

fn any_of(states: &[RunState]) -> String {
    let words: Vec<String> = states.iter().map(|state| format!("'{state}'")).collect();
    format!("run.state IN ({})", words.join(", "))
}
