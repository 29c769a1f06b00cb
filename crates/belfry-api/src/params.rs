//! The document's description of parameters. They are read by the extractors; [`crate::guard`] holds requests to them.

#![allow(dead_code, reason = "described, never made")]

use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IdPath {
    /// The object's id
    id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct VersionPath {
    /// The workflow's id
    id: Uuid,
    /// The version's number: 1, 2, …
    #[param(minimum = 1)]
    version: i64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct QueuePath {
    /// The queue's name
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    name: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CalendarPath {
    /// The calendar's name
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    name: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CalendarsQuery {
    /// Only those whose name has this in it, in any case
    #[param(required = false)]
    q: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DaysQuery {
    /// The first day
    #[param(value_type = String, format = Date, example = "2027-01-01")]
    from: String,
    /// The last day, inclusive, at most 366 days in all; a year from `from` on when absent
    #[param(value_type = String, format = Date, required = false)]
    to: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatchHeader {
    /// The ETag of the state that the write was made from: another state is answered 412. `*` asks only that the object exists.
    #[param(rename = "If-Match", required = false, min_length = 1, pattern = r#"^"[0-9]{1,18}"$|^\*$"#)]
    if_match: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next_cursor` of the page before
    #[param(required = false)]
    cursor: String,
    /// How many items at most
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u32,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkflowsQuery {
    /// Only those whose name has this in it, in any case
    #[param(required = false)]
    q: String,
    /// Only the workflow of this name
    #[param(required = false)]
    name: String,
    /// Only those with this tag
    #[param(required = false)]
    tag: String,
    /// Only those that have an active schedule (`true`) or have none (`false`)
    #[param(required = false)]
    is_active: bool,
    /// Only those that have a schedule which could not be planned or fired (`true`) or have none (`false`)
    #[param(required = false)]
    is_failing: bool,
    /// Oldest first (`created`, the default), newest first, or by name
    #[param(required = false, pattern = "^(created|-created|name)$")]
    sort: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SchedulesQuery {
    /// Only those whose name, or whose workflow's, has this in it, in any case
    #[param(required = false)]
    q: String,
    /// Only those of this name
    #[param(required = false)]
    name: String,
    /// Only those whose workflow has this tag
    #[param(required = false)]
    tag: String,
    /// Only the active ones (`true`) or the paused ones (`false`)
    #[param(required = false)]
    is_active: bool,
    /// Only those that could not be planned or fired, and have not been since (`true`), or all others (`false`)
    #[param(required = false)]
    is_failing: bool,
    /// Only those that are planned by this business calendar, be it through another one
    #[param(required = false)]
    calendar: String,
    /// Only those that fire next at this instant or later
    #[param(value_type = String, format = DateTime, required = false)]
    next_run_from: String,
    /// Only those that fire next before this instant
    #[param(value_type = String, format = DateTime, required = false)]
    next_run_before: String,
    /// Oldest first (`created`, the default), newest first, by name, or by what fires next (only those that do)
    #[param(required = false, pattern = "^(created|-created|name|next_run)$")]
    sort: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RevisionPath {
    /// The schedule's id
    id: Uuid,
    /// The revision's number: 1, 2, …
    #[param(minimum = 1)]
    revision: i64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AgainstQuery {
    /// The revision to compare with; the one before when absent
    #[param(minimum = 1, required = false)]
    against: i64,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkflowQuery {
    /// Only those of this workflow
    #[param(required = false)]
    workflow_id: Uuid,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunsQuery {
    /// Only those of this schedule
    #[param(required = false)]
    schedule_id: Uuid,
    /// Only those in these states, separated by commas
    #[param(
        example = "pending,queued,running",
        required = false,
        pattern = "^(pending|queued|running|succeeded|failed|cancelled|worker_lost|delivered|unclaimed)(,(pending|queued|running|succeeded|failed|cancelled|worker_lost|delivered|unclaimed))*$"
    )]
    state: String,
    /// Only those planned at this instant or later
    #[param(value_type = String, format = DateTime, required = false)]
    planned_from: String,
    /// Only those planned before this instant
    #[param(value_type = String, format = DateTime, required = false)]
    planned_before: String,
}

/// An empty object
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}
