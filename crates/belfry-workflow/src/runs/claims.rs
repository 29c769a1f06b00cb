//! Runs, as workers outside Belfry execute them: claim, heartbeat, end or give back. Each verb is one verb of [`RunStore`];
//! what fences the worker is the epoch that its claim was answered with.

#[cfg(test)]
mod tests;

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Beat, Claim, ClaimAnswer, Finish, FinishAnswer};
use belfry_core::run::{RunResult, RunState, bounded};
use belfry_core::violation::Violations;
use belfry_core::workflow::QueueName;
use jiff::SignedDuration;
use serde_json::Value;

use super::RunService;
use super::schemas::{
    ClaimRequest, ClaimResponse, CompleteRequest, EpochRequest, FailRequest, FinishResponse, HeartbeatRequest, HeartbeatResponse,
    PollRequest,
};
use crate::error::ServiceError;
use crate::read::read_partly;

/// The longest name of a worker, in characters.
const MAX_WORKER: usize = 128;
/// How long a poll may wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// The most of what is said of a run's progress that is kept, in characters.
const MAX_PROGRESS: usize = 500;

impl RunService {
    /// [`ServiceError::NotClaimable`] and [`ServiceError::HandedOff`] are final as far as the worker's message goes.
    /// The same token again, while that claim stands, gets the same answer.
    pub async fn claim(&self, id: RunId, body: &Value) -> Result<ClaimResponse, ServiceError> {
        let ClaimRequest { token, worker } = checked(body, check_claim)?;
        match self.store.claim(Claim { run_id: id, token, worker }).await? {
            ClaimAnswer::Claimed(run) => Ok(ClaimResponse::from(*run)),
            ClaimAnswer::Refused(Some(state)) => Err(ServiceError::NotClaimable(state)),
            ClaimAnswer::Refused(None) => Err(ServiceError::NotFound("run")),
            ClaimAnswer::Handoff => Err(ServiceError::HandedOff),
        }
    }

    /// The longest waiting run of `queue`, claimed as by [`RunService::claim`]; `None` when there is none now. How long to wait is
    /// its caller's to do.
    pub async fn poll(&self, queue: &QueueName, request: &PollRequest) -> Result<Option<ClaimResponse>, ServiceError> {
        Ok(self.polls.claim_oldest(queue.clone(), request.token, request.worker.clone()).await?.map(ClaimResponse::from))
    }

    /// A progress that is told is kept with it; of a long one the beginning.
    pub async fn heartbeat(&self, id: RunId, body: &Value) -> Result<HeartbeatResponse, ServiceError> {
        let HeartbeatRequest { epoch, progress } =
            checked(body, |request: &HeartbeatRequest, violations| check_epoch(request.epoch, violations))?;
        match self.store.heartbeat(id, epoch, progress.as_deref().map(one_line)).await? {
            Beat::Alive { claim_until, cancel_requested } => Ok(HeartbeatResponse { claim_until, cancel_requested }),
            Beat::Stale => Err(self.stale(id).await?),
        }
    }

    /// Ends the run as `succeeded`, with what it came to. Ending it again at the same epoch answers what stands, whichever verb recorded it.
    pub async fn complete(&self, id: RunId, body: &Value) -> Result<FinishResponse, ServiceError> {
        let CompleteRequest { epoch, output, log } =
            checked(body, |request: &CompleteRequest, violations| check_epoch(request.epoch, violations))?;
        let result = RunResult::bounded(output, log.unwrap_or_default());
        self.finish(id, epoch, Finish { state: RunState::Succeeded, error: None, result }).await
    }

    /// Ends the run as `failed`, or as `cancelled` when the worker stopped because that was asked.
    pub async fn fail(&self, id: RunId, body: &Value) -> Result<FinishResponse, ServiceError> {
        let request = checked(body, |request, violations| check_failure(request, body, violations))?;
        let state = if request.cancelled { RunState::Cancelled } else { RunState::Failed };
        let error = request.error.as_deref().map(bounded::error);
        let result = RunResult::bounded(request.output, request.log.unwrap_or_default());
        self.finish(id, request.epoch, Finish { state, error, result }).await
    }

    /// Gives the run back without an end: another worker gets it, and neither an attempt nor a lost claim is counted.
    pub async fn release(&self, id: RunId, body: &Value) -> Result<(), ServiceError> {
        let EpochRequest { epoch } = checked(body, |request: &EpochRequest, violations| check_epoch(request.epoch, violations))?;
        if self.store.release(id, epoch).await? { Ok(()) } else { Err(self.stale(id).await?) }
    }

    async fn finish(&self, id: RunId, epoch: i64, finish: Finish) -> Result<FinishResponse, ServiceError> {
        match self.store.finish(id, epoch, finish).await? {
            FinishAnswer::Recorded(state) => Ok(FinishResponse { state }),
            FinishAnswer::Stale => Err(self.stale(id).await?),
        }
    }

    /// Tells a claim that is lost from a run that never was, which the store's verbs do not.
    async fn stale(&self, id: RunId) -> Result<ServiceError, ServiceError> {
        Ok(ServiceError::ClaimStale(self.store.run(id).await?.state))
    }
}

/// Reads `body` and checks what could be read of it, so that every violation is answered at once.
fn checked<T: serde::de::DeserializeOwned>(body: &Value, check: impl Fn(&T, &mut Violations)) -> Result<T, Violations> {
    let (request, mut violations) = read_partly::<T>(body, &[]);
    let Some(request) = request else { return Err(violations) };
    check(&request, &mut violations);
    violations.or(request)
}

fn check_claim(request: &ClaimRequest, violations: &mut Violations) {
    check_claimer(request.token, &request.worker, violations);
}

impl PollRequest {
    pub fn read(body: &Value) -> Result<PollRequest, Violations> {
        checked(body, check_poll)
    }

    /// How long to wait while there is nothing.
    pub fn patience(&self) -> SignedDuration {
        self.wait.map_or(SignedDuration::ZERO, |wait| wait.0)
    }
}

fn check_poll(request: &PollRequest, violations: &mut Violations) {
    check_claimer(request.token, &request.worker, violations);
    if let Some(wait) = request.wait.filter(|wait| wait.0 > LONGEST_WAIT) {
        violations.add("/wait", Some(serde_json::json!(wait)), "it is too long", "at most PT30S");
    }
}

fn check_claimer(token: ClaimToken, worker: &str, violations: &mut Violations) {
    // The one token that a program sends without having made it; shared by two workers, it would share their claim too.
    if token.0.is_nil() {
        violations.add("/token", Some(Value::from(token.to_string())), "the nil UUID is nobody's own", TOKEN);
    }
    let length = worker.chars().count();
    if length == 0 || length > MAX_WORKER || worker.chars().any(char::is_control) {
        violations.add("/worker", Some(Value::from(worker)), "it is no name of a worker", WORKER);
    }
}

pub(crate) const TOKEN: &str = "a UUID that the worker made for this claim";
pub(crate) const WORKER: &str = "1 to 128 characters, none of them control characters; people see it";
pub(crate) const EPOCH: &str = "the `epoch` that the claim was answered with, 1 or more";
pub(crate) const PROGRESS: &str = "a string that says how far the work is; of a long one the first 500 characters are kept";
pub(crate) const LOG: &str = "a string; of a long one the first 64 KiB are kept";
pub(crate) const ERROR: &str = "a string that says why the run failed; only with `cancelled: true` it may be left out";

fn check_epoch(epoch: i64, violations: &mut Violations) {
    if epoch < 1 {
        violations.add("/epoch", Some(Value::from(epoch)), "no claim has it", EPOCH);
    }
}

/// An `error` that is there and cannot be read is told already.
fn check_failure(request: &FailRequest, body: &Value, violations: &mut Violations) {
    check_epoch(request.epoch, violations);
    if body.get("error").is_none_or(Value::is_null) && !request.cancelled {
        violations.add("/error", None, "it is missing", ERROR);
    }
}

/// What tables can show, of at most [`MAX_PROGRESS`] characters. A long text is cut, not refused: a heartbeat that is refused
/// for what it says would cost the claim.
fn one_line(progress: &str) -> String {
    let is_cut = progress.chars().nth(MAX_PROGRESS).is_some();
    let kept = progress.chars().take(MAX_PROGRESS - usize::from(is_cut));
    kept.map(|c| if c.is_control() { ' ' } else { c }).chain(is_cut.then_some('…')).collect()
}
