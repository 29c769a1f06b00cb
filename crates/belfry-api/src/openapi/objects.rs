//! Objects of any fields say that they are: to generators of clients an object without `properties` has none.

use serde_json::{Map, Value};

/// What is written in the places of schemas and is none.
const DATA: [&str; 4] = ["default", "enum", "example", "examples"];

pub(super) fn describe(schemas: &mut Value) {
    match schemas {
        Value::Array(parts) => parts.iter_mut().for_each(describe),
        Value::Object(fields) => {
            if is_object(fields) && !fields.contains_key("properties") {
                fields.entry("additionalProperties").or_insert(Value::Bool(true));
            }
            let parts = fields.iter_mut().filter(|(name, _)| !DATA.contains(&name.as_str()));
            parts.for_each(|(_, part)| describe(part));
        }
        _ => {}
    }
}

/// A property may be called `type` too: that one is a schema.
fn is_object(fields: &Map<String, Value>) -> bool {
    match fields.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    }
}
