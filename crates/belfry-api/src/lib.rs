//! Belfry over HTTP: an adapter.
//!
//! It turns requests into calls of `belfry-workflow`'s services and their answers into JSON, and decides nothing that a
//! service could decide. It must not know the scheduler, the worker or any driver.

mod answer;
mod auth;
mod extract;
mod guard;
pub mod keys;
mod layers;
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
use belfry_core::ports::{Ids, KeyStore, RunStore, WorkflowStore};
use belfry_workflow::runs::RunService;
use belfry_workflow::triggers::ScheduleTriggerService;
use belfry_workflow::workflows::WorkflowService;
use utoipa_axum::router::OpenApiRouter;

pub use auth::Access;
pub use routes::{Readiness, probes};
pub use serve::serve;

use guard::Declared;

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
    pub keys: Arc<dyn KeyStore>,
    pub ids: Arc<dyn Ids>,
    pub access: Access,
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
    let keyed = routes::keyed().route_layer(guard.clone()).route_layer(auth);
    let open = routes::open().route_layer(guard);
    let (routes, _) = OpenApiRouter::new().merge(open).merge(keyed).split_for_parts();
    let routes = routes.fallback(routes::no_such_path).method_not_allowed_fallback(routes::no_such_method);
    layers::around(routes.with_state(app), random, on_write)
}

/// The OpenAPI 3.1 document of [`router`], from the same registration.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut keyed) = OpenApiRouter::with_openapi(openapi::base()).merge(routes::keyed()).split_for_parts();
    openapi::keyed(&mut keyed);
    let (_, open) = routes::open().split_for_parts();
    keyed.merge(open);
    openapi::with_answers(&mut keyed);
    keyed
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    workflows: WorkflowService,
    triggers: ScheduleTriggerService,
    runs: RunService,
    keys: Arc<dyn KeyStore>,
    /// Whose clock fresh ids are made by.
    store: Arc<dyn WorkflowStore>,
    ids: Arc<dyn Ids>,
    access: Access,
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
    fn new(api: Api, document: &utoipa::openapi::OpenApi) -> App {
        App(Arc::new(Parts {
            workflows: WorkflowService::new(api.workflows.clone(), api.ids.clone()),
            triggers: ScheduleTriggerService::new(api.workflows.clone(), api.ids.clone()),
            runs: RunService::new(api.runs),
            keys: api.keys,
            store: api.workflows,
            ids: api.ids,
            access: api.access,
            metrics: api.metrics,
            ready: api.ready,
            random: api.random,
            declared: Declared::of(document),
            document: document.to_json().expect("the document is plain data").into(),
            paths: document.paths.paths.keys().cloned().collect(),
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
