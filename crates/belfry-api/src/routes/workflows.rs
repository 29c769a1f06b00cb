//! Workflows and their versions.

use axum::extract::State;
use axum::http::StatusCode;
use belfry_core::ids::WorkflowId;
use belfry_workflow::ListResponse;
use belfry_workflow::runs::RunResponse;
use belfry_workflow::workflows::{ListWorkflows, RunRequest, VersionResponse, WorkflowRequest, WorkflowResponse};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Object;
use crate::extract::{Id, IfMatch, JsonBody, OptionalJsonBody, PatchBody, Query, VersionOf};
use crate::idempotency::RequestIds;
use crate::params::{IdPath, IfMatchHeader, PageQuery, VersionPath, WorkflowsQuery};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, patch, delete))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(run))
}

/// List workflows
///
/// Oldest first, unless `sort` says otherwise.
#[utoipa::path(get, path = "/workflows", tag = "workflows", operation_id = "list_workflows", params(WorkflowsQuery, PageQuery),
    responses((status = 200, body = ListResponse<WorkflowResponse>)))]
async fn list(State(app): State<App>, query: Query) -> Result<Object<ListResponse<WorkflowResponse>>, Problem> {
    let query = ListWorkflows {
        q: query.text("q"),
        name: query.text("name"),
        tag: query.text("tag"),
        is_active: query.parsed("is_active", "true or false")?,
        is_failing: query.parsed("is_failing", "true or false")?,
        sort: query.text("sort"),
        limit: query.limit()?,
        cursor: query.text("cursor"),
    };
    app.workflows.list(query).await.map(Object::new).map_err(Problem::of_list)
}

/// Create a workflow
///
/// A trigger node with a schedule makes the workflow's `default` schedule in the same transaction.
#[utoipa::path(post, path = "/workflows", tag = "workflows", operation_id = "create_workflow", request_body = WorkflowRequest,
    responses((status = 201, body = WorkflowResponse, headers(("Location" = String), ("ETag" = String)))))]
async fn create(State(app): State<App>, ids: RequestIds, JsonBody(body): JsonBody) -> Result<Object<WorkflowResponse>, Problem> {
    let made = app.workflows_for(ids).create(&body).await?;
    let location = format!("/workflows/{}", made.id);
    Ok(object(made).made(location))
}

/// Read a workflow
#[utoipa::path(get, path = "/workflows/{id}", tag = "workflows", operation_id = "get_workflow", params(IdPath),
    responses((status = 200, body = WorkflowResponse, headers(("ETag" = String)))))]
async fn get(State(app): State<App>, Id(id): Id<WorkflowId>) -> Result<Object<WorkflowResponse>, Problem> {
    Ok(object(app.workflows.get(id).await?))
}

/// Replace a workflow
///
/// What the body leaves out gets its default. A definition that differs makes a new version.
#[utoipa::path(put, path = "/workflows/{id}", tag = "workflows", operation_id = "replace_workflow", params(IdPath, IfMatchHeader),
    request_body = WorkflowRequest, responses((status = 200, body = WorkflowResponse, headers(("ETag" = String)))))]
async fn replace(
    State(app): State<App>,
    Id(id): Id<WorkflowId>,
    if_match: IfMatch,
    JsonBody(body): JsonBody,
) -> Result<Object<WorkflowResponse>, Problem> {
    Ok(object(app.workflows.replace(id, if_match.revision(), &body).await?))
}

/// Change a workflow
///
/// An RFC 7396 merge patch; arrays, such as `nodes`, are replaced whole.
#[utoipa::path(patch, path = "/workflows/{id}", tag = "workflows", operation_id = "patch_workflow", params(IdPath, IfMatchHeader),
    request_body(content((WorkflowRequest = "application/merge-patch+json"), (WorkflowRequest = "application/json"))),
    responses((status = 200, body = WorkflowResponse, headers(("ETag" = String)))))]
async fn patch(
    State(app): State<App>,
    Id(id): Id<WorkflowId>,
    if_match: IfMatch,
    PatchBody(body): PatchBody,
) -> Result<Object<WorkflowResponse>, Problem> {
    Ok(object(app.workflows.patch(id, if_match.revision(), &body).await?))
}

/// Delete a workflow
///
/// Its schedules too; its runs that have not started are cancelled, running ones end by themselves.
#[utoipa::path(delete, path = "/workflows/{id}", tag = "workflows", operation_id = "delete_workflow", params(IdPath, IfMatchHeader),
    responses((status = 204)))]
async fn delete(State(app): State<App>, Id(id): Id<WorkflowId>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    app.workflows.delete(id, if_match.revision()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the versions of a workflow
///
/// Newest first.
#[utoipa::path(get, path = "/workflows/{id}/versions", tag = "workflows", operation_id = "list_workflow_versions",
    params(IdPath, PageQuery), responses((status = 200, body = ListResponse<VersionResponse>)))]
async fn versions(State(app): State<App>, Id(id): Id<WorkflowId>, query: Query) -> Result<Object<ListResponse<VersionResponse>>, Problem> {
    let before = query.parsed("cursor", "the `next_cursor` of the page before")?;
    app.workflows.versions(id, before, query.limit()?).await.map(Object::new).map_err(Problem::of_list)
}

/// Read a version of a workflow
///
/// It never changes, so its ETag is its number.
#[utoipa::path(get, path = "/workflows/{id}/versions/{version}", tag = "workflows", operation_id = "get_workflow_version",
    params(VersionPath), responses((status = 200, body = VersionResponse, headers(("ETag" = String)))))]
async fn version(State(app): State<App>, VersionOf(id, version): VersionOf) -> Result<Object<VersionResponse>, Problem> {
    Ok(Object::new(app.workflows.version(id, version).await?).at_revision(version))
}

/// Run a workflow now
///
/// The answer is the recorded run; it goes on by itself. The body may be left out.
#[utoipa::path(post, path = "/workflows/{id}/run", tag = "workflows", operation_id = "run_workflow", params(IdPath),
    request_body = Option<RunRequest>, responses((status = 201, body = RunResponse, headers(("Location" = String)))))]
async fn run(
    State(app): State<App>,
    Id(id): Id<WorkflowId>,
    ids: RequestIds,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Object<RunResponse>, Problem> {
    let run = app.workflows_for(ids).run(id, &body.unwrap_or(Value::Object(Map::new()))).await?;
    let location = format!("/runs/{}", run.id);
    Ok(Object::new(run).made(location))
}

fn object(workflow: WorkflowResponse) -> Object<WorkflowResponse> {
    let revision = workflow.revision;
    Object::new(workflow).at_revision(revision)
}
