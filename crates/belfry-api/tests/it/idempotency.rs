//! Requests that are sent again.

use axum::http::Method;
use belfry_core::ids::KeyId;
use belfry_core::ports::{IdempotencyClaim, IdempotencyEnd, IdempotencyKey, IdempotencyStore, KeyStore};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, World, log, pointers};

async fn send(world: &World, key: &str, path: &str, body: &Value) -> Answer {
    let text = body.to_string();
    world.send_as(Method::POST, path, Some(("application/json", text.as_bytes())), &[("idempotency-key", key)]).await
}

fn workflow(name: &str) -> Value {
    json!({"name": name, "definition": {"nodes": [log()]}})
}

/// The runs that there are.
async fn runs(world: &World) -> usize {
    world.get("/runs").await.ok(200)["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_again_gets_the_first_answer_and_is_not_done_again() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let first = send(&world, "order-1", &format!("{path}/run"), &json!({"input": {"a": 1}})).await;
    first.ok(201);
    world.clock.advance(SignedDuration::from_hours(23));
    let again = send(&world, "order-1", &format!("{path}/run"), &json!({"input": {"a": 1}})).await;
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    for header in ["location", "etag", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    assert_eq!(runs(&world).await, 1);
    world.clock.advance(SignedDuration::from_hours(1));
    assert_ne!(send(&world, "order-1", &format!("{path}/run"), &json!({"input": {"a": 1}})).await.bytes, first.bytes);
    assert_eq!(runs(&world).await, 2);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let world = World::new().await;
    send(&world, "k", "/workflows", &workflow("a")).await.ok(201);
    send(&world, "k", "/workflows", &workflow("b")).await.problem(422, "idempotency-key-reused");
    send(&world, "k", "/schedules/preview", &workflow("a")).await.problem(422, "idempotency-key-reused");
    send(&world, "other", "/workflows", &workflow("b")).await.ok(201);
}

#[tokio::test]
async fn what_was_refused_is_judged_anew_under_the_same_key() {
    let world = World::new().await;
    send(&world, "k", "/workflows", &json!({"name": "a"})).await.problem(422, "invalid");
    send(&world, "k", "/workflows", &workflow("a")).await.ok(201);
}

#[tokio::test]
async fn while_the_first_request_is_carried_out_the_second_waits() {
    let world = World::new().await;
    let key = IdempotencyKey { owner: world.store.keys().await.unwrap()[0].id, text: "k".to_owned() };
    let first = send(&world, "k", "/workflows", &json!({"name": "a"})).await;
    first.problem(422, "invalid");
    // Claimed as by a process that is at it, of the same request: its hash is not the test's to know, but a foreign one is told.
    let claimed = world.store.claim_key(key.clone(), [9; 32]).await.unwrap();
    send(&world, "k", "/workflows", &workflow("a")).await.problem(422, "idempotency-key-reused");
    let IdempotencyClaim::Held(held) = claimed else { panic!("{claimed:?}") };
    world.store.end_key(key, held, IdempotencyEnd::Refused).await.unwrap();
    let (body, path) = (workflow("a"), "/workflows");
    let (one, other) = tokio::join!(send(&world, "k", path, &body), send(&world, "k", path, &body));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert!(matches!(statuses, [201, 201] | [201, 409]), "{statuses:?}");
}

#[tokio::test]
async fn a_process_that_dies_before_it_kept_the_answer_leaves_nothing_to_be_done_twice() {
    for (kind, path, body) in [
        ("workflow", "/workflows", json!({"name": "made", "definition": {"nodes": [log()]}})),
        ("run", "{workflow}/run", json!({"input": {"a": 1}})),
        // Once it is made, its time has passed when the request comes again.
        ("schedule", "{workflow}/schedules", json!({"name": "once", "at": "2026-11-25T09:00:30Z"})),
    ] {
        let world = World::new().await;
        let path = path.replace("{workflow}", &world.workflow("report", json!([log()])).await);
        world.forgetful.forget_the_next_answer();
        let first = send(&world, "k", &path, &body).await.ok(201);
        let written = world.written().await;
        send(&world, "k", &path, &body).await.problem(409, "idempotency-in-progress");
        world.clock.advance(SignedDuration::from_secs(60));
        let again = send(&world, "k", &path, &body).await.ok(201);
        assert_eq!(again["id"], first["id"], "{kind}");
        assert_eq!(world.written().await, written, "{kind}");
        assert_eq!(send(&world, "k", &path, &body).await.ok(201), again, "{kind}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let world = World::new().await;
    for key in ["", "a b", &"x".repeat(256)] {
        let problem = send(&world, key, "/workflows", &workflow("a")).await.problem(400, "invalid-header");
        assert_eq!(pointers(&problem), ["/header/Idempotency-Key"]);
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
    world.send_as(Method::POST, "/workflows", Some(("application/json", b"{}")), &twice).await.problem(400, "invalid-header");
}

#[tokio::test]
async fn keys_of_others_are_others() {
    let world = World::new().await;
    let other = world.post("/keys", &json!({"name": "other"})).await.ok(201);
    let authorization = format!("Bearer {}", other["secret"].as_str().unwrap());
    let path = world.workflow("report", json!([log()])).await;
    send(&world, "k", &format!("{path}/run"), &json!({})).await.ok(201);
    let headers = [("idempotency-key", "k"), ("authorization", authorization.as_str())];
    world.send_as(Method::POST, &format!("{path}/run"), Some(("application/json", b"{}")), &headers).await.ok(201);
    assert_eq!(runs(&world).await, 2);
    assert_ne!(world.store.keys().await.unwrap()[0].id, KeyId(uuid::Uuid::nil()));
}
