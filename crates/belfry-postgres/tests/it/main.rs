//! The PostgreSQL backend against its contracts, on a real server; and what only a server has: others at the same time.
//!
//! `scripts/test` starts the server and says where it is (`BELFRY_TEST_POSTGRES`).

#![expect(clippy::unwrap_used, reason = "all of it is tests")]

mod calendars;
mod concurrency;
mod connections;
mod looking;
mod plans;
mod queue;
mod retention;
mod schema;
mod server;
mod store;
