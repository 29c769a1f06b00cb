//! The OpenAPI document: what the routes register, and what holds for all of them. It is committed as `openapi.json`.

mod answers;
mod bodies;
mod examples;
mod lists;
mod objects;
mod patches;

use belfry_core::ports::Scope;
use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::idempotency::MAX_KEY;
use crate::problem::{ProblemBody, ViolationBody};

/// The name of the security scheme.
const KEY: &str = "api_key";
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Belfry",
        description = "Workflows, their schedules and their runs. Errors are RFC 9457 problems with a stable `type`; unknown fields, \
                       parameters and preconditions are refused; lists are paged by `cursor` and `limit`; the ETag of an object \
                       is its revision, and `If-Match` is honoured where it is listed. What a path does not have is answered \
                       404 `no-such-path`, a method that it does not have 405 `method-not-allowed` with `Allow`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "Where this document was read")),
    components(schemas(ProblemBody, ViolationBody)),
    tags(
        (name = "workflows", description = "Named, versioned definitions"),
        (name = "schedules", description = "When workflows run"),
        (name = "calendars", description = "Days on which nobody works, named and shared by schedules"),
        (name = "runs", description = "Executions of workflows"),
        (name = "workers", description = "Executing runs outside Belfry"),
        (name = "keys", description = "API keys"),
        (name = "system", description = "Health, metrics and this document"),
    )
)]
struct Base;

/// What the routes are registered onto.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// The document of the routes that need a key, and of the `open` ones.
pub(crate) fn document(keyed: &OpenApi, open: &OpenApi) -> Value {
    let mut document = as_value(keyed);
    each_operation(&mut document, |operation| operation.fields["security"] = json!([{KEY: [operation.scope().as_str()]}]));
    each_operation(&mut document, honour_idempotency_keys);
    let open = as_value(open);
    let paths = object(&mut document["paths"]);
    paths.extend(open["paths"].as_object().cloned().unwrap_or_default());
    document["components"]["securitySchemes"] = json!({KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "belfry_…",
        "description": "`Authorization: Bearer belfry_…`; `belfry key create NAME` makes a key. It has one or more of the scopes `read`, `write` and `work`, of which each operation names the one that it needs",
    }});
    bodies::describe(&mut document);
    lists::describe(&mut document);
    patches::describe(&mut document);
    objects::describe(&mut document["components"]["schemas"]);
    answers::describe(&mut document);
    examples::describe(&mut document);
    document
}

/// One operation of the document, while it is completed.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    fields: &'a mut Value,
}

impl Operation<'_> {
    /// What a key must have for it.
    fn scope(&self) -> Scope {
        match (self.method, self.id()) {
            ("get", _) | (_, "preview_schedule") => Scope::Read,
            _ if self.fields["tags"][0] == "workers" => Scope::Work,
            _ => Scope::Write,
        }
    }

    fn id(&self) -> &str {
        self.fields["operationId"].as_str().unwrap_or_default()
    }

    fn needs_key(&self) -> bool {
        self.fields.get("security").is_some()
    }

    fn has_body(&self) -> bool {
        self.fields.get("requestBody").is_some()
    }

    fn has_parameter(&self, place: &str, name: Option<&str>) -> bool {
        let parameters = self.fields["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|parameter| parameter["in"] == place && name.is_none_or(|name| parameter["name"] == name))
    }
}

/// All POSTs but that whose answer must not be kept.
fn honour_idempotency_keys(operation: Operation<'_>) {
    if operation.method != "post" || operation.id() == "create_key" {
        return;
    }
    let description = "Names this request: sent again within 24 hours, it is not done again and gets the first answer";
    let schema = json!({"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"});
    let parameter = json!({"name": "Idempotency-Key", "in": "header", "required": false, "description": description, "schema": schema});
    let parameters = object(operation.fields).entry("parameters").or_insert_with(|| json!([]));
    parameters.as_array_mut().expect("parameters are an array").push(parameter);
}

fn each_operation(document: &mut Value, mut change: impl FnMut(Operation<'_>)) {
    for (path, item) in object(&mut document["paths"]) {
        for method in METHODS {
            if let Some(fields) = item.get_mut(method) {
                change(Operation { path, method, fields });
            }
        }
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("the document has objects where OpenAPI says so")
}

fn as_value(document: &OpenApi) -> Value {
    serde_json::to_value(document).expect("the document is plain data")
}
