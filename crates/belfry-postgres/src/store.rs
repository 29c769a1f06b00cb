//! The store: each module a port, or what several of them write.

mod calendar_store;
mod calendars;
pub mod conditions;
mod fire;
mod idempotency_store;
mod key_store;
mod members;
mod poll_store;
mod redrive;
mod revision_store;
pub mod rows;
mod run_store;
mod runs;
pub mod schedule_store;
mod schedules;
mod workflow_store;
mod workflows;

use belfry_core::ports::StoreResult;

use crate::connections::{Lease, Tx};
use crate::pool::Pool;

/// The store in a PostgreSQL database. Its clones are the same store.
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
}

impl PostgresStore {
    pub(crate) fn new(pool: Pool) -> PostgresStore {
        PostgresStore { pool }
    }

    async fn lease(&self) -> StoreResult<Lease> {
        Lease::from(&self.pool).await
    }

    async fn begin(&self) -> StoreResult<Tx> {
        Tx::begin(&self.pool).await
    }
}
