//! Who is let in, and what a stranger learns.

use axum::body::Body;
use axum::http::{Method, Request};
use belfry_api::{Access, Readiness};

use crate::operations::{Operation, operations};
use crate::world::World;

const OPEN: [&str; 3] = ["/healthz", "/openapi.json", "/readyz"];

#[tokio::test]
async fn every_operation_but_the_open_ones_needs_a_living_key() {
    let world = World::new().await;
    for Operation { method, path, .. } in operations() {
        for authorization in ["", "Basic YTpi", "Bearer belfry_00", "Bearer"] {
            let answer = world.send_as(method.clone(), &path, None, &[("authorization", authorization)]).await;
            if OPEN.contains(&path.as_str()) {
                assert_eq!(answer.status, 200, "{method} {path}");
            } else {
                answer.problem(401, "unauthorized");
                assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer realm=\"belfry\""), "{method} {path}");
            }
        }
        let known = world.send_as(method.clone(), &path, None, &[]).await;
        assert_ne!(known.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn the_answer_to_a_missing_key_says_how_to_get_one() {
    let world = World::new().await;
    let request = Request::get("/workflows").body(Body::empty()).unwrap();
    let problem = world.call(request).await.problem(401, "unauthorized");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("belfry key create") && detail.contains("BELFRY_API_KEY"), "{detail}");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_the_answer_on() {
    let world = World::new().await;
    let made = world.post("/keys", &serde_json::json!({"name": "ci"})).await.ok(201);
    let authorization = format!("Bearer {}", made["secret"].as_str().unwrap());
    let with = [("authorization", authorization.as_str())];
    assert_eq!(world.send_as(Method::GET, "/keys", None, &with).await.status, 200);
    world.send(Method::DELETE, &format!("/keys/{}", made["id"].as_str().unwrap()), None).await.ok(204);
    world.send_as(Method::GET, "/keys", None, &with).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn without_keys_only_names_of_this_computer_are_served() {
    let world = World::with(Access::Open, Readiness::Ready).await;
    for (host, status) in [("localhost:8080", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200), ("rebound.example:8080", 403), ("", 403)]
    {
        let request = Request::get("/keys").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(world.call(request).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_can_write_nothing() {
    let world = World::with(Access::Open, Readiness::Ready).await;
    let foreign = [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")];
    for (name, value) in foreign {
        let request = Request::post("/keys").header("host", "localhost:8080").header("content-type", "application/json");
        let request = request.header(name, value).body(Body::from(r#"{"name": "evil"}"#)).unwrap();
        world.call(request).await.problem(403, "cross-origin");
    }
    let request = Request::post("/keys").header("host", "localhost:8080").header("content-type", "application/json");
    let request = request.header("origin", "http://localhost:8080").body(Body::from(r#"{"name": "page"}"#)).unwrap();
    world.call(request).await.ok(201);
}

#[tokio::test]
async fn every_answer_has_the_security_headers_and_a_request_id() {
    let world = World::new().await;
    for path in ["/healthz", "/workflows", "/keys", "/nowhere"] {
        let answer = world.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").unwrap().len(), 32, "{path}");
    }
    let answer = world.send_as(Method::GET, "/healthz", None, &[("x-request-id", "mine-1")]).await;
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
}
