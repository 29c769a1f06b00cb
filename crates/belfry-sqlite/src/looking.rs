//! What an operator asks of a file beside the ports, while another process may have it open. Reads only: nothing is migrated.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use belfry_core::time::UnixMillis;

use crate::database::{BUSY_TIMEOUT, OpenError, known_version};

/// What stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Of the schema; 0 when there is none yet.
    pub version: i32,
    /// The one that this binary migrates to.
    pub known: i32,
    /// The last time that was written into it; the store's clock does not go back behind it.
    pub last_now: UnixMillis,
}

impl Standing {
    pub fn of(path: &Path) -> Result<Standing, OpenError> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let known = known_version();
        if !connection.table_exists(None, "refinery_schema_history")? {
            return Ok(Standing { version: 0, known, last_now: UnixMillis::EPOCH });
        }
        let version = connection.query_row("SELECT coalesce(max(version), 0) FROM refinery_schema_history", [], |row| row.get(0))?;
        let last_now = connection.query_row("SELECT last_now FROM store_clock", [], |row| row.get(0))?;
        Ok(Standing { version, known, last_now: UnixMillis::saturating(last_now) })
    }
}
