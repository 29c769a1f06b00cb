//! Errors as RFC 9457 `application/problem+json`. The one place where errors become HTTP.

mod kind;

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use belfry_core::ports::{Conflict, Scope, Scopes, StoreError};
use belfry_core::run::RunState;
use belfry_core::violation::{Violation, Violations};
use belfry_workflow::ServiceError;
use serde::Serialize;
use serde_json::Value;
use tracing::warn;
use utoipa::ToSchema;

pub(crate) use kind::Kind;

pub(crate) const CONTENT: &str = "application/problem+json";

/// One answered error.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    violations: Violations,
    current_revision: Option<i64>,
    run_state: Option<RunState>,
    /// How a key is to be sent.
    challenge: Option<&'static str>,
    /// After how many seconds the same request may succeed.
    retry_after: Option<u64>,
}

impl Problem {
    /// `detail` says what is wrong and what to do about it.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        let violations = Violations::default();
        let detail = detail.into();
        Problem { kind, detail, violations, current_revision: None, run_state: None, challenge: None, retry_after: None }
    }

    /// A problem that is its violations: the detail counts and repeats them, for those who read only that.
    pub(crate) fn of(kind: Kind, violations: Violations) -> Problem {
        let lines: Vec<String> = violations.0.iter().map(sentence).collect();
        Problem { violations, ..Problem::new(kind, lines.join("; ")) }
    }

    pub(crate) fn one(kind: Kind, violation: Violation) -> Problem {
        Problem::of(kind, Violations::one(violation))
    }

    /// A list's refusal: its violations lie in the query.
    pub(crate) fn of_list(error: ServiceError) -> Problem {
        match error {
            ServiceError::Invalid(violations) => Problem::of(Kind::InvalidQuery, violations.under("/query")),
            other => other.into(),
        }
    }

    fn stale(current: i64) -> Problem {
        let detail =
            format!("the object is at revision {current} now; read it again and make the change anew, with If-Match: \"{current}\"");
        Problem { current_revision: Some(current), ..Problem::new(Kind::Stale, detail) }
    }

    fn of_run(kind: Kind, state: RunState, detail: String) -> Problem {
        Problem { run_state: Some(state), ..Problem::new(kind, detail) }
    }

    pub(crate) fn unauthorized(detail: &str, challenge: &'static str) -> Problem {
        Problem { challenge: Some(challenge), ..Problem::new(Kind::Unauthorized, detail) }
    }

    pub(crate) fn insufficient(needed: Scope, scopes: &Scopes) -> Problem {
        Problem::new(Kind::InsufficientScope, format!("this needs a key with the scope `{needed}`, and the key has `{scopes}`"))
    }

    /// The same request may succeed after so many seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after: Some(seconds), ..self }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Problem {
        match error {
            ServiceError::Invalid(violations) => Problem::of(Kind::Invalid, violations),
            ServiceError::NotFound(what) => {
                Problem::new(Kind::NotFound, format!("there is no such {what}: it was deleted or never made; a list shows what there is"))
            }
            ServiceError::Stale { current } => Problem::stale(current),
            ServiceError::Conflict(conflict) => Problem::from(conflict),
            ServiceError::OwnedByNode { node } => Problem::new(Kind::OwnedByDefinition, owned(&format!("node `{node}`"))),
            ServiceError::DirectDefaultStands { node } => {
                Problem::new(Kind::DirectDefaultStands, direct_default(&format!("node `{node}`")))
            }
            ServiceError::NotClaimable(state) => Problem::of_run(Kind::RunNotClaimable, state, not_claimable(state)),
            ServiceError::HandedOff => Problem::new(Kind::RunHandedOff, HANDED_OFF),
            ServiceError::ClaimStale(state) => Problem::of_run(Kind::ClaimStale, state, claim_stale(state)),
            ServiceError::Unavailable(what_is_known) => {
                warn!("a request was answered 503: {what_is_known}");
                let detail = format!("{what_is_known}; look at what stands, then send the request again");
                Problem::new(Kind::Unavailable, detail).retry_after(1)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        ServiceError::from(error).into()
    }
}

impl From<Conflict> for Problem {
    fn from(conflict: Conflict) -> Problem {
        let remedy = match &conflict {
            Conflict::WorkflowName(_) => "choose another name, or edit that workflow",
            Conflict::ScheduleName(_) => "choose another name, or edit that schedule",
            Conflict::DirectDefaultStands => return Problem::new(Kind::DirectDefaultStands, direct_default("a node")),
            Conflict::OwnedByDefinition => return Problem::new(Kind::OwnedByDefinition, owned("the trigger node")),
            Conflict::StillCatchingUp => {
                "more is due than one write may account for; the daemon works it off, so send the request again soon"
            }
            Conflict::UnknownSpec => "edit it with that version, or delete it",
            Conflict::CannotPlan(_) => "please report it, with the spec",
            Conflict::CalendarMoved(_) => "send the request again",
            Conflict::CalendarUnusable(_) => "change it so that it and those that build on it can be used",
            Conflict::CalendarInUse { .. } => "let them use another calendar, or none, first; GET /schedules?calendar= lists them",
            Conflict::TooManyUsers { .. } => {
                "make the changed calendar under another name, let the schedules use that one, some at a time, then delete this one"
            }
            Conflict::CalendarUser { .. } => {
                "nothing was written; edit, pause or delete that schedule first, or send the request again soon"
            }
            Conflict::RunNotEnded(_) => "wait until it has ended, or cancel it first",
            Conflict::RunEnded(_) => "there is nothing left to cancel",
        };
        let retry = matches!(conflict, Conflict::StillCatchingUp | Conflict::CalendarMoved(_));
        let violations = taken_name(&conflict);
        let problem = Problem { violations, ..Problem::new(Kind::Conflict, format!("{conflict}; {remedy}")) };
        if retry { problem.retry_after(1) } else { problem }
    }
}

/// The place of a name that another has, so that forms can mark the field.
fn taken_name(conflict: &Conflict) -> Violations {
    let mut violations = Violations::default();
    if let Conflict::WorkflowName(name) | Conflict::ScheduleName(name) = conflict {
        violations.add("/name", Some(Value::from(name.as_str())), conflict.to_string(), "another name");
    }
    violations
}

fn owned(node: &str) -> String {
    format!("the schedule belongs to {node} of its workflow's definition; edit it there. Pausing and resuming work here")
}

fn direct_default(node: &str) -> String {
    format!(
        "{node} has a schedule, but a directly made one named `default` stands; delete that one first, or leave `schedule` out of the node"
    )
}

fn not_claimable(state: RunState) -> String {
    let why = match state {
        RunState::Running => "another worker has it",
        RunState::Pending | RunState::Queued => "it was given back just now, and is published again",
        _ => "it has ended",
    };
    format!("the run is `{state}`: {why}; acknowledge its message and drop it")
}

const HANDED_OFF: &str = "the run's delivery is `handoff`: whoever has its message executes it and reports nothing; \
                          a consumer that claims must not consume this queue";

fn claim_stale(state: RunState) -> String {
    format!(
        "the claim of this epoch is lost or was given back, and the run is `{state}` now; drop the work, nothing more of it is recorded"
    )
}

fn sentence(violation: &Violation) -> String {
    let place = if violation.pointer.is_empty() { "the body" } else { &violation.pointer };
    let expected = if violation.expected.is_empty() { String::new() } else { format!(" (expected: {})", violation.expected) };
    format!("{place}: {}{expected}", violation.detail)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind.status();
        let body = ProblemBody {
            r#type: self.kind.uri(),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: self.detail,
            violations: self.violations.0,
            current_revision: self.current_revision,
            run_state: self.run_state.map(RunState::as_str),
        };
        let mut response = (status, Json(body)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An error, as RFC 9457 shapes it.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Names the kind of problem and never changes: `https://belfry.dev/problems/<slug>`.
    #[schema(format = "uri", examples("https://belfry.dev/problems/invalid"))]
    r#type: String,
    title: &'static str,
    status: u16,
    /// What is wrong here, and what to do about it.
    detail: String,
    /// Each thing that is wrong with the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<ViolationBody>, required = false)]
    violations: Vec<Violation>,
    /// Beside `stale`: the revision that the object is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    current_revision: Option<i64>,
    /// Beside `run-not-claimable` and `claim-stale`: the state that the run is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    run_state: Option<&'static str>,
}

/// The document's description of [`Violation`], which belongs to a crate that knows no OpenAPI.
#[derive(ToSchema)]
#[schema(as = Violation)]
#[allow(dead_code, reason = "described, never made")]
pub(crate) struct ViolationBody {
    /// Where: a JSON pointer into the body, or `/query/<name>`, `/path/<name>`, `/header/<name>`; empty for the whole body.
    pointer: String,
    /// What was found there; absent when nothing was.
    #[schema(required = false)]
    value: serde_json::Value,
    detail: String,
    /// What would be accepted.
    #[schema(required = false)]
    expected: String,
}

#[cfg(test)]
mod tests {
    use belfry_core::run::RunState;

    use super::*;

    #[test]
    fn every_error_of_a_store_has_its_status_its_type_and_says_when_to_try_again() {
        let conflict = |conflict| StoreError::Conflict(conflict);
        for (error, status, slug, retry) in [
            (StoreError::NotFound("run"), 404, "not-found", false),
            (StoreError::Stale { current: 7 }, 412, "stale", false),
            (StoreError::Data("a NUL".to_owned()), 422, "invalid", false),
            (StoreError::Unavailable("disk full".to_owned()), 503, "unavailable", true),
            (StoreError::InDoubt("connection lost".to_owned()), 503, "unavailable", true),
            (conflict(Conflict::WorkflowName("a".to_owned())), 409, "conflict", false),
            (conflict(Conflict::ScheduleName("a".to_owned())), 409, "conflict", false),
            (conflict(Conflict::StillCatchingUp), 409, "conflict", true),
            (conflict(Conflict::RunEnded(RunState::Failed)), 409, "conflict", false),
            (conflict(Conflict::OwnedByDefinition), 409, "owned-by-definition", false),
            (conflict(Conflict::DirectDefaultStands), 409, "direct-default-stands", false),
        ] {
            let problem = Problem::from(error.clone());
            assert_eq!(problem.kind.slug(), slug, "{error}");
            let response = problem.into_response();
            assert_eq!((response.status().as_u16(), response.headers().contains_key(RETRY_AFTER)), (status, retry), "{error}");
        }
    }
}
