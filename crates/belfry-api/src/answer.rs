//! How objects and lists are answered.

use axum::Json;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An object: 200, or 201 with its address when the request made it.
pub(crate) struct Object<T> {
    body: T,
    /// Its ETag; none for objects that have no revision.
    revision: Option<i64>,
    location: Option<String>,
    makes_nothing_due: bool,
    is_nothing: bool,
}

/// Marks the answer of a write after which a daemon has nothing to look for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MadeNothingDue;

impl<T> Object<T> {
    pub(crate) fn new(body: T) -> Object<T> {
        Object { body, revision: None, location: None, makes_nothing_due: false, is_nothing: false }
    }

    pub(crate) fn at_revision(self, revision: i64) -> Object<T> {
        Object { revision: Some(revision), ..self }
    }

    pub(crate) fn made(self, location: String) -> Object<T> {
        Object { location: Some(location), ..self }
    }

    pub(crate) fn makes_nothing_due(self) -> Object<T> {
        Object { makes_nothing_due: true, ..self }
    }
}

impl Object<()> {
    /// 204.
    pub(crate) fn nothing() -> Object<()> {
        Object { is_nothing: true, ..Object::new(()) }
    }
}

impl<T: Serialize> IntoResponse for Object<T> {
    fn into_response(self) -> Response {
        let status = if self.location.is_some() { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = if self.is_nothing { StatusCode::NO_CONTENT.into_response() } else { (status, Json(self.body)).into_response() };
        if self.makes_nothing_due {
            response.extensions_mut().insert(MadeNothingDue);
        }
        let headers = response.headers_mut();
        if let Some(revision) = self.revision {
            headers.insert(ETAG, header(format!("\"{revision}\"")));
        }
        if let Some(location) = self.location {
            headers.insert(LOCATION, header(location));
        }
        response
    }
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("ids, numbers and our own paths can stand in a header")
}
