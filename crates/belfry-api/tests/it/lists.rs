//! What all lists share: pages, and the refusal of queries that would not be honoured.

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
    assert_eq!(names("/schedules?name=s&workflow_id=01938a5e-7c00-7000-8000-00000000ffff").await, Vec::<String>::new());
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
        ("/healthz?verbose", "/query/verbose"),
    ] {
        let problem = world.get(path).await.problem(400, "invalid-query");
        assert_eq!(pointers(&problem), [expected], "{path}");
    }
    let problem = world.get("/workflows?nmae=a").await.problem(400, "invalid-query");
    assert_eq!(problem["violations"][0]["expected"], "`name`; known are name, tag, cursor, limit");
    assert_eq!(problem["violations"][0]["value"], Value::from("a"));
}
