//! The edge: the only place that reads clocks and random numbers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use jiff::SignedDuration;
use uuid::Uuid;

use belfry_core::ports::{Boot, Clock, Ids, WallClock};
use belfry_core::time::UnixMillis;

/// The host's clocks and its random numbers.
#[derive(Debug, Clone, Copy)]
pub struct Host;

#[async_trait]
impl Clock for Host {
    fn boot(&self) -> Boot {
        // Not CLOCK_MONOTONIC, which std and tokio read: that one stands still while the host is suspended.
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Boot(time.tv_sec * 1_000 + time.tv_nsec / 1_000_000)
    }

    async fn sleep(&self, length: SignedDuration) {
        tokio::time::sleep(Duration::try_from(length).unwrap_or_default()).await;
    }
}

impl WallClock for Host {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::saturating(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Ids for Host {
    fn v7(&self, now: UnixMillis) -> Uuid {
        let millis = u64::try_from(now.get()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
    }
}

/// Fresh random bytes of the operating system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
