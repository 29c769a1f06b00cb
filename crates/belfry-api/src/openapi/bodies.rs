//! A body that may be left out is left out, and not null: for the two together generators of clients make code that sends neither.
//! One that is no JSON is a file, sent as it is.

use serde_json::Value;

use super::each_operation;

pub(super) fn describe(document: &mut Value) {
    each_operation(document, |operation| {
        let contents = operation.fields.get_mut("requestBody").and_then(|body| body["content"].as_object_mut());
        for (kind, content) in contents.into_iter().flatten() {
            if !kind.ends_with("json") {
                content["schema"]["format"] = Value::from("binary");
            }
            let present = content["schema"]["oneOf"].as_array().and_then(|forms| forms.iter().find(|form| form["type"] != "null"));
            if let Some(present) = present.cloned() {
                content["schema"] = present;
            }
        }
    });
}
