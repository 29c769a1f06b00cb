//! From a delivered message to a claim.

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Boot, Claim, ClaimAnswer, ClaimedRun, StoreError};
use belfry_core::run::RunState;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::timing::{Backoff, sleep_for, within};
use crate::worker::Shared;

/// How often a claim whose answer was lost is sent. With the pauses between (3.1 s in all) far less than a claim lasts.
const SENDINGS: u32 = 6;
/// How long one answer is waited for.
const ANSWER_LIMIT: SignedDuration = SignedDuration::from_secs(5);

pub(crate) enum Claiming {
    /// `first_sent` is when the token was first sent: the claim may count from then on.
    Claimed { claimed: Box<ClaimedRun>, first_sent: Boot },
    /// Another has it, or it has ended: the message is done with.
    Refused,
    /// It is a handoff: the message belongs to other consumers.
    Handoff,
    /// The store did not say: the message goes back, to be tried by anyone.
    Unknown,
}

/// Claims `run` with a fresh token, the same for each sending, so that an answer that was lost is answered again.
pub(crate) async fn claim(shared: &Shared, run: RunId, stopping: &CancellationToken) -> Claiming {
    let token = ClaimToken(shared.ids.v7(shared.wall.now()));
    let first_sent = shared.clock.boot();
    let mut pause = Backoff::new(SignedDuration::from_millis(100), SignedDuration::from_secs(2));
    for sending in 1..=SENDINGS {
        if stopping.is_cancelled() {
            return Claiming::Unknown;
        }
        let wish = Claim { run_id: run, token, worker: shared.settings.name.clone() };
        match within(&*shared.clock, ANSWER_LIMIT, shared.runs.claim(wish)).await {
            Some(Ok(ClaimAnswer::Claimed(claimed))) => return Claiming::Claimed { claimed, first_sent },
            Some(Ok(ClaimAnswer::Refused(state))) => {
                explain(run, state);
                return Claiming::Refused;
            }
            Some(Ok(ClaimAnswer::Handoff)) => {
                error!(run.id = %run, "run {run} is a handoff: its queue must be consumed by its own consumers, not by this worker");
                return Claiming::Handoff;
            }
            Some(Err(StoreError::NotFound(_))) => return Claiming::Refused,
            Some(Err(error)) => warn!(run.id = %run, "claiming run {run} failed (sending {sending} of {SENDINGS}): {error}"),
            None => warn!(run.id = %run, "claiming run {run} got no answer (sending {sending} of {SENDINGS})"),
        }
        if sending < SENDINGS {
            sleep_for(&*shared.clock, pause.next()).await;
        }
    }
    Claiming::Unknown
}

fn explain(run: RunId, state: Option<RunState>) {
    match state {
        Some(state) => debug!(run.id = %run, "run {run} is {state} and not to be claimed"),
        None => debug!(run.id = %run, "there is no run {run} to claim"),
    }
}
