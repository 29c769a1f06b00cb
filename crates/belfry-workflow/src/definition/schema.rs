//! A definition as the API's description shows it: it is read by `belfry-core`'s types, which know no OpenAPI.
#![allow(dead_code, reason = "described, never made")]

use serde_json::Value;
use utoipa::ToSchema;

/// What a workflow does: nodes, and edges between them without a cycle. At most 500 nodes, 2,000 edges and 1 MiB.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Definition)]
pub struct DefinitionSchema {
    nodes: Vec<NodeSchema>,
    #[schema(required = false)]
    edges: Vec<EdgeSchema>,
}

/// One step. It runs when all its incoming edges are settled and one at least is taken; else it is `skipped`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Node)]
pub struct NodeSchema {
    /// Unique; letters, digits and `_`, not beginning with a digit: templates say `nodes.<id>.output`.
    #[schema(examples("fetch"), min_length = 1, max_length = 64, pattern = "^[A-Za-z_][A-Za-z0-9_]*$")]
    id: String,
    /// `trigger`, `http`, `log`, `set`, `condition`, `wait` or `command`.
    #[schema(examples("http"))]
    r#type: String,
    /// As the type asks; a trigger's has the workflow's `schedule`.
    #[schema(value_type = Object, required = false)]
    parameters: Value,
    /// How long one attempt may take, at most 24 hours; `PT10M` when absent.
    #[schema(required = false, examples("PT30S"))]
    timeout: String,
    #[schema(required = false)]
    retry: RetrySchema,
}

/// How a failed attempt of a node is repeated.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Retry)]
pub struct RetrySchema {
    /// In all, the first one included.
    #[schema(minimum = 1, maximum = 20)]
    attempts: u32,
    /// The pause before the second attempt; it doubles for each further one. `PT1S` when absent.
    #[schema(required = false, examples("PT1S"))]
    backoff: String,
    /// The longest pause; `PT1M` when absent.
    #[schema(required = false, examples("PT1M"))]
    max_backoff: String,
}

/// `to` waits for `from`, and runs when the edge is taken.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Edge)]
pub struct EdgeSchema {
    from: String,
    to: String,
    /// Which end of `from` takes it: `success` (the default), `failure`, or the branch of a `condition` node, `true` | `false`.
    #[schema(required = false, examples("success"), pattern = "^(success|failure|true|false)$")]
    when: String,
}
