//! A router over a store of its own, and requests to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use belfry_api::{Access, Api, Readiness};
use belfry_core::ids::KeyId;
use belfry_core::ports::{Ids, KeyStore, RunFilter, RunStore, ScheduleFilter, WallClock, WorkflowFilter, WorkflowStore};
use belfry_testkit::clock::{ManualClock, SeededIds};
use belfry_testkit::reference::ReferenceStore;
use serde_json::{Value, json};
use tower::ServiceExt;

pub struct World {
    pub clock: ManualClock,
    pub store: Arc<ReferenceStore>,
    pub router: Router,
    pub secret: String,
    hints: Arc<AtomicU64>,
}

/// What a request was answered with.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl World {
    pub async fn new() -> World {
        World::with(Access::Keys, Readiness::Ready).await
    }

    pub async fn with(access: Access, readiness: Readiness) -> World {
        let clock = ManualClock::default();
        let store = Arc::new(ReferenceStore::new(Arc::new(clock.clone())));
        let (random, hints) = (AtomicU64::new(1), Arc::new(AtomicU64::new(0)));
        let ids = SeededIds::new(1);
        let secret = belfry_api::keys::secret([7; 32]);
        let first = KeyId(ids.v7(clock.now()));
        store.create_key(first, "first".to_owned(), belfry_api::keys::hash(&secret)).await.unwrap();
        let api = Api {
            workflows: store.clone(),
            runs: store.clone(),
            keys: store.clone(),
            ids: Arc::new(ids),
            access,
            metrics: Arc::new(|| "belfry_up 1\n".to_owned()),
            ready: Arc::new(move || readiness.clone()),
            on_write: Arc::new({
                let hints = hints.clone();
                move || _ = hints.fetch_add(1, Ordering::Relaxed)
            }),
            random: Arc::new(move || {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&random.fetch_add(1, Ordering::Relaxed).to_be_bytes());
                bytes
            }),
        };
        World { clock, store, router: belfry_api::router(api), secret, hints }
    }

    /// With the key, and the body as JSON.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.send_as(method, path, body.as_ref().map(|(kind, text)| (*kind, text.as_bytes())), &[]).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// With the key, unless `headers` has an `authorization` of its own.
    pub async fn send_as(&self, method: Method, path: &str, body: Option<(&str, &[u8])>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !headers.iter().any(|(name, _)| *name == AUTHORIZATION.as_str()) {
            request = request.header(AUTHORIZATION, format!("Bearer {}", self.secret));
        }
        if let Some((kind, _)) = body {
            request = request.header(CONTENT_TYPE, kind);
        }
        let body = body.map_or_else(Body::empty, |(_, bytes)| Body::from(bytes.to_vec()));
        self.call(request.body(body).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// With `If-Match`.
    pub async fn send_if(&self, if_match: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(|body| ("application/json", body.to_string()));
        self.send_as(method, path, body.as_ref().map(|(kind, text)| (*kind, text.as_bytes())), &[("if-match", if_match)]).await
    }

    /// Makes a workflow of these nodes and answers its path.
    pub async fn workflow(&self, name: &str, nodes: Value) -> String {
        let body = json!({"name": name, "definition": {"nodes": nodes}});
        let made = self.post("/workflows", &body).await;
        made.ok(201);
        made.header("location").unwrap().to_owned()
    }

    /// How often a daemon was told that there may be work.
    pub fn hints(&self) -> u64 {
        self.hints.load(Ordering::Relaxed)
    }

    /// All that is written: what a refused request must leave as it was.
    pub async fn written(&self) -> String {
        let workflows = self.store.workflows(WorkflowFilter { limit: 200, ..WorkflowFilter::default() }).await.unwrap();
        let schedules = self.store.schedules(ScheduleFilter { limit: 200, ..ScheduleFilter::default() }).await.unwrap();
        let runs = self.store.runs(RunFilter { limit: 200, ..RunFilter::default() }).await.unwrap();
        format!("{workflows:?}\n{schedules:?}\n{runs:?}\n{:?}", self.store.keys().await.unwrap())
    }

    pub async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, after its frame was checked: status, content type, a type of ours, a title and a detail.
    #[track_caller]
    pub fn problem(&self, status: u16, slug: &str) -> Value {
        let body = self.json();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["type"], format!("https://belfry.dev/problems/{slug}"), "{body}");
        assert_eq!(body["status"], status);
        assert!(!body["title"].as_str().unwrap().is_empty());
        assert!(!body["detail"].as_str().unwrap().is_empty(), "{body}");
        body
    }

    /// The JSON of a success.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }
}

/// The pointers of a problem's violations.
pub fn pointers(problem: &Value) -> Vec<&str> {
    problem["violations"].as_array().into_iter().flatten().map(|violation| violation["pointer"].as_str().unwrap()).collect()
}

/// A node that does nothing much.
pub fn log() -> Value {
    json!({"id": "log", "type": "log", "parameters": {"message": "hello"}})
}

/// A trigger node with a schedule.
pub fn trigger(schedule: &Value) -> Value {
    json!({"id": "t", "type": "trigger", "parameters": {"schedule": schedule}})
}
