//! Pages of lists.

use std::str::FromStr;

use belfry_core::ports::Page;
use belfry_core::violation::Violations;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

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

fn parameter<T: FromStr>(name: &str, asked: Option<&str>, expected: &str, violations: &mut Violations) -> Option<T> {
    let text = asked?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        violations.add(format!("/{name}"), Some(Value::from(text)), format!("`{text}` cannot be read"), expected);
    }
    parsed
}
