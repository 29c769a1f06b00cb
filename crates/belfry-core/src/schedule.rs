//! A schedule: when, and under which policy, a workflow runs.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calendar::{Exclusion, PinnedCalendars};
use crate::ids::{ScheduleId, WorkflowId};

use crate::spec::Spec;
use crate::spec::cron::CronRules;
use crate::time::{UnixMillis, Zone, duration};
use crate::workflow::{Delivery, QueueName};

/// The name of the schedule at `/workflows/{id}/schedule`.
pub const DEFAULT_SCHEDULE: &str = "default";

/// A row of `scheduled_workflows`, with the content of its current revision.
///
/// The one model that the users' side (`ScheduleTriggerService`) and the daemon's (`ScheduledWorkflowService`) share.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledWorkflow {
    pub id: ScheduleId,
    pub workflow_id: WorkflowId,
    /// Unique among the living schedules of its workflow.
    pub name: String,
    pub origin: Origin,
    /// False while paused.
    pub is_active: bool,
    /// Raised by every user-visible write to it or to its workflow; the object's ETag. A fire does not raise it.
    pub revision: i64,
    pub cursor: Cursor,
    /// Of this revision.
    pub content: ScheduleContent,
    pub last_run_at: Option<UnixMillis>,
    pub run_count: i64,
    /// Failures to decide or to fire since the last success. How runs end is read from the runs.
    pub failure_count: i64,
    pub last_error: Option<String>,
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

/// What a run takes from its workflow, as it stands at the schedule's revision.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowFacts {
    pub name: String,
    pub version: i64,
    pub queue: QueueName,
    pub delivery: Delivery,
}

/// Where planning stands.
///
/// | `nominal` | `due` | the schedule |
/// |---|---|---|
/// | some | some | has a next occurrence (looked at only while active) |
/// | some | none | left because it could not be decided; nothing before `nominal` is undecided |
/// | none | none | has ended |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// `next_nominal_at`: the first occurrence that is not decided yet.
    pub nominal: Option<UnixMillis>,
    /// `next_run_at`: when that occurrence is due.
    pub due: Option<UnixMillis>,
}

impl Cursor {
    /// Before an occurrence that is due at its nominal time, as each is without jitter.
    pub fn at(next: Option<UnixMillis>) -> Cursor {
        Cursor { nominal: next, due: next }
    }

    /// After a failure to decide what was due up to `now`.
    pub fn failed(now: UnixMillis) -> Cursor {
        Cursor { nominal: Some(UnixMillis::saturating(now.get() + 1)), due: None }
    }

    pub fn has_failed(self) -> bool {
        self.nominal.is_some() && self.due.is_none()
    }
}

/// Who owns the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The trigger node of its workflow's definition, its one source.
    Definition,
    /// Made directly.
    Direct,
}

/// What `schedule_revisions` keeps of a schedule: its specs, input and policies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleContent {
    /// One at least; the schedule is their union, without doubles.
    pub specs: Vec<Spec>,
    pub timezone: Zone,
    /// The first and last nominal time that may fire, both inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<UnixMillis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_at: Option<UnixMillis>,
    /// By how much its occurrences may be due after their nominal times; at most [`LONGEST_JITTER`].
    ///
    /// [`LONGEST_JITTER`]: crate::jitter::LONGEST_JITTER
    #[serde(default, with = "duration", skip_serializing_if = "SignedDuration::is_zero")]
    pub jitter: SignedDuration,
    /// The input of its runs: an object.
    #[serde(default)]
    pub input: Value,
    /// What is left out of its specs' times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Exclusion>,
    /// The calendars that its specs and exclusions name, as they stood when this revision was written.
    #[serde(default, skip_serializing_if = "PinnedCalendars::is_empty")]
    pub calendars: PinnedCalendars,
    /// Of cron and calendar specs, where clocks change and where both day fields are restricted.
    #[serde(flatten)]
    pub rules: CronRules,
    #[serde(flatten)]
    pub lateness: Lateness,
}

impl ScheduleContent {
    /// With an empty input and the defaults of everything else.
    pub fn new(specs: Vec<Spec>, timezone: Zone) -> ScheduleContent {
        ScheduleContent {
            specs,
            timezone,
            start_at: None,
            end_at: None,
            jitter: SignedDuration::ZERO,
            input: Value::Object(serde_json::Map::new()),
            exclude: Vec::new(),
            calendars: PinnedCalendars::default(),
            rules: CronRules::default(),
            lateness: Lateness::default(),
        }
    }
}

/// What becomes of occurrences that were not fired on time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// Due for at most this long, all that is due is late and fires; longer, it is missed and `catch_up` decides.
    #[serde(with = "duration")]
    pub missed_after: SignedDuration,
    pub catch_up: CatchUp,
    /// How old a missed occurrence may be to be caught up.
    #[serde(with = "duration")]
    pub catch_up_window: SignedDuration,
}

impl Default for Lateness {
    fn default() -> Lateness {
        Lateness { missed_after: SignedDuration::from_secs(60), catch_up: CatchUp::Last, catch_up_window: SignedDuration::from_hours(1) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Fire the latest missed occurrence, if it is inside the window.
    #[default]
    Last,
    /// Fire each missed occurrence inside the window.
    All,
    /// Fire none.
    None,
}

crate::run::words!(CatchUp: Last = "last", All = "all", None = "none");
crate::run::words!(Origin: Definition = "definition", Direct = "direct");
crate::run::words!(OutcomeReason: Missed = "missed", Paused = "paused", Deleted = "deleted", FailedToDecide = "failed_to_decide");

/// Why occurrences did not fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeReason {
    /// Due longer than `missed_after`, and `catch_up` did not fire them.
    Missed,
    Paused,
    Deleted,
    /// The spec or a policy failed; the schedule shows the error.
    FailedToDecide,
}

/// A row of `occurrence_outcomes`: every occurrence from `from` to `to`, both inclusive, did not fire, but those that
/// have a row of their own. `from` is never after `to`: a store refuses such a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub from: UnixMillis,
    pub to: UnixMillis,
    pub reason: OutcomeReason,
}

/// An [`Outcome`] as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedOutcome {
    pub schedule_id: ScheduleId,
    pub revision: i64,
    pub outcome: Outcome,
    pub recorded_at: UnixMillis,
}
