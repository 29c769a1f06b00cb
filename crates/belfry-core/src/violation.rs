//! What is wrong with an input, said so that its author can put it right.

use serde::Serialize;
use serde_json::Value;

/// One thing that is wrong with one place of an input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    /// Where: a JSON pointer (RFC 6901) into the document that was sent; empty for the whole of it.
    pub pointer: String,
    /// What was found there; absent when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What is wrong, as a sentence without a full stop.
    pub detail: String,
    /// What would be accepted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expected: String,
}

impl Violation {
    pub fn new(pointer: impl Into<String>, value: Option<Value>, detail: impl Into<String>, expected: impl Into<String>) -> Violation {
        Violation { pointer: pointer.into(), value: value.map(shortened), detail: detail.into(), expected: expected.into() }
    }
}

/// Every violation that was found; a check that finds none answers the value instead.
#[derive(Debug, Clone, PartialEq, Default, Serialize, thiserror::Error)]
#[error("{}", self.summary())]
pub struct Violations(pub Vec<Violation>);

/// A document that is wrong in very many places is answered with the first of them.
const MOST: usize = 50;

impl Violations {
    pub fn one(violation: Violation) -> Violations {
        Violations(vec![violation])
    }

    pub fn add(&mut self, pointer: impl Into<String>, value: Option<Value>, detail: impl Into<String>, expected: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(Violation::new(pointer, value, detail, expected));
        }
    }

    /// Takes over `others`, whose pointers begin at `prefix`.
    pub fn append_under(&mut self, prefix: &str, others: Violations) {
        for mut violation in others.0 {
            if self.0.len() < MOST {
                violation.pointer.insert_str(0, prefix);
                self.0.push(violation);
            }
        }
    }

    #[must_use]
    pub fn under(self, prefix: &str) -> Violations {
        let mut moved = Violations::default();
        moved.append_under(prefix, self);
        moved
    }

    /// `value` when nothing was found to be wrong.
    pub fn or<T>(self, value: T) -> Result<T, Violations> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    fn summary(&self) -> String {
        let lines: Vec<String> = self.0.iter().map(|v| format!("{}: {}", v.pointer, v.detail)).collect();
        lines.join("; ")
    }
}

/// The name among `known` that `given` was most likely meant to be.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase()), name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 2))
        .map(|(_, name)| name)
}

/// All of `known`, that first which `given` was most likely meant to be.
pub fn nearest_first<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_by_key(|name| strsim::damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase()));
    known
}

/// One segment of a JSON pointer, escaped as RFC 6901 asks.
pub fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Values are repeated so that people see what they sent; a long one only in its beginning.
fn shortened(value: Value) -> Value {
    const LONGEST: usize = 200;
    match value {
        Value::String(text) if text.chars().count() > LONGEST => Value::String(text.chars().take(LONGEST).chain("…".chars()).collect()),
        Value::Array(items) if items.len() > 10 => Value::String(format!("(an array of {} items)", items.len())),
        Value::Object(fields) if fields.len() > 10 => Value::String(format!("(an object of {} fields)", fields.len())),
        other => other,
    }
}
