//! A router over a store of its own, and requests to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use belfry_api::{Access, Api, Limits, Readiness};
use belfry_core::ids::KeyId;
use belfry_core::ports::{
    HeldKey, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, IdempotencyStore, Ids, KeyStore, NewKey, RunFilter, RunStore,
    ScheduleFilter, StoreResult, WallClock, WorkflowFilter, WorkflowStore,
};
use belfry_testkit::clock::{ManualClock, SeededIds};
use belfry_testkit::reference::ReferenceStore;
use serde_json::{Value, json};
use tower::ServiceExt;

pub struct World {
    pub clock: ManualClock,
    pub store: Arc<ReferenceStore>,
    pub forgetful: Arc<Forgetful>,
    pub router: Router,
    pub secret: String,
    document: Value,
    hints: Arc<AtomicU64>,
}

/// What a request was answered with.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

/// A store that is asked by processes that may die: the end of a claim is then never written.
pub struct Forgetful {
    store: Arc<ReferenceStore>,
    forgets: AtomicBool,
}

impl Forgetful {
    pub fn forget_the_next_answer(&self) {
        self.forgets.store(true, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl IdempotencyStore for Forgetful {
    async fn claim_key(&self, key: IdempotencyKey, request: [u8; 32]) -> StoreResult<IdempotencyClaim> {
        self.store.claim_key(key, request).await
    }

    async fn end_key(&self, key: IdempotencyKey, held: HeldKey, end: IdempotencyEnd) -> StoreResult<()> {
        if self.forgets.swap(false, Ordering::Relaxed) { Ok(()) } else { self.store.end_key(key, held, end).await }
    }
}

impl World {
    pub async fn new() -> World {
        World::with(Access::Keys, Readiness::Ready).await
    }

    /// Whose keys may send so much.
    pub async fn limited(per_second: u32, burst: u32) -> World {
        let number = |number: u32| number.try_into().unwrap();
        World::made(Access::Keys, Readiness::Ready, Limits { requests_per_second: number(per_second), burst: number(burst) }).await
    }

    pub async fn with(access: Access, readiness: Readiness) -> World {
        World::made(access, readiness, Limits::default()).await
    }

    async fn made(access: Access, readiness: Readiness, limits: Limits) -> World {
        let clock = ManualClock::default();
        let store = Arc::new(ReferenceStore::new(Arc::new(clock.clone())));
        let (random, hints) = (AtomicU64::new(1), Arc::new(AtomicU64::new(0)));
        let ids = SeededIds::new(1);
        let forgetful = Arc::new(Forgetful { store: store.clone(), forgets: AtomicBool::new(false) });
        let secret = belfry_api::keys::secret([7; 32]);
        let first = KeyId(ids.v7(clock.now()));
        store.create_key(NewKey::full(first, "first".to_owned(), belfry_api::keys::hash(&secret))).await.unwrap();
        let api = Api {
            workflows: store.clone(),
            runs: store.clone(),
            polls: store.clone(),
            revisions: store.clone(),
            calendars: store.clone(),
            keys: store.clone(),
            idempotency: forgetful.clone(),
            clock: Arc::new(clock.clone()),
            limits,
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
        World { clock, store, forgetful, router: belfry_api::router(api), secret, document: belfry_api::openapi(), hints }
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

    /// Whatever the test is about, the answer must be one that the document names.
    pub async fn call(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().as_str().to_lowercase(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        if let Some(operation) = operation(&self.document, &method, &path) {
            let status = response.status().as_u16().to_string();
            assert!(operation["responses"].get(&status).is_some(), "{method} {path} answered {status}, which is not documented");
        }
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }
}

/// What the document says of a request.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<&'a Value> {
    let fits = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template.split('/').zip(path.split('/')).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    };
    let paths = document["paths"].as_object().unwrap();
    // A path without a variable part comes before one with.
    let exact = paths.get(path);
    exact.or_else(|| paths.iter().find(|(template, _)| fits(template)).map(|(_, item)| item))?.get(method)
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
