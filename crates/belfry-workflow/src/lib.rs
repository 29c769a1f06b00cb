//! What users do: workflows, their schedules and their runs, as services that take parsed JSON and answer values that can
//! be written as JSON.
//!
//! Bodies are validated here, whole: every violation is answered with its JSON pointer, the value and what would be
//! accepted. What is valid goes to a port of `belfry-core`. Nothing here knows HTTP, a database or the daemon.

pub mod calendars;
pub mod definition;
pub mod error;
#[cfg(test)]
mod fixture;
mod list;
pub mod read;
pub mod runs;
pub mod triggers;
pub mod workflows;

pub use error::ServiceError;
pub use list::{DEFAULT_LIMIT, ListResponse, MAX_LIMIT};
