//! SQLite and its queue, in the data folder: everything in one process.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;

use belfry_core::ports::Queue;
use belfry_sqlite::Database;

use super::Stores;
use crate::data_folder::{DataFolder, Lock};
use crate::edge::Host;

pub use belfry_sqlite::Standing;

/// The database of a data folder, which is this process' alone for as long as this lives.
pub struct Embedded {
    database: Database,
    _lock: Lock,
}

impl Embedded {
    /// Opens the database, which is made or migrated where need be. `lock` is the folder's.
    pub fn open(folder: &DataFolder, lock: Lock) -> anyhow::Result<Embedded> {
        folder.create_database()?;
        let path = folder.database();
        let database = Database::open(&path, Arc::new(Host)).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Embedded { database, _lock: lock })
    }

    pub fn stores(&self) -> Stores {
        Stores::of(self.database.store())
    }

    pub fn queue(&self) -> Arc<dyn Queue> {
        Arc::new(self.database.queue())
    }

    pub async fn close(self) {
        self.database.close().await;
    }
}

/// What stands in a database that another process may have open.
pub fn standing(path: &Path) -> anyhow::Result<Standing> {
    Standing::of(path).with_context(|| format!("cannot read {}", path.display()))
}
