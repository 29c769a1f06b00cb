//! Time moved by hand, and identities that a seed decides: with them a test has neither sleeps nor chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use belfry_core::ports::{Boot, Clock, Ids, WallClock};
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use tokio::sync::watch;
use uuid::Uuid;

/// Both clocks of a host. Its handles share them.
#[derive(Debug, Clone)]
pub struct ManualClock {
    hands: Arc<watch::Sender<Hands>>,
}

#[derive(Debug, Clone, Copy)]
struct Hands {
    boot: Boot,
    wall: UnixMillis,
}

impl ManualClock {
    /// A host that booted just now, at `wall`.
    pub fn at(wall: UnixMillis) -> ManualClock {
        ManualClock { hands: Arc::new(watch::Sender::new(Hands { boot: Boot(0), wall })) }
    }

    /// Time passes: both clocks go on, and whoever slept until then wakes.
    pub fn advance(&self, by: SignedDuration) {
        assert!(!by.is_negative(), "time was asked to go back by {by}");
        self.hands.send_modify(|hands| *hands = Hands { boot: hands.boot.plus(by), wall: hands.wall.plus(by) });
    }

    /// The time of day is set, as by an operator or by NTP: no time passes, and nobody wakes.
    pub fn set(&self, wall: UnixMillis) {
        self.hands.send_modify(|hands| hands.wall = wall);
    }
}

impl Default for ManualClock {
    fn default() -> ManualClock {
        ManualClock::at(UnixMillis::saturating(1_795_597_200_000)) // 2026-11-25T09:00:00Z
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn boot(&self) -> Boot {
        self.hands.borrow().boot
    }

    async fn sleep(&self, length: SignedDuration) {
        let until = self.boot().plus(length);
        let awake = self.hands.subscribe().wait_for(|hands| hands.boot >= until).await.is_ok();
        assert!(awake, "the clock outlives its sleepers: they hold it");
    }
}

impl WallClock for ManualClock {
    fn now(&self) -> UnixMillis {
        self.hands.borrow().wall
    }
}

/// The same seed gives the same ids. Those of one millisecond are in the order in which they were made, so that lists that
/// are ordered by id are ordered by creation.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    made: AtomicU64,
}

impl SeededIds {
    pub fn new(seed: u64) -> SeededIds {
        SeededIds { seed, made: AtomicU64::new(0) }
    }
}

impl Ids for SeededIds {
    fn v7(&self, now: UnixMillis) -> Uuid {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        let mut random = [0; 10];
        // The bits that version and variant leave free of the first three bytes: 18 of them.
        random[..3].copy_from_slice(&[(count >> 14) as u8 & 0x0f, (count >> 6) as u8, count as u8 & 0x3f]);
        random[3..].copy_from_slice(&mixed(self.seed.wrapping_add(count)).to_be_bytes()[1..]);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.get()).unwrap_or(0), &random).into_uuid()
    }
}

/// The finalizer of SplitMix64.
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
