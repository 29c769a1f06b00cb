//! The routes: one registration makes the router and its document.

mod calendars;
mod claims;
mod fallback;
mod keys;
mod runs;
mod schedules;
mod system;
mod workflows;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;

pub(crate) use fallback::{no_such_method, no_such_path};
pub use system::{Readiness, probes};

/// What needs no key.
pub(crate) fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(system::healthz)).routes(routes!(system::readyz)).routes(routes!(system::openapi_json))
}

/// What needs one.
pub(crate) fn keyed() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(workflows::routes())
        .merge(schedules::routes())
        .merge(calendars::routes())
        .merge(runs::routes())
        .merge(claims::routes())
        .merge(keys::routes())
        .routes(routes!(system::metrics))
}
