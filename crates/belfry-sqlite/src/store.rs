//! The store: each module a port, or what several of them write.

mod calendar_store;
mod calendars;
mod conditions;
mod idempotency_store;
mod key_store;
pub mod members;
mod poll_store;
mod redrive;
mod revision_store;
pub mod rows;
mod run_store;
mod runs;
mod schedule_store;
mod schedules;
mod workflow_store;
mod workflows;

use std::sync::Arc;

use rusqlite::Connection;

use belfry_core::ports::StoreResult;
use belfry_core::time::UnixMillis;

use crate::clock::StoreClock;
use crate::failed::Attempt;
use crate::readers::Readers;
use crate::writer::{Tx, Writer};
use members::Members;

/// The store in a SQLite file. Its clones are the same store.
#[derive(Clone)]
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    clock: Arc<StoreClock>,
    members: Arc<Members>,
}

impl SqliteStore {
    pub(crate) fn new(writer: Writer, readers: Readers, clock: Arc<StoreClock>) -> SqliteStore {
        SqliteStore { writer, readers, clock, members: Arc::default() }
    }

    async fn write<T, V>(&self, verb: V) -> StoreResult<T>
    where
        T: Send + 'static,
        V: FnOnce(&Tx<'_>) -> Attempt<T> + Send + 'static,
    {
        self.writer.write(verb).await
    }

    async fn read<T, Q>(&self, question: Q) -> StoreResult<T>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Attempt<T> + Send + 'static,
    {
        self.readers.read(question).await
    }

    fn clock_now(&self) -> UnixMillis {
        self.clock.now()
    }
}
