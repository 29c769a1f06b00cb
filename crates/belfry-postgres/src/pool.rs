//! The pool of sessions: how they are made again after an outage, and how a pool that stopped answering is replaced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use belfry_core::ports::{StoreError, StoreResult};
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool::{Runtime, managed::PoolError, managed::TimeoutType};
use tokio::sync;
use tokio_postgres::Config;
use tracing::warn;

use crate::database::OpenError;
use crate::failed::told;
use crate::pauses::{self, Pauses};
use crate::session::Session;
use crate::settings::Settings;
use crate::tls::Connector;

/// How many waits in a row end without a session before the pool is given up for another.
const SILENT: u32 = 2;

type Inner = managed::Pool<Manager>;
pub type PooledSession = managed::Object<Manager>;

/// The sessions of this process. Its clones share them.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    manager: Manager,
    settings: Settings,
    current: Mutex<Current>,
}

/// What is given out now.
struct Current {
    pool: Inner,
    generation: u64,
    /// Waits that ended without a session, since one was had.
    silent: u32,
}

impl Pool {
    pub fn new(connector: Connector, config: Config, settings: &Settings) -> Result<Pool, OpenError> {
        let manager = Manager { connector, config, limit: settings.connect_timeout, outage: Arc::new(Outage::new(settings.jitter_seed)) };
        let pool = build(&manager, settings).map_err(OpenError::Settings)?;
        let current = Mutex::new(Current { pool, generation: 0, silent: 0 });
        Ok(Pool { shared: Arc::new(Shared { manager, settings: settings.clone(), current }) })
    }

    pub async fn get(&self) -> StoreResult<PooledSession> {
        let (pool, generation) = self.shared.current();
        match pool.get().await {
            Ok(session) => {
                self.shared.heard(generation);
                Ok(session)
            }
            Err(error) => {
                if matches!(error, PoolError::Timeout(TimeoutType::Wait)) {
                    self.shared.not_heard(generation);
                }
                Err(StoreError::Unavailable(format!("no connection: {error}")))
            }
        }
    }

    /// Verbs that come later are refused.
    pub fn close(&self) {
        self.shared.current().0.close();
    }
}

impl Shared {
    fn current(&self) -> (Inner, u64) {
        let current = self.lock();
        (current.pool.clone(), current.generation)
    }

    fn heard(&self, generation: u64) {
        let mut current = self.lock();
        if current.generation == generation {
            current.silent = 0;
        }
    }

    /// What is on its way in the old pool ends by its own limits, and its sessions are closed with it.
    fn not_heard(&self, generation: u64) {
        let mut current = self.lock();
        // While the server cannot be reached, another pool would not reach it either.
        if current.generation != generation || current.pool.is_closed() || self.manager.outage.is_known() {
            return;
        }
        current.silent += 1;
        if current.silent < SILENT {
            return;
        }
        if let Ok(pool) = build(&self.manager, &self.settings) {
            warn!("the connections to the database do not come back, and are replaced by new ones");
            std::mem::replace(&mut current.pool, pool).close();
            current.generation += 1;
            current.silent = 0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn build(manager: &Manager, settings: &Settings) -> Result<Inner, String> {
    managed::Pool::builder(manager.clone())
        .max_size(settings.connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.connect_timeout))
        // The manager has its own limit, so that it hears of the attempt's end: a pause, and the attempt.
        .create_timeout(Some(settings.connect_timeout + pauses::LONGEST + Duration::from_secs(1)))
        .build()
        .map_err(|error| error.to_string())
}

#[derive(Clone)]
pub struct Manager {
    connector: Connector,
    config: Config,
    /// Of one attempt, from the first packet to a session that can be used.
    limit: Duration,
    outage: Arc<Outage>,
}

/// Why no session could be made.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct NoSession(String);

impl managed::Manager for Manager {
    type Type = Session;
    type Error = NoSession;

    async fn create(&self) -> Result<Session, NoSession> {
        self.outage.connect(|| self.open()).await.map_err(NoSession)
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<NoSession> {
        if session.client().is_closed() { Err(RecycleError::message("it was closed")) } else { Ok(()) }
    }
}

impl Manager {
    async fn open(&self) -> Result<Session, String> {
        match tokio::time::timeout(self.limit, Session::open(&self.connector, &self.config)).await {
            Ok(opened) => opened.map_err(|error| told(&error)),
            Err(_) => Err("the server did not answer in time".to_owned()),
        }
    }
}

/// While the server cannot be reached, one attempt at a time is made, after a pause; who waited for it shares its failure. So
/// that processes that lost the same server do not all come back to it at once.
struct Outage {
    known: Mutex<Known>,
    turn: sync::Mutex<Pauses>,
}

#[derive(Default)]
struct Known {
    /// Failures since the last success.
    failures: u32,
    /// Every attempt that failed.
    attempts: u64,
    reason: String,
}

impl Outage {
    fn new(seed: u64) -> Outage {
        Outage { known: Mutex::default(), turn: sync::Mutex::new(Pauses::new(seed)) }
    }

    async fn connect<T, F: Future<Output = Result<T, String>>>(&self, connect: impl Fn() -> F) -> Result<T, String> {
        let (failures, attempts) = self.known(|known| (known.failures, known.attempts));
        if failures == 0 {
            return self.attempt(connect()).await;
        }
        let mut turn = self.turn.lock().await;
        let (failures, later, reason) = self.known(|known| (known.failures, known.attempts - attempts, known.reason.clone()));
        if failures == 0 {
            drop(turn);
            return self.attempt(connect()).await;
        }
        if later > 0 {
            return Err(reason);
        }
        tokio::time::sleep(turn.next(failures)).await;
        self.attempt(connect()).await
    }

    fn is_known(&self) -> bool {
        self.known(|known| known.failures > 0)
    }

    async fn attempt<T>(&self, connecting: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let connected = connecting.await;
        self.known(|known| match &connected {
            Ok(_) => known.failures = 0,
            Err(reason) => {
                known.failures = known.failures.saturating_add(1);
                known.attempts += 1;
                known.reason.clone_from(reason);
            }
        });
        connected
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn during_an_outage_one_attempt_at_a_time_is_made_and_shared() {
        let (outage, attempts) = (Outage::new(1), AtomicU32::new(0));
        let fail = || async {
            let number = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            Err::<(), String>(format!("attempt {number}"))
        };
        assert_eq!(outage.connect(fail).await, Err("attempt 1".to_owned()));
        let shared = tokio::join!(outage.connect(fail), outage.connect(fail), outage.connect(fail));
        let second = Err("attempt 2".to_owned());
        assert_eq!(shared, (second.clone(), second.clone(), second));
    }

    #[tokio::test]
    async fn when_the_server_is_back_who_waited_connects_too() {
        let (outage, attempts) = (Outage::new(1), AtomicU32::new(0));
        let connect = || async {
            let number = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            if number == 1 { Err(format!("attempt {number}")) } else { Ok(number) }
        };
        assert_eq!(outage.connect(connect).await, Err("attempt 1".to_owned()));
        assert_eq!(tokio::join!(outage.connect(connect), outage.connect(connect)), (Ok(2), Ok(3)));
    }
}
