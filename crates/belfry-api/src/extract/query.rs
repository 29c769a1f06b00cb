//! Query parameters.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use belfry_core::violation::Violation;
use serde_json::Value;

use crate::problem::{Kind, Problem};

/// The parameters of the query by name. [`crate::guard`] has refused the unknown ones and those given twice.
pub(crate) struct Query(BTreeMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Infallible> {
        Ok(Query(pairs(&parts.uri).into_iter().collect()))
    }
}

/// Whether the query, decoded, is UTF-8 without NUL, which no text that is stored has.
pub(crate) fn is_text(uri: &Uri) -> bool {
    let bytes = uri.query().unwrap_or_default().as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        let escape = if *first == b'%' { after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()) } else { None };
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => decoded.push(*first),
        }
    }
    !decoded.contains(&0) && std::str::from_utf8(&decoded).is_ok()
}

/// The decoded query, in order. Every text is one: what is no escape stands for itself.
pub(crate) fn pairs(uri: &Uri) -> Vec<(String, String)> {
    axum::extract::Query::try_from_uri(uri).map(|axum::extract::Query(pairs)| pairs).unwrap_or_default()
}

impl Query {
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    pub(crate) fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        self.read(name, expected, |text| text.parse().ok())
    }

    pub(crate) fn read<T>(&self, name: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        match read(text) {
            Some(value) => Ok(Some(value)),
            None => {
                let value = Some(Value::from(text.as_str()));
                let violation = Violation::new(format!("/query/{name}"), value, "it cannot be read", expected);
                Err(Problem::one(Kind::InvalidQuery, violation))
            }
        }
    }

    /// The services know the range.
    pub(crate) fn limit(&self) -> Result<Option<usize>, Problem> {
        self.parsed("limit", "a whole number, 1 to 200")
    }
}
