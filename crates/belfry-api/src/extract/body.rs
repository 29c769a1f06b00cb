//! Bodies: JSON, and iCalendar files.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use belfry_core::violation::Violation;
use serde_json::Value;

use super::strict_json;
use crate::problem::{Kind, Problem};

/// The largest body that is read. The router sets the limit.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const CALENDAR: &str = "text/calendar";

/// A body of `application/json`.
pub(crate) struct JsonBody(pub(crate) Value);

/// The body of a PATCH: an RFC 7396 merge patch, which may call itself plain JSON too.
pub(crate) struct PatchBody(pub(crate) Value);

/// A body that may be left out.
pub(crate) struct OptionalJsonBody(pub(crate) Option<Value>);

/// No body, or an empty object: what else it says would be passed over in silence.
pub(crate) struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<NoBody, Problem> {
        let OptionalJsonBody(body) = OptionalJsonBody::from_request(request, state).await?;
        match body {
            None => Ok(NoBody),
            Some(Value::Object(fields)) if fields.is_empty() => Ok(NoBody),
            Some(other) => {
                let violation = Violation::new("", Some(other), "nothing is read from this body", "no body, or {}");
                Err(Problem::one(Kind::Invalid, violation))
            }
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<JsonBody, Problem> {
        content_type(request.headers(), &[JSON])?;
        parsed(&bytes(request, state).await?).map(JsonBody)
    }
}

impl<S: Send + Sync> FromRequest<S> for PatchBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<PatchBody, Problem> {
        content_type(request.headers(), &[MERGE_PATCH, JSON])?;
        parsed(&bytes(request, state).await?).map(PatchBody)
    }
}

/// A body of `text/calendar`.
pub(crate) struct CalendarFile(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for CalendarFile {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<CalendarFile, Problem> {
        content_type(request.headers(), &[CALENDAR])?;
        bytes(request, state).await.map(CalendarFile)
    }
}

impl<S: Send + Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<OptionalJsonBody, Problem> {
        let acceptable = content_type(request.headers(), &[JSON]);
        let bytes = bytes(request, state).await?;
        if bytes.is_empty() {
            return Ok(OptionalJsonBody(None));
        }
        acceptable?;
        parsed(&bytes).map(|value| OptionalJsonBody(Some(value)))
    }
}

fn content_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).map(|given| String::from_utf8_lossy(given.as_bytes()).into_owned());
    let found = match &given {
        Some(given) if accepted.iter().any(|accepted| is_media_type(given, accepted)) => return Ok(()),
        Some(given) => format!("the content type is `{given}`"),
        None => "the request has no Content-Type".to_owned(),
    };
    let detail = format!("{found}; send the body with Content-Type: {}", accepted.join(" or "));
    Err(Problem::new(Kind::UnsupportedMediaType, detail))
}

/// Whether `given` is `expected`, in UTF-8 if it names a charset. Other parameters mean nothing to JSON.
fn is_media_type(given: &str, expected: &str) -> bool {
    let mut parts = given.split(';').map(str::trim);
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(expected));
    let in_utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"),
        _ => true,
    };
    named && parts.all(in_utf8)
}

/// The whole body, within its limit.
pub(crate) async fn body_of(request: Request) -> Result<Bytes, Problem> {
    bytes(request, &()).await
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            let detail = format!(
                "the body is larger than {MAX_BODY_BYTES} bytes (1 MiB); send less, or keep the bulk elsewhere and send its address"
            );
            Problem::new(Kind::BodyTooLarge, detail)
        }
        _ => Problem::new(Kind::MalformedJson, "the body broke off before its end; send the request again"),
    })
}

fn parsed(bytes: &[u8]) -> Result<Value, Problem> {
    strict_json::read(bytes).map_err(|error| {
        let detail = match bytes.is_empty() {
            true => "the body is empty; send a JSON document".to_owned(),
            false => format!("the body is not acceptable JSON: {error}; correct it there"),
        };
        Problem::new(Kind::MalformedJson, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_compared_without_case_and_its_charset_must_be_utf_8() {
        for given in ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\";v=1"] {
            assert!(is_media_type(given, JSON), "{given}");
        }
        for given in ["", "text/json", "application/jsonp", "application/json; charset=latin1", "application/merge-patch+json"] {
            assert!(!is_media_type(given, JSON), "{given}");
        }
    }
}
