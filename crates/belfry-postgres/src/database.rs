//! Connecting: the pool, and the limits that every connection has.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio_postgres::Config;

use crate::failed::{Failed, told};
use crate::looking::{self, Deployment};
use crate::measuring;
use crate::partitions;
use crate::pool::Pool;
use crate::queue::PostgresQueue;
use crate::retention;
use crate::settings::Settings;
use crate::store::PostgresStore;
use crate::tls::{Asked, Connector};
use crate::{connections::Tx, migrations};
use belfry_core::ids::WorkflowId;
use belfry_core::ports::{StoreError, StoreResult};

/// A database of a server. Its clones share the connections.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    config: Config,
    connector: Connector,
    /// Messages of the embedded queue came, or came back, by this process.
    ready: Arc<Notify>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{0}` is no address of a PostgreSQL database; write postgresql://user@host/database")]
    Address(String),
    #[error("the settings of the connections are wrong: {0}")]
    Settings(String),
    #[error("the connections cannot be encrypted: {0}")]
    Tls(String),
    #[error("the server could not be reached: {0}")]
    Unreachable(String),
    #[error("the database is at schema version {found}, this binary knows none above {known}; use a newer belfry")]
    Newer { found: i32, known: i32 },
    #[error("the database is at schema version {found}, this binary needs {known}; run `belfry migrate`")]
    Older { found: i32, known: i32 },
    #[error("the database could not be migrated")]
    Migration(#[source] Box<refinery::Error>),
    #[error("the database could not be used: {0}")]
    Store(#[from] StoreError),
}

impl Database {
    /// Connects to the database at `url`, so that a wrong address or password is found now. Migrates nothing.
    pub async fn connect(url: &str, settings: &Settings) -> Result<Database, OpenError> {
        let database = Database::prepare(url, settings)?;
        match database.pool.get().await {
            Ok(_) => Ok(database),
            Err(StoreError::Unavailable(reason)) => Err(OpenError::Unreachable(reason)),
            Err(error) => Err(error.into()),
        }
    }

    /// The database at `url`, connected to when a verb first needs it: only what no server could make work is an error.
    pub fn prepare(url: &str, settings: &Settings) -> Result<Database, OpenError> {
        let (url, asked) = Asked::take_from(url)?;
        let mut config = configure(&url, settings)?;
        let connector = Connector::of(&mut config, asked, settings.root_certificates.as_deref())?;
        let pool = Pool::new(connector.clone(), config.clone(), settings)?;
        Ok(Database { pool, config, connector, ready: Arc::default() })
    }

    pub fn store(&self) -> PostgresStore {
        PostgresStore::new(self.pool.clone())
    }

    /// The embedded queue, for those without a broker.
    pub fn queue(&self) -> PostgresQueue {
        PostgresQueue::new(self.pool.clone(), Arc::clone(&self.ready))
    }

    /// Migrates the database to this binary's schema, and makes the next months' partitions. Safe to call from several
    /// processes at once: one migrates, the others wait and find it done.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        migrations::migrate(&self.connector, &self.config).await?;
        self.make_partitions().await?;
        Ok(())
    }

    /// Whether this binary can work with the schema that stands.
    pub async fn check_schema(&self) -> Result<(), OpenError> {
        migrations::check(&self.connector, &self.config).await
    }

    /// Makes the partitions of this month and the next ones that do not stand yet, and moves what the default partition holds
    /// of them; answers how many were made. To be called each day; again is the same as once.
    pub async fn make_partitions(&self) -> StoreResult<usize> {
        let tx = Tx::begin(&self.pool).await?;
        let made = partitions::make(&tx).await;
        tx.end(made).await
    }

    /// Drops the history that is older than `keep`, by the store's clock: the months of runs, with the results of their nodes, that
    /// ended before then and have no run that still lives, each month as a whole; and what was recorded before then of
    /// occurrences that did not fire. Answers how many partitions it dropped. What is in the default partition stays. To be
    /// called each day; may take a while, and holds up nobody for longer than a moment.
    pub async fn drop_history(&self, keep: SignedDuration) -> StoreResult<usize> {
        retention::drop_history(&self.pool, keep).await
    }

    /// What stands, and who is there: for operators. Reads only, and only a schema that [`Database::check_schema`] accepts.
    pub async fn deployment(&self) -> StoreResult<Deployment> {
        looking::deployment(&self.pool).await
    }

    /// Removes a workflow, its schedules, runs and history as if they had never been: for benchmarks, which clean up. Users
    /// delete, which keeps the history.
    pub async fn erase_workflow(&self, workflow: WorkflowId) -> StoreResult<()> {
        measuring::erase_workflow(&self.pool, workflow).await
    }

    /// How many bytes of write-ahead log the server has written.
    pub async fn wal_position(&self) -> StoreResult<u64> {
        measuring::wal_position(&self.pool).await
    }

    /// Closes the connections; verbs that come later are refused.
    pub fn close(&self) {
        self.pool.close();
    }
}

fn configure(url: &str, settings: &Settings) -> Result<Config, OpenError> {
    // The address may hold a password: the driver's text, which names only what is wrong, goes to the user instead.
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| OpenError::Address(told(&error)))?;
    config
        .application_name(&settings.application_name)
        .connect_timeout(settings.connect_timeout)
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(15));
    Ok(config)
}

impl From<Failed> for OpenError {
    fn from(failed: Failed) -> OpenError {
        OpenError::Store(failed.without_doubt())
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> OpenError {
        OpenError::from(Failed::Driver(error))
    }
}
