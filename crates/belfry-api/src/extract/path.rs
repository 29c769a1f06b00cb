//! Parts of the path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::violation::Violation;
use belfry_core::workflow::{QueueName, is_name};
use serde_json::Value;

use crate::problem::{Kind, Problem};

/// The `{id}` of the path.
pub(crate) struct Id<T>(pub(crate) T);

/// The `{id}` and `{version}` of a workflow's version.
pub(crate) struct VersionOf(pub(crate) WorkflowId, pub(crate) i64);

/// The `{id}` and `{revision}` of a schedule's revision.
pub(crate) struct RevisionOf(pub(crate) ScheduleId, pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for RevisionOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<RevisionOf, Problem> {
        let Id(schedule) = Id::from_request_parts(parts, state).await?;
        let revision = segment(parts, state, "revision", "a revision's number: 1, 2, …").await?;
        Ok(RevisionOf(schedule, revision))
    }
}

/// The `{name}` of a queue.
pub(crate) struct Queue(pub(crate) QueueName);

impl<S: Send + Sync> FromRequestParts<S> for Queue {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Queue, Problem> {
        let expected = "the name of a queue: 1 to 64 letters, digits, `_`, `.` and `-`, beginning with a letter or digit";
        let text: String = segment(parts, state, "name", expected).await?;
        QueueName::parse(&text).map(Queue).ok_or_else(|| {
            let violation = Violation::new("/path/name", Some(Value::from(text.as_str())), "it is no name of a queue", expected);
            Problem::one(Kind::InvalidPath, violation)
        })
    }
}

/// The `{name}` of a calendar.
pub(crate) struct CalendarName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for CalendarName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<CalendarName, Problem> {
        let expected = "the name of a calendar: 1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter or digit";
        let text: String = segment(parts, state, "name", expected).await?;
        if is_name(&text) && text.len() <= 128 {
            return Ok(CalendarName(text));
        }
        let violation = Violation::new("/path/name", Some(Value::from(text)), "it is no name of a calendar", expected);
        Err(Problem::one(Kind::InvalidPath, violation))
    }
}

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id<T>, Problem> {
        segment(parts, state, "id", ID).await.map(Id)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for VersionOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<VersionOf, Problem> {
        let Id(workflow) = Id::from_request_parts(parts, state).await?;
        let version = segment(parts, state, "version", "a version's number: 1, 2, …").await?;
        Ok(VersionOf(workflow, version))
    }
}

const ID: &str = "an id as answered, such as 01938a5e-7c00-7000-8000-000000000001";

async fn segment<T: FromStr, S: Send + Sync>(parts: &mut Parts, state: &S, name: &str, expected: &str) -> Result<T, Problem> {
    let refused = |value: Option<Value>, detail: &str| {
        let violation = Violation::new(format!("/path/{name}"), value, detail, expected);
        Problem::one(Kind::InvalidPath, violation)
    };
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| refused(None, "it is not UTF-8"))?;
    let text = params.iter().find(|(key, _)| *key == name).map_or("", |(_, text)| text);
    text.parse().map_err(|_| refused(Some(Value::from(text)), "it cannot be read"))
}
