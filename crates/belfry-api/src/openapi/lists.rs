//! A list names what it has: utoipa writes the schema of the items out once more in each list, of which generators of clients make
//! a second type.

use serde_json::{Value, json};

use super::object;

/// What utoipa calls a list of workflows: `ListResponse_Workflow`.
const GENERIC: &str = "ListResponse_";

pub(super) fn describe(document: &mut Value) {
    let schemas = object(&mut document["components"]["schemas"]);
    let lists: Vec<String> = schemas.keys().filter(|name| name.starts_with(GENERIC)).cloned().collect();
    for name in lists {
        let item = &name[GENERIC.len()..];
        let mut list = schemas.remove(&name).expect("its name was just read");
        list["properties"]["items"]["items"] = json!({"$ref": format!("#/components/schemas/{item}")});
        schemas.insert(format!("{item}List"), list);
    }
    rename(document);
}

fn rename(value: &mut Value) {
    match value {
        Value::Array(parts) => parts.iter_mut().for_each(rename),
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref")
                && let Some((place, item)) = reference.split_once(GENERIC)
            {
                *reference = format!("{place}{item}List");
            }
            fields.values_mut().for_each(rename);
        }
        _ => {}
    }
}
