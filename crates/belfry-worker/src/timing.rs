//! Waiting by the boot clock. Timers stand still while the host is suspended, so every wait looks at the clock again.

use std::future::Future;

use belfry_core::ports::{Boot, Clock};
use jiff::SignedDuration;

/// The longest stretch that is slept without looking at the clock.
pub(crate) const SLICE: SignedDuration = SignedDuration::from_secs(1);

pub(crate) async fn sleep_until(clock: &dyn Clock, at: Boot) {
    loop {
        let left = at.since(clock.boot());
        if left <= SignedDuration::ZERO {
            return;
        }
        clock.sleep(left.min(SLICE)).await;
    }
}

pub(crate) async fn sleep_for(clock: &dyn Clock, length: SignedDuration) {
    sleep_until(clock, clock.boot().plus(length)).await;
}

/// What `work` answers, or `None` when it takes longer than `limit`; it is dropped then.
pub(crate) async fn within<T>(clock: &dyn Clock, limit: SignedDuration, work: impl Future<Output = T>) -> Option<T> {
    let end = clock.boot().plus(limit);
    tokio::select! {
        biased;
        answer = work => Some(answer),
        () = sleep_until(clock, end) => None,
    }
}

/// Pauses that double, from `first` to `longest`.
pub(crate) struct Backoff {
    next: SignedDuration,
    longest: SignedDuration,
}

impl Backoff {
    pub fn new(first: SignedDuration, longest: SignedDuration) -> Backoff {
        Backoff { next: first, longest }
    }

    pub fn next(&mut self) -> SignedDuration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }
}
