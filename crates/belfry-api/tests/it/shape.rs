//! The document and the routes say the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use belfry_api::{Access, Readiness};
use serde_json::Value;
use tower::ServiceExt;

use crate::world::World;

fn document() -> Value {
    belfry_api::openapi()
}

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
    });
    each.collect()
}

#[test]
fn operation_ids_are_unique_and_every_operation_is_described() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')) && !answers.contains_key("default"), "{method} {path}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
    }
}

#[test]
fn only_the_open_operations_have_no_security() {
    let document = document();
    let open: Vec<_> = operations(&document).into_iter().filter(|(.., operation)| operation.get("security").is_none()).collect();
    let open: Vec<_> = open.iter().map(|(_, path, _)| path.as_str()).collect();
    assert_eq!(open, ["/healthz", "/openapi.json", "/readyz"]);
    assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
}

#[test]
fn every_reference_leads_somewhere_and_every_path_parameter_is_declared() {
    let document = document();
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    for (method, path, operation) in operations(&document) {
        let named = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect::<BTreeSet<_>>();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let declared = parameters.filter(|parameter| parameter["in"] == "path").map(|parameter| parameter["name"].as_str().unwrap());
        assert_eq!(declared.collect::<BTreeSet<_>>(), named, "{method} {path}");
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect_references(field, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_generated() {
    let world = World::new().await;
    let answer = world.get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.ok(200), document());
}

#[tokio::test]
async fn readiness_gives_its_reason_and_health_does_not_depend_on_it() {
    let world = World::with(Access::Keys, Readiness::NotReady("the database is being migrated".to_owned())).await;
    let problem = world.get("/readyz").await.problem(503, "not-ready");
    assert_eq!(problem["detail"], "not ready: the database is being migrated");
    assert_eq!(world.get("/healthz").await.bytes, b"ok\n");
}

#[tokio::test]
async fn metrics_are_the_text_they_are_given() {
    let answer = World::new().await.get("/metrics").await;
    assert_eq!(answer.bytes, b"belfry_up 1\n");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
}

#[tokio::test]
async fn a_process_without_an_api_serves_its_probes_without_keys() {
    let metrics = Arc::new(|| "belfry_up 1\n".to_owned());
    let router = belfry_api::probes(metrics, Arc::new(|| Readiness::NotReady("no store".to_owned())));
    for (path, status) in [("/healthz", 200), ("/readyz", 503), ("/metrics", 200), ("/workflows", 404)] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}
