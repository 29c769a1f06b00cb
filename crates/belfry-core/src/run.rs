//! A run: one execution of a workflow.

pub mod bounded;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{RunId, ScheduleId, WorkflowId};
use crate::time::UnixMillis;
use crate::workflow::{Delivery, QueueName};

/// A row of `workflow_runs`, with its workflow's name and the results of its nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub workflow_id: WorkflowId,
    pub workflow_name: String,
    pub workflow_version: i64,
    /// Of the schedule that planned it; absent for manual runs.
    pub schedule_id: Option<ScheduleId>,
    pub kind: RunKind,
    /// Of a rerun: the run whose input and nominal time it has.
    pub rerun_of: Option<RunId>,
    pub reason: RunReason,
    /// The planned time that it stands for; manual runs have one only when they were given it.
    pub nominal_time: Option<UnixMillis>,
    /// The nominal time of scheduled runs, the creation of all others; equals the id's leading 48 bits.
    pub planned_at: UnixMillis,
    /// When it was to be recorded: the nominal time, or later by jitter.
    pub due_at: UnixMillis,
    pub state: RunState,
    pub queue: QueueName,
    pub delivery: Delivery,
    pub input: Value,
    /// Claims so far: which attempt runs, or ran last.
    pub attempt: i64,
    pub claim_epoch: i64,
    pub claimed_by: Option<String>,
    pub claim_until: Option<UnixMillis>,
    pub cancel_requested_at: Option<UnixMillis>,
    pub publish_seq: i64,
    /// Why the last publishing of it failed; absent once one succeeded.
    pub publish_error: Option<String>,
    /// When its row was written, by the store's clock: lateness is this less `due_at`.
    pub created_at: UnixMillis,
    pub queued_at: Option<UnixMillis>,
    pub started_at: Option<UnixMillis>,
    pub finished_at: Option<UnixMillis>,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// How far it is, in its worker's words; the last that was said stays until another claim begins.
    pub progress: Option<String>,
    /// Nothing in lists.
    pub result: RunResult,
    /// In the order in which they were begun. Empty in lists.
    pub nodes: Vec<NodeResult>,
}

/// What a worker outside Belfry leaves of a run as a whole when it ends it. Belfry's own leave the results of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunResult {
    /// At most [`MAX_OUTPUT_BYTES`] as JSON; `Value::Null` when there is none.
    pub output: Value,
    /// Whether the output was too large to keep; `output` then holds its beginning as a string.
    pub output_truncated: bool,
    /// At most [`MAX_LOG_BYTES`], the last line saying so when some were left out.
    pub log: String,
}

impl RunResult {
    /// As much of it as is kept.
    pub fn bounded(output: Value, log: String) -> RunResult {
        let (output, output_truncated) = bounded::output(output);
        RunResult { output, output_truncated, log: bounded::log(log) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    Scheduled,
    Manual,
    /// A manual run that repeats another.
    Rerun,
}

/// Why the run exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunReason {
    /// Its time came; it was recorded within `missed_after`.
    Due,
    /// Its time was missed, and `catch_up` fired it.
    CatchUp,
    /// Somebody asked for it.
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Recorded, and to be published.
    Pending,
    /// The queue confirmed its message.
    Queued,
    /// A worker has claimed it.
    Running,
    Succeeded,
    Failed,
    Cancelled,
    /// Three workers claimed it and were lost.
    WorkerLost,
    /// A handoff whose message was confirmed.
    Delivered,
    /// Published five times, and nobody claimed it.
    Unclaimed,
}

macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// As stored and as answered.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

words!(RunState: Pending = "pending", Queued = "queued", Running = "running", Succeeded = "succeeded", Failed = "failed",
    Cancelled = "cancelled", WorkerLost = "worker_lost", Delivered = "delivered", Unclaimed = "unclaimed");
words!(RunKind: Scheduled = "scheduled", Manual = "manual", Rerun = "rerun");
words!(RunReason: Due = "due", CatchUp = "catch_up", Manual = "manual");
words!(NodeState: Running = "running", Waiting = "waiting", Succeeded = "succeeded", Failed = "failed", Skipped = "skipped");

impl RunState {
    /// Terminal states never change.
    pub fn is_terminal(self) -> bool {
        !matches!(self, RunState::Pending | RunState::Queued | RunState::Running)
    }
}

/// What became of one node of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeResult {
    pub node_id: String,
    pub state: NodeState,
    /// At most [`MAX_OUTPUT_BYTES`] as JSON; `Value::Null` when there is none.
    pub output: Value,
    /// Whether the output was too large to keep; `output` then holds its beginning as a string.
    pub output_truncated: bool,
    /// The lines that it logged, at most [`MAX_LOG_BYTES`], the last line saying so when some were left out.
    pub log: String,
    pub error: Option<String>,
    /// Attempts in this run, over all its workers.
    pub attempts: u32,
    pub started_at: UnixMillis,
    pub finished_at: Option<UnixMillis>,
    /// Until when a `wait` node waits.
    pub wait_until: Option<UnixMillis>,
}

/// The most output of a node, or of a run, that is kept.
pub const MAX_OUTPUT_BYTES: usize = 64 * 1024;
/// The most log of a node, or of a run, that is kept.
pub const MAX_LOG_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Begun, and not ended when it was last written.
    Running,
    /// Between two attempts, or a `wait` node that waits.
    Waiting,
    Succeeded,
    Failed,
    /// No edge to it was taken.
    Skipped,
}

impl NodeState {
    pub fn is_settled(self) -> bool {
        matches!(self, NodeState::Succeeded | NodeState::Failed | NodeState::Skipped)
    }
}
