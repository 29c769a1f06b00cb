//! Schedules through HTTP: made directly, and kept in step with a definition.

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, log, pointers, trigger};

#[tokio::test]
async fn the_schedule_of_a_trigger_node_comes_changes_and_goes_with_it() {
    let world = World::new().await;
    let path = world.workflow("report", json!([trigger(&json!({"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"})), log()])).await;
    let schedule = format!("{path}/schedule");
    let first = world.get(&schedule).await;
    let body = first.ok(200);
    assert_eq!(first.header("etag"), Some("\"1\""));
    assert_eq!((&body["origin"], &body["name"], &body["is_active"]), (&json!("definition"), &json!("default"), &json!(true)));
    assert_eq!(body["next_run_at"], "2026-11-26T08:00:00Z");
    assert_eq!(body["next_times"].as_array().unwrap().len(), 5);
    assert_eq!(world.get(&format!("/schedules/{}", body["id"].as_str().unwrap())).await.ok(200), body);

    let definition = json!({"nodes": [trigger(&json!({"cron": "0 10 * * *"})), log()]});
    world.send(Method::PATCH, &path, Some(&json!({"definition": definition}))).await.ok(200);
    let second = world.get(&schedule).await.ok(200);
    assert_eq!((&second["id"], &second["next_run_at"]), (&body["id"], &json!("2026-11-25T10:00:00Z")));

    world.send(Method::PATCH, &path, Some(&json!({"definition": {"nodes": [log()]}}))).await.ok(200);
    world.get(&schedule).await.problem(404, "not-found");
}

#[tokio::test]
async fn deleting_a_workflow_deletes_its_schedules() {
    let world = World::new().await;
    let path = world.workflow("report", json!([trigger(&json!({"cron": "@daily"})), log()])).await;
    let further = world.post(&format!("{path}/schedules"), &json!({"name": "more", "every": "PT1H"})).await;
    further.ok(201);
    world.delete(&path).await.ok(204);
    assert_eq!(world.get("/schedules").await.ok(200), json!({"items": [], "next_cursor": null}));
    world.get(further.header("location").unwrap()).await.problem(404, "not-found");
    world.get(&format!("{path}/schedule")).await.problem(404, "not-found");
    world.get(&format!("{path}/schedules")).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_a_definition_owns_is_edited_there_but_paused_and_resumed_here() {
    let world = World::new().await;
    let path = world.workflow("report", json!([trigger(&json!({"cron": "@daily"})), log()])).await;
    let id = world.get(&format!("{path}/schedule")).await.ok(200)["id"].as_str().unwrap().to_owned();
    let before = world.written().await;
    for (method, target, body) in [
        (Method::PUT, format!("{path}/schedule"), Some(json!({"cron": "@hourly"}))),
        (Method::PATCH, format!("{path}/schedule"), Some(json!({"cron": "@hourly"}))),
        (Method::PATCH, format!("/schedules/{id}"), Some(json!({"input": {"a": 1}}))),
        (Method::DELETE, format!("{path}/schedule"), None),
        (Method::DELETE, format!("/schedules/{id}"), None),
    ] {
        let problem = world.send(method, &target, body.as_ref()).await.problem(409, "owned-by-definition");
        assert!(problem["detail"].as_str().unwrap().contains("node `t`"), "{problem}");
    }
    assert_eq!(world.written().await, before);
    assert_eq!(world.send(Method::POST, &format!("/schedules/{id}/pause"), None).await.ok(200)["is_active"], false);
    assert_eq!(world.send(Method::POST, &format!("/schedules/{id}/resume"), None).await.ok(200)["is_active"], true);
    assert_eq!(
        world.send(Method::PATCH, &format!("{path}/schedule"), Some(&json!({"is_active": false}))).await.ok(200)["is_active"],
        false
    );
}

#[tokio::test]
async fn a_put_makes_the_default_schedule_once_and_replaces_it_after_that() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let schedule = format!("{path}/schedule");
    let made = world.send(Method::PUT, &schedule, Some(&json!({"every": "15m", "input": {"a": 1}}))).await;
    assert_eq!((made.ok(201)["every"].as_str(), made.header("location")), (Some("PT15M"), Some(schedule.as_str())));
    assert_eq!(made.header("etag"), Some("\"1\""));
    let replaced = world.send(Method::PUT, &schedule, Some(&json!({"cron": "@daily"}))).await;
    assert_eq!((replaced.ok(200)["id"].as_str(), replaced.header("location")), (made.ok(201)["id"].as_str(), None));
    assert_eq!((&replaced.ok(200)["input"], replaced.header("etag")), (&json!({}), Some("\"2\"")));
    let patched = world.send(Method::PATCH, &schedule, Some(&json!({"input": {"b": 2}}))).await.ok(200);
    assert_eq!((&patched["cron"], &patched["input"]), (&json!("@daily"), &json!({"b": 2})));
    world.delete(&schedule).await.ok(204);
    world.get(&schedule).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_put_with_if_match_replaces_only() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let schedule = format!("{path}/schedule");
    let body = json!({"cron": "@daily"});
    let before = world.written().await;
    for if_match in ["*", "\"1\""] {
        world.send_if(if_match, Method::PUT, &schedule, Some(&body)).await.problem(404, "not-found");
    }
    assert_eq!(world.written().await, before);
    world.send(Method::PUT, &schedule, Some(&body)).await.ok(201);
    world.send_if("*", Method::PUT, &schedule, Some(&json!({"cron": "@hourly"}))).await.ok(200);
    assert_eq!(world.send_if("\"1\"", Method::PUT, &schedule, Some(&body)).await.problem(412, "stale")["current_revision"], 2);
    world.send_if("\"2\"", Method::PUT, &schedule, Some(&body)).await.ok(200);
}

#[tokio::test]
async fn stale_pauses_patches_and_deletes_are_refused() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let made = world.post(&format!("{path}/schedules"), &json!({"name": "a", "every": "PT1H"})).await;
    let schedule = made.header("location").unwrap();
    world.send_if("\"1\"", Method::POST, &format!("{schedule}/pause"), None).await.ok(200);
    let before = world.written().await;
    for (method, target, body) in [
        (Method::POST, format!("{schedule}/pause"), None),
        (Method::POST, format!("{schedule}/resume"), None),
        (Method::PATCH, schedule.to_owned(), Some(json!({"every": "PT2H"}))),
        (Method::DELETE, schedule.to_owned(), None),
    ] {
        let problem = world.send_if("\"1\"", method, &target, body.as_ref()).await.problem(412, "stale");
        assert_eq!(problem["current_revision"], 2, "{target}");
    }
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn what_fell_into_a_pause_is_listed_with_its_reason() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let made = world.post(&format!("{path}/schedules"), &json!({"name": "a", "every": "PT1H"})).await;
    let schedule = made.header("location").unwrap();
    let post = async |verb: &str| world.send(Method::POST, &format!("{schedule}/{verb}"), None).await.ok(200);
    for _ in 0..2 {
        assert_eq!(post("pause").await["next_run_at"], Value::Null);
        world.clock.advance(SignedDuration::from_hours(3));
        assert_ne!(post("resume").await["next_run_at"], Value::Null);
    }
    let newest = world.get(&format!("{schedule}/outcomes?limit=1")).await.ok(200);
    assert_eq!((&newest["items"][0]["reason"], &newest["items"][0]["to"]), (&json!("paused"), &json!("2026-11-25T15:00:00Z")));
    let cursor = newest["next_cursor"].as_str().unwrap();
    let older = world.get(&format!("{schedule}/outcomes?limit=1&cursor={cursor}")).await.ok(200);
    assert_eq!((&older["items"][0]["to"], &older["next_cursor"]), (&json!("2026-11-25T12:00:00Z"), &Value::Null));
    let problem = world.get(&format!("{schedule}/outcomes?cursor=yesterday")).await.problem(400, "invalid-query");
    assert_eq!(pointers(&problem), ["/query/cursor"]);
}

#[tokio::test]
async fn every_fault_of_a_schedule_is_named_with_its_place_and_nothing_is_written() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let before = world.written().await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"cron": "61 * * * *"}), "/cron"),
        (json!({"cron": "0 0 30 2 *"}), "/cron"),
        (json!({"cron": "@daily", "timezone": "Europe/Berln"}), "/timezone"),
        (json!({"cron": "@daily", "timezon": "UTC"}), "/timezon"),
        (json!({"every": "PT0.5S"}), "/every"),
        (json!({"every": "P1D"}), "/every"),
        (json!({"at": "tomorrow"}), "/at"),
        (json!({"cron": "@daily", "catch_up": "some"}), "/catch_up"),
        (json!({"cron": "@daily", "input": [1]}), "/input"),
        (json!({"specs": [{"cron": "@daily"}, {"cron": "nope"}]}), "/specs/1/cron"),
    ] {
        for (method, target) in [
            (Method::PUT, format!("{path}/schedule")),
            (Method::POST, format!("{path}/schedules")),
            (Method::POST, "/schedules/preview".to_owned()),
        ] {
            let problem = world.send(method, &target, Some(&body)).await.problem(422, "invalid");
            assert!(pointers(&problem).contains(&pointer), "{target} {body}: {problem}");
        }
    }
    let whole = json!({"name": "x", "definition": {"nodes": [trigger(&json!({"cron": "61 * * * *"}))]}});
    let problem = world.post("/workflows", &whole).await.problem(422, "invalid");
    assert_eq!(pointers(&problem), ["/definition/nodes/0/parameters/schedule/cron"]);
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_second_schedule_of_a_name_is_a_conflict_and_one_of_no_workflow_is_not_found() {
    let world = World::new().await;
    let path = world.workflow("report", json!([log()])).await;
    let schedules = format!("{path}/schedules");
    world.post(&schedules, &json!({"name": "a", "cron": "@daily"})).await.ok(201);
    world.post(&schedules, &json!({"name": "a", "cron": "@hourly"})).await.problem(409, "conflict");
    let nowhere = "/workflows/01938a5e-7c00-7000-8000-00000000ffff";
    world.post(&format!("{nowhere}/schedules"), &json!({"cron": "@daily"})).await.problem(404, "not-found");
    world.send(Method::PUT, &format!("{nowhere}/schedule"), Some(&json!({"cron": "@daily"}))).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_preview_keeps_nothing() {
    let world = World::new().await;
    let before = world.written().await;
    let body = json!({"cron": "0 9 * * *", "timezone": "Europe/Berlin", "count": 2});
    let preview = world.post("/schedules/preview", &body).await.ok(200);
    assert_eq!(preview["times"], json!(["2026-11-26T08:00:00Z", "2026-11-27T08:00:00Z"]));
    assert_eq!(world.written().await, before);
}
