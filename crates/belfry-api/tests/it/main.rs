//! The API through its router, no socket, over the reference store.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod access;
mod calendars;
mod claims;
mod examples;
mod idempotency;
mod inputs;
mod keys;
mod lists;
mod operations;
mod pages;
mod polls;
mod runs;
mod schedules;
mod scopes;
mod shape;
mod workflows;
mod world;
