//! Opening the file: its settings, its migrations, its threads.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use belfry_core::ports::WallClock;

use crate::clock::StoreClock;
use crate::queue::SqliteQueue;
use crate::readers::Readers;
use crate::store::{SqliteStore, members};
use crate::writer::Writer;

/// Two, so that a list of history does not hold up the daemon's look.
const READERS: usize = 2;
/// Above every statement of this crate: none is compiled twice.
const CACHED_STATEMENTS: usize = 128;
const LARGEST_IDLE_LOG: i64 = 64 * 1024 * 1024;
/// How long a connection waits for another process, which may only be a tool that looks at the file.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// An open file. It belongs to one process at a time; who opens it sees to that.
pub struct Database {
    writer: Writer,
    store: SqliteStore,
    readers: Readers,
    queue: SqliteQueue,
    /// Joined by [`Database::close`].
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database is at schema version {found}, this binary knows none above {known}; use a newer belfry")]
    Newer { found: i32, known: i32 },
    #[error("the database could not be migrated")]
    Migration(#[source] Box<refinery::Error>),
    #[error("the database could not be opened")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the threads of the database could not be started")]
    Thread(#[source] std::io::Error),
}

impl Database {
    /// Opens the file at `path`, creating it where there is none, and migrates it to this binary's schema.
    pub fn open(path: &Path, wall: Arc<dyn WallClock>) -> Result<Database, OpenError> {
        let mut connection = connect(path)?;
        migrate(&mut connection)?;
        let clock = Arc::new(StoreClock::read(&connection, wall)?);
        free_what_was_held(&mut connection, &clock)?;
        let first_message = SqliteQueue::first_message(&connection)?;
        let readers = (0..READERS).map(|_| connect_to_read(path)).collect::<Result<Vec<_>, _>>()?;
        let (writer, write) = Writer::new(connection, Arc::clone(&clock));
        let (readers, reads) = Readers::new(readers);
        let mut threads = vec![start("belfry-sqlite-w", write)?];
        for read in reads {
            threads.push(start("belfry-sqlite-r", read)?);
        }
        let store = SqliteStore::new(writer.clone(), readers.clone(), clock);
        let queue = SqliteQueue::new(writer.clone(), first_message);
        Ok(Database { writer, store, readers, queue, threads })
    }

    /// All stores of one database are one store: a member of one is a member of all.
    pub fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    /// All queues of one database are one queue: what a consumer of one holds, no consumer of another gets.
    pub fn queue(&self) -> SqliteQueue {
        self.queue.clone()
    }

    /// Carries out what waits, refuses what comes later, and closes the file.
    pub async fn close(self) {
        self.writer.close().await;
        self.readers.close().await;
        let joined = tokio::task::spawn_blocking(move || {
            for thread in self.threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the database has panicked");
                }
            }
        });
        // Fails only when the runtime itself is ending: then the threads end with the process.
        let _ = joined.await;
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit is on the disk when it is answered: `NORMAL` would lose the last ones with the power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a burst of writes made of the log is given back to the disk.
    connection.pragma_update(None, "journal_size_limit", LARGEST_IDLE_LOG)?;
    // Savepoints keep what they may have to restore in memory, not in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let runner = embedded::migrations::runner();
    let failed = |error| OpenError::Migration(Box::new(error));
    let known = known_version();
    if connection.table_exists(None, "refinery_schema_history")?
        && let Some(last) = runner.get_last_applied_migration(connection).map_err(failed)?
        && last.version() > known
    {
        return Err(OpenError::Newer { found: last.version(), known });
    }
    runner.run(connection).map_err(failed)?;
    Ok(())
}

/// Of the schema that this binary migrates to.
pub fn known_version() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0)
}

/// Nobody who held a run to publish it lives: this process has only begun.
fn free_what_was_held(connection: &mut Connection, clock: &StoreClock) -> rusqlite::Result<()> {
    let tx = connection.transaction()?;
    if members::free_all(&tx, clock.now())? > 0 {
        clock.keep(&tx)?;
    }
    tx.commit()
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(OpenError::Thread)
}

mod embedded {
    refinery::embed_migrations!("migrations");
}
