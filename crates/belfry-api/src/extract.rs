//! What handlers take from a request. Each extractor answers a [`Problem`](crate::problem::Problem) of its own: axum's own
//! rejections are plain text.

mod body;
mod if_match;
mod path;
mod query;
mod strict_json;

pub(crate) use body::{CalendarFile, JsonBody, MAX_BODY_BYTES, NoBody, OptionalJsonBody, PatchBody, body_of};
pub(crate) use if_match::{IfMatch, Precondition};
pub(crate) use path::{CalendarName, Id, Queue, RevisionOf, VersionOf};
pub(crate) use query::{Query, is_text, pairs};
