//! What a workflow does: nodes and the edges between them.
//!
//! Types only. Whether a definition is sound is checked when it is written (`belfry-workflow`); what is stored has passed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use jiff::SignedDuration;

use crate::time::duration;

/// The parsed form of a workflow's `definition`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub edges: Vec<Edge>,
}

/// One step. `parameters` depend on `kind`: see [`crate::node::Parameters`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Unique in its definition; templates name it (`nodes.<id>.output`).
    pub id: String,
    /// The node's type. Kept as text: a worker older than the node's type must be able to read the rest.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default = "no_parameters")]
    pub parameters: Value,
    /// How long one attempt may take; [`DEFAULT_TIMEOUT`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional_duration")]
    pub timeout: Option<SignedDuration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// The time limit of a node that names none.
pub const DEFAULT_TIMEOUT: SignedDuration = SignedDuration::from_mins(10);

/// How a failed attempt of a node is repeated, within its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, the first one included: 1 to 20.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles for each further one.
    #[serde(default = "Retry::default_backoff", with = "duration")]
    pub backoff: SignedDuration,
    /// The longest pause.
    #[serde(default = "Retry::default_max_backoff", with = "duration")]
    pub max_backoff: SignedDuration,
}

impl Retry {
    fn default_backoff() -> SignedDuration {
        SignedDuration::from_secs(1)
    }

    fn default_max_backoff() -> SignedDuration {
        SignedDuration::from_mins(1)
    }

    /// The pause after the failed attempt number `attempt` (1, 2, …).
    pub fn pause_after(&self, attempt: u32) -> SignedDuration {
        let doublings = attempt.saturating_sub(1).min(30);
        self.backoff.saturating_mul(1 << doublings).min(self.max_backoff)
    }
}

/// `from` → `to`: `to` waits for `from`, and is run when the edge is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    pub from: String,
    pub to: String,
    #[serde(default)]
    pub when: When,
}

/// Which end of `from` takes the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    #[default]
    Success,
    Failure,
    /// The branch of a `condition` node whose expression is true.
    True,
    False,
}

impl Definition {
    /// The trigger node, of which there is at most one.
    pub fn trigger(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.kind == crate::node::TRIGGER)
    }
}

fn no_parameters() -> Value {
    Value::Object(serde_json::Map::new())
}

mod optional_duration {
    use super::{SignedDuration, duration};
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(length: &Option<SignedDuration>, serializer: S) -> Result<S::Ok, S::Error> {
        match length {
            Some(length) => duration::serialize(length, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SignedDuration>, D::Error> {
        #[derive(Deserialize)]
        struct Wrapped(#[serde(with = "duration")] SignedDuration);
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
    }
}
