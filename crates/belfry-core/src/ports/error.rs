//! Why a store did not do what it was asked.

use crate::ids::ScheduleId;
use crate::run::RunState;
use crate::schedule::ScheduledWorkflow;

pub type StoreResult<T> = Result<T, StoreError>;

/// Everything but [`StoreError::InDoubt`] means that nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What the verb is about does not exist, or was deleted. `0` names its kind: `workflow`, `version`, `schedule`, `run`,
    /// `key`, `calendar`.
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
    /// A calendar that a schedule is to be planned by was written or deleted after it was read.
    #[error("the calendar `{0}` was written at the same time")]
    CalendarMoved(String),
    /// The calendar, or one that builds on it, could not be used as it would be.
    #[error("{0}")]
    CalendarUnusable(String),
    /// `by` names some of its users.
    #[error("the calendar `{calendar}` is used by {}", .by.join(", "))]
    CalendarInUse { calendar: String, by: Vec<String> },
    /// More schedules are planned by the calendar than one write plans anew.
    #[error("more than {most} schedules are planned by the calendar `{calendar}`")]
    TooManyUsers { calendar: String, most: usize },
    /// A schedule that is planned by the calendar cannot follow.
    #[error("the schedule {id} (`{name}`) cannot follow: {reason}")]
    CalendarUser { id: ScheduleId, name: String, reason: String },
    /// The run goes on.
    #[error("the run has not ended: it is {0}")]
    RunNotEnded(RunState),
    /// The run has ended.
    #[error("the run has ended as {0}")]
    RunEnded(RunState),
}

impl StoreError {
    /// Of a schedule that a calendar's change plans anew: a conflict of its own names it.
    #[must_use]
    pub fn of_user(self, schedule: &ScheduledWorkflow) -> StoreError {
        match self {
            StoreError::Conflict(conflict) => conflict.of_user(schedule).into(),
            other => other,
        }
    }
}

impl Conflict {
    /// Of a schedule that a calendar's change plans anew.
    #[must_use]
    pub fn of_user(self, schedule: &ScheduledWorkflow) -> Conflict {
        Conflict::CalendarUser { id: schedule.id, name: schedule.name.clone(), reason: self.to_string() }
    }
}

/// `Stale` when another revision is `expected` than the one that stands.
pub fn check_revision(expected: Option<i64>, current: i64) -> StoreResult<()> {
    match expected {
        Some(expected) if expected != current => Err(StoreError::Stale { current }),
        _ => Ok(()),
    }
}
