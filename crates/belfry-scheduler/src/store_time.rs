//! The store's clock, as this process knows it.

use jiff::SignedDuration;

use belfry_core::ports::Boot;
use belfry_core::time::UnixMillis;

/// Between which two values the offset `store − boot` lies, in milliseconds.
///
/// Each answer of the store bounds it: the store read its clock after the question was sent and before the answer came.
/// Bounds of several answers are intersected, so the estimate is as good as the fastest answer; they widen with time, since
/// two clocks drift apart.
#[derive(Debug, Clone, Copy)]
pub struct StoreTime {
    low: i64,
    high: i64,
    observed: Boot,
}

/// Clocks of ordinary hosts drift by less than 100 ppm: a millisecond in ten seconds.
const DRIFT_DIVISOR: i64 = 10_000;
/// An offset that moved by more is a clock that was set, not a slow answer.
const JUMP_MS: i64 = 1_000;

impl StoreTime {
    pub fn first(sent: Boot, received: Boot, store_now: UnixMillis) -> StoreTime {
        let (low, high) = bounds(sent, received, store_now);
        StoreTime { low, high, observed: received }
    }

    /// Takes in an answer; true when the store's clock was set meanwhile.
    pub fn observe(&mut self, sent: Boot, received: Boot, store_now: UnixMillis) -> bool {
        let (low, high) = bounds(sent, received, store_now);
        let drift = (received.0 - self.observed.0).max(0) / DRIFT_DIVISOR + 1;
        let (old_low, old_high) = (self.low - drift, self.high + drift);
        self.observed = received;
        if low > old_high || high < old_low {
            (self.low, self.high) = (low, high);
            return low - old_high > JUMP_MS || old_low - high > JUMP_MS;
        }
        (self.low, self.high) = (low.max(old_low), high.min(old_high));
        false
    }

    /// The estimated store time less its error: never ahead of the store, so nothing that is decided by it is early.
    pub fn now(&self, boot: Boot) -> UnixMillis {
        UnixMillis::saturating(boot.0 + self.low)
    }

    /// When [`StoreTime::now`] reaches `instant`: what is waited for is then surely due by the store's clock.
    pub fn boot_at(&self, instant: UnixMillis) -> Boot {
        Boot(instant.get() - self.low)
    }

    /// How far the estimate may be behind the store.
    pub fn error(&self) -> SignedDuration {
        SignedDuration::from_millis(self.high - self.low)
    }

    pub fn offset_ms(&self) -> i64 {
        self.low + (self.high - self.low) / 2
    }
}

/// Both clocks are read rounded down, so each reading stands for up to a millisecond more.
fn bounds(sent: Boot, received: Boot, store_now: UnixMillis) -> (i64, i64) {
    (store_now.get() - received.0 - 1, store_now.get() + 1 - sent.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> UnixMillis {
        UnixMillis::saturating(millis)
    }

    proptest::proptest! {
        /// Whatever the delays, the estimate is never ahead of the store.
        #[test]
        fn the_estimate_is_never_ahead(true_offset in -5_000_000_i64..5_000_000, trips in proptest::collection::vec((0_i64..500, 0_i64..500, 0_i64..5_000), 1..20)) {
            let mut boot = 1_000_000_i64;
            let mut time: Option<StoreTime> = None;
            for (there, back, pause) in trips {
                let (sent, read, received) = (Boot(boot), at(boot + there + true_offset), Boot(boot + there + back));
                match &mut time {
                    None => time = Some(StoreTime::first(sent, received, read)),
                    Some(time) => { time.observe(sent, received, read); }
                }
                let now = time.expect("was set").now(received);
                proptest::prop_assert!(now.get() <= received.0 + true_offset);
                boot = received.0 + pause;
            }
        }
    }

    #[test]
    fn a_fast_answer_improves_the_estimate_and_a_slow_one_does_not_spoil_it() {
        let mut time = StoreTime::first(Boot(0), Boot(400), at(10_200));
        assert_eq!(time.error(), SignedDuration::from_millis(402));
        time.observe(Boot(500), Boot(502), at(10_501));
        assert!(time.error() <= SignedDuration::from_millis(4));
        time.observe(Boot(600), Boot(1_600), at(11_100));
        assert!(time.error() <= SignedDuration::from_millis(6));
    }

    #[test]
    fn a_clock_that_was_set_is_noticed_and_followed() {
        let mut time = StoreTime::first(Boot(0), Boot(2), at(10_001));
        assert!(!time.observe(Boot(1_000), Boot(1_002), at(11_003)));
        assert!(time.observe(Boot(2_000), Boot(2_002), at(3_612_001)));
        assert_eq!(time.now(Boot(2_002)), at(3_612_000));
    }
}
