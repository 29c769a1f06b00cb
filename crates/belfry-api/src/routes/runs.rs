//! Runs.

use axum::extract::State;
use belfry_core::ids::{RunId, WorkflowId};
use belfry_workflow::ListResponse;
use belfry_workflow::runs::{CancelResponse, ListRuns, RunResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Object;
use crate::extract::{Id, NoBody, Query};
use crate::idempotency::RequestIds;
use crate::params::{IdPath, Nothing, PageQuery, RunsQuery, WorkflowQuery};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_workflow))
        .routes(routes!(get))
        .routes(routes!(cancel))
        .routes(routes!(rerun))
}

type RunList = Result<Object<ListResponse<RunResponse>>, Problem>;

/// List runs
///
/// Newest planned time first, without the results of runs and nodes.
#[utoipa::path(get, path = "/runs", tag = "runs", operation_id = "list_runs", params(WorkflowQuery, RunsQuery, PageQuery),
    responses((status = 200, body = ListResponse<RunResponse>)))]
async fn list(State(app): State<App>, query: Query) -> RunList {
    page(&app, &query, query.text("workflow_id")).await.map(Object::new)
}

/// List the runs of a workflow
///
/// Those of a deleted workflow remain.
#[utoipa::path(get, path = "/workflows/{id}/runs", tag = "runs", operation_id = "list_workflow_runs",
    params(IdPath, RunsQuery, PageQuery), responses((status = 200, body = ListResponse<RunResponse>)))]
async fn list_of_workflow(State(app): State<App>, Id(workflow): Id<WorkflowId>, query: Query) -> RunList {
    let runs = page(&app, &query, Some(workflow.to_string())).await?;
    // An empty page does not tell whether there ever was such a workflow.
    if runs.items.is_empty() {
        check_known(&app, workflow).await?;
    }
    Ok(Object::new(runs))
}

/// Refuses a workflow that was never made. One that was deleted is known by its runs.
async fn check_known(app: &App, workflow: WorkflowId) -> Result<(), Problem> {
    let Err(unknown) = app.workflows.get(workflow).await else { return Ok(()) };
    let any = ListRuns { workflow_id: Some(workflow.to_string()), limit: Some(1), ..ListRuns::default() };
    if app.runs.list(any).await?.items.is_empty() { Err(unknown.into()) } else { Ok(()) }
}

/// Read a run
///
/// With its result, and those of its nodes. Runs of deleted workflows remain. A run changes as it goes on and has no revision, so it
/// has no ETag.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", operation_id = "get_run", params(IdPath),
    responses((status = 200, body = RunResponse)))]
async fn get(State(app): State<App>, Id(id): Id<RunId>) -> Result<Object<RunResponse>, Problem> {
    Ok(Object::new(app.runs.get(id).await?))
}

/// Cancel a run
///
/// One that has not started ends at once; a running one is asked to stop. One that has ended is answered 409.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", operation_id = "cancel_run", params(IdPath), request_body = Option<Nothing>,
    responses((status = 200, body = CancelResponse)))]
async fn cancel(State(app): State<App>, Id(id): Id<RunId>, _: NoBody) -> Result<Object<CancelResponse>, Problem> {
    Ok(Object::new(app.runs.cancel(id).await?))
}

/// Run it once more
///
/// A new run with the same input and nominal time, of the workflow as it stands now; its `rerun_of` names this one, which must
/// have ended.
#[utoipa::path(post, path = "/runs/{id}/rerun", tag = "runs", operation_id = "rerun_run", params(IdPath), request_body = Option<Nothing>,
    responses((status = 201, body = RunResponse, headers(("Location" = String)))))]
async fn rerun(State(app): State<App>, Id(id): Id<RunId>, ids: RequestIds, _: NoBody) -> Result<Object<RunResponse>, Problem> {
    let run = app.workflows_for(ids).rerun(app.runs.kept(id).await?).await?;
    let location = format!("/runs/{}", run.id);
    Ok(Object::new(run).made(location))
}

async fn page(app: &App, query: &Query, workflow_id: Option<String>) -> Result<ListResponse<RunResponse>, Problem> {
    let query = ListRuns {
        workflow_id,
        schedule_id: query.text("schedule_id"),
        state: query.text("state").map(|states| states.split(',').map(|state| state.trim().to_owned()).collect()).unwrap_or_default(),
        planned_from: query.text("planned_from"),
        planned_before: query.text("planned_before"),
        limit: query.limit()?,
        cursor: query.text("cursor"),
    };
    app.runs.list(query).await.map_err(Problem::of_list)
}
