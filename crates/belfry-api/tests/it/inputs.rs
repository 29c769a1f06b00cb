//! Requests that are wrong as requests: each is refused with what would be right, and nothing is written.

use axum::http::Method;
use belfry_core::ports::KeyStore;
use serde_json::{Value, json};

use crate::world::{World, log, pointers};

const JSON: &str = "application/json";

#[tokio::test]
async fn a_body_of_another_content_type_is_refused_and_the_accepted_ones_named() {
    let world = World::new().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/merge-patch+json"] {
        let answer = world.send_as(Method::POST, "/keys", Some((kind, br#"{"name": "a"}"#)), &[]).await;
        let problem = answer.problem(415, "unsupported-media-type");
        assert!(problem["detail"].as_str().unwrap().contains("application/json"), "{problem}");
    }
    world.send_as(Method::POST, "/keys", None, &[]).await.problem(415, "unsupported-media-type");
    assert_eq!(world.store.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn json_that_cannot_be_read_is_refused_where_it_stands() {
    let world = World::new().await;
    let deep = "[".repeat(65) + &"]".repeat(65);
    for (body, expected) in [
        ("", "the body is empty"),
        ("{\n  \"name\": nope}", "line 2 column 12"),
        ("{\"name\": \"a\"", "line 1 column 12"),
        ("{\"name\": \"a\"} x", "trailing characters at line 1 column 15"),
        ("{\"name\": \"a\",\n\"name\": \"b\"}", "the name `name` is given twice in one object at line 2"),
        (deep.as_str(), "nested deeper than 64 levels at line 1 column 66"),
    ] {
        let answer = world.send_as(Method::POST, "/keys", Some((JSON, body.as_bytes())), &[]).await;
        let problem = answer.problem(400, "malformed-json");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    world.send_as(Method::POST, "/keys", Some((JSON, b"{\"name\": \"\xff\"}")), &[]).await.problem(400, "malformed-json");
    assert_eq!(world.store.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_read_and_one_byte_more_is_refused() {
    let world = World::new().await;
    let limit = 1024 * 1024;
    let body = |bytes: usize| format!("{{\"name\": \"a\"{}}}", " ".repeat(bytes - 13));
    world.send_as(Method::POST, "/keys", Some((JSON, body(limit).as_bytes())), &[]).await.ok(201);
    let answer = world.send_as(Method::POST, "/keys", Some((JSON, body(limit + 1).as_bytes())), &[]).await;
    let problem = answer.problem(413, "body-too-large");
    assert!(problem["detail"].as_str().unwrap().contains("1 MiB"), "{problem}");
    assert_eq!(world.store.keys().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_unknown_path_names_the_nearest() {
    let world = World::new().await;
    let problem = world.get("/kesy").await.problem(404, "no-such-path");
    assert!(problem["detail"].as_str().unwrap().contains("the nearest is /keys"), "{problem}");
    for path in ["/", "/keys/", "/keys/01938a5e-7c00-7000-8000-000000000001/more", &format!("/{}", "a".repeat(10_000))] {
        world.get(path).await.problem(404, "no-such-path");
    }
}

#[tokio::test]
async fn a_method_that_a_path_lacks_is_refused_with_those_it_has() {
    let world = World::new().await;
    for (method, path, allowed) in [
        (Method::PUT, "/keys", "GET,HEAD,POST"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::PATCH, "/keys/01938a5e-7c00-7000-8000-000000000001", "GET,HEAD,DELETE"),
    ] {
        let answer = world.send(method, path, None).await;
        answer.problem(405, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_before_the_store_is_asked() {
    let world = World::new().await;
    for id in ["7", "01938a5e-7c00-7000-8000", "%ff"] {
        let problem = world.send(Method::DELETE, &format!("/keys/{id}"), None).await.problem(400, "invalid-path");
        assert_eq!(pointers(&problem), ["/path/id"]);
    }
}

#[tokio::test]
async fn a_query_parameter_that_is_not_honoured_is_refused() {
    let world = World::new().await;
    let id = world.store.keys().await.unwrap()[0].id;
    let problem = world.send(Method::DELETE, &format!("/keys/{id}?dry_run=true"), None).await.problem(400, "invalid-query");
    assert_eq!(pointers(&problem), ["/query/dry_run"]);
    assert!(world.store.keys().await.unwrap()[0].revoked_at.is_none());
}

#[tokio::test]
async fn a_query_that_is_no_text_is_refused() {
    let world = World::new().await;
    for query in ["name=%ff", "name=%00", "%ff=a", "name=%ed%a0%80"] {
        let problem = world.get(&format!("/workflows?{query}")).await.problem(400, "invalid-query");
        assert_eq!(pointers(&problem), ["/query"], "{query}");
    }
    for query in ["name=%", "name=%4", "name=%zz", "name=z%C3%BCrich"] {
        world.get(&format!("/workflows?{query}")).await.ok(200);
    }
}

#[tokio::test]
async fn a_precondition_that_is_not_honoured_is_refused() {
    let world = World::new().await;
    for (name, value) in [("if-match", "\"1\""), ("if-none-match", "*")] {
        let answer = world.send_as(Method::POST, "/keys", Some((JSON, br#"{"name": "a"}"#)), &[(name, value)]).await;
        answer.problem(400, "invalid-header");
    }
    assert_eq!(world.store.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_is_refused_where_the_answer_has_a_secret() {
    let world = World::new().await;
    let answer = world.send_as(Method::POST, "/keys", Some((JSON, br#"{"name": "a"}"#)), &[("idempotency-key", "1")]).await;
    answer.problem(400, "invalid-header");
    assert_eq!(world.store.keys().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_that_may_be_left_out_is_not_null() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let before = world.written().await;
    let refused = world.post(&format!("{path}/run"), &Value::Null).await.problem(422, "invalid");
    assert_eq!(pointers(&refused), [""]);
    assert_eq!(world.written().await, before);
    world.post(&format!("{path}/run"), &json!({})).await.ok(201);
    world.send(Method::POST, &format!("{path}/run"), None).await.ok(201);
}
