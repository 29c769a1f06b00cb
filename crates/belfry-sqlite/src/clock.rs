//! The store's clock: the host's, which never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rusqlite::Connection;
use tracing::error;

use belfry_core::ports::WallClock;
use belfry_core::time::UnixMillis;

/// A host whose clock was corrected by less goes unnoticed.
const TOLD_ABOVE_MS: i64 = 1_000;

/// Shared by the writer and the readers, so that no answer is older than an earlier one. Every commit that changes the file
/// also keeps the clock in it, and a reopened file goes on from there: a host whose clock was set back stands still until
/// it has caught up.
pub struct StoreClock {
    wall: Arc<dyn WallClock>,
    last: AtomicI64,
    /// Whether people were told that the host's clock is behind.
    is_behind: AtomicBool,
}

impl StoreClock {
    pub fn read(connection: &Connection, wall: Arc<dyn WallClock>) -> rusqlite::Result<StoreClock> {
        let last = connection.query_row("SELECT last_now FROM store_clock", [], |row| row.get(0))?;
        Ok(StoreClock { wall, last: AtomicI64::new(last), is_behind: AtomicBool::new(false) })
    }

    pub fn now(&self) -> UnixMillis {
        let wall = self.wall.now().get();
        let now = self.last.fetch_max(wall, Ordering::AcqRel).max(wall);
        let is_behind = now - wall > TOLD_ABOVE_MS;
        if is_behind != self.is_behind.swap(is_behind, Ordering::AcqRel) && is_behind {
            error!(
                behind_ms = now - wall,
                "the host's clock is behind the last time written in the database, {}: nothing is due until it has caught up. If \
                 that time is wrong, stop belfry and set it: UPDATE store_clock SET last_now = 0",
                UnixMillis::saturating(now)
            );
        }
        UnixMillis::saturating(now)
    }

    pub fn keep(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached("UPDATE store_clock SET last_now = ?1")?.execute([self.last.load(Ordering::Acquire)])?;
        Ok(())
    }
}
