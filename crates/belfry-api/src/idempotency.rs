//! `Idempotency-Key`: a POST that is sent again is not done again.
//!
//! The record of a key is claimed before the request is carried out, and has its answer afterwards. Whoever dies in between
//! leaves a claim that runs out; the request is then carried out once more, and makes its objects under the same ids, which
//! the stores answer as they stand. `docs/decisions/0005-a-request-again-makes-the-same-ids.md` says why.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use belfry_core::ids;
use belfry_core::ports::{HeldKey, IdempotencyClaim, IdempotencyEnd, IdempotencyKey, Ids, KeptAnswer};
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violation;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing::warn;
use uuid::Uuid;

use crate::App;
use crate::auth::Caller;
use crate::extract::body_of;
use crate::problem::{Kind, Problem};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, in characters.
pub(crate) const MAX_KEY: usize = 255;

/// The middleware: on every route, after all that can be refused without reading the body.
pub(crate) async fn once(State(app): State<App>, caller: Caller, request: Request, next: Next) -> Result<Response, Problem> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let Some(text) = key_of(request.headers())? else { return Ok(next.run(request).await) };
    let (parts, body) = request.into_parts();
    let bytes = body_of(Request::from_parts(parts.clone(), body)).await?;
    let key = IdempotencyKey { owner: caller.id(), text };
    match app.idempotency.claim_key(key.clone(), fingerprint(&parts, &bytes)).await? {
        IdempotencyClaim::Held(held) => Ok(carry_out(&app, key, held, Request::from_parts(parts, Body::from(bytes)), next).await),
        IdempotencyClaim::Answered(answer) => Ok(given_again(answer)),
        IdempotencyClaim::InProgress => {
            Err(Problem::new(Kind::IdempotencyInProgress, Kind::IdempotencyInProgress.example()).retry_after(1))
        }
        IdempotencyClaim::OtherRequest => Err(Problem::new(Kind::IdempotencyKeyReused, Kind::IdempotencyKeyReused.example())),
    }
}

async fn carry_out(app: &App, key: IdempotencyKey, held: HeldKey, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(RequestIds(Some(Arc::new(DerivedIds { key: key.clone(), at: held.made_at, made: AtomicU64::new(0) }))));
    let (response, end) = ended(next.run(request).await).await;
    if let Err(error) = app.idempotency.end_key(key, held, end).await {
        // Sent again, it is carried out again when this claim has run out, and finds what it has made.
        warn!("failed to keep the answer of an Idempotency-Key: {error}");
    }
    response
}

/// What was refused has written nothing, so its key is free; what failed may have written.
async fn ended(response: Response) -> (Response, IdempotencyEnd) {
    let status = response.status();
    if !status.is_success() {
        let end = if status.is_server_error() { IdempotencyEnd::InDoubt } else { IdempotencyEnd::Refused };
        return (response, end);
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        let problem = Problem::new(Kind::Internal, "the answer broke off; look at what stands before sending the request again");
        return (problem.into_response(), IdempotencyEnd::InDoubt);
    };
    let header = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let answer = KeptAnswer { status: status.as_u16(), etag: header(ETAG), location: header(LOCATION), body };
    (Response::from_parts(parts, Body::from(bytes)), IdempotencyEnd::Answered(answer))
}

fn given_again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body.clone()).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    if !answer.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in [(ETAG, answer.etag), (LOCATION, answer.location)] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
    match (text, given.next()) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => {
            let value = Some(Value::from(String::from_utf8_lossy(first.as_bytes())));
            let expected = format!("once, 1 to {MAX_KEY} visible ASCII characters without spaces, such as a UUID");
            Err(Problem::one(Kind::InvalidHeader, Violation::new("/header/Idempotency-Key", value, "it is no key", expected)))
        }
    }
}

/// Of all that the request asks. Its content type is left out: an operation reads one kind of body.
fn fingerprint(parts: &Parts, body: &Bytes) -> [u8; 32] {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let preconditions = parts.headers.get_all("if-match").iter().fold(Sha256::new(), |hash, value| hash.chain_update(value.as_bytes()));
    let hash = Sha256::new().chain_update(parts.method.as_str()).chain_update([0]).chain_update(target).chain_update([0]);
    hash.chain_update(preconditions.finalize()).chain_update(body).finalize().into()
}

/// Where the ids of what a request makes come from; its own with an `Idempotency-Key`.
#[derive(Clone)]
pub(crate) struct RequestIds(pub(crate) Option<Arc<dyn Ids>>);

impl<S: Send + Sync> FromRequestParts<S> for RequestIds {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestIds, Infallible> {
        Ok(parts.extensions.get::<RequestIds>().cloned().unwrap_or(RequestIds(None)))
    }
}

/// The same ids for the same request, in the order in which it asks for them.
struct DerivedIds {
    key: IdempotencyKey,
    at: UnixMillis,
    made: AtomicU64,
}

impl Ids for DerivedIds {
    fn v7(&self, _: UnixMillis) -> Uuid {
        ids::derived(self.key.owner, &self.key.text, self.at, self.made.fetch_add(1, Ordering::Relaxed))
    }
}
