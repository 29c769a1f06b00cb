//! Rows as the model's types, by column name.

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Error, Result, Row};
use serde::de::DeserializeOwned;
use serde_json::Value;

use belfry_core::ids::{KeyId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{ApiKey, Calendar, PendingRun, Scopes};
use belfry_core::run::{NodeResult, NodeState, Run, RunKind, RunReason, RunResult, RunState};
use belfry_core::schedule::{Cursor, Origin, Outcome, OutcomeReason, RecordedOutcome, ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName, Workflow, WorkflowVersion};

pub fn instant(row: &Row<'_>, column: &str) -> Result<UnixMillis> {
    row.get(column).map(UnixMillis::saturating)
}

pub fn instant_or_none(row: &Row<'_>, column: &str) -> Result<Option<UnixMillis>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(UnixMillis::saturating))
}

pub fn word<T>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(text).ok_or_else(|| unreadable(row, column, format!("`{text}` is unknown here").into()))
}

pub fn queue(row: &Row<'_>, column: &str) -> Result<QueueName> {
    word(row, column, QueueName::parse)
}

pub fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(row, column, error.into()))
}

fn unreadable(row: &Row<'_>, column: &str, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::FromSqlConversionFailure(row.as_ref().column_index(column).unwrap_or_default(), Type::Text, error)
}

pub fn workflow(row: &Row<'_>) -> Result<Workflow> {
    Ok(Workflow {
        id: WorkflowId(row.get("id")?),
        name: row.get("name")?,
        description: row.get("description")?,
        definition: json(row, "definition")?,
        version: row.get("version")?,
        tags: json(row, "tags")?,
        queue: queue(row, "queue")?,
        delivery: word(row, "delivery", Delivery::parse)?,
        revision: row.get("revision")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

pub fn version(row: &Row<'_>) -> Result<WorkflowVersion> {
    Ok(WorkflowVersion {
        workflow_id: WorkflowId(row.get("workflow_id")?),
        version: row.get("version")?,
        definition: json(row, "definition")?,
        created_at: instant(row, "created_at")?,
    })
}

pub fn schedule(row: &Row<'_>) -> Result<ScheduledWorkflow> {
    Ok(ScheduledWorkflow {
        id: ScheduleId(row.get("id")?),
        workflow_id: WorkflowId(row.get("workflow_id")?),
        name: row.get("name")?,
        origin: word(row, "origin", Origin::parse)?,
        is_active: row.get("is_active")?,
        revision: row.get("revision")?,
        cursor: Cursor { nominal: instant_or_none(row, "next_nominal_at")?, due: instant_or_none(row, "next_run_at")? },
        content: ScheduleContent { input: json(row, "input")?, ..json(row, "content")? },
        last_run_at: instant_or_none(row, "last_run_at")?,
        run_count: row.get("run_count")?,
        failure_count: row.get("failure_count")?,
        last_error: row.get("last_error")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}

/// Of a row of `schedule_revisions` or `workflow_runs`.
pub fn facts(row: &Row<'_>) -> Result<WorkflowFacts> {
    Ok(WorkflowFacts {
        name: row.get("workflow_name")?,
        version: row.get("workflow_version")?,
        queue: queue(row, "queue")?,
        delivery: word(row, "delivery", Delivery::parse)?,
    })
}

pub fn pending_run(row: &Row<'_>) -> Result<PendingRun> {
    Ok(PendingRun {
        id: RunId(row.get("id")?),
        workflow_id: WorkflowId(row.get("workflow_id")?),
        workflow: facts(row)?,
        schedule_id: row.get::<_, Option<_>>("schedule_id")?.map(ScheduleId),
        nominal_time: instant_or_none(row, "nominal_time")?,
        due_at: instant(row, "due_at")?,
        input: row.get::<_, String>("input")?.into(),
        attempt: row.get::<_, i64>("attempt")? + 1,
        publish_seq: row.get("publish_seq")?,
        publish_failures: row.get("publish_failures")?,
    })
}

/// Without its result, and those of its nodes.
pub fn run(row: &Row<'_>) -> Result<Run> {
    let rerun_of = row.get::<_, Option<_>>("rerun_of")?.map(RunId);
    Ok(Run {
        id: RunId(row.get("id")?),
        workflow_id: WorkflowId(row.get("workflow_id")?),
        workflow_name: row.get("workflow_name")?,
        workflow_version: row.get("workflow_version")?,
        schedule_id: row.get::<_, Option<_>>("schedule_id")?.map(ScheduleId),
        kind: if rerun_of.is_some() { RunKind::Rerun } else { word(row, "kind", RunKind::parse)? },
        rerun_of,
        reason: word(row, "reason", RunReason::parse)?,
        nominal_time: instant_or_none(row, "nominal_time")?,
        planned_at: instant(row, "planned_at")?,
        due_at: instant(row, "due_at")?,
        state: word(row, "state", RunState::parse)?,
        queue: queue(row, "queue")?,
        delivery: word(row, "delivery", Delivery::parse)?,
        input: json::<Value>(row, "input")?,
        attempt: row.get("attempt")?,
        claim_epoch: row.get("claim_epoch")?,
        claimed_by: row.get("claimed_by")?,
        claim_until: instant_or_none(row, "claim_until")?,
        cancel_requested_at: instant_or_none(row, "cancel_requested_at")?,
        publish_seq: row.get("publish_seq")?,
        publish_error: row.get("publish_error")?,
        created_at: instant(row, "created_at")?,
        queued_at: instant_or_none(row, "queued_at")?,
        started_at: instant_or_none(row, "started_at")?,
        finished_at: instant_or_none(row, "finished_at")?,
        error: row.get("error")?,
        progress: row.get("progress")?,
        result: RunResult::default(),
        nodes: Vec::new(),
    })
}

/// NULL is what was not said.
pub fn result(row: &Row<'_>) -> Result<RunResult> {
    Ok(RunResult {
        output: if row.get_ref("output")? == ValueRef::Null { Value::Null } else { json(row, "output")? },
        output_truncated: row.get::<_, Option<_>>("output_truncated")?.unwrap_or_default(),
        log: row.get::<_, Option<_>>("log")?.unwrap_or_default(),
    })
}

pub fn node(row: &Row<'_>) -> Result<NodeResult> {
    Ok(NodeResult {
        node_id: row.get("node_id")?,
        state: word(row, "state", NodeState::parse)?,
        output: json(row, "output")?,
        output_truncated: row.get("output_truncated")?,
        log: row.get("log")?,
        error: row.get("error")?,
        attempts: row.get("attempts")?,
        started_at: instant(row, "started_at")?,
        finished_at: instant_or_none(row, "finished_at")?,
        wait_until: instant_or_none(row, "wait_until")?,
    })
}

pub fn outcome(row: &Row<'_>) -> Result<RecordedOutcome> {
    Ok(RecordedOutcome {
        schedule_id: ScheduleId(row.get("schedule_id")?),
        revision: row.get("revision")?,
        outcome: Outcome { from: instant(row, "from_at")?, to: instant(row, "to_at")?, reason: word(row, "reason", OutcomeReason::parse)? },
        recorded_at: instant(row, "recorded_at")?,
    })
}

pub fn key(row: &Row<'_>) -> Result<ApiKey> {
    Ok(ApiKey {
        id: KeyId(row.get("id")?),
        name: row.get("name")?,
        hash: row.get("hash")?,
        scopes: word(row, "scopes", Scopes::parse)?,
        created_at: instant(row, "created_at")?,
        expires_at: instant_or_none(row, "expires_at")?,
        revoked_at: instant_or_none(row, "revoked_at")?,
    })
}

pub fn calendar(row: &Row<'_>) -> Result<Calendar> {
    Ok(Calendar {
        name: row.get("name")?,
        revision: row.get("revision")?,
        calendar: json(row, "document")?,
        created_at: instant(row, "created_at")?,
        updated_at: instant(row, "updated_at")?,
    })
}
