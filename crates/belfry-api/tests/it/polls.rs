//! Work for workers without a broker, and runs that are repeated.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, log, pointers};

const TOKEN: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c01";
const OTHER: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c02";

fn poll(token: &str) -> Value {
    json!({"token": token, "worker": "billing-1"})
}

async fn start(world: &World) -> String {
    let workflow = json!({"name": "bill", "queue": "billing", "definition": {"nodes": [log()]}});
    let path = world.post("/workflows", &workflow).await.header("location").unwrap().to_owned();
    world.post(&format!("{path}/run"), &json!({})).await.header("location").unwrap().to_owned()
}

#[tokio::test]
async fn a_poll_answers_a_claim_or_nothing() {
    let world = World::new().await;
    assert_eq!(world.post("/queues/billing/claim", &poll(TOKEN)).await.ok(204), Value::Null);
    let run = start(&world).await;
    assert_eq!(world.post("/queues/default/claim", &poll(TOKEN)).await.ok(204), Value::Null);
    let claimed = world.post("/queues/billing/claim", &poll(TOKEN)).await.ok(200);
    assert_eq!(run, format!("/runs/{}", claimed["run"]["id"].as_str().unwrap()));
    assert_eq!(world.post(&format!("{run}/claim"), &poll(TOKEN)).await.ok(200), claimed);
    assert_eq!(world.post("/queues/billing/claim", &poll(TOKEN)).await.ok(200), claimed);
    world.post("/queues/billing/claim", &poll(OTHER)).await.ok(204);
    let ended = world.post(&format!("{run}/complete"), &json!({"epoch": claimed["epoch"]})).await.ok(200);
    assert_eq!(ended, json!({"state": "succeeded"}));
}

#[tokio::test]
async fn a_poll_that_waits_gets_what_comes() {
    let world = World::new().await;
    let body = json!({"token": TOKEN, "worker": "w", "wait": "PT30S"});
    let mut polled = pin!(world.post("/queues/billing/claim", &body));
    let pending = std::future::poll_fn(|context| Poll::Ready(polled.as_mut().poll(context).is_pending())).await;
    assert!(pending, "there is nothing yet");
    let run = start(&world).await;
    world.clock.advance(SignedDuration::from_secs(1));
    let claimed = polled.await.ok(200);
    assert_eq!(run, format!("/runs/{}", claimed["run"]["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_poll_waits_no_longer_than_it_said() {
    let world = World::new().await;
    let body = json!({"token": TOKEN, "worker": "w", "wait": "PT1.5S"});
    let mut polled = pin!(world.post("/queues/billing/claim", &body));
    for _ in 0..2 {
        let pending = std::future::poll_fn(|context| Poll::Ready(polled.as_mut().poll(context).is_pending())).await;
        assert!(pending, "its time is not over");
        world.clock.advance(SignedDuration::from_secs(1));
    }
    polled.await.ok(204);
}

#[tokio::test]
async fn a_poll_that_is_wrong_is_refused_with_its_place() {
    let world = World::new().await;
    for (body, expected) in [
        (json!({"token": TOKEN, "worker": "w", "wait": "PT31S"}), "/wait"),
        (json!({"token": TOKEN, "worker": "w", "wait": "long"}), "/wait"),
        (json!({"token": TOKEN, "worker": ""}), "/worker"),
        (json!({"token": "x", "worker": "w"}), "/token"),
        (json!({"token": TOKEN, "worker": "w", "queue": "a"}), "/queue"),
    ] {
        assert_eq!(pointers(&world.post("/queues/billing/claim", &body).await.problem(422, "invalid")), [expected]);
    }
    assert_eq!(pointers(&world.post("/queues/-x/claim", &poll(TOKEN)).await.problem(400, "invalid-path")), ["/path/name"]);
}

#[tokio::test]
async fn a_run_that_has_ended_is_repeated_and_names_the_first() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let asked = json!({"input": {"a": 1}, "nominal_time": "2026-11-24T00:00:00Z"});
    let first = world.post(&format!("{path}/run"), &asked).await.ok(201);
    let rerun = format!("/runs/{}/rerun", first["id"].as_str().unwrap());
    world.send(Method::POST, &rerun, None).await.problem(409, "conflict");
    world.send(Method::POST, &format!("/runs/{}/cancel", first["id"].as_str().unwrap()), None).await.ok(200);
    let made = world.send(Method::POST, &rerun, None).await;
    let again = made.ok(201);
    assert_eq!(made.header("location"), Some(format!("/runs/{}", again["id"].as_str().unwrap()).as_str()));
    let facts = ["kind", "rerun_of", "input", "nominal_time", "state"].map(|name| &again[name]);
    assert_eq!(facts, [&json!("rerun"), &first["id"], &first["input"], &first["nominal_time"], &json!("pending")]);
    assert_eq!(world.post(&rerun, &json!({"input": {}})).await.problem(422, "invalid")["violations"][0]["pointer"], "");
    world.delete(&path).await.ok(204);
    world.send(Method::POST, &rerun, None).await.problem(404, "not-found");
}
