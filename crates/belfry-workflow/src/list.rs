//! Pages of lists.

use std::str::FromStr;

use belfry_core::ports::Page;
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::read::{one_of, perhaps};

/// How many items a page has when nothing is asked for.
pub const DEFAULT_LIMIT: usize = 50;
/// How many items a page has at most.
pub const MAX_LIMIT: usize = 200;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ListResponse<T> {
    pub items: Vec<T>,
    /// Asks for the page after this one; null on the last.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl<T> ListResponse<T> {
    /// `cursor` names the last item of a page that others follow.
    pub(crate) fn of<S>(page: Page<S>, response: impl Fn(S) -> T, cursor: impl Fn(&S) -> String) -> ListResponse<T> {
        let next_cursor = page.items.last().filter(|_| page.more).map(cursor);
        ListResponse { items: page.items.into_iter().map(response).collect(), next_cursor }
    }
}

/// The asked limit, or the default; what is out of range is added to `violations`.
pub(crate) fn limit(asked: Option<usize>, violations: &mut Violations) -> usize {
    let limit = asked.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        violations.add("/limit", Some(Value::from(limit)), format!("{limit} is out of range"), format!("1 to {MAX_LIMIT}"));
    }
    limit
}

/// The last id of the page before.
pub(crate) fn cursor<T: FromStr>(asked: Option<&str>, violations: &mut Violations) -> Option<T> {
    parameter("cursor", asked, "the `next_cursor` of the page before", violations)
}

/// An id that filters.
pub(crate) fn id<T: FromStr>(name: &str, asked: Option<&str>, violations: &mut Violations) -> Option<T> {
    parameter(name, asked, "an id", violations)
}

/// The order of a list, by the name that `sort` has; the first where none is given.
pub(crate) fn sort<T: Copy>(asked: Option<&str>, known: &[(&str, T)], violations: &mut Violations) -> T {
    let Some(text) = asked else { return known[0].1 };
    if let Some((_, sort)) = known.iter().find(|(name, _)| *name == text) {
        return *sort;
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let detail = format!("`{text}` is no order of this list{}", perhaps(text, &names));
    violations.add("/sort", Some(Value::from(text)), detail, one_of(&names));
    known[0].1
}

/// A cursor of a value and an id, as [`value_cursor`] writes it.
pub(crate) fn value_and_id<V, I: FromStr>(
    asked: Option<&str>,
    value: impl Fn(&str) -> Option<V>,
    violations: &mut Violations,
) -> Option<(V, I)> {
    let text = asked?;
    let read = text.rsplit_once('~').and_then(|(first, id)| Some((value(first)?, id.parse().ok()?)));
    if read.is_none() {
        violations.add("/cursor", Some(Value::from(text)), format!("`{text}` cannot be read"), "the `next_cursor` of the page before");
    }
    read
}

pub(crate) fn value_cursor(value: impl std::fmt::Display, id: impl std::fmt::Display) -> String {
    format!("{value}~{id}")
}

/// An instant that filters; rounded down to the millisecond: it is compared, not kept.
pub(crate) fn instant(name: &str, text: Option<&str>, violations: &mut Violations) -> Option<UnixMillis> {
    let text = text?;
    let instant = text.parse().ok().map(UnixMillis::floor);
    if instant.is_none() {
        let detail = format!("`{text}` is no instant");
        violations.add(format!("/{name}"), Some(Value::from(text)), detail, "RFC 3339 with an offset, such as 2026-11-25T09:00:00Z");
    }
    instant
}

fn parameter<T: FromStr>(name: &str, asked: Option<&str>, expected: &str, violations: &mut Violations) -> Option<T> {
    let text = asked?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        violations.add(format!("/{name}"), Some(Value::from(text)), format!("`{text}` cannot be read"), expected);
    }
    parsed
}
