//! The document's description of parameters. They are read by the extractors; [`crate::guard`] holds requests to them.

#![allow(dead_code, reason = "described, never made")]

use utoipa::IntoParams;
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
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatchHeader {
    /// The ETag of the state that the write was made from: another state is answered 412. `*` asks only that the object exists.
    #[param(rename = "If-Match", required = false)]
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
    /// Only the workflow of this name
    #[param(required = false)]
    name: String,
    /// Only those with this tag
    #[param(required = false)]
    tag: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SchedulesQuery {
    /// Only those of this name
    #[param(required = false)]
    name: String,
    /// Only the active ones (`true`) or the paused ones (`false`)
    #[param(required = false)]
    is_active: bool,
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
    #[param(example = "pending,queued,running", required = false)]
    state: String,
    /// Only those planned at this instant or later
    #[param(value_type = String, format = DateTime, required = false)]
    planned_from: String,
    /// Only those planned before this instant
    #[param(value_type = String, format = DateTime, required = false)]
    planned_before: String,
}
