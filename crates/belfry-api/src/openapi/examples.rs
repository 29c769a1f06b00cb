//! The examples of every operation: requests as they were sent to the router, and what it answered.
//!
//! They are written by the test `examples`, which runs them and compares.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Operation, each_operation};

const EXAMPLES: &str = include_str!("examples.json");

#[derive(Deserialize)]
struct Example {
    operation: String,
    summary: String,
    /// With the query.
    path: String,
    headers: Map<String, Value>,
    body: Option<Value>,
    status: u16,
    answer: Option<Value>,
}

pub(super) fn describe(document: &mut Value) {
    let examples: Vec<Example> = serde_json::from_str(EXAMPLES).expect("the examples are written by the test that runs them");
    each_operation(document, |mut operation| {
        let id = operation.id().to_owned();
        for example in examples.iter().filter(|example| example.operation == id) {
            example.describe(&mut operation);
        }
    });
}

impl Example {
    fn describe(&self, operation: &mut Operation<'_>) {
        let values = self.parameters(operation.path);
        let parameters = operation.fields.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let sent = values.iter().find(|(place, name, _)| parameter["in"] == *place && parameter["name"] == *name.as_str());
            if let Some((.., value)) = sent
                && parameter.get("example").is_none()
            {
                parameter["example"] = typed(parameter, value);
            }
        }
        let contents = operation.fields.get_mut("requestBody").and_then(|body| body["content"].as_object_mut());
        for (_, content) in contents.into_iter().flatten() {
            self.attach(content, self.body.as_ref());
        }
        let contents =
            operation.fields.pointer_mut(&format!("/responses/{}", self.status)).and_then(|response| response.get_mut("content"));
        for (_, content) in contents.and_then(Value::as_object_mut).into_iter().flatten() {
            self.attach(content, self.answer.as_ref());
        }
    }

    fn attach(&self, content: &mut Value, value: Option<&Value>) {
        let Some(value) = value else { return };
        let name = self.summary.to_lowercase().replace(' ', "-");
        content["examples"][name] = json!({"summary": self.summary, "value": value});
    }

    /// Place, name and value of each parameter that was sent.
    fn parameters(&self, template: &str) -> Vec<(&'static str, String, String)> {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut found = Vec::new();
        for (name, value) in template.split('/').zip(path.split('/')) {
            if let Some(name) = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                found.push(("path", name.to_owned(), value.to_owned()));
            }
        }
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        found.extend(query.map(|(name, value)| ("query", name.to_owned(), value.replace("%20", " "))));
        found.extend(self.headers.iter().map(|(name, value)| ("header", name.clone(), value.as_str().unwrap_or_default().to_owned())));
        found
    }
}

/// What was sent as text, as the parameter's schema has it.
fn typed(parameter: &Value, text: &str) -> Value {
    match parameter["schema"]["type"].as_str() {
        Some("integer" | "boolean") => text.parse().unwrap_or(Value::Null),
        _ => Value::from(text),
    }
}
