//! What stands around every route.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use tracing::{Span, error, info, info_span};

use crate::answer::MadeNothingDue;
use crate::extract::MAX_BODY_BYTES;
use crate::problem::{Kind, Problem};
use crate::{OnWrite, Random};

/// How long a request may take, its body included.
/// More than a worker may ask to wait for work.
const REQUEST_LIMIT: Duration = Duration::from_secs(40);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost first: what a layer answers has been through those above it.
pub(crate) fn around(router: Router, random: Random, on_write: OnWrite) -> Router {
    let fixed = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(random, request_id))
            .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION]))
            .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(answered).on_failure(()))
            .layer(fixed(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(fixed(CACHE_CONTROL, "no-store"))
            .layer(fixed(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn(bounded))
            .layer(middleware::from_fn_with_state(on_write, tell))
            .layer(CsrfLayer::new().with_rejection_response(foreign_page))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES)),
    )
}

/// Gives the request an id, unless it brings one that is fit to be logged, and answers with it.
async fn request_id(State(random): State<Random>, mut request: Request, next: Next) -> Response {
    let brought = request.headers().get(REQUEST_ID).filter(|id| is_fit(id)).cloned();
    let id = brought.unwrap_or_else(|| fresh_id(&random));
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Tells whoever waits for work that a write succeeded. Heartbeats and the like are too many to look after each.
async fn tell(State(on_write): State<OnWrite>, request: Request, next: Next) -> Response {
    let is_write = !request.method().is_safe();
    let response = next.run(request).await;
    let makes_due = response.extensions().get::<MadeNothingDue>().is_none();
    if is_write && makes_due && response.status().is_success() {
        on_write();
    }
    response
}

fn is_fit(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn fresh_id(random: &Random) -> HeaderValue {
    let text: String = random()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(text).expect("hexadecimal digits can stand in a header")
}

/// The route, not the path: paths have ids, and would make as many names as there are objects.
fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    info_span!("request", http.method = %request.method(), http.route = route, request.id = id)
}

fn answered<B>(response: &axum::http::Response<B>, latency: Duration, _: &Span) {
    let (status, ms) = (response.status().as_u16(), latency.as_millis());
    info!(http.status = status, latency_ms = ms, "answered {status} in {ms} ms");
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    error!("a request panicked: {}", text.unwrap_or_default());
    let detail = "this is a fault of Belfry; its log names it under the answer's x-request-id. \
                  Look at what stands before sending the request again";
    Problem::new(Kind::Internal, detail).into_response()
}

async fn bounded(request: Request, next: Next) -> Result<Response, Problem> {
    tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await.map_err(|_| {
        let detail = format!(
            "the request took longer than {} s and was given up; look at what stands before sending it again",
            REQUEST_LIMIT.as_secs()
        );
        Problem::new(Kind::Timeout, detail)
    })
}

/// Browsers send what other sites' pages ask for. Keys are not sent along, but with `--no-auth` nothing else would stop it.
fn foreign_page(_: ProtectionError) -> Response {
    Problem::new(Kind::CrossOrigin, "the request comes from a page of another site; send it from a program, or from a page of this host")
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;

    async fn problem_of(router: Router) -> Value {
        let router = around(router, Arc::new(|| [1; 32]), Arc::new(|| ()));
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["x-request-id"], "01".repeat(16).as_str());
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_does_not_tell_its_text() {
        async fn panics() -> &'static str {
            panic!("the secret is 7")
        }
        let problem = problem_of(Router::new().route("/", get(panics))).await;
        assert_eq!((&problem["status"], &problem["type"]), (&Value::from(500), &Value::from("https://belfry.dev/problems/internal")));
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_end_is_given_up() {
        let problem = problem_of(Router::new().route("/", get(pending::<&'static str>))).await;
        assert_eq!((&problem["status"], &problem["type"]), (&Value::from(503), &Value::from("https://belfry.dev/problems/timeout")));
    }

    #[test]
    fn only_short_and_visible_request_ids_are_kept() {
        let fit = |text: &str| is_fit(&HeaderValue::from_bytes(text.as_bytes()).unwrap());
        assert!(fit("0af7651916cd43dd"));
        assert!(fit(&"a".repeat(128)));
        for text in ["", "a b", "ü", &"a".repeat(129)] {
            assert!(!fit(text), "{text}");
        }
    }
}
