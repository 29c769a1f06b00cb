//! The SQLite backend against its contracts, and what only a file has: it is reopened.

mod file;
mod queue;
mod reopen;
mod schema;
mod store;
