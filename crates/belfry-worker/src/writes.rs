//! What a worker writes for a run, repeated until the store answers; the lease's fence bounds it.
//!
//! No write is given up to begin another: an answer that comes late must not overwrite what was written after it.

use std::future::Future;

use belfry_core::ports::{Finish, FinishAnswer, StoreError, StoreResult};
use belfry_core::run::{NodeResult, NodeState, RunState, bounded};
use jiff::SignedDuration;
use serde_json::Value;
use tracing::{error, warn};

use crate::lease::{Lease, Lost};
use crate::timing::{Backoff, sleep_for};
use crate::worker::Shared;

/// How the work on a run ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    Finish(Finish),
    /// To be gone on with by another worker.
    Release,
}

impl Conclusion {
    pub fn finish(state: RunState, error: Option<&str>) -> Conclusion {
        Conclusion::Finish(Finish::of(state, error.map(bounded::error)))
    }
}

/// Writes `result` and answers what was written: a result that the store refuses becomes a failure that says so.
pub(crate) async fn record(shared: &Shared, lease: &Lease, result: NodeResult) -> Result<NodeResult, Lost> {
    let refused = match write_node(shared, lease, &result).await {
        Ok(written) => return written.map(|()| result),
        Err(refused) => refused,
    };
    let plain = without_content(result, &refused);
    match write_node(shared, lease, &plain).await {
        Ok(written) => written.map(|()| plain),
        Err(refused) => Err(unwritable(lease, &refused)),
    }
}

pub(crate) async fn conclude(shared: &Shared, lease: &Lease, conclusion: Conclusion) -> Result<Option<RunState>, Lost> {
    let held = match conclusion {
        Conclusion::Release => {
            let release = || shared.runs.release(lease.run, lease.epoch);
            until_answered(shared, lease, "giving back", release).await.map(|held| held.then_some(None))
        }
        Conclusion::Finish(finish) => {
            let end = || shared.runs.finish(lease.run, lease.epoch, finish.clone());
            until_answered(shared, lease, "finishing", end).await.map(|answer| match answer {
                FinishAnswer::Recorded(state) => Some(Some(state)),
                FinishAnswer::Stale => None,
            })
        }
    };
    held.map_err(|refused| unwritable(lease, &refused))?.ok_or(Lost)
}

/// `Err` when the store refuses the data for good.
async fn write_node(shared: &Shared, lease: &Lease, result: &NodeResult) -> Result<Result<(), Lost>, StoreError> {
    let write = || shared.runs.record_node(lease.run, lease.epoch, result.clone());
    let held = until_answered(shared, lease, "recording a node of", write).await?;
    Ok(if held { Ok(()) } else { Err(Lost) })
}

async fn until_answered<T, F>(shared: &Shared, lease: &Lease, doing: &str, call: impl Fn() -> F) -> StoreResult<T>
where
    F: Future<Output = StoreResult<T>>,
{
    let mut pause = Backoff::new(SignedDuration::from_millis(200), SignedDuration::from_secs(5));
    loop {
        match call().await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::InDoubt(_))) => {
                warn!(run.id = %lease.run, "{doing} run {} failed and is tried again: {error}", lease.run);
                sleep_for(&*shared.clock, pause.next()).await;
            }
            answer => return answer,
        }
    }
}

/// `result` without what its node produced, for that is what a store can refuse.
fn without_content(result: NodeResult, refused: &StoreError) -> NodeResult {
    let state = if result.state == NodeState::Succeeded { NodeState::Failed } else { result.state };
    let error = Some(format!("what the node produced was not kept: {refused}"));
    NodeResult { state, error, output: Value::Null, output_truncated: false, log: String::new(), ..result }
}

fn unwritable(lease: &Lease, refused: &StoreError) -> Lost {
    error!(run.id = %lease.run, "run {} is dropped, for the store refuses what is written for it: {refused}", lease.run);
    Lost
}
