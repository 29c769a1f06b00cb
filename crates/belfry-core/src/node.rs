//! The types of nodes and their parameters.
//!
//! Strings marked *template* are rendered by the worker with `input`, `nodes.<id>.output` and `run`.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::definition::Node;
use crate::time::duration;

pub const TRIGGER: &str = "trigger";
pub const CONDITION: &str = "condition";
pub const COMMAND: &str = "command";

/// Every type that this version knows.
pub const KINDS: [&str; 7] = [TRIGGER, "http", "log", "set", CONDITION, "wait", COMMAND];

/// A node's parameters, read as its type asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameters {
    Trigger(TriggerParameters),
    Http(HttpParameters),
    Log(LogParameters),
    Set(SetParameters),
    Condition(ConditionParameters),
    Wait(WaitParameters),
    Command(CommandParameters),
}

/// Where a definition begins; with a schedule, also when.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerParameters {
    /// The one shape of a schedule (`belfry-workflow`'s `triggers` read it); the worker does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Value>,
}

/// One HTTP request. Its output is `{"status", "headers", "body"}`, the body parsed when it is JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpParameters {
    #[serde(default = "HttpParameters::get")]
    pub method: String,
    /// Template; `http` or `https`.
    pub url: String,
    /// Values are templates.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A string is a template sent as it is; anything else is sent as JSON, its strings being templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Which answers count as success; 200 to 299 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_status: Vec<u16>,
    /// How many redirects are followed: 0 (the default) to 10. Each hop is checked like the first address.
    #[serde(default)]
    pub follow_redirects: u8,
}

impl HttpParameters {
    fn get() -> String {
        "GET".to_owned()
    }
}

/// A line in the run's log. Its output is `{"message"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogParameters {
    /// Template.
    pub message: String,
    #[serde(default)]
    pub level: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    #[default]
    Info,
    Warn,
    Error,
}

/// Named values. Its output is `values`, strings rendered; a string that is one lone `{{ expression }}` keeps the
/// expression's type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetParameters {
    pub values: serde_json::Map<String, Value>,
}

/// Decides which of its `true` and `false` edges are taken. Its output is `{"result": true|false}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionParameters {
    /// An expression, without braces: `nodes.fetch.output.status == 200`.
    pub expression: String,
}

/// Waits for a duration, or until an instant. When it ends is stored first, so that another worker goes on waiting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitParameters {
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<Length>,
    /// Template of an RFC 3339 instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A program that is run on the worker's host, where its operator permits that. Its output is `{"exit_code", "signal",
/// "stdout", "stdout_truncated"}`, what it wrote parsed when it is JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandParameters {
    /// The program and its arguments, templates all; no shell reads them. Exactly one of this and `shell` is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// What `/bin/sh` executes, as it stands: no template, since what is put into a shell's text becomes part of its program.
    /// Values reach it through `env`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Template of an absolute path; the home folder of the worker's user when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Values are templates. They are added to the little that a command's environment has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// A string is a template sent as it is; anything else is sent as JSON, its strings being templates. Empty when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<Value>,
    /// Which exit codes count as success; 0 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub success_codes: Vec<u8>,
}

/// A duration as a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Length(#[serde(with = "duration")] pub SignedDuration);

#[derive(Debug, thiserror::Error)]
pub enum ParametersError {
    #[error("`{0}` is no node type of this version")]
    UnknownKind(String),
    #[error("{0}")]
    Invalid(#[from] serde_json::Error),
}

impl Parameters {
    pub fn read(node: &Node) -> Result<Parameters, ParametersError> {
        let value = node.parameters.clone();
        Ok(match node.kind.as_str() {
            TRIGGER => Parameters::Trigger(serde_json::from_value(value)?),
            "http" => Parameters::Http(serde_json::from_value(value)?),
            "log" => Parameters::Log(serde_json::from_value(value)?),
            "set" => Parameters::Set(serde_json::from_value(value)?),
            CONDITION => Parameters::Condition(serde_json::from_value(value)?),
            "wait" => Parameters::Wait(serde_json::from_value(value)?),
            COMMAND => Parameters::Command(serde_json::from_value(value)?),
            other => return Err(ParametersError::UnknownKind(other.to_owned())),
        })
    }
}
