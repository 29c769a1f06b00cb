//! The SQLite backend against its contracts, and what only a file has: it is reopened.

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod calendars;
mod file;
mod members;
mod queue;
mod reopen;
mod schema;
mod store;
