//! Health, metrics and the document.

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::problem::{Kind, Problem};
use crate::{App, Metrics, Ready};

/// Whether requests can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// The reason, read after "not ready: ".
    NotReady(String),
}

const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Is the process alive?
///
/// Always 200: it looks at nothing that restarting the process could not mend.
#[utoipa::path(get, path = "/healthz", tag = "system", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Can it serve requests?
///
/// 503 with the reason while it cannot.
#[utoipa::path(get, path = "/readyz", tag = "system", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    readiness(&app.ready)
}

/// Metrics in the Prometheus text format
///
/// They name workflows and queues, so a key is needed like everywhere: `authorization.credentials_file` of the scrape
/// configuration holds it.
#[utoipa::path(get, path = "/metrics", tag = "system", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    metrics_text(&app.metrics)
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "system", responses((status = 200, body = Object)))]
pub(super) async fn openapi_json(State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.document.clone()).into_response()
}

/// `/healthz`, `/readyz` and `/metrics` of a process that has no API, such as a daemon or a worker: for a listener of its
/// own, without keys.
pub fn probes(metrics: Metrics, ready: Ready) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(async move || readiness(&ready)))
        .route("/metrics", get(async move || metrics_text(&metrics)))
}

fn readiness(ready: &Ready) -> Result<&'static str, Problem> {
    match ready() {
        Readiness::Ready => Ok("ready\n"),
        Readiness::NotReady(reason) => Err(Problem::new(Kind::NotReady, format!("not ready: {reason}"))),
    }
}

fn metrics_text(metrics: &Metrics) -> Response {
    ([(CONTENT_TYPE, METRICS)], metrics()).into_response()
}
