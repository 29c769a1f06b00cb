//! Every status that an operation can be answered with. What is no success is a problem.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Operation, each_operation, object};
use crate::problem::{CONTENT, Kind};

/// What may stand in the way of each operation, beside what may stand in the way of all.
const CONFLICTS: &[(&str, &[Kind])] = &[
    ("create_workflow", &[Kind::Conflict]),
    ("replace_workflow", &[Kind::Conflict, Kind::DirectDefaultStands]),
    ("patch_workflow", &[Kind::Conflict, Kind::DirectDefaultStands]),
    ("delete_workflow", &[Kind::Conflict]),
    ("put_workflow_schedule", &[Kind::Conflict, Kind::OwnedByDefinition]),
    ("patch_workflow_schedule", &[Kind::Conflict, Kind::OwnedByDefinition]),
    ("delete_workflow_schedule", &[Kind::Conflict, Kind::OwnedByDefinition]),
    ("create_workflow_schedule", &[Kind::Conflict, Kind::OwnedByDefinition]),
    ("patch_schedule", &[Kind::Conflict, Kind::OwnedByDefinition]),
    ("delete_schedule", &[Kind::Conflict, Kind::OwnedByDefinition]),
    ("pause_schedule", &[Kind::Conflict]),
    ("resume_schedule", &[Kind::Conflict]),
    ("put_calendar", &[Kind::Conflict]),
    ("patch_calendar", &[Kind::Conflict]),
    ("delete_calendar", &[Kind::Conflict]),
    ("import_calendar", &[Kind::Conflict]),
    ("cancel_run", &[Kind::Conflict]),
    ("rerun_run", &[Kind::Conflict]),
    ("claim_run", &[Kind::RunNotClaimable, Kind::RunHandedOff]),
    ("heartbeat_run", &[Kind::ClaimStale]),
    ("complete_run", &[Kind::ClaimStale]),
    ("fail_run", &[Kind::ClaimStale]),
    ("release_run", &[Kind::ClaimStale]),
];

pub(super) fn describe(document: &mut Value) {
    each_operation(document, |operation| {
        let problems = problems(&operation);
        let responses = object(&mut operation.fields["responses"]);
        for (status, response) in responses.iter_mut() {
            response["description"] = Value::from(success(status));
            describe_headers(response);
        }
        for (status, kinds) in problems {
            responses.insert(status.to_string(), answer(&kinds));
        }
    });
    let shared = Kind::ALL.iter().map(|kind| kind.status().as_u16()).map(|status| (name(status), response(&shared(status))));
    document["components"]["responses"] = Value::Object(shared.collect());
}

/// The kinds that the operation can be answered with, by status.
fn problems(operation: &Operation<'_>) -> BTreeMap<u16, Vec<Kind>> {
    let mut kinds = vec![Kind::InvalidQuery, Kind::InvalidHeader, Kind::Internal, Kind::Timeout];
    let mut add = |condition: bool, more: &[Kind]| {
        if condition {
            kinds.extend(more);
        }
    };
    add(operation.has_parameter("path", None), &[Kind::InvalidPath, Kind::NotFound]);
    add(operation.has_body(), &[Kind::MalformedJson, Kind::BodyTooLarge, Kind::UnsupportedMediaType, Kind::Invalid]);
    add(operation.needs_key(), &[Kind::Unauthorized, Kind::InsufficientScope, Kind::ForeignHost, Kind::RateLimited, Kind::Unavailable]);
    add(operation.method != "get", &[Kind::CrossOrigin]);
    add(operation.has_parameter("header", Some("If-Match")), &[Kind::Stale]);
    let may_come_again = operation.has_parameter("header", Some("Idempotency-Key"));
    add(may_come_again, &[Kind::IdempotencyInProgress, Kind::IdempotencyKeyReused, Kind::BodyTooLarge, Kind::MalformedJson]);
    add(operation.id() == "readyz", &[Kind::NotReady]);
    let conflicts = CONFLICTS.iter().find(|(id, _)| *id == operation.id());
    add(conflicts.is_some(), conflicts.map_or(&[], |(_, kinds)| kinds));

    let mut by_status = BTreeMap::<u16, Vec<Kind>>::new();
    for kind in kinds {
        by_status.entry(kind.status().as_u16()).or_default().push(kind);
    }
    by_status
}

/// The problems of a status are alike for all operations, but for what contradicts them and for readiness.
fn answer(kinds: &[Kind]) -> Value {
    let status = kinds[0].status().as_u16();
    if status == 409 || kinds.contains(&Kind::NotReady) {
        return response(kinds);
    }
    json!({"$ref": format!("#/components/responses/{}", name(status))})
}

fn shared(status: u16) -> Vec<Kind> {
    let apart = [Kind::NotReady];
    Kind::ALL.iter().copied().filter(|kind| kind.status() == status && !apart.contains(kind)).collect()
}

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn response(kinds: &[Kind]) -> Value {
    let titles: Vec<String> = kinds.iter().map(|kind| format!("`{}`: {}", kind.slug(), kind.title())).collect();
    let examples: Map<String, Value> = kinds.iter().map(|kind| (kind.slug().to_owned(), example(*kind))).collect();
    let content = json!({"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples});
    let mut response = json!({"description": titles.join("; "), "content": {CONTENT: content}});
    if let Some(headers) = headers(kinds[0].status().as_u16()) {
        response["headers"] = headers;
    }
    response
}

fn example(kind: Kind) -> Value {
    let value = json!({"type": kind.uri(), "title": kind.title(), "status": kind.status().as_u16(), "detail": kind.example()});
    json!({"summary": kind.title(), "value": value})
}

fn headers(status: u16) -> Option<Value> {
    let text = |description: &str, required: bool| json!({"description": description, "required": required, "schema": {"type": "string"}});
    let seconds = |required: bool| {
        let description = "After how many seconds the same request may succeed";
        json!({"description": description, "required": required, "schema": {"type": "integer", "minimum": 1}})
    };
    Some(match status {
        401 => json!({"WWW-Authenticate": text("How a key is to be sent", true)}),
        405 => json!({"Allow": text("The methods that the path has", true)}),
        409 | 503 => json!({"Retry-After": seconds(false)}),
        429 => json!({"Retry-After": seconds(true)}),
        _ => return None,
    })
}

/// OpenAPI asks every response for a description; what is answered is said by its schema.
fn success(status: &str) -> &'static str {
    match status {
        "201" => "Made",
        "204" => "Done",
        _ => "As it stands",
    }
}

fn describe_headers(response: &mut Value) {
    for (name, header) in response.get_mut("headers").and_then(Value::as_object_mut).into_iter().flatten() {
        header["description"] = Value::from(match name.as_str() {
            "ETag" => "The object's revision, for `If-Match`",
            "Location" => "Where it stands",
            _ => "",
        });
    }
}
