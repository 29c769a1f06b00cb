//! The API through its router, no socket, over the reference store.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod access;
mod claims;
mod inputs;
mod keys;
mod lists;
mod runs;
mod schedules;
mod shape;
mod workflows;
mod world;
