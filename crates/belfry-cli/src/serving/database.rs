//! Reaching the database, and watching whether it answers. The order in which processes and servers are started must not
//! matter: what is unreachable is waited for, for as long as it takes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use belfry_core::ports::{Clock, ScheduleStore};

use super::health::Check;
use crate::backends::cluster::{Cluster, Unusable};
use crate::edge::{Host, random};

const SHORTEST_PAUSE: SignedDuration = SignedDuration::from_millis(250);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// Longer than a verb waits for a free connection: a pool that is merely busy answers within it.
const ANSWER_LIMIT: Duration = Duration::from_secs(6);

/// Whether the database answers, as it was last seen. Its clones are the same.
#[derive(Clone)]
pub struct Watch {
    /// Why it cannot be used; nothing while it can.
    reason: Arc<Mutex<Option<String>>>,
    reached: CancellationToken,
}

impl Watch {
    pub fn new() -> Watch {
        let reason = Some("the database was not reached yet".to_owned());
        Watch { reason: Arc::new(Mutex::new(reason)), reached: CancellationToken::new() }
    }

    pub fn check(&self) -> (&'static str, Check) {
        let watch = self.clone();
        ("database", Box::new(move || watch.reason()))
    }

    /// Waits until the database was reached for the first time, with a schema that this binary works with; false when the
    /// process stops before that.
    pub async fn reached(&self, shutdown: &CancellationToken) -> bool {
        tokio::select! {
            () = self.reached.cancelled() => true,
            () = shutdown.cancelled() => false,
        }
    }

    /// Reaches the database, then looks every second whether it answers, until `shutdown`. Fails when it can never work.
    pub async fn keep(self, cluster: Cluster, shutdown: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            never = self.look(&cluster) => never,
        }
    }

    async fn look(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let mut pause = SHORTEST_PAUSE;
        loop {
            match tokio::time::timeout(ANSWER_LIMIT, cluster.check()).await {
                Ok(Ok(())) => break,
                Ok(Err(Unusable::Ever(error))) => return Err(error).context("the database cannot be used"),
                Ok(Err(Unusable::Now(reason))) => self.tell(Some(reason)),
                Err(_) => self.tell(Some(silent())),
            }
            Host.sleep(pause + part_of(pause)).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
        self.tell(None);
        self.reached.cancel();
        let store = cluster.stores().schedules;
        loop {
            Host.sleep(LOOK_EVERY).await;
            self.tell(asked(&*store).await);
        }
    }

    fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs a change, and only that.
    fn tell(&self, reason: Option<String>) {
        let before = std::mem::replace(&mut *self.reason.lock().unwrap_or_else(PoisonError::into_inner), reason.clone());
        match reason {
            Some(reason) if before.as_ref() != Some(&reason) => warn!("waiting for the database: {reason}"),
            None if before.is_some() => info!("the database answers"),
            _ => {}
        }
    }
}

async fn asked(store: &dyn ScheduleStore) -> Option<String> {
    match tokio::time::timeout(ANSWER_LIMIT, store.now()).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(silent()),
    }
}

fn silent() -> String {
    format!("the database did not answer within {} s", ANSWER_LIMIT.as_secs())
}

/// Up to as much again, so that many processes do not come back to a server in step.
fn part_of(pause: SignedDuration) -> SignedDuration {
    let [byte] = random::<1>();
    pause.saturating_mul(i32::from(byte)) / 255
}
