//! Schedules: a workflow's `default` one at `/workflows/{id}/schedule`, and all of them by id.

use std::borrow::Cow;

use axum::extract::State;
use axum::http::StatusCode;
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::time::UnixMillis;
use belfry_workflow::ListResponse;
use belfry_workflow::triggers::{
    Created, ListSchedules, OutcomeResponse, PreviewResponse, RevisionResponse, ScheduleRequest, ScheduleResponse,
};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Object;
use crate::extract::{Id, IfMatch, JsonBody, NoBody, PatchBody, Precondition, Query, RevisionOf};
use crate::idempotency::RequestIds;
use crate::params::{AgainstQuery, IdPath, IfMatchHeader, Nothing, PageQuery, RevisionPath, SchedulesQuery, WorkflowQuery};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_default, put_default, patch_default, delete_default))
        .routes(routes!(list_of_workflow, create))
        .routes(routes!(list))
        .routes(routes!(preview))
        .routes(routes!(get, patch, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(outcomes))
        .routes(routes!(revisions))
        .routes(routes!(revision))
}

type ScheduleAnswer = Result<Object<ScheduleResponse>, Problem>;
type ScheduleList = Result<Object<ListResponse<ScheduleResponse>>, Problem>;

/// Read a workflow's `default` schedule
#[utoipa::path(get, path = "/workflows/{id}/schedule", tag = "schedules", operation_id = "get_workflow_schedule", params(IdPath),
    responses((status = 200, body = ScheduleResponse, headers(("ETag" = String)))))]
async fn get_default(State(app): State<App>, Id(workflow): Id<WorkflowId>) -> ScheduleAnswer {
    Ok(object(app.triggers.get(workflow).await?))
}

/// Make or replace a workflow's `default` schedule
///
/// With `If-Match` it is replaced only. What the body leaves out gets its default, but for `is_active`, which stays.
#[utoipa::path(put, path = "/workflows/{id}/schedule", tag = "schedules", operation_id = "put_workflow_schedule",
    params(IdPath, IfMatchHeader), request_body = ScheduleRequest, responses(
        (status = 200, body = ScheduleResponse, headers(("ETag" = String))),
        (status = 201, body = ScheduleResponse, headers(("Location" = String), ("ETag" = String)))))]
async fn put_default(State(app): State<App>, Id(workflow): Id<WorkflowId>, if_match: IfMatch, JsonBody(body): JsonBody) -> ScheduleAnswer {
    if if_match.0 == Precondition::Exists {
        app.triggers.get(workflow).await?;
    }
    let (schedule, Created(created)) = app.triggers.put(workflow, if_match.revision(), &body).await?;
    let answer = object(schedule);
    Ok(if created { answer.made(format!("/workflows/{workflow}/schedule")) } else { answer })
}

/// Change a workflow's `default` schedule
///
/// An RFC 7396 merge patch; `{"is_active": false}` pauses.
#[utoipa::path(patch, path = "/workflows/{id}/schedule", tag = "schedules", operation_id = "patch_workflow_schedule",
    params(IdPath, IfMatchHeader), request_body(content((ScheduleRequest = "application/merge-patch+json"), (ScheduleRequest = "application/json"))),
    responses((status = 200, body = ScheduleResponse, headers(("ETag" = String)))))]
async fn patch_default(
    State(app): State<App>,
    Id(workflow): Id<WorkflowId>,
    if_match: IfMatch,
    PatchBody(body): PatchBody,
) -> ScheduleAnswer {
    Ok(object(app.triggers.patch(workflow, if_match.revision(), &body).await?))
}

/// Delete a workflow's `default` schedule
///
/// Its runs that have not started are cancelled, running ones go on.
#[utoipa::path(delete, path = "/workflows/{id}/schedule", tag = "schedules", operation_id = "delete_workflow_schedule",
    params(IdPath, IfMatchHeader), responses((status = 204)))]
async fn delete_default(State(app): State<App>, Id(workflow): Id<WorkflowId>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    app.triggers.delete(workflow, if_match.revision()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the schedules of a workflow
///
/// Oldest first.
#[utoipa::path(get, path = "/workflows/{id}/schedules", tag = "schedules", operation_id = "list_workflow_schedules",
    params(IdPath, SchedulesQuery, PageQuery), responses((status = 200, body = ListResponse<ScheduleResponse>)))]
async fn list_of_workflow(State(app): State<App>, Id(workflow): Id<WorkflowId>, query: Query) -> ScheduleList {
    // An empty list does not tell whether there is such a workflow.
    app.workflows.get(workflow).await?;
    page(&app, &query, Some(workflow.to_string())).await
}

/// Make a further schedule of a workflow
///
/// Without a name it is the `default` one.
#[utoipa::path(post, path = "/workflows/{id}/schedules", tag = "schedules", operation_id = "create_workflow_schedule",
    params(IdPath), request_body = ScheduleRequest,
    responses((status = 201, body = ScheduleResponse, headers(("Location" = String), ("ETag" = String)))))]
async fn create(State(app): State<App>, Id(workflow): Id<WorkflowId>, ids: RequestIds, JsonBody(body): JsonBody) -> ScheduleAnswer {
    let made = app.triggers_for(ids).create(workflow, &body).await?;
    let location = format!("/schedules/{}", made.id);
    Ok(object(made).made(location))
}

/// List schedules
///
/// Those of all workflows, oldest first, unless `sort` says otherwise.
#[utoipa::path(get, path = "/schedules", tag = "schedules", operation_id = "list_schedules",
    params(WorkflowQuery, SchedulesQuery, PageQuery), responses((status = 200, body = ListResponse<ScheduleResponse>)))]
async fn list(State(app): State<App>, query: Query) -> ScheduleList {
    page(&app, &query, query.text("workflow_id")).await
}

/// Read a schedule
#[utoipa::path(get, path = "/schedules/{id}", tag = "schedules", operation_id = "get_schedule", params(IdPath),
    responses((status = 200, body = ScheduleResponse, headers(("ETag" = String)))))]
async fn get(State(app): State<App>, Id(id): Id<ScheduleId>) -> ScheduleAnswer {
    Ok(object(app.triggers.get_by_id(id).await?))
}

/// Change a schedule
///
/// An RFC 7396 merge patch; `{"is_active": false}` pauses.
#[utoipa::path(patch, path = "/schedules/{id}", tag = "schedules", operation_id = "patch_schedule", params(IdPath, IfMatchHeader),
    request_body(content((ScheduleRequest = "application/merge-patch+json"), (ScheduleRequest = "application/json"))),
    responses((status = 200, body = ScheduleResponse, headers(("ETag" = String)))))]
async fn patch(State(app): State<App>, Id(id): Id<ScheduleId>, if_match: IfMatch, PatchBody(body): PatchBody) -> ScheduleAnswer {
    Ok(object(app.triggers.patch_by_id(id, if_match.revision(), &body).await?))
}

/// Delete a schedule
///
/// Its runs that have not started are cancelled, running ones go on.
#[utoipa::path(delete, path = "/schedules/{id}", tag = "schedules", operation_id = "delete_schedule", params(IdPath, IfMatchHeader),
    responses((status = 204)))]
async fn delete(State(app): State<App>, Id(id): Id<ScheduleId>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    app.triggers.delete_by_id(id, if_match.revision()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pause a schedule
///
/// From the answer on it does not fire. Pausing a paused one answers what stands.
#[utoipa::path(post, path = "/schedules/{id}/pause", tag = "schedules", operation_id = "pause_schedule", params(IdPath, IfMatchHeader),
    request_body = Option<Nothing>,
    responses((status = 200, body = ScheduleResponse, headers(("ETag" = String)))))]
async fn pause(State(app): State<App>, Id(id): Id<ScheduleId>, if_match: IfMatch, _: NoBody) -> ScheduleAnswer {
    Ok(object(app.triggers.pause(id, if_match.revision()).await?))
}

/// Resume a schedule
///
/// It is planned from now on; what fell into the pause is recorded, not fired.
#[utoipa::path(post, path = "/schedules/{id}/resume", tag = "schedules", operation_id = "resume_schedule", params(IdPath, IfMatchHeader),
    request_body = Option<Nothing>,
    responses((status = 200, body = ScheduleResponse, headers(("ETag" = String)))))]
async fn resume(State(app): State<App>, Id(id): Id<ScheduleId>, if_match: IfMatch, _: NoBody) -> ScheduleAnswer {
    Ok(object(app.triggers.resume(id, if_match.revision()).await?))
}

/// List what did not fire
///
/// The planned times of a schedule that have no run, with the reason, latest first; of a deleted schedule too.
#[utoipa::path(get, path = "/schedules/{id}/outcomes", tag = "schedules", operation_id = "list_schedule_outcomes",
    params(IdPath, PageQuery), responses((status = 200, body = ListResponse<OutcomeResponse>)))]
async fn outcomes(State(app): State<App>, Id(id): Id<ScheduleId>, query: Query) -> Result<Object<ListResponse<OutcomeResponse>>, Problem> {
    let before = query.read("cursor", "the `next_cursor` of the page before", |text| UnixMillis::parse_exact(text).ok())?;
    app.triggers.outcomes(id, before, query.limit()?).await.map(Object::new).map_err(Problem::of_list)
}

/// List what a schedule was
///
/// A revision for each write, newest first, with what it changed; of a deleted schedule too.
#[utoipa::path(get, path = "/schedules/{id}/revisions", tag = "schedules", operation_id = "list_schedule_revisions",
    params(IdPath, PageQuery), responses((status = 200, body = ListResponse<RevisionResponse>)))]
async fn revisions(
    State(app): State<App>,
    Id(id): Id<ScheduleId>,
    query: Query,
) -> Result<Object<ListResponse<RevisionResponse>>, Problem> {
    let before = query.parsed("cursor", "the `next_cursor` of the page before")?;
    app.revisions.list(id, before, query.limit()?).await.map(Object::new).map_err(Problem::of_list)
}

/// Read what a schedule was
///
/// One revision, and how it differs from the one before or from `against`.
#[utoipa::path(get, path = "/schedules/{id}/revisions/{revision}", tag = "schedules", operation_id = "get_schedule_revision",
    params(RevisionPath, AgainstQuery), responses((status = 200, body = RevisionResponse)))]
async fn revision(State(app): State<App>, RevisionOf(id, revision): RevisionOf, query: Query) -> Result<Object<RevisionResponse>, Problem> {
    let against = query.parsed("against", "a revision's number: 1, 2, …")?;
    app.revisions.get(id, revision, against).await.map(Object::new).map_err(Problem::from)
}

/// What a preview is asked: a schedule, and of which times.
///
/// One object and no `allOf`: each part would refuse the fields of the other.
struct PreviewShape;

impl PartialSchema for PreviewShape {
    fn schema() -> RefOr<Schema> {
        let mut shape = ScheduleRequest::schema();
        if let RefOr::T(Schema::Object(object)) = &mut shape {
            let after = ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
                .description(Some("The times after this instant, exclusive; now when absent."));
            let number = |least, description: &str| {
                let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(1000));
                number.description(Some(description))
            };
            let details = ObjectBuilder::new().schema_type(Type::Boolean).description(Some("Also what touched each time."));
            let zone = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("The zone in which local times are shown; the schedule's own when absent."));
            let own = [
                ("after", after),
                ("count", number(1, "How many; 10 when absent.")),
                ("previous", number(0, "Also how many of the times up to `after`, inclusive; none when absent.")),
                ("details", details),
                ("display_timezone", zone),
            ];
            object.description = Some("A schedule, and which of its times are asked for".to_owned());
            object.properties.extend(own.map(|(name, shape)| (name.to_owned(), shape.build().into())));
        }
        shape
    }
}

impl ToSchema for PreviewShape {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PreviewRequest")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ScheduleRequest::schemas(schemas);
    }
}

/// Preview a schedule
///
/// When it would fire, and what may surprise about it. Nothing is kept.
#[utoipa::path(post, path = "/schedules/preview", tag = "schedules", operation_id = "preview_schedule", request_body = PreviewShape,
    responses((status = 200, body = PreviewResponse)))]
async fn preview(State(app): State<App>, JsonBody(body): JsonBody) -> Result<Object<PreviewResponse>, Problem> {
    Ok(Object::new(app.triggers.preview(&body).await?))
}

async fn page(app: &App, query: &Query, workflow_id: Option<String>) -> ScheduleList {
    let query = ListSchedules {
        workflow_id,
        q: query.text("q"),
        name: query.text("name"),
        tag: query.text("tag"),
        is_active: query.parsed("is_active", "true or false")?,
        is_failing: query.parsed("is_failing", "true or false")?,
        calendar: query.text("calendar"),
        next_run_from: query.text("next_run_from"),
        next_run_before: query.text("next_run_before"),
        sort: query.text("sort"),
        limit: query.limit()?,
        cursor: query.text("cursor"),
    };
    app.triggers.list(query).await.map(Object::new).map_err(Problem::of_list)
}

fn object(schedule: ScheduleResponse) -> Object<ScheduleResponse> {
    let revision = schedule.revision;
    Object::new(schedule).at_revision(revision)
}
