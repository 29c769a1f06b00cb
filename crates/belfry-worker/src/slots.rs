//! How many runs are executed at the same time. A run that merely waits, in `wait` nodes or between attempts, holds no
//! slot: sixteen runs that wait for tomorrow must not stop all others.
//!
//! What waits still costs heartbeats and memory, so there are places for so many of them; a run that finds none keeps its
//! slot until it does. A run that wakes gives up its place and queues for a slot, ahead of what is yet to be received; its
//! claim is renewed meanwhile.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, watch};

/// How many waiting runs there may be for each slot, and in all: each renews its claim four times a minute.
const PLACES_PER_SLOT: usize = 100;
const MOST_PLACES: usize = 10_000;

pub(crate) struct Slots {
    free: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Told when a waiting run gave up its slot or took one again.
    changed: Notify,
}

impl Slots {
    pub fn new(concurrency: usize) -> Arc<Slots> {
        let places = concurrency.saturating_mul(PLACES_PER_SLOT).min(MOST_PLACES);
        Arc::new(Slots { free: Arc::new(Semaphore::new(concurrency)), places: Arc::new(Semaphore::new(places)), changed: Notify::new() })
    }

    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// Waits until a waiting run changed what is free. For one caller.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// For a run whose message was received. When a waking run took the slot in the same moment, the new one goes on without:
    /// one too many for a while is better than a message that waits behind a busy worker.
    pub fn take(self: &Arc<Slots>) -> Seat {
        let held = Arc::clone(&self.free).try_acquire_owned().map_or(Held::Nothing, Held::Slot);
        Seat { slots: Arc::clone(self), held: Mutex::new(held), counts: watch::channel(Counts::default()).0 }
    }
}

/// What one run holds.
pub(crate) struct Seat {
    slots: Arc<Slots>,
    held: Mutex<Held>,
    counts: watch::Sender<Counts>,
}

/// The permits are only kept: dropping one gives it back.
enum Held {
    Slot(#[expect(dead_code, reason = "kept for its drop")] OwnedSemaphorePermit),
    Place(#[expect(dead_code, reason = "kept for its drop")] OwnedSemaphorePermit),
    Nothing,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Nodes that were begun and have not settled.
    begun: usize,
    /// How many of them wait.
    idle: usize,
    /// The run has a place and no slot, or gave it up to queue for a slot.
    seated: bool,
}

impl Counts {
    fn merely_waits(self) -> bool {
        self.begun > 0 && self.begun == self.idle
    }

    /// It has no business with a slot. A state and not a change, for a node may wake and wait again between two looks.
    fn should_sit_down(self) -> bool {
        self.merely_waits() && !self.seated
    }
}

impl Seat {
    /// So many nodes are begun and not settled.
    pub fn set_begun(&self, begun: usize) {
        self.counts.send_modify(|counts| counts.begun = begun);
    }

    /// Does `waiting` for one node, and has a slot for what comes after it.
    pub async fn idle<T>(&self, waiting: impl Future<Output = T>) -> T {
        let idle = Idle::new(self);
        let waited = waiting.await;
        // Until it has a slot it still waits, also for a worker that stops.
        self.hold().await;
        drop(idle);
        waited
    }

    /// Waits until all that was begun waits.
    pub async fn merely_waits(&self) {
        self.reach(Counts::merely_waits).await;
    }

    /// Gives up the slot whenever the run merely waits and there is a place for it.
    pub async fn keep(&self) -> Infallible {
        loop {
            self.reach(Counts::should_sit_down).await;
            tokio::select! {
                biased;
                () = self.reach(|counts| !counts.merely_waits()) => (),
                () = self.sit_down() => (),
            }
        }
    }

    async fn sit_down(&self) {
        let place = Arc::clone(&self.slots.places).acquire_owned().await.expect("it is never closed");
        let mut held = self.held.lock().await;
        // A node may have been taking the slot for itself while the lock was waited for.
        if self.counts.borrow().should_sit_down() {
            *held = Held::Place(place);
            self.counts.send_modify(|counts| counts.seated = true);
            self.slots.changed.notify_one();
        }
    }

    /// One node at a time, so that the others of the run find the slot that the first one took.
    async fn hold(&self) {
        let mut held = self.held.lock().await;
        if matches!(*held, Held::Slot(_)) {
            return;
        }
        // The place first: where all slots are held by runs that found no place, one of them takes it and frees its slot.
        *held = Held::Nothing;
        *held = Held::Slot(Arc::clone(&self.slots.free).acquire_owned().await.expect("it is never closed"));
        self.counts.send_modify(|counts| counts.seated = false);
        self.slots.changed.notify_one();
    }

    async fn reach(&self, wished: impl Fn(Counts) -> bool) {
        let mut receiver = self.counts.subscribe();
        let reached = receiver.wait_for(|counts| wished(*counts)).await;
        drop(reached.expect("the sender is `self`"));
    }
}

/// Counts one node as waiting for as long as it lives.
struct Idle<'a>(&'a Seat);

impl Idle<'_> {
    fn new(seat: &Seat) -> Idle<'_> {
        seat.counts.send_modify(|counts| counts.idle += 1);
        Idle(seat)
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.counts.send_modify(|counts| counts.idle -= 1);
    }
}
