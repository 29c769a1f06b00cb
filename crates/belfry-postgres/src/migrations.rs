//! The schema: embedded, ordered, checksummed, and brought in by one process at a time.

use refinery::{Migration, Runner};
use tokio_postgres::{Client, Config};

use crate::database::OpenError;
use crate::session::Session;
use crate::tls::Connector;

/// Whoever holds this lock migrates. Its number only has to be Belfry's own.
const MIGRATING: i64 = 0x0062_656c_6672_7901;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Two connections: refinery begins and ends its own transactions on one, so that the lock, which is to end with a
/// transaction, is held by the other. A session's lock would outlive a half-open connection by hours.
pub async fn migrate(connector: &Connector, config: &Config) -> Result<(), OpenError> {
    let mut holder = Session::open(connector, config).await?;
    let lock = holder.client_mut().transaction().await?;
    // A statement and a wait for a lock may take as long as another's migration, and the holder is idle meanwhile.
    lock.batch_execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        .await?;
    lock.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).await?;
    let mut connected = Session::open(connector, config).await?;
    connected.client().batch_execute("SET statement_timeout = 0").await?;
    let runner = embedded::migrations::runner();
    refuse_newer(&runner, connected.client_mut()).await?;
    runner.run_async(connected.client_mut()).await.map_err(failed)?;
    lock.commit().await?;
    Ok(())
}

/// The next version's schema is worked with too, so that an upgrade migrates first: a migration leaves what the version before
/// it needs.
pub async fn check(connector: &Connector, config: &Config) -> Result<(), OpenError> {
    let mut connected = Session::open(connector, config).await?;
    let runner = embedded::migrations::runner();
    let known = known(&runner);
    match refuse_newer(&runner, connected.client_mut()).await {
        Ok(found) if found < known => Err(OpenError::Older { found, known }),
        Err(OpenError::Newer { found, known }) if found > known + 1 => Err(OpenError::Newer { found, known }),
        Ok(_) | Err(OpenError::Newer { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Answers the version that stands; 0 in an empty database.
async fn refuse_newer(runner: &Runner, client: &mut Client) -> Result<i32, OpenError> {
    let stands: bool = client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?.try_get(0)?;
    if !stands {
        return Ok(0);
    }
    let known = known(runner);
    let found = runner.get_last_applied_migration_async(client).await.map_err(failed)?.map_or(0, |last| last.version());
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(found) }
}

fn known(runner: &Runner) -> i32 {
    runner.get_migrations().iter().map(Migration::version).max().unwrap_or(0)
}

fn failed(error: refinery::Error) -> OpenError {
    OpenError::Migration(Box::new(error))
}
