//! How many requests a key may send.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use belfry_core::ids::KeyId;
use belfry_core::ports::Clock;
use governor::clock::Clock as Measure;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::problem::{Kind, Problem};

/// What one key may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second, in the long run.
    pub requests_per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Limits {
        let number = |number| NonZeroU32::new(number).expect("it is not zero");
        Limits { requests_per_second: number(500), burst: number(1_000) }
    }
}

/// After so many requests, the keys are forgotten that have not sent any for a while.
const FORGET_EVERY: u32 = 10_000;

/// Counts the requests of the keys that live: of no others, so that strangers fill no memory.
pub(crate) struct Limiter {
    limits: Limits,
    keys: RateLimiter<KeyId, HashMapStateStore<KeyId>, BootClock, NoOpMiddleware<Nanos>>,
    counted: AtomicU32,
    clock: BootClock,
}

impl Limiter {
    pub(crate) fn new(limits: Limits, clock: Arc<dyn Clock>) -> Limiter {
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.burst);
        let clock = BootClock(clock);
        let keys = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Limiter { limits, keys, counted: AtomicU32::new(0), clock }
    }

    pub(crate) fn count(&self, key: KeyId) -> Result<(), Problem> {
        if self.counted.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.keys.retain_recent();
        }
        self.keys.check_key(&key).map_err(|until| {
            // A whole number of seconds: a fraction cannot be said.
            let wait = u64::try_from(until.wait_time_from(self.clock.now()).as_millis()).unwrap_or(u64::MAX).div_ceil(1_000).max(1);
            let Limits { requests_per_second, burst } = self.limits;
            let detail = format!(
                "this key sends more than {requests_per_second} requests a second (after a pause {burst} at once); \
                 send the request again in {wait} s, as Retry-After says"
            );
            Problem::new(Kind::RateLimited, detail).retry_after(wait)
        })
    }
}

/// The port's clock as the limiter reads it.
#[derive(Clone)]
struct BootClock(Arc<dyn Clock>);

impl Measure for BootClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Duration::from_millis(u64::try_from(self.0.boot().0).unwrap_or(0)).into()
    }
}

#[cfg(test)]
mod tests {
    use belfry_testkit::clock::ManualClock;
    use jiff::SignedDuration;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_key_that_sends_too_much_waits_and_no_other_does() {
        let clock = ManualClock::default();
        let limits = Limits { requests_per_second: NonZeroU32::MIN, burst: NonZeroU32::new(2).unwrap() };
        let limiter = Limiter::new(limits, Arc::new(clock.clone()));
        let (one, other) = (KeyId(Uuid::from_u128(1)), KeyId(Uuid::from_u128(2)));
        assert!(limiter.count(one).is_ok() && limiter.count(one).is_ok());
        assert!(limiter.count(one).is_err());
        assert!(limiter.count(other).is_ok());
        clock.advance(SignedDuration::from_secs(1));
        assert!(limiter.count(one).is_ok() && limiter.count(one).is_err());
    }

    #[test]
    fn keys_that_have_rested_are_forgotten() {
        let clock = ManualClock::default();
        let limiter = Limiter::new(Limits::default(), Arc::new(clock.clone()));
        for number in 0..u128::from(FORGET_EVERY) - 1 {
            limiter.count(KeyId(Uuid::from_u128(number))).unwrap();
        }
        clock.advance(SignedDuration::from_secs(10));
        limiter.count(KeyId(Uuid::from_u128(7))).unwrap();
        assert_eq!(limiter.keys.len(), 1);
    }
}
