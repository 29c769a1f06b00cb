//! Belfry over HTTP: an adapter.
//!
//! It turns requests into calls of `belfry-workflow`'s services and their answers into JSON, and decides nothing that a
//! service could decide. It must not know the scheduler, the worker or any driver.

mod answer;
mod auth;
mod extract;
mod guard;
mod idempotency;
pub mod keys;
mod layers;
mod limits;
mod openapi;
mod params;
mod problem;
mod routes;
mod serve;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::middleware::from_fn_with_state;
use belfry_core::ports::{CalendarStore, Clock, IdempotencyStore, Ids, KeyStore, PollStore, RevisionStore, RunStore, WorkflowStore};
use belfry_workflow::calendars::CalendarService;
use belfry_workflow::runs::RunService;
use belfry_workflow::triggers::{RevisionService, ScheduleTriggerService};
use belfry_workflow::workflows::WorkflowService;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

pub use auth::Access;
pub use limits::Limits;
pub use routes::{Readiness, probes};
pub use serve::serve;

use guard::Declared;
use idempotency::RequestIds;
use limits::Limiter;

/// 32 bytes of a cryptographic generator.
pub type Random = Arc<dyn Fn() -> [u8; 32] + Send + Sync>;
/// The text of `/metrics`, in the Prometheus or OpenMetrics text format.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;
/// Whether requests can be served now.
pub type Ready = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Called after each write that succeeded and may have made something due; must not block. A hint: a daemon in the same process need not wait for its next
/// look. One that is elsewhere finds the write within a second.
pub type OnWrite = Arc<dyn Fn() + Send + Sync>;

/// What the API is made of.
pub struct Api {
    pub workflows: Arc<dyn WorkflowStore>,
    pub runs: Arc<dyn RunStore>,
    pub polls: Arc<dyn PollStore>,
    pub revisions: Arc<dyn RevisionStore>,
    pub calendars: Arc<dyn CalendarStore>,
    pub keys: Arc<dyn KeyStore>,
    pub idempotency: Arc<dyn IdempotencyStore>,
    pub ids: Arc<dyn Ids>,
    /// By which it waits, and counts requests.
    pub clock: Arc<dyn Clock>,
    pub access: Access,
    /// What one key may send.
    pub limits: Limits,
    pub metrics: Metrics,
    pub ready: Ready,
    /// For new keys and for the ids of requests.
    pub random: Random,
    pub on_write: OnWrite,
}

/// Every route with everything that stands around it.
pub fn router(api: Api) -> Router {
    let (random, on_write) = (api.random.clone(), api.on_write.clone());
    let app = App::new(api, &openapi());
    let guard = from_fn_with_state(app.clone(), guard::check);
    let auth = from_fn_with_state(app.clone(), auth::check);
    // The key is checked first: a layer is outside those that were added before it.
    let once = from_fn_with_state(app.clone(), idempotency::once);
    let keyed = routes::keyed().route_layer(once).route_layer(guard.clone()).route_layer(auth);
    let open = routes::open().route_layer(guard);
    let (routes, _) = OpenApiRouter::new().merge(open).merge(keyed).split_for_parts();
    let routes = routes.fallback(routes::no_such_path).method_not_allowed_fallback(routes::no_such_method);
    layers::around(routes.with_state(app), random, on_write)
}

/// The OpenAPI 3.1 document of [`router`], from the same registration.
pub fn openapi() -> Value {
    let (_, keyed) = OpenApiRouter::with_openapi(openapi::base()).merge(routes::keyed()).split_for_parts();
    let (_, open) = routes::open().split_for_parts();
    openapi::document(&keyed, &open)
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    workflows: WorkflowService,
    triggers: ScheduleTriggerService,
    runs: RunService,
    revisions: RevisionService,
    calendars: CalendarService,
    keys: Arc<dyn KeyStore>,
    idempotency: Arc<dyn IdempotencyStore>,
    /// Whose clock fresh ids are made by.
    store: Arc<dyn WorkflowStore>,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    access: Access,
    limiter: Limiter,
    metrics: Metrics,
    ready: Ready,
    random: Random,
    declared: Declared,
    /// As answered by `/openapi.json`.
    document: Bytes,
    /// The paths of the document, for those who mistype one.
    paths: Vec<String>,
}

impl App {
    fn new(api: Api, document: &Value) -> App {
        App(Arc::new(Parts {
            workflows: WorkflowService::new(api.workflows.clone(), api.calendars.clone(), api.ids.clone()),
            triggers: ScheduleTriggerService::new(api.workflows.clone(), api.calendars.clone(), api.ids.clone()),
            runs: RunService::new(api.runs, api.polls),
            revisions: RevisionService::new(api.revisions),
            calendars: CalendarService::new(api.calendars),
            keys: api.keys,
            idempotency: api.idempotency,
            store: api.workflows,
            ids: api.ids,
            limiter: Limiter::new(api.limits, api.clock.clone()),
            clock: api.clock,
            access: api.access,
            metrics: api.metrics,
            ready: api.ready,
            random: api.random,
            declared: Declared::of(document),
            document: document.to_string().into(),
            paths: document["paths"].as_object().into_iter().flatten().map(|(path, _)| path.clone()).collect(),
        }))
    }
}

impl App {
    pub(crate) fn workflows_for(&self, ids: RequestIds) -> WorkflowService {
        ids.0.map_or_else(|| self.workflows.clone(), |ids| self.workflows.for_request(ids))
    }

    pub(crate) fn triggers_for(&self, ids: RequestIds) -> ScheduleTriggerService {
        ids.0.map_or_else(|| self.triggers.clone(), |ids| self.triggers.for_request(ids))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
