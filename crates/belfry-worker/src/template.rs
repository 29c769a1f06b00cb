//! Templates and expressions: what they see, and what they may cost.
//!
//! Undefined values are errors, nothing can be loaded from outside, and fuel bounds both the time and the memory that one
//! rendering takes.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;

use belfry_core::ports::ClaimedRun;
use belfry_core::run::{MAX_OUTPUT_BYTES, NodeResult, NodeState, bounded};
use belfry_core::time::UnixMillis;
use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, ErrorKind, Output, State, UndefinedBehavior, escape_formatter};
use serde::Serialize;
use serde_json::{Map, Value};

/// About as many instructions, or 64 bytes each: 6 MB.
const FUEL: u64 = 100_000;
/// The most that the templates of one parameter may render to.
pub(crate) const MAX_RENDERED_BYTES: usize = 1024 * 1024;

/// Renders the templates of one node.
pub(crate) struct Renderer {
    environment: Environment<'static>,
    context: minijinja::Value,
    /// The nodes of whose output only the beginning was kept.
    cut: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("the template `{template}` fails: {reason}")]
    Fails { template: String, reason: String },
    #[error("what is rendered is larger than {MAX_RENDERED_BYTES} bytes")]
    TooLarge,
}

#[derive(Serialize)]
struct Context<'a> {
    input: &'a Value,
    nodes: BTreeMap<&'a str, SeenNode<'a>>,
    run: SeenRun<'a>,
}

/// A node that was skipped has no output, so that a template can ask whether it `is defined`.
#[derive(Serialize)]
struct SeenNode<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a Value>,
}

#[derive(Serialize)]
struct SeenRun<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nominal_time: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_nominal_time: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_nominal_time: Option<UnixMillis>,
    attempt: i64,
    workflow: &'a str,
}

impl Renderer {
    /// `nodes` are those that the templates may see.
    pub fn new<'a>(claimed: &'a ClaimedRun, nodes: impl Iterator<Item = &'a NodeResult>) -> Renderer {
        let nodes: Vec<_> = nodes.collect();
        let cut = nodes.iter().filter(|node| node.output_truncated).map(|node| node.node_id.clone()).collect();
        let seen = |node: &'a NodeResult| SeenNode { output: (node.state != NodeState::Skipped).then_some(&node.output) };
        let context = Context {
            input: &claimed.run.input,
            nodes: nodes.into_iter().map(|node| (node.node_id.as_str(), seen(node))).collect(),
            run: SeenRun {
                id: claimed.run.id.to_string(),
                nominal_time: claimed.run.nominal_time,
                previous_nominal_time: claimed.previous_nominal_time,
                next_nominal_time: claimed.next_nominal_time,
                attempt: claimed.run.attempt,
                workflow: &claimed.run.workflow_name,
            },
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // In all builds, for without it an error does not say what is undefined.
        environment.set_debug(true);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(format);
        Renderer { environment, context: minijinja::Value::from(Serde(&context)), cut }
    }

    pub fn text(&self, template: &str) -> Result<String, TemplateError> {
        let mut room = MAX_RENDERED_BYTES;
        self.text_within(template, &mut room)
    }

    /// All strings in `value` rendered, but not the names of its fields.
    pub fn value(&self, value: &Value) -> Result<Value, TemplateError> {
        let mut room = MAX_RENDERED_BYTES;
        self.value_within(value, &mut room)
    }

    pub fn condition(&self, expression: &str) -> Result<bool, TemplateError> {
        self.expression(expression).map(|value| value.is_true())
    }

    fn value_within(&self, value: &Value, room: &mut usize) -> Result<Value, TemplateError> {
        Ok(match value {
            Value::String(template) => match lone_expression(template).filter(|inner| self.is_expression(inner)) {
                Some(expression) => self.json(template, &self.expression(expression)?, room)?,
                None => Value::String(self.text_within(template, room)?),
            },
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value_within(item, room)).collect::<Result<_, _>>()?),
            Value::Object(fields) => {
                let rendered = |(name, value): (&String, &Value)| Ok((name.clone(), self.value_within(value, room)?));
                Value::Object(fields.iter().map(rendered).collect::<Result<Map<_, _>, _>>()?)
            }
            plain => plain.clone(),
        })
    }

    fn text_within(&self, template: &str, room: &mut usize) -> Result<String, TemplateError> {
        let failed = |error| self.fails(template, &error);
        let mut written = Bounded { bytes: Vec::new(), room: *room, full: false };
        let compiled = self.environment.template_from_str(template).map_err(failed)?;
        let rendered = compiled.render_captured_to(self.context.clone(), &mut written).map(drop);
        if written.full {
            return Err(TemplateError::TooLarge);
        }
        rendered.map_err(failed)?;
        *room = written.room;
        // Only whole pieces are written, so no character is ever cut.
        Ok(String::from_utf8_lossy(&written.bytes).into_owned())
    }

    fn is_expression(&self, text: &str) -> bool {
        self.environment.compile_expression(text).is_ok()
    }

    fn expression(&self, expression: &str) -> Result<minijinja::Value, TemplateError> {
        let failed = |error| self.fails(expression, &error);
        let compiled = self.environment.compile_expression(expression).map_err(failed)?;
        let value = compiled.eval(self.context.clone()).map_err(failed)?;
        if value.is_undefined() {
            return Err(TemplateError::Fails { template: shown(expression), reason: self.not_defined(expression.trim()) });
        }
        Ok(value)
    }

    fn json(&self, template: &str, value: &minijinja::Value, room: &mut usize) -> Result<Value, TemplateError> {
        let unfit = |error: serde_json::Error| TemplateError::Fails { template: shown(template), reason: error.to_string() };
        let mut written = Bounded { bytes: Vec::new(), room: *room, full: false };
        let result = serde_json::to_writer(&mut written, value);
        if written.full {
            return Err(TemplateError::TooLarge);
        }
        result.map_err(unfit)?;
        *room = written.room;
        serde_json::from_slice(&written.bytes).map_err(unfit)
    }

    fn fails(&self, template: &str, error: &minijinja::Error) -> TemplateError {
        let reason = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => "it takes too much work".to_owned(),
            (kind, None) => kind.to_string(),
            (kind, Some(detail)) => match undefined_name(detail) {
                Some(name) => self.not_defined(name),
                None => format!("{kind}: {detail}"),
            },
        };
        TemplateError::Fails { template: shown(template), reason }
    }

    /// What there is to say of `name`, which is written as the template has it.
    fn not_defined(&self, name: &str) -> String {
        let below = |id: &String| {
            let ways = [format!("nodes.{id}.output"), format!("nodes['{id}'].output"), format!("nodes[\"{id}\"].output")];
            ways.iter().any(|way| name.strip_prefix(way).is_some_and(|rest| rest.starts_with(['.', '['])))
        };
        let cut = self.cut.iter().find(|id| below(id));
        let name = shown(name);
        match cut {
            Some(id) => {
                format!("`{name}` is not defined, for the output of `{id}` was larger than {} KiB and was cut", MAX_OUTPUT_BYTES / 1024)
            }
            None => format!("`{name}` is not defined; write `{name} | default(…)` if it may be absent"),
        }
    }
}

/// Everything but text is written as JSON, for what is rendered goes into requests and logs: `true`, not `True`.
fn format(output: &mut Output, state: &mut State, value: &minijinja::Value) -> Result<(), minijinja::Error> {
    if !matches!(value.kind(), ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) {
        return escape_formatter(output, state, value);
    }
    let mut written = Bounded { bytes: Vec::new(), room: MAX_RENDERED_BYTES, full: false };
    let unfit = |error: String| minijinja::Error::new(ErrorKind::BadSerialization, error);
    serde_json::to_writer(&mut written, value).map_err(|error| unfit(error.to_string()))?;
    output.write_str(&String::from_utf8_lossy(&written.bytes)).map_err(|error| unfit(error.to_string()))
}

/// What stands between the braces when `template` begins and ends with them.
fn lone_expression(template: &str) -> Option<&str> {
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner))
}

/// The name in the engine's "`name` is undefined", which is all of a detail or the end of one.
fn undefined_name(detail: &str) -> Option<&str> {
    let (before, _) = detail.split_once("` is undefined")?;
    before.rsplit_once('`').map(|(_, name)| name)
}

/// Enough of a template to find it by.
fn shown(template: &str) -> String {
    let beginning = bounded::beginning(template, 120);
    if beginning.len() < template.len() { format!("{beginning}…") } else { beginning.to_owned() }
}

/// Takes what fits and refuses the rest, so that a template that runs wild stops early.
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
    full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > self.room {
            self.full = true;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.room -= piece.len();
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
