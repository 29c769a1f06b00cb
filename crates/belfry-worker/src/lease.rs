//! The claim on one run: kept by heartbeats, lost by time.
//!
//! Everything that is done for a run happens inside one task, behind [`Lease::fence`]: whatever wakes that task, the
//! boot clock is looked at first. So a process that was suspended past its claim does nothing more for the run, not even
//! the next line of what it was doing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;

use belfry_core::ids::RunId;
use belfry_core::ports::{Beat, Boot, StoreError};
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use tokio::sync::watch;
use tracing::warn;

use crate::settings::CLAIM_LENGTH;
use crate::timing::{SLICE, sleep_until, within};
use crate::worker::Shared;

/// How soon a failed heartbeat is tried again.
const RETRY_HEARTBEAT: SignedDuration = SignedDuration::from_secs(1);

/// The claim is gone: nothing may be done or written for the run any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// What is wished of the work on a run. A later wish outweighs an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    GoOn,
    /// The run has failed: let nodes that work end, and nodes that merely wait be cut.
    Fail,
    /// The worker stops: give the run back.
    GiveBack,
    Cancel,
}

pub(crate) struct Wishes(watch::Sender<Wish>);

impl Wishes {
    pub fn new() -> Wishes {
        Wishes(watch::channel(Wish::GoOn).0)
    }

    pub fn raise(&self, wish: Wish) {
        self.0.send_if_modified(|now| {
            let higher = wish > *now;
            *now = wish.max(*now);
            higher
        });
    }

    pub fn now(&self) -> Wish {
        *self.0.borrow()
    }

    /// Waits for `wish`, or one that outweighs it.
    pub async fn reach(&self, wish: Wish) -> Wish {
        let mut receiver = self.0.subscribe();
        let reached = receiver.wait_for(|now| *now >= wish).await;
        *reached.expect("the sender is `self`")
    }
}

pub(crate) struct Lease {
    shared: Arc<Shared>,
    pub run: RunId,
    pub epoch: i64,
    /// The boot clock's instant from which on the work is dead.
    dead_from: AtomicI64,
    /// The store's clock less the boot clock, in milliseconds.
    store_ahead: AtomicI64,
    next_beat: Boot,
}

impl Lease {
    /// `first_sent` is when the claim's token was first sent, `claim_until` what the store answered.
    pub fn new(shared: Arc<Shared>, run: RunId, epoch: i64, first_sent: Boot, claim_until: UnixMillis) -> Lease {
        let dead_from = AtomicI64::new(first_sent.plus(shared.settings.give_up_after).0);
        let next_beat = first_sent.plus(shared.settings.heartbeat_interval);
        let lease = Lease { shared, run, epoch, dead_from, store_ahead: AtomicI64::new(0), next_beat };
        lease.learn_store_time(claim_until);
        lease
    }

    /// The store's clock, as far as its last answer tells: a host whose clock is wrong moves no wait and no record.
    pub fn store_now(&self) -> UnixMillis {
        UnixMillis::saturating(self.shared.clock.boot().0.saturating_add(self.store_ahead.load(Ordering::Relaxed)))
    }

    /// Sleeps until the store's clock shows `at`.
    pub async fn sleep_until(&self, at: UnixMillis) {
        // A slice at a time, for each heartbeat corrects what is known of the store's clock.
        while let left = at.since(self.store_now())
            && left > SignedDuration::ZERO
        {
            self.shared.clock.sleep(left.min(SLICE)).await;
        }
    }

    /// Polls `work` for as long as the claim is held.
    pub async fn fence<T>(&self, work: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
        let mut work = pin!(work);
        poll_fn(|context| if self.is_lost() { Poll::Ready(Err(Lost)) } else { work.as_mut().poll(context) }).await
    }

    fn is_lost(&self) -> bool {
        self.shared.clock.boot().0 >= self.dead_from.load(Ordering::Relaxed)
    }

    /// Renews the claim until the store says that it is lost. Its sleeps also wake the fence.
    pub async fn keep(&self, wishes: &Wishes) -> Lost {
        let clock = &*self.shared.clock;
        let interval = self.shared.settings.heartbeat_interval;
        let mut next = self.next_beat;
        loop {
            sleep_until(clock, next).await;
            let sent = clock.boot();
            match within(clock, interval, self.shared.runs.heartbeat(self.run, self.epoch, None)).await {
                Some(Ok(Beat::Alive { claim_until, cancel_requested })) => {
                    self.dead_from.store(sent.plus(self.shared.settings.give_up_after).0, Ordering::Relaxed);
                    self.learn_store_time(claim_until);
                    if cancel_requested {
                        wishes.raise(Wish::Cancel);
                    }
                    next = sent.plus(interval);
                }
                Some(Ok(Beat::Stale) | Err(StoreError::NotFound(_))) => return Lost,
                failed => {
                    let reason = failed.and_then(Result::err).map_or_else(|| "no answer".to_owned(), |error| error.to_string());
                    warn!(run.id = %self.run, "the heartbeat of run {} failed and is tried again: {reason}", self.run);
                    next = clock.boot().plus(RETRY_HEARTBEAT);
                }
            }
        }
    }

    fn learn_store_time(&self, claim_until: UnixMillis) {
        let store_now = claim_until.minus(CLAIM_LENGTH);
        self.store_ahead.store(store_now.get() - self.shared.clock.boot().0, Ordering::Relaxed);
    }
}
