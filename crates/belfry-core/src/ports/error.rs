//! Why a store did not do what it was asked.

use crate::run::RunState;

pub type StoreResult<T> = Result<T, StoreError>;

/// Everything but [`StoreError::InDoubt`] means that nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What the verb is about does not exist, or was deleted. `0` names its kind: `workflow`, `version`, `schedule`, `run`,
    /// `key`.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The object's revision is not the expected one.
    #[error("the object is at revision {current}, not at the expected one")]
    Stale { current: i64 },
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The values themselves were refused by the store: the same call fails again.
    #[error("the store refused the data: {0}")]
    Data(String),
    /// Nothing was written, and the same call may succeed later: a lock, a full disk, a lost connection.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The answer was lost: written entirely, or not at all.
    #[error("the store's answer was lost: {0}")]
    InDoubt(String),
}

/// The write contradicts what stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("a living workflow has the name `{0}`")]
    WorkflowName(String),
    #[error("the workflow has a schedule named `{0}`")]
    ScheduleName(String),
    /// A trigger node with a schedule was added where a directly made `default` schedule stands.
    #[error("the workflow has a directly made schedule named `default`")]
    DirectDefaultStands,
    /// The schedule's one source is the definition of its workflow.
    #[error("the schedule belongs to the definition of its workflow")]
    OwnedByDefinition,
    /// More is due than one write may account for; the daemon is catching up.
    #[error("the schedule is still catching up")]
    StillCatchingUp,
    /// A newer version wrote a kind of spec that this one cannot plan.
    #[error("the schedule has a spec of a kind that this version does not know")]
    UnknownSpec,
    /// The spec cannot be evaluated.
    #[error("the schedule cannot be planned: {0}")]
    CannotPlan(String),
    /// The run goes on.
    #[error("the run has not ended: it is {0}")]
    RunNotEnded(RunState),
    /// The run has ended.
    #[error("the run has ended as {0}")]
    RunEnded(RunState),
}
