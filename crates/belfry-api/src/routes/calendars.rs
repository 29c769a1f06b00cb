//! Business calendars, by name.

use axum::extract::State;
use axum::http::StatusCode;
use belfry_workflow::ListResponse;
use belfry_workflow::calendars::{
    CalendarImportResponse, CalendarItem, CalendarRequest, CalendarResponse, CalendarRevisionResponse, DaysResponse, ListCalendars,
    ListDays,
};
use belfry_workflow::triggers::Created;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Object;
use crate::extract::{CalendarFile, CalendarName, IfMatch, JsonBody, PatchBody, Precondition, Query};
use crate::params::{CalendarPath, CalendarsQuery, DaysQuery, IfMatchHeader, PageQuery};
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, patch, delete))
        .routes(routes!(import))
        .routes(routes!(revisions))
        .routes(routes!(days))
}

type CalendarAnswer = Result<Object<CalendarResponse>, Problem>;

/// List calendars
///
/// In order of names.
#[utoipa::path(get, path = "/calendars", tag = "calendars", operation_id = "list_calendars", params(CalendarsQuery, PageQuery),
    responses((status = 200, body = ListResponse<CalendarItem>)))]
async fn list(State(app): State<App>, query: Query) -> Result<Object<ListResponse<CalendarItem>>, Problem> {
    let query = ListCalendars { q: query.text("q"), limit: query.limit()?, cursor: query.text("cursor") };
    app.calendars.list(query).await.map(Object::new).map_err(Problem::of_list)
}

/// Read a calendar
#[utoipa::path(get, path = "/calendars/{name}", tag = "calendars", operation_id = "get_calendar", params(CalendarPath),
    responses((status = 200, body = CalendarResponse, headers(("ETag" = String)))))]
async fn get(State(app): State<App>, CalendarName(name): CalendarName) -> CalendarAnswer {
    Ok(object(app.calendars.get(&name).await?))
}

/// Make or replace a calendar
///
/// Every schedule that is planned by it is planned anew from now on, as by an edit of its own, in one transaction: all of them, or
/// nothing is written. With `If-Match` the calendar is replaced only.
#[utoipa::path(put, path = "/calendars/{name}", tag = "calendars", operation_id = "put_calendar", params(CalendarPath, IfMatchHeader),
    request_body = CalendarRequest, responses(
        (status = 200, body = CalendarResponse, headers(("ETag" = String))),
        (status = 201, body = CalendarResponse, headers(("Location" = String), ("ETag" = String)))))]
async fn put(State(app): State<App>, CalendarName(name): CalendarName, if_match: IfMatch, JsonBody(body): JsonBody) -> CalendarAnswer {
    if if_match.0 == Precondition::Exists {
        app.calendars.get(&name).await?;
    }
    let (calendar, created) = app.calendars.put(&name, if_match.revision(), &body).await?;
    Ok(made(object(calendar), &name, created))
}

/// Change a calendar
///
/// An RFC 7396 merge patch; lists are replaced whole. Schedules are planned anew as by `PUT`.
#[utoipa::path(patch, path = "/calendars/{name}", tag = "calendars", operation_id = "patch_calendar", params(CalendarPath, IfMatchHeader),
    request_body(content((CalendarRequest = "application/merge-patch+json"), (CalendarRequest = "application/json"))),
    responses((status = 200, body = CalendarResponse, headers(("ETag" = String)))))]
async fn patch(State(app): State<App>, CalendarName(name): CalendarName, if_match: IfMatch, PatchBody(body): PatchBody) -> CalendarAnswer {
    Ok(object(app.calendars.patch(&name, if_match.revision(), &body).await?))
}

/// Delete a calendar
///
/// Not while a schedule is planned by it or a calendar builds on it. Its name may be used again, and goes on counting revisions.
#[utoipa::path(delete, path = "/calendars/{name}", tag = "calendars", operation_id = "delete_calendar",
    params(CalendarPath, IfMatchHeader), responses((status = 204)))]
async fn delete(State(app): State<App>, CalendarName(name): CalendarName, if_match: IfMatch) -> Result<StatusCode, Problem> {
    app.calendars.delete(&name, if_match.revision()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Import an iCalendar file
///
/// Makes the calendar, or replaces its holidays by the all-day events of the file (RFC 5545); `union`, `weekend`, `except` and
/// `workdays` stay. What cannot be kept is left out and named. Schedules are planned anew as by `PUT`.
#[utoipa::path(post, path = "/calendars/{name}/import", tag = "calendars", operation_id = "import_calendar",
    params(CalendarPath, IfMatchHeader), request_body(content = String, content_type = "text/calendar"), responses(
        (status = 200, body = CalendarImportResponse, headers(("ETag" = String))),
        (status = 201, body = CalendarImportResponse, headers(("Location" = String), ("ETag" = String)))))]
async fn import(
    State(app): State<App>,
    CalendarName(name): CalendarName,
    if_match: IfMatch,
    CalendarFile(file): CalendarFile,
) -> Result<Object<CalendarImportResponse>, Problem> {
    if if_match.0 == Precondition::Exists {
        app.calendars.get(&name).await?;
    }
    let (import, created) = app.calendars.import(&name, if_match.revision(), &file).await?;
    let revision = import.calendar.revision;
    Ok(made(Object::new(import).at_revision(revision), &name, created))
}

/// List what a calendar was
///
/// Its revisions, newest first; of a deleted calendar too.
#[utoipa::path(get, path = "/calendars/{name}/revisions", tag = "calendars", operation_id = "list_calendar_revisions",
    params(CalendarPath, PageQuery), responses((status = 200, body = ListResponse<CalendarRevisionResponse>)))]
async fn revisions(
    State(app): State<App>,
    CalendarName(name): CalendarName,
    query: Query,
) -> Result<Object<ListResponse<CalendarRevisionResponse>>, Problem> {
    let before = query.parsed("cursor", "the `next_cursor` of the page before")?;
    app.calendars.revisions(&name, before, query.limit()?).await.map(Object::new).map_err(Problem::of_list)
}

/// List the days of a calendar
///
/// Those from `from` to `to` that are no plain business days: holidays, weekends, and days that are worked on all the same, each
/// with the calendar that says so.
#[utoipa::path(get, path = "/calendars/{name}/days", tag = "calendars", operation_id = "list_calendar_days",
    params(CalendarPath, DaysQuery), responses((status = 200, body = DaysResponse)))]
async fn days(State(app): State<App>, CalendarName(name): CalendarName, query: Query) -> Result<Object<DaysResponse>, Problem> {
    let query = ListDays { from: query.text("from"), to: query.text("to") };
    app.calendars.days(&name, query).await.map(Object::new).map_err(Problem::of_list)
}

fn object(calendar: CalendarResponse) -> Object<CalendarResponse> {
    let revision = calendar.revision;
    Object::new(calendar).at_revision(revision)
}

fn made<T>(answer: Object<T>, name: &str, Created(created): Created) -> Object<T> {
    if created { answer.made(format!("/calendars/{name}")) } else { answer }
}
