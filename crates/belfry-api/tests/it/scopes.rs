//! What a key may do, for every operation of the router.

use axum::http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::operations::{Operation, operations};
use crate::world::{Answer, World};

/// The operations that a key is needed for, with the scope that it needs.
fn keyed_operations() -> Vec<(Method, String, String)> {
    let keyed = |operation: Operation| Some((operation.method, operation.path, operation.scope?));
    let found: Vec<_> = operations().into_iter().filter_map(keyed).collect();
    assert!(found.len() > 30);
    found
}

async fn key(world: &World, body: &Value) -> (String, String) {
    let made = world.post("/keys", body).await.ok(201);
    (made["id"].as_str().unwrap().to_owned(), format!("Bearer {}", made["secret"].as_str().unwrap()))
}

async fn ask(world: &World, method: &Method, path: &str, authorization: &str) -> Answer {
    world.send_as(method.clone(), path, None, &[("authorization", authorization)]).await
}

#[tokio::test]
async fn every_operation_is_open_to_living_keys_of_its_scope_and_to_no_others() {
    let world = World::new().await;
    let (id, revoked) = key(&world, &json!({"name": "revoked"})).await;
    world.delete(&format!("/keys/{id}")).await.ok(204);
    let (_, expired) = key(&world, &json!({"name": "expired", "expires_at": "2026-11-25T09:00:05Z"})).await;
    let mut of_scope = Vec::new();
    for scope in ["read", "write", "work"] {
        of_scope.push((scope, key(&world, &json!({"name": scope, "scopes": [scope]})).await.1));
    }
    world.clock.advance(SignedDuration::from_secs(5));
    for (method, path, needed) in keyed_operations() {
        for authorization in ["", revoked.as_str(), expired.as_str()] {
            ask(&world, &method, &path, authorization).await.problem(401, "unauthorized");
        }
        for (scope, authorization) in &of_scope {
            let answer = ask(&world, &method, &path, authorization).await;
            if *scope == needed {
                assert!(![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status), "{method} {path} with {scope}");
            } else {
                let problem = answer.problem(403, "insufficient-scope");
                assert_eq!(problem["detail"], format!("this needs a key with the scope `{needed}`, and the key has `{scope}`"));
            }
        }
    }
}

#[tokio::test]
async fn a_key_with_several_scopes_may_do_what_each_allows() {
    let world = World::new().await;
    let (_, both) = key(&world, &json!({"name": "both", "scopes": ["work", "read"]})).await;
    assert_eq!(ask(&world, &Method::GET, "/runs", &both).await.status, 200);
    ask(&world, &Method::POST, "/keys", &both).await.problem(403, "insufficient-scope");
}

#[tokio::test]
async fn no_key_makes_one_that_can_more_or_lives_longer_than_itself() {
    let world = World::new().await;
    let (_, own) = key(&world, &json!({"name": "own", "scopes": ["write", "read"], "expires_at": "2026-11-26T00:00:00Z"})).await;
    let with = [("authorization", own.as_str())];
    for (body, status) in [
        (json!({"name": "a"}), 403),
        (json!({"name": "a", "scopes": ["work"], "expires_at": "2026-11-25T10:00:00Z"}), 403),
        (json!({"name": "a", "scopes": ["read"]}), 403),
        (json!({"name": "a", "scopes": ["read"], "expires_at": "2026-11-26T00:00:00.001Z"}), 403),
        (json!({"name": "a", "scopes": ["read", "write"], "expires_at": "2026-11-26T00:00:00Z"}), 201),
    ] {
        let text = body.to_string();
        let answer = world.send_as(Method::POST, "/keys", Some(("application/json", text.as_bytes())), &with).await;
        assert_eq!(answer.status, status, "{body}");
        if status == 403 {
            answer.problem(403, "insufficient-scope");
        }
    }
}

#[tokio::test]
async fn a_key_that_sends_too_much_is_told_when_to_go_on() {
    let world = World::limited(1, 3).await;
    for _ in 0..3 {
        world.get("/keys").await.ok(200);
    }
    let answer = world.get("/keys").await;
    answer.problem(429, "rate-limited");
    assert_eq!(answer.header("retry-after"), Some("1"));
    world.get("/healthz").await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.get("/keys").await.ok(200);
}
