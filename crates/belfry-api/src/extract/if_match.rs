//! `If-Match`: the write is done only on the state that its author saw.

use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use belfry_core::violation::Violation;
use serde_json::Value;

use crate::problem::{Kind, Problem};

/// What `If-Match` asks of the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Nothing: the header is absent.
    Absent,
    /// `*`: that it exists.
    Exists,
    /// `"<revision>"`: that it stands at this revision.
    Revision(i64),
}

pub(crate) struct IfMatch(pub(crate) Precondition);

impl IfMatch {
    /// For objects that must exist anyway.
    pub(crate) fn revision(&self) -> Option<i64> {
        match self.0 {
            Precondition::Revision(revision) => Some(revision),
            Precondition::Absent | Precondition::Exists => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IfMatch, Problem> {
        let mut given = parts.headers.get_all(IF_MATCH).iter();
        let Some(first) = given.next() else { return Ok(IfMatch(Precondition::Absent)) };
        let text = String::from_utf8_lossy(first.as_bytes());
        match parse(&text) {
            Ok(precondition) if given.next().is_none() => Ok(IfMatch(precondition)),
            Ok(_) => Err(refused(&text, "it is given twice")),
            Err(reason) => Err(refused(&text, reason)),
        }
    }
}

fn parse(text: &str) -> Result<Precondition, &'static str> {
    let text = text.trim();
    if text == "*" {
        return Ok(Precondition::Exists);
    }
    if text.starts_with("W/") {
        return Err("a weak tag matches nothing here (RFC 9110 13.1.1)");
    }
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or("it is not one entity tag in double quotes")?;
    let digits = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
    let revision = digits.then(|| tag.parse().ok()).flatten().ok_or("it is not the ETag of an answer")?;
    Ok(Precondition::Revision(revision))
}

fn refused(text: &str, reason: &str) -> Problem {
    let value = Some(Value::from(text));
    Problem::one(Kind::InvalidHeader, Violation::new("/header/If-Match", value, reason, "the ETag of an answer, such as \"3\", or *"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_strong_tag_of_ours_or_a_star_is_read_and_all_else_refused() {
        assert_eq!(parse("\"3\""), Ok(Precondition::Revision(3)));
        assert_eq!(parse(" * "), Ok(Precondition::Exists));
        for text in ["", "3", "\"", "\"\"", "\"a\"", "\"+3\"", "\"-3\"", "W/\"3\"", "\"3\", \"4\"", "\"99999999999999999999\""] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
