//! Belfry's store on PostgreSQL 15 or later: any number of processes, one database.
//!
//! This crate speaks PostgreSQL's dialect, and decides nothing that the ports of `belfry-core` leave to the pure parts.
//! The server's clock is the store's. Every verb is one statement in autocommit, or, where users write, one transaction
//! that locks first, reads the clock after that, and then writes: see [`PostgresStore`].

mod connections;
mod database;
mod failed;
mod migrations;
mod partitions;
mod settings;
mod store;
mod tls;

pub use database::{Database, OpenError};
pub use settings::Settings;
pub use store::PostgresStore;
