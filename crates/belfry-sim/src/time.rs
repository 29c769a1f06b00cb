//! Virtual time: tokio's, paused, so that it moves to the next timer whenever nothing else is to be done.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
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

/// In turn: an ordinary day; in Berlin, clocks go forward, go back, and a repeated hour ends; on Lord Howe, half an hour is
/// repeated, and left out. Ninety seconds later each.
const BEGINNINGS: [&str; 6] = [
    "2026-11-25T09:00:00Z",
    "2026-03-29T00:58:30Z",
    "2026-10-25T00:58:30Z",
    "2026-10-25T01:58:30Z",
    "2026-04-04T14:58:30Z",
    "2026-10-03T15:28:30Z",
];

/// Milliseconds: a clock that is set by less is not noticed by anybody, and may not matter to anybody.
const TOLERATED: i64 = 1_000;

/// Milliseconds: a clock that is set and set back sooner deceives everybody, for all look at it each second only.
pub const SET_APART: i64 = 5_000;

/// How a clock was set in some time.
pub struct Settings {
    pub large: usize,
    pub last_at: Option<i64>,
    /// Milliseconds.
    pub small: i64,
}

/// The time of day of the store's host, which may be set.
pub struct StoreWall {
    time: Virtual,
    beginning: UnixMillis,
    /// What is added to the beginning and the time that has passed.
    shift: AtomicI64,
    /// The latest instant that it ever showed.
    latest: AtomicI64,
    /// When it was set, in virtual time, and by how much.
    settings: Mutex<Vec<(i64, i64)>>,
}

impl StoreWall {
    /// It begins on an ordinary day, or just before the clocks change in one of the zones that schedules have.
    pub fn new(time: Virtual, seed: u64) -> StoreWall {
        let beginning = BEGINNINGS[(seed % BEGINNINGS.len() as u64) as usize];
        let beginning = UnixMillis::parse_exact(beginning).expect("it is an instant");
        StoreWall { time, beginning, shift: AtomicI64::new(0), latest: AtomicI64::new(0), settings: Mutex::default() }
    }

    /// Where intervals count from: the whole minute before the beginning.
    pub fn zero(&self) -> UnixMillis {
        UnixMillis::saturating(self.beginning.get() / 60_000 * 60_000)
    }

    /// Unless it was set just before.
    pub fn set_by(&self, millis: i64) {
        if self.settings().last().is_some_and(|(at, _)| self.time.millis() < at + SET_APART) {
            return;
        }
        self.latest.fetch_max(self.now().get(), Ordering::Relaxed);
        self.shift.fetch_add(millis, Ordering::Relaxed);
        self.settings().push((self.time.millis(), millis));
    }

    /// How often it was set by more than a daemon's tolerance from `since` on, when for the last time, and how much all the
    /// smaller settings come to.
    pub fn set_since(&self, since: i64) -> Settings {
        let settings = self.settings();
        let recent = settings.iter().filter(|(at, _)| *at >= since);
        let (large, small): (Vec<_>, Vec<_>) = recent.copied().partition(|(_, by)| by.abs() >= TOLERATED);
        Settings { large: large.len(), last_at: large.last().map(|(at, _)| *at), small: small.iter().map(|(_, by)| by.abs()).sum() }
    }

    fn settings(&self) -> MutexGuard<'_, Vec<(i64, i64)>> {
        self.settings.lock().expect("nothing panics while it is held")
    }

    /// How far it is behind the latest instant that it ever showed.
    pub fn behind(&self) -> i64 {
        self.latest.load(Ordering::Relaxed) - self.now().get()
    }
}

impl WallClock for StoreWall {
    fn now(&self) -> UnixMillis {
        UnixMillis::saturating(self.beginning.get() + self.time.millis() + self.shift.load(Ordering::Relaxed))
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
        UnixMillis::saturating(self.process.hub.wall.beginning.get() + self.time.millis())
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
