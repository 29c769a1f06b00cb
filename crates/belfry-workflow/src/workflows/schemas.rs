//! What is asked and answered about workflows.

use belfry_core::ids::WorkflowId;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName, Workflow, WorkflowVersion};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::definition::DefinitionSchema;

/// The query of a list of workflows; everything that is given must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListWorkflows {
    pub name: Option<String>,
    /// Part of the name, in any case.
    pub q: Option<String>,
    pub tag: Option<String>,
    /// Whether a schedule of it is active.
    pub is_active: Option<bool>,
    /// Whether a schedule of it could not be planned or fired.
    pub is_failing: Option<bool>,
    /// `created` (the default), `-created` or `name`.
    pub sort: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// A workflow, as it is created and replaced.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WorkflowWrite)]
pub struct WorkflowRequest {
    /// Unique among living workflows: 1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter or digit.
    #[schema(examples("nightly-report"), min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    pub name: String,
    /// At most 4 KiB.
    #[schema(max_length = 4096)]
    pub description: Option<String>,
    #[schema(value_type = DefinitionSchema)]
    pub definition: Value,
    /// At most 20 of at most 64 characters, each once.
    #[schema(value_type = Option<Vec<Tag>>, max_items = 20)]
    pub tags: Option<Vec<String>>,
    /// Which queue its runs go through; `default` when absent.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    pub queue: Option<String>,
    /// `tracked` (consumers claim runs and report their end; the default) or `handoff` (a confirmed message is the end; needs
    /// a queue of its own).
    #[schema(value_type = Option<String>, examples("tracked"), pattern = "^(tracked|handoff)$")]
    pub delivery: Option<Delivery>,
}

/// A word that workflows are found by.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 64)]
#[allow(dead_code, reason = "described, never made")]
struct Tag(String);

/// What a manual run is started with.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RunStart)]
pub struct RunRequest {
    /// At most 64 KiB; `{}` when absent.
    #[schema(value_type = Option<Object>)]
    pub input: Option<Map<String, Value>>,
    /// The planned time that the run is to stand for; templates see it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub nominal_time: Option<UnixMillis>,
}

/// A workflow: a named, versioned definition.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Workflow)]
pub struct WorkflowResponse {
    #[schema(value_type = Uuid)]
    pub id: WorkflowId,
    pub name: String,
    pub description: String,
    #[schema(value_type = DefinitionSchema)]
    pub definition: Value,
    /// Raised when the definition changes.
    pub version: i64,
    pub tags: Vec<String>,
    #[schema(value_type = String, examples("default"))]
    pub queue: QueueName,
    #[schema(value_type = String, examples("tracked"))]
    pub delivery: Delivery,
    /// Its ETag: raised by every write.
    pub revision: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: UnixMillis,
}

/// One version of a workflow's definition; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = WorkflowVersion)]
pub struct VersionResponse {
    #[schema(value_type = Uuid)]
    pub workflow_id: WorkflowId,
    pub version: i64,
    #[schema(value_type = DefinitionSchema)]
    pub definition: Value,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
}

impl From<Workflow> for WorkflowResponse {
    fn from(workflow: Workflow) -> WorkflowResponse {
        WorkflowResponse {
            id: workflow.id,
            name: workflow.name,
            description: workflow.description,
            definition: workflow.definition,
            version: workflow.version,
            tags: workflow.tags,
            queue: workflow.queue,
            delivery: workflow.delivery,
            revision: workflow.revision,
            created_at: workflow.created_at,
            updated_at: workflow.updated_at,
        }
    }
}

impl From<WorkflowVersion> for VersionResponse {
    fn from(version: WorkflowVersion) -> VersionResponse {
        VersionResponse {
            workflow_id: version.workflow_id,
            version: version.version,
            definition: version.definition,
            created_at: version.created_at,
        }
    }
}
