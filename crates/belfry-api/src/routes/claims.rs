//! Runs, for workers outside Belfry: claim, heartbeat, end or give back. `docs/messages.md` tells when to send which.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use belfry_core::ids::RunId;
use belfry_workflow::ServiceError;
use belfry_workflow::runs::{
    ClaimRequest, ClaimResponse, CompleteRequest, EpochRequest, FailRequest, FinishResponse, HeartbeatRequest, HeartbeatResponse,
    PollRequest,
};
use jiff::SignedDuration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Object;
use crate::extract::{Id, JsonBody, Queue};
use crate::params::{IdPath, QueuePath};
use crate::problem::Problem;
use crate::{App, Readiness};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(claim))
        .routes(routes!(heartbeat))
        .routes(routes!(complete))
        .routes(routes!(fail))
        .routes(routes!(release))
        .routes(routes!(poll))
}

/// Ask a queue for work
///
/// For workers without a broker: claims the run of the queue that has waited longest, as `POST /runs/{id}/claim` does; 204 when
/// there is none, at once or after `wait`. Send the same token again when the answer was lost, a fresh one for the next run.
#[utoipa::path(post, path = "/queues/{name}/claim", tag = "workers", operation_id = "claim_from_queue", params(QueuePath),
    request_body = PollRequest, responses((status = 200, body = ClaimResponse), (status = 204)))]
async fn poll(State(app): State<App>, Queue(queue): Queue, JsonBody(body): JsonBody) -> Result<Response, Problem> {
    let request = PollRequest::read(&body).map_err(ServiceError::from)?;
    let until = app.clock.boot().plus(request.patience());
    loop {
        if let Some(claimed) = app.runs.poll(&queue, &request).await? {
            return Ok(Object::new(claimed).makes_nothing_due().into_response());
        }
        let left = until.since(app.clock.boot());
        // Whoever is about to stop keeps nobody waiting.
        if !left.is_positive() || (app.ready)() != Readiness::Ready {
            return Ok(Object::nothing().makes_nothing_due().into_response());
        }
        app.clock.sleep(left.min(POLL_INTERVAL)).await;
    }
}

/// How often a queue is looked at for one that waits.
const POLL_INTERVAL: SignedDuration = SignedDuration::from_secs(1);

/// Claim a run
///
/// Before anything else is done for it, and before its message is acknowledged. The same token again, while that claim stands,
/// gets the same answer. 409 `run-not-claimable`, with the run's state: another has it, or it has ended; acknowledge the
/// message and drop it. 409 `run-handed-off`: its delivery is `handoff`, and nobody claims it.
#[utoipa::path(post, path = "/runs/{id}/claim", tag = "workers", operation_id = "claim_run", params(IdPath),
    request_body = ClaimRequest, responses((status = 200, body = ClaimResponse)))]
async fn claim(State(app): State<App>, Id(id): Id<RunId>, JsonBody(body): JsonBody) -> Result<Object<ClaimResponse>, Problem> {
    Ok(Object::new(app.runs.claim(id, &body).await?).makes_nothing_due())
}

/// Keep a claim
///
/// Every 15 s, with how far the work is where that is to be seen. 409 `claim-stale`: the claim is lost, drop everything. A
/// worker stops by itself 45 s after it sent its last heartbeat that succeeded.
#[utoipa::path(post, path = "/runs/{id}/heartbeat", tag = "workers", operation_id = "heartbeat_run", params(IdPath),
    request_body = HeartbeatRequest, responses((status = 200, body = HeartbeatResponse)))]
async fn heartbeat(State(app): State<App>, Id(id): Id<RunId>, JsonBody(body): JsonBody) -> Result<Object<HeartbeatResponse>, Problem> {
    Ok(Object::new(app.runs.heartbeat(id, &body).await?).makes_nothing_due())
}

/// End a run that succeeded
///
/// With its `output` and its `log`, which `GET /runs/{id}` shows. Ending it again at the same epoch answers what stands, and
/// changes nothing. 409 `claim-stale`: the claim was lost, and the run is another's.
#[utoipa::path(post, path = "/runs/{id}/complete", tag = "workers", operation_id = "complete_run", params(IdPath),
    request_body = CompleteRequest, responses((status = 200, body = FinishResponse)))]
async fn complete(State(app): State<App>, Id(id): Id<RunId>, JsonBody(body): JsonBody) -> Result<Object<FinishResponse>, Problem> {
    Ok(Object::new(app.runs.complete(id, &body).await?).makes_nothing_due())
}

/// End a run that failed, or that was stopped
///
/// With `cancelled: true` it ends as `cancelled`: so ends a worker whose heartbeat was answered with `cancel_requested`.
/// `output` and `log` are as in `complete`. Ending it again at the same epoch answers what stands, and changes nothing. 409
/// `claim-stale`: the claim was lost, and the run is another's.
#[utoipa::path(post, path = "/runs/{id}/fail", tag = "workers", operation_id = "fail_run", params(IdPath),
    request_body = FailRequest, responses((status = 200, body = FinishResponse)))]
async fn fail(State(app): State<App>, Id(id): Id<RunId>, JsonBody(body): JsonBody) -> Result<Object<FinishResponse>, Problem> {
    Ok(Object::new(app.runs.fail(id, &body).await?).makes_nothing_due())
}

/// Give a run back
///
/// Another worker gets it at once, and neither an attempt nor a lost claim is counted; one that was asked to stop ends as
/// `cancelled`. The claim is gone: the same again is answered 409 `claim-stale`.
#[utoipa::path(post, path = "/runs/{id}/release", tag = "workers", operation_id = "release_run", params(IdPath),
    request_body = EpochRequest, responses((status = 204)))]
async fn release(State(app): State<App>, Id(id): Id<RunId>, JsonBody(body): JsonBody) -> Result<StatusCode, Problem> {
    app.runs.release(id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
