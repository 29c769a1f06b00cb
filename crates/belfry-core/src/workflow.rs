//! A workflow: a named, versioned definition.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::WorkflowId;
use crate::time::UnixMillis;

/// A row of `workflows`.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    pub id: WorkflowId,
    /// Unique among living workflows.
    pub name: String,
    pub description: String,
    /// As its author wrote it; see [`crate::definition::Definition`]. That of `version`.
    pub definition: Value,
    /// Which of its immutable versions is current: 1, 2, … A new one is made when the definition changes.
    pub version: i64,
    pub tags: Vec<String>,
    /// Which queue its runs go through; copied onto each run.
    pub queue: QueueName,
    pub delivery: Delivery,
    /// Raised by every write; the object's ETag.
    pub revision: i64,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

/// One immutable version of a workflow's definition.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowVersion {
    pub workflow_id: WorkflowId,
    pub version: i64,
    pub definition: Value,
    pub created_at: UnixMillis,
}

/// What a delivered message means to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The consumer claims the run and reports its end.
    #[default]
    Tracked,
    /// The consumer never reports: a confirmed message is the end (`delivered`).
    Handoff,
}

impl Delivery {
    pub fn as_str(self) -> &'static str {
        match self {
            Delivery::Tracked => "tracked",
            Delivery::Handoff => "handoff",
        }
    }

    pub fn parse(text: &str) -> Option<Delivery> {
        [Delivery::Tracked, Delivery::Handoff].into_iter().find(|delivery| delivery.as_str() == text)
    }
}

/// The name of a queue: 1 to 64 of `a-z A-Z 0-9 _ . -`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct QueueName(String);

impl QueueName {
    pub fn parse(text: &str) -> Option<QueueName> {
        let ok = is_name(text) && text.len() <= 64;
        ok.then(|| QueueName(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for QueueName {
    fn default() -> QueueName {
        QueueName("default".to_owned())
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names that appear in commands, addresses and queues: letters, digits, `_`, `.`, `-`, beginning with a letter or digit.
pub fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
