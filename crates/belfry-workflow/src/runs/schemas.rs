//! What is asked and answered about runs.

use belfry_core::ids::{ClaimToken, RunId, ScheduleId, WorkflowId};
use belfry_core::node::Length;
use belfry_core::ports::ClaimedRun;
use belfry_core::run::{NodeResult, NodeState, Run, RunKind, RunReason, RunState};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The query of a list of runs; everything that is given must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListRuns {
    pub workflow_id: Option<String>,
    pub schedule_id: Option<String>,
    /// Any of these; all when empty.
    pub state: Vec<String>,
    /// `planned_at` at or after this instant.
    pub planned_from: Option<String>,
    /// `planned_at` before this instant.
    pub planned_before: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// A run: one execution of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Run)]
pub struct RunResponse {
    #[schema(value_type = Uuid)]
    pub id: RunId,
    #[schema(value_type = Uuid)]
    pub workflow_id: WorkflowId,
    pub workflow_name: String,
    pub workflow_version: i64,
    /// The schedule that planned it; null for manual runs.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub schedule_id: Option<ScheduleId>,
    /// `scheduled`, `manual` or `rerun`.
    #[schema(value_type = String, examples("scheduled"))]
    pub kind: RunKind,
    /// The run that this one repeats; null for all others.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub rerun_of: Option<RunId>,
    /// Why it exists: `due`, `catch_up` or `manual`.
    #[schema(value_type = String, examples("due"))]
    pub reason: RunReason,
    /// The planned time that it stands for.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub nominal_time: Option<UnixMillis>,
    #[schema(value_type = String, format = DateTime)]
    pub planned_at: UnixMillis,
    #[schema(value_type = String, format = DateTime)]
    pub due_at: UnixMillis,
    /// How long after `due_at` it was recorded.
    pub lateness_ms: i64,
    /// `pending`, `queued`, `running`; then `succeeded`, `failed`, `cancelled`, `worker_lost`, `delivered` or `unclaimed`.
    #[schema(value_type = String, examples("succeeded"))]
    pub state: RunState,
    #[schema(value_type = String, examples("default"))]
    pub queue: QueueName,
    /// `tracked` or `handoff`.
    #[schema(value_type = String, examples("tracked"))]
    pub delivery: Delivery,
    #[schema(value_type = Object)]
    pub input: Value,
    /// How often a worker has claimed it.
    pub attempt: i64,
    #[schema(required = true)]
    pub claimed_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub cancel_requested_at: Option<UnixMillis>,
    /// Why it could not be handed to the queue when that was last tried; null once it could.
    #[schema(required = true)]
    pub publish_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub queued_at: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub started_at: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub finished_at: Option<UnixMillis>,
    /// Why it did not succeed.
    #[schema(required = true)]
    pub error: Option<String>,
    /// How far it is, as its worker said it last; null where none has. Another claim begins without.
    #[schema(required = true)]
    pub progress: Option<String>,
    /// What it came to, where a program of yours has ended it and said so: null when there is none; the beginning of it, as a
    /// string, when it was too large to keep. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub output: Option<Value>,
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = bool, required = false)]
    pub output_truncated: Option<bool>,
    /// Empty when there is none; the last line says so when some were left out. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub log: Option<String>,
    /// In the order in which they began; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<NodeResponse>, required = false)]
    pub nodes: Option<Vec<NodeResponse>>,
}

/// What became of one node of a run.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = NodeResult)]
pub struct NodeResponse {
    /// As in the definition.
    pub id: String,
    /// `running`, `waiting`, `succeeded`, `failed` or `skipped`.
    #[schema(value_type = String, examples("succeeded"))]
    pub state: NodeState,
    /// Null when there is none; the beginning of it, as a string, when it was too large to keep.
    pub output: Value,
    pub output_truncated: bool,
    pub log: String,
    #[schema(required = true)]
    pub error: Option<String>,
    pub attempts: u32,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: UnixMillis,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub finished_at: Option<UnixMillis>,
    /// Until when a node of type `wait` waits.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub wait_until: Option<UnixMillis>,
}

/// What a cancel did.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Cancel)]
pub struct CancelResponse {
    /// `cancelled` when the run had not started, `running` when its worker was asked to stop.
    #[schema(value_type = String, examples("cancelled"))]
    pub state: RunState,
    pub detail: String,
}

/// A worker's wish to execute a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClaimRequest)]
pub struct ClaimRequest {
    /// A UUID that the worker makes for this claim. Sent again, when the answer was lost, it gets the same answer.
    #[schema(value_type = Uuid)]
    pub token: ClaimToken,
    /// The worker's name, which people see: 1 to 128 characters.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", examples("billing-1"))]
    pub worker: String,
}

/// A worker's wish for work.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PollRequest)]
pub struct PollRequest {
    /// A UUID that the worker makes for this claim. Sent again, when the answer was lost, it gets the same answer.
    #[schema(value_type = Uuid)]
    pub token: ClaimToken,
    /// The worker's name, which people see: 1 to 128 characters.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", examples("billing-1"))]
    pub worker: String,
    /// How long to wait for work where there is none, at most 30 s; not at all when absent.
    #[schema(value_type = Option<String>, examples("PT30S"))]
    pub wait: Option<Length>,
}

/// A claimed run.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Claim)]
pub struct ClaimResponse {
    /// Names this claim; everything that the worker sends for the run carries it.
    pub epoch: i64,
    /// When the run is taken from the worker, unless a heartbeat comes: 60 s ahead, by the store's clock.
    #[schema(value_type = String, format = DateTime)]
    pub claim_until: UnixMillis,
    /// The schedule's planned time before `run.nominal_time`; null when there is none.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub previous_nominal_time: Option<UnixMillis>,
    /// The schedule's planned time after `run.nominal_time`; null when there is none.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub next_nominal_time: Option<UnixMillis>,
    /// With its `input`, its `attempt` (this claim counted), its `workflow_version`, and the results of earlier claims' nodes.
    #[schema(value_type = RunResponse)]
    pub run: RunResponse,
}

/// Which claim the request is about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClaimEpoch)]
pub struct EpochRequest {
    /// As the claim was answered.
    #[schema(minimum = 1)]
    pub epoch: i64,
}

/// A claim that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HeartbeatRequest)]
pub struct HeartbeatRequest {
    /// As the claim was answered.
    #[schema(minimum = 1)]
    pub epoch: i64,
    /// How far the work is, for people: one line, of which the first 500 characters are kept. Left out, what was said stays.
    #[schema(examples("312 of 900 invoices"))]
    pub progress: Option<String>,
}

/// How a run ends that succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Completion)]
pub struct CompleteRequest {
    /// As the claim was answered.
    #[schema(minimum = 1)]
    pub epoch: i64,
    /// Whatever the run came to, any JSON; of more than 64 KiB the beginning is kept.
    #[serde(default)]
    #[schema(required = false)]
    pub output: Value,
    /// What happened, for people; of more than 64 KiB the beginning is kept.
    pub log: Option<String>,
}

/// How a run ends that does not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Failure)]
pub struct FailRequest {
    /// As the claim was answered.
    #[schema(minimum = 1)]
    pub epoch: i64,
    /// Why it failed; of a text longer than 4 KiB the beginning is kept. May be left out beside `cancelled`.
    pub error: Option<String>,
    /// The worker stopped because a cancel was asked: the run ends as `cancelled`, not as `failed`.
    #[serde(default)]
    pub cancelled: bool,
    /// As far as it came, any JSON; of more than 64 KiB the beginning is kept.
    #[serde(default)]
    #[schema(required = false)]
    pub output: Value,
    /// What happened, for people; of more than 64 KiB the beginning is kept.
    pub log: Option<String>,
}

/// A claim that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Heartbeat)]
pub struct HeartbeatResponse {
    /// When the run is taken from the worker, unless another heartbeat comes: 60 s ahead, by the store's clock.
    #[schema(value_type = String, format = DateTime)]
    pub claim_until: UnixMillis,
    /// Whether the worker is to stop.
    pub cancel_requested: bool,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Finish)]
pub struct FinishResponse {
    /// What stands: that of the first end that was recorded.
    #[schema(value_type = String, examples("succeeded"))]
    pub state: RunState,
}

impl From<ClaimedRun> for ClaimResponse {
    fn from(claimed: ClaimedRun) -> ClaimResponse {
        ClaimResponse {
            epoch: claimed.epoch,
            claim_until: claimed.claim_until,
            previous_nominal_time: claimed.previous_nominal_time,
            next_nominal_time: claimed.next_nominal_time,
            run: claimed.run.into(),
        }
    }
}

impl RunResponse {
    /// As lists have it.
    pub fn brief(run: Run) -> RunResponse {
        RunResponse { output: None, output_truncated: None, log: None, nodes: None, ..RunResponse::from(run) }
    }
}

impl From<Run> for RunResponse {
    fn from(run: Run) -> RunResponse {
        RunResponse {
            id: run.id,
            workflow_id: run.workflow_id,
            workflow_name: run.workflow_name,
            workflow_version: run.workflow_version,
            schedule_id: run.schedule_id,
            kind: run.kind,
            rerun_of: run.rerun_of,
            reason: run.reason,
            nominal_time: run.nominal_time,
            planned_at: run.planned_at,
            due_at: run.due_at,
            lateness_ms: run.created_at.get() - run.due_at.get(),
            state: run.state,
            queue: run.queue,
            delivery: run.delivery,
            input: run.input,
            attempt: run.attempt,
            claimed_by: run.claimed_by,
            cancel_requested_at: run.cancel_requested_at,
            publish_error: run.publish_error,
            created_at: run.created_at,
            queued_at: run.queued_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            error: run.error,
            progress: run.progress,
            output: Some(run.result.output),
            output_truncated: Some(run.result.output_truncated),
            log: Some(run.result.log),
            nodes: Some(run.nodes.into_iter().map(NodeResponse::from).collect()),
        }
    }
}

impl From<NodeResult> for NodeResponse {
    fn from(result: NodeResult) -> NodeResponse {
        NodeResponse {
            id: result.node_id,
            state: result.state,
            output: result.output,
            output_truncated: result.output_truncated,
            log: result.log,
            error: result.error,
            attempts: result.attempts,
            started_at: result.started_at,
            finished_at: result.finished_at,
            wait_until: result.wait_until,
        }
    }
}
