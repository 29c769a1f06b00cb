//! Belfry's store and queue in one SQLite file: the whole of Belfry on one machine.
//!
//! This crate speaks SQLite's dialect, and decides nothing that the ports of `belfry-core` leave to the pure parts.
//! One thread owns the connection that writes, others read beside it: see [`Database`].

mod clock;
mod database;
mod failed;
mod looking;
mod queue;
mod readers;
mod store;
mod writer;

pub use database::{Database, OpenError};
pub use looking::Standing;
pub use queue::SqliteQueue;
pub use store::SqliteStore;
