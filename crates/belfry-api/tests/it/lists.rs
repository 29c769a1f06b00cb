//! What all lists share: pages, and the refusal of queries that would not be honoured.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{World, log, pointers};

#[tokio::test]
async fn pages_follow_one_another_and_the_last_says_so() {
    let world = World::new().await;
    for name in ["a", "b", "c", "d", "e"] {
        world.workflow(name, json!([log()])).await;
    }
    let mut names = Vec::new();
    let mut path = "/workflows?limit=2".to_owned();
    for more in [true, true, false] {
        let page = world.get(&path).await.ok(200);
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        assert_eq!(page["next_cursor"].is_string(), more, "{page}");
        path = format!("/workflows?limit=2&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn lists_show_only_what_the_query_asks() {
    let world = World::new().await;
    let path = world.workflow("a", json!([log()])).await;
    world.post("/workflows", &json!({"name": "b", "definition": {"nodes": [log()]}, "tags": ["x y"]})).await.ok(201);
    world.post(&format!("{path}/schedules"), &json!({"name": "s", "cron": "@daily"})).await.ok(201);
    world.post(&format!("{path}/schedules"), &json!({"name": "p", "cron": "@daily", "is_active": false})).await.ok(201);
    let names = async |path: &str| {
        let page = world.get(path).await.ok(200);
        page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/workflows?name=a").await, ["a"]);
    assert_eq!(names("/workflows?tag=x%20y").await, ["b"]);
    assert_eq!(names("/schedules?is_active=true").await, ["s"]);
    assert_eq!(names(&format!("{path}/schedules?is_active=false")).await, ["p"]);
    assert_eq!(names("/workflows?q=A").await, ["a"]);
    assert_eq!(names("/workflows?is_active=false").await, ["b"]);
    assert_eq!(names("/schedules?q=a&sort=-created").await, ["p", "s"]);
    assert_eq!(names("/schedules?next_run_before=2026-11-26T00:00:00.001Z").await, ["s"]);
    assert_eq!(names("/schedules?next_run_from=2026-11-26T00:00:00.001Z").await, Vec::<String>::new());
    assert_eq!(names("/schedules?is_failing=true").await, Vec::<String>::new());
    assert_eq!(names("/schedules?tag=x%20y").await, Vec::<String>::new());
    assert_eq!(names("/schedules?name=s&workflow_id=01938a5e-7c00-7000-8000-00000000ffff").await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_of_every_order_have_each_item_once() {
    let world = World::new().await;
    let path = world.workflow("w", json!([log()])).await;
    for (name, cron) in [("b", "0 12 * * *"), ("a", "0 11 * * *"), ("d", "0 11 * * *"), ("c", "0 10 * * *"), ("e~f", "x")] {
        let answer = world.post(&format!("{path}/schedules"), &json!({"name": name, "cron": cron})).await;
        assert_eq!(answer.status, if cron == "x" { 422 } else { 201 });
    }
    for (sort, expected) in [("created", "badc"), ("-created", "cdab"), ("name", "abcd"), ("next_run", "cadb")] {
        let (mut names, mut path) = (String::new(), format!("/schedules?limit=1&sort={sort}"));
        for more in [true, true, true, false] {
            let page = world.get(&path).await.ok(200);
            names += page["items"][0]["name"].as_str().unwrap();
            assert_eq!(page["next_cursor"].is_string(), more, "{page}");
            path = format!("/schedules?limit=1&sort={sort}&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
        }
        assert_eq!(names, expected, "{sort}");
    }
}

#[tokio::test]
async fn revisions_tell_what_each_write_changed() {
    let world = World::new().await;
    let path = world.workflow("w", json!([log()])).await;
    let made = world.post(&format!("{path}/schedules"), &json!({"name": "s", "cron": "@daily", "input": {"a": 1}})).await;
    let schedule = made.header("location").unwrap().to_owned();
    world.send(Method::PATCH, &schedule, Some(&json!({"cron": "@hourly", "input": {"b": 2}}))).await.ok(200);
    world.post(&format!("{schedule}/pause"), &json!({})).await.ok(200);
    let first = world.get(&format!("{schedule}/revisions?limit=2")).await.ok(200);
    let changes = |item: &Value| {
        item["changes"].as_array().unwrap().iter().map(|change| change["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(changes(&first["items"][0]), ["/schedule/is_active"]);
    assert_eq!(changes(&first["items"][1]), ["/schedule/cron", "/schedule/input/b"]);
    let rest = world.get(&format!("{schedule}/revisions?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.ok(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let read = world.get(&format!("{schedule}/revisions/3?against=1")).await.ok(200);
    assert_eq!(changes(&read), ["/schedule/cron", "/schedule/input/b", "/schedule/is_active"]);
    assert_eq!(world.get(&format!("{schedule}/revisions/3")).await.ok(200), first["items"][0]);
    world.get(&format!("{schedule}/revisions/4")).await.problem(404, "not-found");
    world.get(&format!("{schedule}/revisions/3?against=9")).await.problem(404, "not-found");
    world.get("/schedules/01938a5e-7c00-7000-8000-00000000ffff/revisions").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_query_that_would_not_be_honoured_is_refused_with_what_would_be() {
    let world = World::new().await;
    for (path, expected) in [
        ("/workflows?limit=0", "/query/limit"),
        ("/workflows?limit=201", "/query/limit"),
        ("/workflows?limit=ten", "/query/limit"),
        ("/workflows?limit=-1", "/query/limit"),
        ("/workflows?cursor=7", "/query/cursor"),
        ("/workflows?limit=1&limit=2", "/query/limit"),
        ("/workflows?nmae=a", "/query/nmae"),
        ("/schedules?is_active=yes", "/query/is_active"),
        ("/schedules?workflow_id=7", "/query/workflow_id"),
        ("/runs?state=runing", "/query/state"),
        ("/runs?planned_from=yesterday", "/query/planned_from"),
        ("/keys?limit=1", "/query/limit"),
        ("/workflows?sort=nmae", "/query/sort"),
        ("/schedules?sort=name&cursor=7", "/query/cursor"),
        ("/schedules?sort=next_run&cursor=7~01938a5e-7c00-7000-8000-00000000ffff", "/query/cursor"),
        ("/schedules?next_run_from=soon", "/query/next_run_from"),
        ("/schedules?is_failing=1", "/query/is_failing"),
        ("/runs?state=", "/query/state"),
        ("/schedules/01938a5e-7c00-7000-8000-00000000ffff/revisions?cursor=x", "/query/cursor"),
        ("/healthz?verbose", "/query/verbose"),
    ] {
        let problem = world.get(path).await.problem(400, "invalid-query");
        assert_eq!(pointers(&problem), [expected], "{path}");
    }
    let problem = world.get("/workflows?nmae=a").await.problem(400, "invalid-query");
    assert_eq!(problem["violations"][0]["expected"], "`name`; known are q, name, tag, is_active, is_failing, sort, cursor, limit");
    assert_eq!(problem["violations"][0]["value"], Value::from("a"));
}
