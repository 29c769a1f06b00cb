//! Clocks and fresh identities.

use async_trait::async_trait;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::time::UnixMillis;

/// An instant of the host's boot clock, in milliseconds: it never steps and goes on while the host is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Boot(pub i64);

impl Boot {
    #[must_use]
    pub fn plus(self, by: SignedDuration) -> Boot {
        Boot(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    pub fn since(self, earlier: Boot) -> SignedDuration {
        SignedDuration::from_millis(self.0 - earlier.0)
    }
}

/// What waiting is measured by. It says nothing of the time of day: that is the store's to say.
#[async_trait]
pub trait Clock: Send + Sync {
    fn boot(&self) -> Boot;

    /// Sleeps for about `length`. Whoever waits for an instant asks [`Clock::boot`] again afterwards and sleeps in slices of
    /// at most a second: timers stand still while the host is suspended.
    async fn sleep(&self, length: SignedDuration);
}

/// The host's time of day. Only an embedded store decides by it; with a database server, the server's clock does.
pub trait WallClock: Send + Sync {
    fn now(&self) -> UnixMillis;
}

/// Fresh random identities.
pub trait Ids: Send + Sync {
    /// A UUIDv7 whose leading 48 bits are `now`.
    fn v7(&self, now: UnixMillis) -> Uuid;
}
