//! API keys through HTTP.

use axum::http::Method;
use belfry_core::ports::KeyStore;
use serde_json::json;

use crate::world::{World, pointers};

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_nowhere() {
    let world = World::new().await;
    let made = world.post("/keys", &json!({"name": "ci"})).await;
    let body = made.ok(201);
    let (id, secret) = (body["id"].as_str().unwrap(), body["secret"].as_str().unwrap());
    assert_eq!(made.header("location"), Some(format!("/keys/{id}").as_str()));
    assert!(secret.starts_with("belfry_") && secret.len() == "belfry_".len() + 64, "{secret}");

    let listed = world.get("/keys").await.ok(200);
    let read = world.get(&format!("/keys/{id}")).await.ok(200);
    assert_eq!(listed["items"][1], read);
    assert_eq!(
        read,
        json!({
            "id": id, "name": "ci", "scopes": ["read", "write", "work"], "created_at": body["created_at"], "expires_at": null, "revoked_at": null
        })
    );
    let kept = world.store.keys().await.unwrap();
    assert_eq!(kept[1].hash, belfry_api::keys::hash(secret));
}

#[tokio::test]
async fn revoking_twice_is_the_same_as_once_and_keeps_the_first_time() {
    let world = World::new().await;
    let id = world.post("/keys", &json!({"name": "ci"})).await.ok(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/keys/{id}");
    world.send(Method::DELETE, &path, None).await.ok(204);
    let revoked = world.get(&path).await.ok(200);
    assert!(revoked["revoked_at"].is_string());
    world.send(Method::DELETE, &path, None).await.ok(204);
    assert_eq!(world.get(&path).await.ok(200), revoked);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_not_found() {
    let world = World::new().await;
    let path = "/keys/01938a5e-7c00-7000-8000-00000000ffff";
    world.get(path).await.problem(404, "not-found");
    world.send(Method::DELETE, path, None).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_makes_no_key_is_refused_with_its_place() {
    let world = World::new().await;
    let long = "x".repeat(101);
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"name": 3}), "/name"),
        (json!({"name": long}), "/name"),
        (json!({"name": "a\nb"}), "/name"),
        (json!({"name": "ci", "nmae": 1}), "/nmae"),
        (json!(["name"]), ""),
        (json!({"name": "ci", "scopes": []}), "/scopes"),
        (json!({"name": "ci", "scopes": ["read", "read", "read", "read"]}), "/scopes"),
        (json!({"name": "ci", "scopes": ["admin"]}), "/scopes/0"),
        (json!({"name": "ci", "scopes": "read"}), "/scopes"),
        (json!({"name": "ci", "expires_at": "2026-11-25T09:00:00Z"}), "/expires_at"),
        (json!({"name": "ci", "expires_at": "tomorrow"}), "/expires_at"),
    ] {
        let problem = world.post("/keys", &body).await.problem(422, "invalid");
        assert_eq!(pointers(&problem), [pointer], "{body}");
    }
    assert_eq!(world.store.keys().await.unwrap().len(), 1);
}
