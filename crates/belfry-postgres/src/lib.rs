//! Belfry's store and embedded queue on PostgreSQL 15 or later: any number of processes, one database.
//!
//! This crate speaks PostgreSQL's dialect, and decides nothing that the ports of `belfry-core` leave to the pure parts.
//! The server's clock is the store's. Every verb is one statement in autocommit, or, where users write, one transaction
//! that locks first, reads the clock after that, and then writes: see [`PostgresStore`].
//!
//! Behind PgBouncer: pooled sessions work (its address must ask for no `options`, which it refuses). Pooled transactions need a
//! PgBouncer that follows prepared statements (1.21 or later), and a role that has the limits of a connection itself
//! (`ALTER ROLE … SET statement_timeout = '5s'`, `lock_timeout = '1s'`, `idle_in_transaction_session_timeout = '5s'`,
//! `TimeZone = 'UTC'`), because what one connection sets is not heard by every server process that it is given.

mod connections;
mod database;
mod failed;
mod looking;
mod measuring;
mod migrations;
mod partitions;
mod pauses;
mod pool;
mod queue;
mod retention;
mod session;
mod settings;
mod store;
mod tls;

pub use database::{Database, OpenError};
pub use looking::{Connected, Deployment};
pub use queue::PostgresQueue;
pub use settings::Settings;
pub use store::PostgresStore;
