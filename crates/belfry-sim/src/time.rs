//! Virtual time: tokio's, paused, so that it moves to the next timer whenever nothing else is to be done.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use belfry_core::ports::{Boot, Clock, WallClock};
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::process::Process;

/// Milliseconds since the simulation began.
#[derive(Debug, Clone, Copy)]
pub struct Virtual {
    begun: Instant,
}

impl Virtual {
    #[expect(clippy::disallowed_methods, reason = "the edge of the simulation: the clock is tokio's paused one")]
    pub fn begin() -> Virtual {
        Virtual { begun: Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "the edge of the simulation: the clock is tokio's paused one")]
    pub fn millis(self) -> i64 {
        i64::try_from(Instant::now().duration_since(self.begun).as_millis()).unwrap_or(i64::MAX)
    }

    pub async fn sleep(self, millis: i64) {
        tokio::time::sleep(Duration::from_millis(u64::try_from(millis).unwrap_or(0))).await;
    }

    pub async fn sleep_until(self, millis: i64) {
        self.sleep(millis - self.millis()).await;
    }
}

/// The time of day of the store's host, which may be set.
pub struct StoreWall {
    time: Virtual,
    /// What is added to [`StoreWall::BEGINNING`] and the time that has passed.
    shift: AtomicI64,
    /// The latest instant that it ever showed.
    latest: AtomicI64,
}

impl StoreWall {
    /// 2026-11-25T09:00:00Z.
    const BEGINNING: i64 = 1_795_597_200_000;

    pub fn new(time: Virtual) -> StoreWall {
        StoreWall { time, shift: AtomicI64::new(0), latest: AtomicI64::new(0) }
    }

    pub fn set_by(&self, millis: i64) {
        self.latest.fetch_max(self.now().get(), Ordering::Relaxed);
        self.shift.fetch_add(millis, Ordering::Relaxed);
    }

    /// How far it is behind the latest instant that it ever showed.
    pub fn behind(&self) -> i64 {
        self.latest.load(Ordering::Relaxed) - self.now().get()
    }
}

impl WallClock for StoreWall {
    fn now(&self) -> UnixMillis {
        UnixMillis::saturating(Self::BEGINNING + self.time.millis() + self.shift.load(Ordering::Relaxed))
    }
}

/// The clock of one process' host. Whoever sleeps by it also waits for its process to be thawed.
pub struct HostClock {
    pub time: Virtual,
    pub process: Arc<Process>,
}

#[async_trait]
impl Clock for HostClock {
    fn boot(&self) -> Boot {
        let passed = self.time.millis();
        Boot(self.process.booted_before + passed + passed * self.process.drift / 1_000_000)
    }

    async fn sleep(&self, length: SignedDuration) {
        self.time.sleep(i64::try_from(length.as_millis()).unwrap_or(i64::MAX)).await;
        self.process.pass().await;
    }
}

/// Right for all; for what only needs some time of day.
impl WallClock for HostClock {
    fn now(&self) -> UnixMillis {
        UnixMillis::saturating(StoreWall::BEGINNING + self.time.millis())
    }
}

/// The broker's: nobody waits by it, for consumers ask it again whenever something rings.
pub struct BrokerClock;

#[async_trait]
impl Clock for BrokerClock {
    fn boot(&self) -> Boot {
        Boot(0)
    }

    async fn sleep(&self, _length: SignedDuration) {}
}
