//! Runs as workers outside Belfry execute them, through HTTP.

use axum::http::Method;
use belfry_core::ids::RunId;
use belfry_core::ports::{Reaped, ScheduleStore};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, log, pointers};

const TOKEN: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c01";
const OTHER: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c02";
const NOWHERE: &str = "/runs/01938a5e-7c00-7000-8000-00000000ffff";

fn claim(token: &str) -> Value {
    json!({"token": token, "worker": "billing-1"})
}

fn at(epoch: i64) -> Value {
    json!({"epoch": epoch})
}

/// Starts a run and answers its path.
async fn run(world: &World) -> String {
    let path = world.workflow("report", json!([log()])).await;
    world.post(&format!("{path}/run"), &json!({"input": {"a": 1}})).await.header("location").unwrap().to_owned()
}

/// Starts a run, claims it, and answers its path: its epoch is 1.
async fn claimed(world: &World) -> String {
    let run = run(world).await;
    world.post(&format!("{run}/claim"), &claim(TOKEN)).await.ok(200);
    run
}

impl World {
    async fn reap(&self) -> Reaped {
        let now = ScheduleStore::now(self.store.as_ref()).await.unwrap();
        self.store.reap(now, 10).await.unwrap()
    }
}

#[tokio::test]
async fn a_claim_answers_the_run_its_epoch_and_how_long_it_is_held() {
    let world = World::new().await;
    let run = run(&world).await;
    let answer = world.post(&format!("{run}/claim"), &claim(TOKEN)).await.ok(200);
    let shown = world.get(&run).await.ok(200);
    let expected = json!({
        "epoch": 1, "claim_until": "2026-11-25T09:01:00Z", "previous_nominal_time": null, "next_nominal_time": null, "run": shown
    });
    assert_eq!(answer, expected);
    let facts = ["state", "attempt", "claimed_by", "input", "workflow_version"].map(|name| &answer["run"][name]);
    assert_eq!(facts, [&json!("running"), &json!(1), &json!("billing-1"), &json!({"a": 1}), &json!(1)]);
}

#[tokio::test]
async fn a_claim_of_a_scheduled_run_knows_its_neighbours() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    world.send(Method::PUT, &format!("{path}/schedule"), Some(&json!({"cron": "0 * * * *"}))).await.ok(201);
    world.clock.advance(SignedDuration::from_mins(60));
    // An edit fires what is due.
    let retimed = json!({"cron": "30 * * * *"});
    world.send(Method::PATCH, &format!("{path}/schedule"), Some(&retimed)).await.ok(200);
    let id = world.get("/runs").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let answer = world.post(&format!("/runs/{id}/claim"), &claim(TOKEN)).await.ok(200);
    assert_eq!(answer["run"]["nominal_time"], "2026-11-25T10:00:00Z");
    assert_eq!(
        (&answer["previous_nominal_time"], &answer["next_nominal_time"]),
        (&json!("2026-11-25T09:00:00Z"), &json!("2026-11-25T11:00:00Z"))
    );
}

#[tokio::test]
async fn the_same_token_again_gets_the_same_answer_and_another_is_refused() {
    let world = World::new().await;
    let run = run(&world).await;
    let path = format!("{run}/claim");
    let first = world.post(&path, &claim(TOKEN)).await.ok(200);
    world.clock.advance(SignedDuration::from_secs(5));
    assert_eq!(world.post(&path, &claim(TOKEN)).await.ok(200), first);
    let refused = world.post(&path, &claim(OTHER)).await.problem(409, "run-not-claimable");
    assert_eq!(refused["run_state"], "running");
    assert_eq!(world.post(&format!("{run}/heartbeat"), &at(1)).await.ok(200)["cancel_requested"], false);
}

#[tokio::test]
async fn a_run_that_has_ended_is_not_claimed_and_one_that_never_was_is_not_found() {
    let world = World::new().await;
    let run = run(&world).await;
    world.send(Method::POST, &format!("{run}/cancel"), None).await.ok(200);
    let refused = world.post(&format!("{run}/claim"), &claim(TOKEN)).await.problem(409, "run-not-claimable");
    assert_eq!(refused["run_state"], "cancelled");
    world.post(&format!("{NOWHERE}/claim"), &claim(TOKEN)).await.problem(404, "not-found");
    for (verb, body) in [("heartbeat", at(1)), ("complete", at(1)), ("fail", json!({"epoch": 1, "error": "no"})), ("release", at(1))] {
        world.post(&format!("{NOWHERE}/{verb}"), &body).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_handed_off_run_is_never_claimed() {
    let world = World::new().await;
    let workflow = json!({"name": "out", "queue": "billing", "delivery": "handoff", "definition": {"nodes": [log()]}});
    let path = world.post("/workflows", &workflow).await.header("location").unwrap().to_owned();
    let run = world.send(Method::POST, &format!("{path}/run"), None).await.header("location").unwrap().to_owned();
    let before = world.written().await;
    let refused = world.post(&format!("{run}/claim"), &claim(TOKEN)).await.problem(409, "run-handed-off");
    assert_eq!(refused.get("run_state"), None);
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_heartbeat_prolongs_the_claim_and_brings_the_wish_to_cancel() {
    let world = World::new().await;
    let run = claimed(&world).await;
    world.clock.advance(SignedDuration::from_secs(15));
    let heartbeat = format!("{run}/heartbeat");
    let alive = world.post(&heartbeat, &at(1)).await.ok(200);
    assert_eq!(alive, json!({"claim_until": "2026-11-25T09:01:15Z", "cancel_requested": false}));
    world.send(Method::POST, &format!("{run}/cancel"), None).await.ok(200);
    assert_eq!(world.post(&heartbeat, &at(1)).await.ok(200)["cancel_requested"], true);
    let stopped = json!({"epoch": 1, "cancelled": true});
    assert_eq!(world.post(&format!("{run}/fail"), &stopped).await.ok(200), json!({"state": "cancelled"}));
    let ended = world.get(&run).await.ok(200);
    assert_eq!((&ended["state"], &ended["error"]), (&json!("cancelled"), &Value::Null));
}

#[tokio::test]
async fn a_run_ends_once_and_ending_it_again_answers_what_stands() {
    let world = World::new().await;
    let run = claimed(&world).await;
    let (complete, fail) = (format!("{run}/complete"), format!("{run}/fail"));
    assert_eq!(world.post(&complete, &at(1)).await.ok(200), json!({"state": "succeeded"}));
    let ended = world.get(&run).await.ok(200);
    assert_eq!((&ended["state"], &ended["finished_at"]), (&json!("succeeded"), &json!("2026-11-25T09:00:00Z")));
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.post(&complete, &at(1)).await.ok(200), json!({"state": "succeeded"}));
    assert_eq!(world.post(&fail, &json!({"epoch": 1, "error": "late"})).await.ok(200), json!({"state": "succeeded"}));
    assert_eq!(world.get(&run).await.ok(200), ended);
    let stale = world.post(&complete, &at(2)).await.problem(409, "claim-stale");
    assert_eq!(stale["run_state"], "succeeded");
}

#[tokio::test]
async fn a_failed_run_tells_why() {
    let world = World::new().await;
    let run = claimed(&world).await;
    let failed = json!({"epoch": 1, "error": "the invoice has no address"});
    assert_eq!(world.post(&format!("{run}/fail"), &failed).await.ok(200), json!({"state": "failed"}));
    let ended = world.get(&run).await.ok(200);
    assert_eq!((&ended["state"], &ended["error"]), (&json!("failed"), &failed["error"]));
}

#[tokio::test]
async fn a_heartbeat_tells_how_far_the_work_is() {
    let world = World::new().await;
    let run = claimed(&world).await;
    let progress = |run: &Value| run["progress"].clone();
    assert_eq!(progress(&world.get(&run).await.ok(200)), Value::Null);
    world.post(&format!("{run}/heartbeat"), &json!({"epoch": 1, "progress": "312 of 900 invoices"})).await.ok(200);
    world.post(&format!("{run}/heartbeat"), &at(1)).await.ok(200);
    assert_eq!(progress(&world.get(&run).await.ok(200)), "312 of 900 invoices");
    assert_eq!(progress(&world.get("/runs").await.ok(200)["items"][0]), "312 of 900 invoices");
    world.post(&format!("{run}/complete"), &at(1)).await.ok(200);
    assert_eq!(progress(&world.get(&run).await.ok(200)), "312 of 900 invoices");
}

#[tokio::test]
async fn a_run_has_what_its_worker_left_and_lists_do_not() {
    let world = World::new().await;
    let run = claimed(&world).await;
    let left = json!({"epoch": 1, "output": {"sent": 900}, "log": "sent all\n"});
    world.post(&format!("{run}/complete"), &left).await.ok(200);
    let ended = world.get(&run).await.ok(200);
    let facts = ["output", "output_truncated", "log", "nodes"].map(|name| ended[name].clone());
    assert_eq!(facts, [json!({"sent": 900}), json!(false), json!("sent all\n"), json!([])]);
    let other = json!({"epoch": 1, "output": "other", "log": "other"});
    world.post(&format!("{run}/complete"), &other).await.ok(200);
    assert_eq!(world.get(&run).await.ok(200), ended);
    let listed = &world.get("/runs").await.ok(200)["items"][0];
    assert_eq!(["output", "output_truncated", "log", "nodes"].map(|name| listed.get(name)), [None; 4]);
}

#[tokio::test]
async fn a_claim_that_ran_out_can_do_nothing_more_and_the_next_one_can() {
    let world = World::new().await;
    let run = claimed(&world).await;
    world.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(world.reap().await, Reaped { requeued: 1, ..Reaped::default() });
    let before = world.written().await;
    for (verb, body) in [("heartbeat", at(1)), ("complete", at(1)), ("fail", json!({"epoch": 1, "error": "no"})), ("release", at(1))] {
        let stale = world.post(&format!("{run}/{verb}"), &body).await.problem(409, "claim-stale");
        assert_eq!(stale["run_state"], "pending", "{verb}");
    }
    assert_eq!(world.written().await, before);
    let again = world.post(&format!("{run}/claim"), &claim(OTHER)).await.ok(200);
    let epoch = again["epoch"].as_i64().unwrap();
    assert_eq!((epoch > 1, &again["run"]["attempt"]), (true, &json!(2)));
    assert_eq!(world.post(&format!("{run}/complete"), &at(epoch)).await.ok(200)["state"], "succeeded");
}

#[tokio::test]
async fn a_run_that_was_given_back_is_claimed_anew_as_the_same_attempt() {
    let world = World::new().await;
    let run = claimed(&world).await;
    assert_eq!(world.post(&format!("{run}/release"), &at(1)).await.ok(204), Value::Null);
    assert_eq!(world.get(&run).await.ok(200)["state"], "pending");
    world.post(&format!("{run}/release"), &at(1)).await.problem(409, "claim-stale");
    let again = world.post(&format!("{run}/claim"), &claim(OTHER)).await.ok(200);
    assert_eq!(again["run"]["attempt"], 1);
}

#[tokio::test]
async fn only_a_run_that_is_given_back_is_work_for_a_daemon() {
    let world = World::new().await;
    let run = run(&world).await;
    let before = world.hints();
    world.post(&format!("{run}/claim"), &claim(TOKEN)).await.ok(200);
    world.post(&format!("{run}/heartbeat"), &at(1)).await.ok(200);
    assert_eq!(world.hints(), before);
    world.post(&format!("{run}/release"), &at(1)).await.ok(204);
    assert_eq!(world.hints(), before + 1);
}

#[tokio::test]
async fn what_a_worker_sends_wrongly_is_named_and_changes_nothing() {
    let world = World::new().await;
    let run = claimed(&world).await;
    let before = world.written().await;
    for (verb, body, expected) in [
        ("claim", json!({"token": "x", "worker": 3}), vec!["/token", "/worker"]),
        ("claim", json!({"token": "00000000-0000-0000-0000-000000000000", "worker": ""}), vec!["/token", "/worker"]),
        ("claim", json!({"token": TOKEN, "worker": "a\nb"}), vec!["/worker"]),
        ("claim", json!({"token": TOKEN, "worker": "a", "lease": 60}), vec!["/lease"]),
        ("claim", json!({"token": TOKEN}), vec!["/worker"]),
        ("heartbeat", json!({}), vec!["/epoch"]),
        ("heartbeat", json!({"epoch": 0}), vec!["/epoch"]),
        ("heartbeat", json!({"epoch": "1"}), vec!["/epoch"]),
        ("heartbeat", json!({"epoch": 1, "progress": 312}), vec!["/progress"]),
        ("complete", json!({"epoch": 1, "log": ["a line"]}), vec!["/log"]),
        ("complete", json!({"epoch": 1, "outputs": {}}), vec!["/outputs"]),
        ("release", json!({"epoch": 1, "output": {}}), vec!["/output"]),
        ("fail", json!({"epoch": 1}), vec!["/error"]),
        ("fail", json!({"epoch": 1, "cancelled": false}), vec!["/error"]),
        ("fail", json!({"epoch": 1, "error": {"text": "no"}}), vec!["/error"]),
        ("release", json!([1]), vec![""]),
    ] {
        let problem = world.post(&format!("{run}/{verb}"), &body).await.problem(422, "invalid");
        let mut found = pointers(&problem);
        found.sort_unstable();
        assert_eq!(found, expected, "{verb} {body}");
        for violation in problem["violations"].as_array().unwrap() {
            assert!(!violation["expected"].as_str().unwrap_or_default().is_empty(), "{verb} {body}: {violation}");
        }
    }
    world.send(Method::POST, &format!("{run}/complete"), None).await.problem(415, "unsupported-media-type");
    world.post("/runs/7/claim", &claim(TOKEN)).await.problem(400, "invalid-path");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn workers_need_a_key_like_everybody() {
    let world = World::new().await;
    let run = run(&world).await;
    let id: RunId = run.trim_start_matches("/runs/").parse().unwrap();
    let body = claim(TOKEN).to_string();
    let wrong = [("authorization", "Bearer belfry_wrong")];
    for verb in ["claim", "heartbeat", "complete", "fail", "release"] {
        let answer = world.send_as(Method::POST, &format!("/runs/{id}/{verb}"), Some(("application/json", body.as_bytes())), &wrong).await;
        answer.problem(401, "unauthorized");
    }
    assert_eq!(world.get(&run).await.ok(200)["state"], "pending");
}
