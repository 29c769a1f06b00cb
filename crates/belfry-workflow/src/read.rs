//! From JSON to types: every fault with its pointer, what was found and what would be accepted.

#[cfg(test)]
mod tests;

use belfry_core::violation::{Violation, Violations, escape, nearest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::runs::claims;
use crate::triggers;

/// The most faults that one reading looks for.
const MOST: usize = 50;

/// Reads the object `value` as a `T`. Unknown fields (of types that deny them) are answered with the nearest known name.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Violations> {
    match read_partly(value, &[]) {
        (Some(read), violations) => violations.or(read),
        (None, violations) => Err(violations),
    }
}

/// Like [`read`], and answers what can be read without the faulty fields too, so that checks on the rest can add to the
/// violations. `also` names fields that the caller has taken out of `value` and that are known nevertheless.
///
/// serde stops at the first fault. So a faulty field is left out and the rest is read again, until nothing is wrong, or
/// until nothing is left that could be left out.
pub(crate) fn read_partly<T: DeserializeOwned>(value: &Value, also: &[&str]) -> (Option<T>, Violations) {
    let mut violations = Violations::default();
    // serde would read an array as a struct too, field by field.
    if !value.is_object() {
        violations.add("", Some(value.clone()), format!("{} was found", kind_of(value)), "an object");
        return (None, violations);
    }
    let mut rest = value.clone();
    for _ in 0..MOST {
        let error = match serde_path_to_error::deserialize::<_, T>(rest.clone()) {
            Ok(read) => return (Some(read), violations),
            Err(error) => error,
        };
        let fault = Fault::of(&error, &rest);
        // A field that was left out because it was wrong is then missing; its author sent it all the same.
        if !matches!(fault.kind, Kind::MissingField) || value.pointer(&fault.pointer).is_none() {
            violations.0.push(fault.violation(value, also));
        }
        if !leave_out(&mut rest, &fault.pointer) {
            break;
        }
    }
    (None, violations)
}

/// Removes the field at `pointer` or, where none is there to be removed, the nearest one around it.
fn leave_out(document: &mut Value, pointer: &str) -> bool {
    let mut pointer = pointer;
    while let Some((parent, name)) = pointer.rsplit_once('/') {
        if let Some(Value::Object(fields)) = document.pointer_mut(parent)
            && fields.remove(&unescape(name)).is_some()
        {
            return true;
        }
        pointer = parent;
    }
    false
}

/// Applies a JSON merge patch (RFC 7396): objects are merged field by field, null removes, everything else replaces.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge_patch(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// What serde says is wrong, taken apart.
struct Fault {
    pointer: String,
    kind: Kind,
}

enum Kind {
    UnknownField {
        name: String,
        known: Vec<String>,
    },
    MissingField,
    /// `expected` is serde's name of a type.
    WrongType {
        found: String,
        expected: String,
    },
    UnknownWord {
        known: Vec<String>,
    },
    /// What a type of ours says.
    Other {
        message: String,
    },
}

impl Fault {
    fn of(error: &serde_path_to_error::Error<serde_json::Error>, document: &Value) -> Fault {
        let message = error.inner().to_string();
        let names = quoted(&message);
        let pointer = pointer(error.path());
        if message.starts_with("unknown field ") {
            let (name, known) = split(names);
            return Fault { pointer: of_field(&pointer, &name, document), kind: Kind::UnknownField { name, known } };
        }
        if message.starts_with("missing field ") {
            let (name, _) = split(names);
            return Fault { pointer: format!("{pointer}/{}", escape(&name)), kind: Kind::MissingField };
        }
        let wrong = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
        let kind = match wrong.and_then(|rest| rest.split_once(", expected ")) {
            Some((found, expected)) => Kind::WrongType { found: found.to_owned(), expected: expected.to_owned() },
            None if message.starts_with("unknown variant ") => Kind::UnknownWord { known: split(names).1 },
            None => Kind::Other { message },
        };
        Fault { pointer, kind }
    }

    fn violation(&self, document: &Value, also: &[&str]) -> Violation {
        let value = document.pointer(&self.pointer).cloned();
        let (detail, expected) = match &self.kind {
            Kind::UnknownField { name, known } => unknown_field(name, known, also),
            Kind::MissingField => {
                ("it is missing".to_owned(), accepted(self.name()).or(wanted(self.name())).unwrap_or_default().to_owned())
            }
            Kind::WrongType { found, expected } => {
                let expected = accepted(self.name()).unwrap_or_else(|| type_name(expected));
                let found = value.as_ref().map_or_else(|| found.clone(), kind_of);
                (format!("{found} was found"), expected.to_owned())
            }
            Kind::UnknownWord { known } => {
                let word = value.as_ref().and_then(Value::as_str).unwrap_or_default();
                (format!("`{word}` is not known{}", perhaps(word, known)), one_of(known))
            }
            Kind::Other { message } => (message.clone(), accepted(self.name()).unwrap_or_default().to_owned()),
        };
        Violation::new(self.pointer.clone(), value, detail, expected)
    }

    fn name(&self) -> &str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }
}

/// What is accepted where the type alone does not say it, by the name of the field.
fn accepted(name: &str) -> Option<&'static str> {
    Some(match name {
        "cron" => triggers::CRON,
        "rrule" => triggers::RRULE,
        "every" | "missed_after" | "catch_up_window" | "timeout" | "backoff" | "max_backoff" | "for" => "a duration such as PT15M or 15m",
        "start" | "start_at" | "end_at" | "nominal_time" => "an instant in RFC 3339 with an offset, such as 2026-11-25T09:00:00Z",
        "at" => "an instant such as 2026-11-25T09:00:00Z, or a local time such as 2026-11-25T09:00",
        "timezone" => "an IANA time zone such as Europe/Berlin",
        "token" => claims::TOKEN,
        "worker" => claims::WORKER,
        "epoch" => claims::EPOCH,
        "error" => claims::ERROR,
        "progress" => claims::PROGRESS,
        "log" => claims::LOG,
        _ => return None,
    })
}

/// What belongs into a field that cannot be left out.
fn wanted(name: &str) -> Option<&'static str> {
    Some(match name {
        "name" => "1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter or digit",
        "definition" => "an object with `nodes` and `edges`",
        "nodes" => "an array of nodes, each with `id`, `type` and `parameters`",
        "id" => "1 to 64 letters, digits and `_`, not beginning with a digit",
        "type" => "the type of a node, such as `http`",
        "from" | "to" => "the id of a node",
        "url" => "an address of http or https; a template",
        "message" => "a string; a template",
        "values" => "an object",
        "expression" => "an expression without braces, such as `nodes.fetch.output.status == 200`",
        "attempts" => "a whole number, 1 to 20",
        _ => return None,
    })
}

/// Fields of schedules that are to come.
const ANNOUNCED: [&str; 1] = ["overlap"];
/// Of a workflow's answer; the others are a schedule's too.
const VERSION: &str = "version";

fn unknown_field(name: &str, known: &[String], also: &[&str]) -> (String, String) {
    let known: Vec<String> = known.iter().cloned().chain(also.iter().map(|name| (*name).to_owned())).collect();
    let is_known = |field: &str| known.iter().any(|known| known == field);
    if is_known("cron") && ANNOUNCED.contains(&name) {
        return (format!("`{name}` is not supported yet"), one_of(&known));
    }
    // A schedule's or a workflow's own fields, not those of a part of it.
    if (is_known("timezone") || is_known("definition")) && (triggers::READ_ONLY.contains(&name) || name == VERSION) {
        return (format!("`{name}` is read-only, leave it out"), one_of(&known));
    }
    if known.is_empty() {
        return (format!("`{name}` is not known; no fields are accepted here"), String::new());
    }
    (format!("`{name}` is not known{}", perhaps(name, &known)), one_of(&known))
}

pub(crate) fn perhaps(word: &str, known: &[impl AsRef<str>]) -> String {
    nearest(word, known.iter().map(AsRef::as_ref)).map(|nearest| format!("; perhaps `{nearest}`")).unwrap_or_default()
}

pub(crate) fn one_of(known: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = known.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match names.as_slice() {
        [only] => only.clone(),
        names => format!("one of {}", names.join(", ")),
    }
}

/// The path of an unknown field ends at its object or at the field itself, as the error came up; this makes it the field.
fn of_field(pointer: &str, name: &str, document: &Value) -> String {
    let below = format!("{pointer}/{}", escape(name));
    if document.pointer(&below).is_some() || !pointer.ends_with(&format!("/{}", escape(name))) { below } else { pointer.to_owned() }
}

fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// The names between backticks.
fn quoted(message: &str) -> Vec<String> {
    message.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn split(mut names: Vec<String>) -> (String, Vec<String>) {
    if names.is_empty() {
        return (String::new(), names);
    }
    let first = names.remove(0);
    (first, names)
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// serde's names of types, as people call them.
fn type_name(expected: &str) -> &str {
    match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "a boolean" => "true or false",
        "i64" => "a whole number",
        "u8" => "a whole number, 0 to 255",
        "u16" => "a whole number, 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, not negative",
        object if object.starts_with("struct ") => "an object",
        other => other,
    }
}

fn kind_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
