//! Runs through HTTP.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{World, log, pointers};

#[tokio::test]
async fn a_run_is_started_with_a_body_or_without() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let run = format!("{path}/run");
    let bare = world.send(Method::POST, &run, None).await;
    let body = bare.ok(201);
    assert_eq!(bare.header("location"), Some(format!("/runs/{}", body["id"].as_str().unwrap()).as_str()));
    assert_eq!((&body["kind"], &body["state"], &body["input"]), (&json!("manual"), &json!("pending"), &json!({})));
    assert_eq!(world.get(bare.header("location").unwrap()).await.ok(200), body);
    let asked = json!({"input": {"a": 1}, "nominal_time": "2026-11-24T09:00:00Z"});
    let given = world.post(&run, &asked).await.ok(201);
    assert_eq!((&given["input"], &given["nominal_time"]), (&asked["input"], &asked["nominal_time"]));
}

#[tokio::test]
async fn a_run_that_is_asked_for_wrongly_is_not_started() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let run = format!("{path}/run");
    let before = world.written().await;
    for (body, pointer) in
        [(json!({"inputs": {}}), "/inputs"), (json!({"input": 3}), "/input"), (json!({"nominal_time": "now"}), "/nominal_time")]
    {
        assert_eq!(pointers(&world.post(&run, &body).await.problem(422, "invalid")), [pointer]);
    }
    world.send_as(Method::POST, &run, Some(("text/plain", b"x")), &[]).await.problem(415, "unsupported-media-type");
    world.send_as(Method::POST, &run, Some(("application/json", b"{")), &[]).await.problem(400, "malformed-json");
    world.post("/workflows/01938a5e-7c00-7000-8000-00000000ffff/run", &json!({})).await.problem(404, "not-found");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_run_that_has_not_started_is_cancelled_and_one_that_has_ended_is_a_conflict() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let run = world.send(Method::POST, &format!("{path}/run"), None).await.header("location").unwrap().to_owned();
    assert_eq!(world.send(Method::POST, &format!("{run}/cancel"), None).await.ok(200)["state"], "cancelled");
    assert_eq!(world.get(&run).await.ok(200)["state"], "cancelled");
    let problem = world.send(Method::POST, &format!("{run}/cancel"), None).await.problem(409, "conflict");
    assert!(problem["detail"].as_str().unwrap().contains("cancelled"), "{problem}");
    let nowhere = "/runs/01938a5e-7c00-7000-8000-00000000ffff";
    world.get(nowhere).await.problem(404, "not-found");
    world.send(Method::POST, &format!("{nowhere}/cancel"), None).await.problem(404, "not-found");
}

#[tokio::test]
async fn runs_are_listed_by_what_the_query_asks_and_those_of_deleted_workflows_remain() {
    let world = World::new().await;
    let (a, b) = (world.workflow("a", json!([log()])).await, world.workflow("b", json!([log()])).await);
    let started = async |path: &str| vec![world.send(Method::POST, &format!("{path}/run"), None).await.ok(201)["id"].clone()];
    let (of_a, of_b) = (started(&a).await, started(&b).await);
    world.delete(&a).await.ok(204);
    let listed = async |path: &str| {
        let page = world.get(path).await.ok(200);
        page["items"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(listed("/runs").await.len(), 2);
    assert_eq!(listed(&format!("{a}/runs")).await, of_a);
    assert_eq!(listed(&format!("/runs?workflow_id={}", b.trim_start_matches("/workflows/"))).await, of_b);
    assert_eq!(listed(&format!("{a}/runs?state=failed")).await, Vec::<Value>::new());
    assert_eq!(listed("/runs?state=cancelled").await, of_a);
    assert_eq!(listed("/runs?state=pending,queued").await, of_b);
    assert_eq!(listed("/runs?planned_before=2026-11-25T09:00:00Z").await, Vec::<Value>::new());
    assert_eq!(listed("/runs?planned_from=2026-11-25T09:00:00Z").await.len(), 2);
    assert_eq!(listed("/runs?schedule_id=01938a5e-7c00-7000-8000-00000000ffff").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_runs_of_a_workflow_that_never_was_are_not_found() {
    let world = World::new().await;
    let idle = world.workflow("idle", json!([log()])).await;
    assert_eq!(world.get(&format!("{idle}/runs")).await.ok(200), json!({"items": [], "next_cursor": null}));
    world.get("/workflows/01938a5e-7c00-7000-8000-00000000ffff/runs").await.problem(404, "not-found");
}

#[tokio::test]
async fn lists_leave_results_out() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let mut run = world.send(Method::POST, &format!("{path}/run"), None).await.ok(201);
    let results = ["nodes", "output", "output_truncated", "log"].map(|name| run.as_object_mut().unwrap().remove(name));
    assert_eq!(results, [json!([]), json!(null), json!(false), json!("")].map(Some));
    assert_eq!(world.get("/runs").await.ok(200)["items"], json!([run]));
}
