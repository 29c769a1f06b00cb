//! Business calendars through HTTP.

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, World, log, pointers, trigger};

async fn put(world: &World, name: &str, body: &Value) -> Answer {
    world.send(Method::PUT, &format!("/calendars/{name}"), Some(body)).await
}

/// The section of docs/schedules.md.
fn page() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schedules.md")).unwrap();
    let (_, section) = page.split_once("## Business calendars\n").unwrap();
    section.split("\n## ").next().unwrap().to_owned()
}

/// Sends the page's requests, and answers how many there were.
async fn send_those_of_the_page(world: &World, page: &str) -> usize {
    let blocks = page.split("```http\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut sent = 0;
    for block in blocks {
        let (request, body) = block.split_once("\n\n").unwrap();
        let (method, path) = request.split_once(' ').unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        world.send(method.parse().unwrap(), path, Some(&body)).await.ok(201);
        sent += 1;
    }
    sent
}

#[tokio::test]
async fn the_examples_of_the_page_are_answered_as_written() {
    let (world, page) = (World::new().await, page());
    assert_eq!(send_those_of_the_page(&world, &page).await, 3);
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| `{")) {
        let quoted: Vec<&str> = row.split('`').collect();
        let (schedule, expected) = (quoted[1], quoted[3]);
        let mut body: Value = serde_json::from_str(schedule).unwrap();
        body["timezone"] = json!("Europe/Berlin");
        body["after"] = json!("2026-12-01T00:00:00Z");
        body["count"] = json!(1);
        assert_eq!(world.post("/schedules/preview", &body).await.ok(200)["times_local"], json!([expected]), "{schedule}");
        rows += 1;
    }
    assert_eq!(rows, 7);
}

#[tokio::test]
async fn a_put_makes_then_replaces_and_its_etag_is_honoured() {
    let world = World::new().await;
    let made = put(&world, "DE", &json!({"holidays": ["12-25"]})).await;
    assert_eq!(made.ok(201)["planned_anew"], 0);
    assert_eq!((made.header("location"), made.header("etag")), (Some("/calendars/DE"), Some("\"1\"")));
    let same = put(&world, "DE", &json!({"holidays": ["12-25"]})).await;
    assert_eq!((same.ok(200)["revision"].clone(), same.header("etag")), (json!(1), Some("\"1\"")));
    let stale = world.send_if("\"4\"", Method::PUT, "/calendars/DE", Some(&json!({}))).await.problem(412, "stale");
    assert_eq!(stale["current_revision"], 1);
    world.send_if("*", Method::PUT, "/calendars/FR", Some(&json!({}))).await.problem(404, "not-found");
    world.send_if("\"0\"", Method::PUT, "/calendars/FR", Some(&json!({}))).await.problem(404, "not-found");
    let patched = world.send_if("\"1\"", Method::PATCH, "/calendars/DE", Some(&json!({"except": "12-25"}))).await;
    assert_eq!(patched.ok(200)["except"], json!(["12-25"]));
    world.send_if("\"1\"", Method::DELETE, "/calendars/DE", None).await.problem(412, "stale");
    world.send_if("\"2\"", Method::DELETE, "/calendars/DE", None).await.ok(204);
    world.get("/calendars/DE").await.problem(404, "not-found");
    assert_eq!(world.get("/calendars/DE/revisions").await.ok(200)["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_change_tells_the_daemon_and_plans_anew_at_once() {
    let world = World::new().await;
    put(&world, "DE", &json!({})).await.ok(201);
    let path = world.workflow("report", json!([trigger(&json!({"cron": "0 * * * *", "exclude": [{"holidays": "DE"}]})), log()])).await;
    let schedule = world.get(&format!("{path}/schedule")).await.ok(200);
    assert_eq!((&schedule["calendars"], &schedule["next_run_at"]), (&json!({"DE": 1}), &json!("2026-11-25T10:00:00Z")));
    world.clock.advance(SignedDuration::from_mins(60));
    let hints = world.hints();
    let changed = put(&world, "DE", &json!({"holidays": ["2026-11-25..2026-11-26"]})).await.ok(200);
    assert_eq!((changed["planned_anew"].clone(), world.hints() > hints), (json!(1), true));
    let after = world.get(&format!("{path}/schedule")).await.ok(200);
    assert_eq!((&after["revision"], &after["next_run_at"], &after["run_count"]), (&json!(2), &json!("2026-11-27T00:00:00Z"), &json!(1)));
    let users = world.get("/schedules?calendar=DE").await.ok(200);
    assert_eq!(users["items"][0]["id"], after["id"]);
    assert_eq!(world.get("/schedules?calendar=FR").await.ok(200)["items"], json!([]));
    let refused = world.delete("/calendars/DE").await.problem(409, "conflict");
    assert_eq!(
        refused["detail"],
        "the calendar `DE` is used by the schedule `report/default`; let them use another calendar, or none, first; GET /schedules?calendar= lists them"
    );
}

#[tokio::test]
async fn what_is_wrong_is_told_where_it_stands() {
    let world = World::new().await;
    put(&world, "DE", &json!({})).await.ok(201);
    let before = world.written().await;
    let problem = put(&world, "x", &json!({"holidays": ["12-25", "13-01"], "union": ["ED"]})).await.problem(422, "invalid");
    assert_eq!(pointers(&problem), ["/holidays/1"]);
    let problem = put(&world, "x", &json!({"union": ["ED"]})).await.problem(422, "invalid");
    assert_eq!(problem["violations"][0]["expected"], "the name of a calendar, such as `DE`");
    let problem = put(&world, "-x", &json!({})).await.problem(400, "invalid-path");
    assert_eq!(pointers(&problem), ["/path/name"]);
    let problem = world.get("/calendars/DE/days?from=2026-02-30").await.problem(400, "invalid-query");
    assert_eq!(pointers(&problem), ["/query/from"]);
    let text = world.send_as(Method::POST, "/calendars/x/import", Some(("application/json", b"{}")), &[]).await;
    text.problem(415, "unsupported-media-type");
    let text = world.send_as(Method::POST, "/calendars/x/import", Some(("text/calendar", b"hello")), &[]).await;
    text.problem(422, "invalid");
    assert_eq!(world.written().await, before);
    world.get("/calendars/x").await.problem(404, "not-found");
}

#[tokio::test]
async fn an_import_that_is_sent_again_is_answered_again() {
    let world = World::new().await;
    let file = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261225\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let headers = [("idempotency-key", "once")];
    let send = || world.send_as(Method::POST, "/calendars/UK/import", Some(("text/calendar; charset=utf-8", file.as_bytes())), &headers);
    let first = send().await;
    assert_eq!(first.ok(201)["calendar"]["holidays"], json!(["2026-12-25"]));
    put(&world, "UK", &json!({})).await.ok(200);
    let again = send().await;
    assert_eq!((again.status, again.bytes), (first.status, first.bytes));
    assert_eq!(world.get("/calendars/UK").await.ok(200)["revision"], 2);
}
