//! One session on the server: its limits, its prepared statements, and what the server warns of.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Statement};
use tracing::{debug, warn};

use crate::failed::told;
use crate::tls::Connector;

/// The server's own limits, so that a frozen process holds nothing for longer, whatever became of its side. No statement here
/// runs for long enough to be worth compiling.
///
/// Every statement of ours has its index. A plan that was made while a table was small, or a month's partition new, would read
/// all of it for as long as the plan is kept: a burst of 20,000 fires then took 2.7 times the server's processor time.
///
/// Set by a statement, not by the startup message, which PgBouncer refuses. What the address asks for goes before. Where
/// transactions are pooled, only some server processes get to hear of this: there the role has to have it (`ALTER ROLE … SET`).
const LIMIT: &str = "
    SELECT set_config(wanted.name, wanted.value, FALSE)
    FROM (
        VALUES ('statement_timeout', '5s'),
               ('lock_timeout', '1s'),
               ('idle_in_transaction_session_timeout', '5s'),
               ('tcp_keepalives_idle', '10'),
               ('tcp_keepalives_interval', '5'),
               ('tcp_keepalives_count', '3'),
               ('tcp_user_timeout', '15s'),
               ('client_connection_check_interval', '5s'),
               ('TimeZone', 'UTC'),
               ('jit', 'off'),
               ('enable_seqscan', 'off')
    ) AS wanted (name, value)
    JOIN pg_settings setting
      ON setting.name = wanted.name
    WHERE setting.source <> 'client'";

/// Closed when it is dropped.
pub struct Session {
    client: Client,
    /// Drives the connection.
    task: JoinHandle<()>,
    /// By their texts, which are finitely many.
    prepared: Mutex<HashMap<String, Statement>>,
    warning: Arc<Mutex<Option<String>>>,
}

impl Session {
    pub async fn open(connector: &Connector, config: &Config) -> Result<Session, Error> {
        let warning = Arc::default();
        let (client, task) = match connector {
            Connector::Plain => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, drive(connection, Arc::clone(&warning)))
            }
            Connector::Verified(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                (client, drive(connection, Arc::clone(&warning)))
            }
        };
        let session = Session { client, task, prepared: Mutex::default(), warning };
        session.client.batch_execute(LIMIT).await?;
        Ok(session)
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    pub async fn prepare(&self, statement: &str) -> Result<Statement, Error> {
        let known = locked(&self.prepared).get(statement).cloned();
        if let Some(prepared) = known {
            return Ok(prepared);
        }
        let prepared = self.client.prepare(statement).await?;
        locked(&self.prepared).insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// What the server has warned of since it was asked last. The answer that follows a warning is not there before it.
    pub fn take_warning(&self) -> Option<String> {
        locked(&self.warning).take()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn drive<S, T>(mut connection: Connection<S, T>, warning: Arc<Mutex<Option<String>>>) -> JoinHandle<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => heed(&notice, &warning),
                Ok(_) => {}
                Err(error) => return warn!("a connection to the database was lost: {}", told(&error)),
            }
        }
    })
}

/// Of what the server says beside its answers, a plain warning counts: a commit that stands on this server, and of which nobody
/// knows whether it stands on its standby, is answered as a success after such a one.
fn heed(notice: &DbError, warning: &Mutex<Option<String>>) {
    if notice.code() != &SqlState::WARNING {
        return debug!("the database says: {}", notice.message());
    }
    let detail = notice.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    *locked(warning) = Some(format!("the server warned: {}{detail}", notice.message()));
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
