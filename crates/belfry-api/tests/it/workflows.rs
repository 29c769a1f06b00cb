//! Workflows through HTTP.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{World, log, pointers, trigger};

#[tokio::test]
async fn a_workflow_is_made_read_replaced_patched_and_deleted() {
    let world = World::new().await;
    let made = world.post("/workflows", &json!({"name": "report", "definition": {"nodes": [log()]}, "tags": ["daily"]})).await;
    let body = made.ok(201);
    let path = made.header("location").unwrap();
    assert_eq!(path, format!("/workflows/{}", body["id"].as_str().unwrap()));
    assert_eq!(made.header("etag"), Some("\"1\""));
    assert_eq!((&body["revision"], &body["version"]), (&json!(1), &json!(1)));
    assert_eq!(world.get(path).await.ok(200), body);

    let replaced = world.send(Method::PUT, path, Some(&json!({"name": "report", "definition": {"nodes": [log()]}}))).await;
    assert_eq!(replaced.header("etag"), Some("\"2\""));
    assert_eq!((&replaced.ok(200)["tags"], &replaced.ok(200)["version"]), (&json!([]), &json!(1)));

    let patch = br#"{"description": "nightly", "definition": {"nodes": [{"id": "other", "type": "log", "parameters": {"message": "x"}}]}}"#;
    let patched = world.send_as(Method::PATCH, path, Some(("application/merge-patch+json", patch)), &[]).await;
    assert_eq!(patched.header("etag"), Some("\"3\""));
    assert_eq!((&patched.ok(200)["description"], &patched.ok(200)["version"]), (&json!("nightly"), &json!(2)));

    let deleted = world.delete(path).await;
    assert_eq!((deleted.status.as_u16(), deleted.bytes.len()), (204, 0));
    world.get(path).await.problem(404, "not-found");
    world.delete(path).await.problem(404, "not-found");
}

#[tokio::test]
async fn versions_never_change_and_their_etag_is_their_number() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    for message in ["b", "c"] {
        let definition = json!({"nodes": [{"id": "log", "type": "log", "parameters": {"message": message}}]});
        world.send(Method::PATCH, &path, Some(&json!({"definition": definition}))).await.ok(200);
    }
    let first = world.get(&format!("{path}/versions?limit=2")).await.ok(200);
    let numbers = |page: &Value| page["items"].as_array().unwrap().iter().map(|item| item["version"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers(&first), [3, 2]);
    let rest = world.get(&format!("{path}/versions?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.ok(200);
    assert_eq!((numbers(&rest), &rest["next_cursor"]), (vec![1], &Value::Null));

    let second = world.get(&format!("{path}/versions/2")).await;
    assert_eq!(second.header("etag"), Some("\"2\""));
    assert_eq!(second.ok(200)["definition"]["nodes"][0]["parameters"]["message"], "b");
    world.get(&format!("{path}/versions/4")).await.problem(404, "not-found");
    assert_eq!(pointers(&world.get(&format!("{path}/versions/x")).await.problem(400, "invalid-path")), ["/path/version"]);
}

#[tokio::test]
async fn a_stale_write_is_refused_with_the_revision_that_stands() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    world.send_if("\"1\"", Method::PATCH, &path, Some(&json!({"description": "a"}))).await.ok(200);
    let before = world.written().await;
    let whole = json!({"name": "report", "definition": {"nodes": [log()]}});
    for (method, body) in [(Method::PATCH, Some(json!({"description": "b"}))), (Method::PUT, Some(whole)), (Method::DELETE, None)] {
        let problem = world.send_if("\"1\"", method, &path, body.as_ref()).await.problem(412, "stale");
        assert_eq!(problem["current_revision"], 2);
    }
    assert_eq!(world.written().await, before);
    world.send_if("*", Method::PATCH, &path, Some(&json!({"description": "c"}))).await.ok(200);
    world.send_if("\"3\"", Method::DELETE, &path, None).await.ok(204);
}

#[tokio::test]
async fn an_if_match_that_is_no_etag_of_ours_is_refused_and_nothing_written() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let before = world.written().await;
    for if_match in ["1", "W/\"1\"", "\"a\"", "\"1\", \"2\"", ""] {
        let problem = world.send_if(if_match, Method::DELETE, &path, None).await.problem(400, "invalid-header");
        assert_eq!(pointers(&problem), ["/header/If-Match"], "{if_match}");
    }
    let twice = [("if-match", "\"1\""), ("if-match", "\"1\"")];
    world.send_as(Method::DELETE, &path, None, &twice).await.problem(400, "invalid-header");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn every_fault_of_a_body_is_named_with_its_place_and_nothing_is_written() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let before = world.written().await;
    let node = |parameters: Value| json!({"name": "x", "definition": {"nodes": [{"id": "n", "type": "http", "parameters": parameters}]}});
    for (body, pointer) in [
        (json!([]), ""),
        (json!({"definition": {"nodes": [log()]}}), "/name"),
        (json!({"name": "x"}), "/definition"),
        (json!({"name": "x", "definition": {"nodes": []}}), "/definition/nodes"),
        (json!({"name": "", "definition": {"nodes": [log()]}}), "/name"),
        (json!({"name": "x", "definition": {"nodes": [log()]}, "descripton": "y"}), "/descripton"),
        (json!({"name": "x", "definition": {"nodes": [log(), log()]}}), "/definition/nodes/1/id"),
        (json!({"name": "x", "definition": {"nodes": [log()], "edges": [{"from": "log", "to": "gone"}]}}), "/definition/edges/0/to"),
        (json!({"name": "x", "definition": {"nodes": [log()]}, "delivery": "handoff"}), "/queue"),
        (node(json!({})), "/definition/nodes/0/parameters/url"),
    ] {
        let problem = world.post("/workflows", &body).await.problem(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}");
        assert!(!problem["violations"][0]["detail"].as_str().unwrap().is_empty());
    }
    let problem = world.send(Method::PATCH, &path, Some(&json!({"descripton": "y"}))).await.problem(422, "invalid");
    assert!(problem.to_string().contains("`description`"), "{problem}");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_name_that_a_living_workflow_has_is_a_conflict() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let body = json!({"name": "report", "definition": {"nodes": [log()]}});
    let problem = world.post("/workflows", &body).await.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("`report`"), "{problem}");
    let detail = "a living workflow has the name `report`";
    let violation = json!({"pointer": "/name", "value": "report", "detail": detail, "expected": "another name"});
    assert_eq!(problem["violations"], json!([violation]));
    world.delete(&path).await.ok(204);
    world.post("/workflows", &body).await.ok(201);
}

#[tokio::test]
async fn a_trigger_node_where_a_direct_default_stands_is_a_conflict_that_names_it() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    world.send(Method::PUT, &format!("{path}/schedule"), Some(&json!({"cron": "@daily"}))).await.ok(201);
    let before = world.written().await;
    let definition = json!({"nodes": [trigger(&json!({"cron": "@hourly"})), log()]});
    let answer = world.send(Method::PATCH, &path, Some(&json!({"definition": definition}))).await;
    let problem = answer.problem(409, "direct-default-stands");
    assert!(problem["detail"].as_str().unwrap().contains("`t`"), "{problem}");
    assert_eq!(world.written().await, before);
}
