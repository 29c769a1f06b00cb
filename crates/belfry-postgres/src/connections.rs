//! What one verb has of the pool: a connection, by itself or in a transaction.
//!
//! A connection goes back to the pool only from a verb that ended. One whose verb was dropped half-way, or whose server went
//! silent, is closed: nobody knows what it is in the middle of.

use std::ops::Deref;
use std::time::Duration;

use belfry_core::ports::{StoreError, StoreResult};
use belfry_core::time::UnixMillis;
use deadpool::managed::Object;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::failed::{Attempt, Failed};
use crate::pool::{Pool, PooledSession};
use crate::session::Session;
use crate::store::rows;

/// Beyond the server's own limits of a statement and of a lock: reached only when the server or the network is silent.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The same, of what [`Tx::take_time`] allows.
const HOUSEKEEPING_LIMIT: Duration = Duration::from_secs(310);

pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection, held by one verb. Dropped before [`Lease::give_back`], it is closed.
pub struct Lease {
    /// Taken when it ends.
    connection: Option<PooledSession>,
}

impl Lease {
    pub async fn from(pool: &Pool) -> StoreResult<Lease> {
        let connection = pool.get().await?;
        // Not of this verb: a warning of the session's beginning.
        connection.take_warning();
        Ok(Lease { connection: Some(connection) })
    }

    pub async fn rows(&self, statement: &str, params: Params<'_>) -> Attempt<Vec<Row>> {
        limited(async {
            let connection = self.connection();
            let prepared = connection.prepare(statement).await?;
            connection.client().query(&prepared, params).await
        })
        .await
    }

    pub async fn row(&self, statement: &str, params: Params<'_>) -> Attempt<Option<Row>> {
        Ok(self.rows(statement, params).await?.into_iter().next())
    }

    /// Answers how many rows were written.
    pub async fn execute(&self, statement: &str, params: Params<'_>) -> Attempt<usize> {
        self.execute_within(ANSWER_LIMIT, statement, params).await
    }

    async fn execute_within(&self, limit: Duration, statement: &str, params: Params<'_>) -> Attempt<usize> {
        let count = within(limit, async {
            let connection = self.connection();
            let prepared = connection.prepare(statement).await?;
            connection.client().execute(&prepared, params).await
        })
        .await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The store's clock, of a statement of its own.
    pub async fn now(&self) -> Attempt<UnixMillis> {
        let row = self.row("SELECT store_now() AS now", &[]).await?.ok_or(Failed::Silent)?;
        rows::instant(&row, "now")
    }

    /// Ends a verb that read.
    pub fn read<T>(self, done: Attempt<T>) -> StoreResult<T> {
        self.give_back(done).map_err(Failed::without_doubt)
    }

    /// Ends a verb that wrote in a single statement, which committed by itself.
    pub fn wrote<T>(self, done: Attempt<T>) -> StoreResult<T> {
        let warning = self.connection().take_warning();
        let done = self.give_back(done).map_err(Failed::of_write)?;
        warning.map_or(Ok(done), |warning| Err(StoreError::InDoubt(warning)))
    }

    fn give_back<T>(mut self, done: Attempt<T>) -> Attempt<T> {
        if done.as_ref().err().is_none_or(Failed::keeps_connection) {
            self.connection = None;
        }
        done
    }

    async fn run(&self, statement: &str) -> Attempt<()> {
        limited(self.connection().client().batch_execute(statement)).await
    }

    fn connection(&self) -> &Session {
        self.connection.as_ref().expect("a lease has its connection until it ends")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Out of the pool, which makes room for a new one; closed when it is dropped here.
            drop(Object::take(connection));
        }
    }
}

async fn limited<T>(answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Attempt<T> {
    within(ANSWER_LIMIT, answer).await
}

async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Attempt<T> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failed::Silent),
    }
}

/// One transaction. What it does not end is rolled back by the server, for its connection is closed.
pub struct Tx {
    lease: Lease,
}

impl Deref for Tx {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}

impl Tx {
    pub async fn begin(pool: &Pool) -> StoreResult<Tx> {
        let lease = Lease::from(pool).await?;
        match lease.run("BEGIN").await {
            Ok(()) => Ok(Tx { lease }),
            Err(failed) => lease.read(Err(failed)),
        }
    }

    /// For housekeeping, which may take longer than a verb: five minutes, in this transaction.
    pub async fn take_time(&self) -> Attempt<()> {
        self.execute("SET LOCAL statement_timeout = '5min'", &[]).await?;
        Ok(())
    }

    /// After [`Tx::take_time`]; answers how many rows were written.
    pub async fn execute_at_length(&self, statement: &str, params: Params<'_>) -> Attempt<usize> {
        self.lease.execute_within(HOUSEKEEPING_LIMIT, statement, params).await
    }

    /// Commits what succeeded, and rolls back what failed.
    pub async fn end<T>(self, done: Attempt<T>) -> StoreResult<T> {
        match done {
            Ok(answer) => {
                let committed = self.lease.run("COMMIT").await;
                self.lease.wrote(committed.map(|()| answer))
            }
            Err(failed) => {
                // Where even that is not answered, the connection is closed instead.
                if self.lease.run("ROLLBACK").await.is_ok() { self.lease.read(Err(failed)) } else { Err(failed.without_doubt()) }
            }
        }
    }
}
