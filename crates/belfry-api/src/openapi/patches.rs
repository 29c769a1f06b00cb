//! The bodies of PATCH: what is written whole, in parts.

use serde_json::{Value, json};

use super::{each_operation, object};

/// The schema of each patch, and of what it is a part.
const PATCHES: [(&str, &str, &str); 3] = [
    (
        "WorkflowPatch",
        "WorkflowWrite",
        "An RFC 7396 merge patch of a workflow: what is left out stays, null sets the default, arrays are replaced whole.",
    ),
    (
        "SchedulePatch",
        "ScheduleWrite",
        "An RFC 7396 merge patch of a schedule: what is left out stays, null sets the default; another kind of spec replaces the one that stands.",
    ),
    (
        "CalendarPatch",
        "CalendarWrite",
        "An RFC 7396 merge patch of a calendar: what is left out stays, null takes it away, lists are replaced whole.",
    ),
];

pub(super) fn describe(document: &mut Value) {
    let schemas = object(&mut document["components"]["schemas"]);
    for (name, whole, description) in PATCHES {
        let mut patch = schemas[whole].clone();
        object(&mut patch).remove("required");
        patch["description"] = Value::from(description);
        // A part of a definition is no definition: of nodes and edges, one may be left out.
        if let Some(definition) = patch["properties"].get_mut("definition") {
            *definition = json!({"type": "object", "description": "Of `nodes` and `edges`, what is given is replaced."});
        }
        schemas.insert(name.to_owned(), patch);
    }
    each_operation(document, |operation| {
        let contents = operation.fields.get_mut("requestBody").filter(|_| operation.method == "patch");
        for (_, content) in contents.and_then(|body| body["content"].as_object_mut()).into_iter().flatten() {
            let reference = content["schema"]["$ref"].as_str().unwrap_or_default();
            let patch = PATCHES.iter().find(|(_, whole, _)| reference.ends_with(whole));
            let (name, ..) = patch.expect("every PATCH is of something that is written whole");
            content["schema"] = json!({"$ref": format!("#/components/schemas/{name}")});
        }
    });
}
