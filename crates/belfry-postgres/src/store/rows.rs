//! Rows as the model's types, by column name.

use belfry_core::ids::{KeyId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{ApiKey, Calendar, DueKey, PendingRun, Scopes, StoreError};
use belfry_core::run::{NodeResult, NodeState, Run, RunKind, RunReason, RunResult, RunState};
use belfry_core::schedule::{Cursor, Origin, Outcome, OutcomeReason, RecordedOutcome, ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName, Workflow, WorkflowVersion};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;

use crate::failed::{Attempt, Failed};

pub fn instant(row: &Row, column: &str) -> Attempt<UnixMillis> {
    Ok(UnixMillis::floor(row.try_get::<_, Timestamp>(column)?))
}

pub fn instant_or_none(row: &Row, column: &str) -> Attempt<Option<UnixMillis>> {
    Ok(row.try_get::<_, Option<Timestamp>>(column)?.map(UnixMillis::floor))
}

/// As a parameter.
pub fn at(instant: Option<UnixMillis>) -> Option<Timestamp> {
    instant.map(UnixMillis::to_timestamp)
}

/// As a parameter. PostgreSQL's text holds every character but NUL, and what programs print must not be lost for one.
pub fn text(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

pub fn word<T>(row: &Row, column: &str, parse: impl Fn(&str) -> Option<T>) -> Attempt<T> {
    let text: &str = row.try_get(column)?;
    parse(text).ok_or_else(|| unreadable(column, format!("`{text}` is unknown here")))
}

pub fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Attempt<T> {
    serde_json::from_value(row.try_get::<_, Value>(column)?).map_err(|error| unreadable(column, error.to_string()))
}

fn unreadable(column: &str, why: String) -> Failed {
    Failed::Port(StoreError::Data(format!("the column {column} cannot be read: {why}")))
}

pub fn queue(row: &Row) -> Attempt<QueueName> {
    word(row, "queue", QueueName::parse)
}

pub fn workflow(row: &Row) -> Attempt<Workflow> {
    Ok(Workflow {
        id: WorkflowId(row.try_get("id")?),
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        definition: row.try_get("definition")?,
        version: row.try_get("version")?,
        tags: row.try_get("tags")?,
        queue: queue(row)?,
        delivery: word(row, "delivery", Delivery::parse)?,
        revision: row.try_get("revision")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

pub fn version(row: &Row) -> Attempt<WorkflowVersion> {
    Ok(WorkflowVersion {
        workflow_id: WorkflowId(row.try_get("workflow_id")?),
        version: row.try_get("version")?,
        definition: row.try_get("definition")?,
        created_at: instant(row, "created_at")?,
    })
}

pub fn due_key(row: &Row) -> Attempt<DueKey> {
    Ok(DueKey {
        id: ScheduleId(row.try_get("id")?),
        revision: row.try_get("revision")?,
        nominal: instant(row, "next_nominal_at")?,
        due: instant(row, "next_run_at")?,
    })
}

pub fn schedule(row: &Row) -> Attempt<ScheduledWorkflow> {
    Ok(ScheduledWorkflow {
        id: ScheduleId(row.try_get("id")?),
        workflow_id: WorkflowId(row.try_get("workflow_id")?),
        name: row.try_get("name")?,
        origin: word(row, "origin", Origin::parse)?,
        is_active: row.try_get("is_active")?,
        revision: row.try_get("revision")?,
        cursor: Cursor { nominal: instant_or_none(row, "next_nominal_at")?, due: instant_or_none(row, "next_run_at")? },
        content: content(row)?,
        last_run_at: instant_or_none(row, "last_run_at")?,
        run_count: row.try_get("run_count")?,
        failure_count: row.try_get("failure_count")?,
        last_error: row.try_get("last_error")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

pub fn content(row: &Row) -> Attempt<ScheduleContent> {
    Ok(ScheduleContent { input: row.try_get("input")?, ..json(row, "content")? })
}

/// Of a row of `schedule_revisions` or `workflow_runs`.
pub fn facts(row: &Row) -> Attempt<WorkflowFacts> {
    Ok(WorkflowFacts {
        name: row.try_get("workflow_name")?,
        version: row.try_get("workflow_version")?,
        queue: queue(row)?,
        delivery: word(row, "delivery", Delivery::parse)?,
    })
}

pub fn pending_run(row: &Row) -> Attempt<PendingRun> {
    Ok(PendingRun {
        id: RunId(row.try_get("id")?),
        workflow_id: WorkflowId(row.try_get("workflow_id")?),
        workflow: facts(row)?,
        schedule_id: row.try_get::<_, Option<_>>("schedule_id")?.map(ScheduleId),
        nominal_time: instant_or_none(row, "nominal_time")?,
        due_at: instant(row, "due_at")?,
        input: row.try_get::<_, String>("input")?.into(),
        attempt: row.try_get::<_, i64>("attempt")? + 1,
        publish_seq: row.try_get("publish_seq")?,
        publish_failures: count(row, "publish_failures")?,
    })
}

/// Without its result, and those of its nodes.
pub fn run(row: &Row) -> Attempt<Run> {
    let rerun_of = row.try_get::<_, Option<_>>("rerun_of")?.map(RunId);
    Ok(Run {
        id: RunId(row.try_get("id")?),
        workflow_id: WorkflowId(row.try_get("workflow_id")?),
        workflow_name: row.try_get("workflow_name")?,
        workflow_version: row.try_get("workflow_version")?,
        schedule_id: row.try_get::<_, Option<_>>("schedule_id")?.map(ScheduleId),
        kind: if rerun_of.is_some() { RunKind::Rerun } else { word(row, "kind", RunKind::parse)? },
        rerun_of,
        reason: word(row, "reason", RunReason::parse)?,
        nominal_time: instant_or_none(row, "nominal_time")?,
        planned_at: instant(row, "planned_at")?,
        due_at: instant(row, "due_at")?,
        state: word(row, "state", RunState::parse)?,
        queue: queue(row)?,
        delivery: word(row, "delivery", Delivery::parse)?,
        input: row.try_get("input")?,
        attempt: row.try_get("attempt")?,
        claim_epoch: row.try_get("claim_epoch")?,
        claimed_by: row.try_get("claimed_by")?,
        claim_until: instant_or_none(row, "claim_until")?,
        cancel_requested_at: instant_or_none(row, "cancel_requested_at")?,
        publish_seq: row.try_get("publish_seq")?,
        publish_error: row.try_get("publish_error")?,
        created_at: instant(row, "created_at")?,
        queued_at: instant_or_none(row, "queued_at")?,
        started_at: instant_or_none(row, "started_at")?,
        finished_at: instant_or_none(row, "finished_at")?,
        error: row.try_get("error")?,
        progress: row.try_get("progress")?,
        result: RunResult::default(),
        nodes: Vec::new(),
    })
}

/// NULL is what was not said.
pub fn result(row: &Row) -> Attempt<RunResult> {
    Ok(RunResult {
        output: row.try_get::<_, Option<_>>("output")?.unwrap_or_default(),
        output_truncated: row.try_get::<_, Option<_>>("output_truncated")?.unwrap_or_default(),
        log: row.try_get::<_, Option<_>>("log")?.unwrap_or_default(),
    })
}

pub fn node(row: &Row) -> Attempt<NodeResult> {
    Ok(NodeResult {
        node_id: row.try_get("node_id")?,
        state: word(row, "state", NodeState::parse)?,
        output: row.try_get("output")?,
        output_truncated: row.try_get("output_truncated")?,
        log: row.try_get("log")?,
        error: row.try_get("error")?,
        attempts: count(row, "attempts")?,
        started_at: instant(row, "started_at")?,
        finished_at: instant_or_none(row, "finished_at")?,
        wait_until: instant_or_none(row, "wait_until")?,
    })
}

pub fn outcome(row: &Row) -> Attempt<RecordedOutcome> {
    Ok(RecordedOutcome {
        schedule_id: ScheduleId(row.try_get("schedule_id")?),
        revision: row.try_get("revision")?,
        outcome: Outcome { from: instant(row, "from_at")?, to: instant(row, "to_at")?, reason: word(row, "reason", OutcomeReason::parse)? },
        recorded_at: instant(row, "recorded_at")?,
    })
}

pub fn key(row: &Row) -> Attempt<ApiKey> {
    let hash: &[u8] = row.try_get("hash")?;
    Ok(ApiKey {
        id: KeyId(row.try_get("id")?),
        name: row.try_get("name")?,
        hash: hash.try_into().map_err(|_| unreadable("hash", format!("it has {} bytes, not 32", hash.len())))?,
        scopes: word(row, "scopes", Scopes::parse)?,
        created_at: instant(row, "created_at")?,
        expires_at: instant_or_none(row, "expires_at")?,
        revoked_at: instant_or_none(row, "revoked_at")?,
    })
}

pub fn calendar(row: &Row) -> Attempt<Calendar> {
    Ok(Calendar {
        name: row.try_get("name")?,
        revision: row.try_get("revision")?,
        calendar: json(row, "document")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

fn count(row: &Row, column: &str) -> Attempt<u32> {
    let count: i64 = row.try_get(column)?;
    u32::try_from(count).map_err(|_| unreadable(column, format!("{count} is no count")))
}

pub fn all<T>(rows: &[Row], one: impl Fn(&Row) -> Attempt<T>) -> Attempt<Vec<T>> {
    rows.iter().map(one).collect()
}
