//! The whole program, and the rules that hold for the whole tree.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod borders;
mod calendars;
mod client;
mod cluster;
mod commands;
mod pages;
mod polling;
mod processes;
mod readme;
mod server;
mod tidy;
mod times;
mod up;
