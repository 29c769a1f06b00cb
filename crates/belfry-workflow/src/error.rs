//! Why a service did not do what it was asked.

use belfry_core::ports::{Conflict, StoreError};
use belfry_core::run::RunState;
use belfry_core::violation::{Violation, Violations};

/// Nothing was written, but perhaps by a call that ended as [`ServiceError::Unavailable`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ServiceError {
    /// The body, the patched object or a query parameter is not accepted; each violation says why. The pointers of lists
    /// name query parameters (`/limit`), all others lead into the body.
    #[error(transparent)]
    Invalid(#[from] Violations),
    /// The object does not exist, or was deleted; `0` names its kind.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The object is at another revision than the caller asked for.
    #[error("the object is at revision {current}")]
    Stale { current: i64 },
    #[error(transparent)]
    Conflict(Conflict),
    /// The schedule's one source is the trigger node `node`: edit the workflow's definition instead. Pause, resume and
    /// run-now work on the schedule itself.
    #[error("the schedule belongs to node `{node}` of the workflow's definition; edit it there")]
    OwnedByNode { node: String },
    /// The trigger node `node` has a schedule, but the workflow has a directly made one named `default`: delete that one
    /// first, or leave `schedule` out of the node.
    #[error("node `{node}` has a schedule, but the workflow has a directly made schedule named `default`")]
    DirectDefaultStands { node: String },
    /// The run is claimed by another, or has ended: its worker's message is done with.
    #[error("the run is {0} and cannot be claimed")]
    NotClaimable(RunState),
    /// The run's delivery is `handoff`: whoever has its message has the run, and nobody claims it.
    #[error("the run's delivery is `handoff`: it is not claimed")]
    HandedOff,
    /// The claim of this epoch is no longer there: the worker has lost it, or gave it back. The run has this state now.
    #[error("the claim of this epoch is lost; the run is {0} now")]
    ClaimStale(RunState),
    /// The store cannot do it at the moment; the text says what is known of what was written.
    #[error("{0}")]
    Unavailable(String),
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> ServiceError {
        match error {
            StoreError::NotFound(kind) => ServiceError::NotFound(kind),
            StoreError::Stale { current } => ServiceError::Stale { current },
            StoreError::Conflict(conflict) => ServiceError::Conflict(conflict),
            StoreError::Data(reason) => {
                let detail = format!("the store cannot keep these values: {reason}");
                ServiceError::Invalid(Violations::one(Violation::new("", None, detail, "")))
            }
            StoreError::Unavailable(_) | StoreError::InDoubt(_) => ServiceError::Unavailable(error.to_string()),
        }
    }
}
