//! The store's clock: the host's, which never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rusqlite::Connection;

use belfry_core::ports::WallClock;
use belfry_core::time::UnixMillis;

/// Shared by the writer and the readers, so that no answer is older than an earlier one. Every commit that changes the file
/// also keeps the clock in it, and a reopened file goes on from there: a host whose clock was set back stands still until
/// it has caught up.
pub struct StoreClock {
    wall: Arc<dyn WallClock>,
    last: AtomicI64,
}

impl StoreClock {
    pub fn read(connection: &Connection, wall: Arc<dyn WallClock>) -> rusqlite::Result<StoreClock> {
        let last = connection.query_row("SELECT last_now FROM store_clock", [], |row| row.get(0))?;
        Ok(StoreClock { wall, last: AtomicI64::new(last) })
    }

    pub fn now(&self) -> UnixMillis {
        let wall = self.wall.now().get();
        UnixMillis::saturating(self.last.fetch_max(wall, Ordering::AcqRel).max(wall))
    }

    pub fn keep(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached("UPDATE store_clock SET last_now = ?1")?.execute([self.last.load(Ordering::Acquire)])?;
        Ok(())
    }
}
