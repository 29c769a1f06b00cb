//! Connecting: the pool, and the limits that every connection has.

use std::time::Duration;

use deadpool_postgres::{Pool, Runtime};
use tokio_postgres::Config;

use crate::failed::{Failed, told};
use crate::partitions;
use crate::settings::Settings;
use crate::store::PostgresStore;
use crate::tls::{Asked, Connector};
use crate::{connections::Tx, migrations};
use belfry_core::ports::{StoreError, StoreResult};

/// The server's own limits, so that a frozen process holds nothing for longer, whatever became of its side.
const LIMITS: &str = "-c statement_timeout=5s -c lock_timeout=1s -c idle_in_transaction_session_timeout=5s \
    -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=15s \
    -c client_connection_check_interval=5s -c TimeZone=UTC";

/// A database of a server. Its clones share the connections.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    config: Config,
    connector: Connector,
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
        let (url, asked) = Asked::take_from(url)?;
        let mut config = configure(&url, settings)?;
        let connector = Connector::of(&mut config, asked, settings.root_certificates.as_deref())?;
        let limit = Some(settings.connect_timeout);
        let pool = Pool::builder(connector.manager(config.clone()))
            .max_size(settings.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(limit)
            .create_timeout(limit)
            .recycle_timeout(limit)
            .build()
            .map_err(|error| OpenError::Settings(error.to_string()))?;
        let first = pool.get().await.map_err(|error| OpenError::Unreachable(reached(&error)))?;
        drop(first);
        Ok(Database { pool, config, connector })
    }

    pub fn store(&self) -> PostgresStore {
        PostgresStore::new(self.pool.clone())
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

    /// Closes the connections; verbs that come later are refused.
    pub fn close(&self) {
        self.pool.close();
    }
}

fn configure(url: &str, settings: &Settings) -> Result<Config, OpenError> {
    // The address may hold a password: the driver's text, which names only what is wrong, goes to the user instead.
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| OpenError::Address(told(&error)))?;
    let options = config.get_options().map_or_else(|| LIMITS.to_owned(), |own| format!("{LIMITS} {own}"));
    config
        .options(options)
        .application_name(&settings.application_name)
        .connect_timeout(settings.connect_timeout)
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(15));
    Ok(config)
}

fn reached(error: &deadpool_postgres::PoolError) -> String {
    match error {
        deadpool_postgres::PoolError::Backend(error) => told(error),
        other => other.to_string(),
    }
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
