//! A queue under test, and the words in which its laws are told.

use std::sync::Arc;

use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Delivered, Ids, Message, Queue, QueueState, Settled};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;
use jiff::SignedDuration;

use super::Backend;
use crate::clock::SeededIds;

/// How long a message that is there may take; nobody waits so long for a queue that keeps its laws.
const LONG: SignedDuration = SignedDuration::from_secs(10);
/// How long nothing has to come for a law to hold. Too short, and a law may miss a fault; it never finds one that is not there.
const QUIET: SignedDuration = SignedDuration::from_millis(100);

/// How often a queue is asked for what it only comes to know. Each answer of a broker takes its time; a queue in memory has
/// the answer at once.
const ASKED_AT_MOST: usize = 10_000;

pub(super) struct Room<'a> {
    backend: &'a dyn Backend,
    queue: Arc<dyn Queue>,
    ids: SeededIds,
}

impl<'a> Room<'a> {
    pub(super) async fn fresh(backend: &'a dyn Backend) -> Room<'a> {
        Room { backend, queue: backend.fresh().await, ids: SeededIds::new(1) }
    }

    pub(super) fn run(&self) -> RunId {
        RunId(self.ids.v7(UnixMillis::saturating(1_795_597_200_000)))
    }

    pub(super) fn some_runs(&self, count: usize) -> Vec<RunId> {
        (0..count).map(|_| self.run()).collect()
    }

    pub(super) async fn publish_to(&self, queue: &str, runs: &[RunId]) -> Vec<Settled> {
        let messages = runs.iter().map(|run_id| Message { run_id: *run_id, body: format!("{{\"id\":\"{run_id}\"}}") }).collect();
        self.queue.publish(&name(queue), messages).await.unwrap()
    }

    /// Publishes `N` new runs in one batch.
    pub(super) async fn published<const N: usize>(&self, queue: &str) -> [RunId; N] {
        let runs = std::array::from_fn(|_| self.run());
        assert_eq!(self.publish_to(queue, &runs).await, vec![Settled::Confirmed; N]);
        runs
    }

    pub(super) async fn consumer(&self, queues: &[&str]) -> Box<dyn Consumer> {
        self.queue.consumer(queues.iter().map(|queue| name(queue)).collect()).await.unwrap()
    }

    /// One answer of at most `slots` messages. They are there: time passes only for a queue that does not see them.
    pub(super) async fn receive_at_most(&self, consumer: &mut Box<dyn Consumer>, slots: usize) -> Vec<Delivered> {
        self.receive_while_time_passes(consumer, slots, LONG).await
    }

    /// The one message that is yet to come. No time passes, so that only the message can end the waiting.
    pub(super) async fn wait_for_one(&self, consumer: &mut Box<dyn Consumer>) -> Vec<Delivered> {
        consumer.receive(1, LONG).await.unwrap()
    }

    /// Exactly `count` messages: a queue may answer fewer at a time than it has.
    pub(super) async fn receive(&self, consumer: &mut Box<dyn Consumer>, count: usize) -> Vec<Delivered> {
        let mut all = Vec::new();
        while all.len() < count {
            let some = self.receive_at_most(consumer, count - all.len()).await;
            assert!(!some.is_empty(), "{count} messages were to come, and only {all:?} came");
            all.extend(some);
        }
        assert_eq!(all.len(), count, "more came than there were slots");
        all
    }

    pub(super) async fn assert_nothing_comes(&self, consumer: &mut Box<dyn Consumer>) {
        assert_eq!(self.receive_while_time_passes(consumer, 10, QUIET).await, []);
    }

    pub(super) fn state(&self) -> QueueState {
        self.queue.state()
    }

    /// Asks until the queue says so: what a consumer let go of may still be on its way back.
    pub(super) async fn until_ready(&self, queue: &str, expected: bool) {
        for _ in 0..ASKED_AT_MOST {
            if self.queue.has_ready(&name(queue)).await.unwrap() == expected {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{queue} was expected to have {} ready", if expected { "a message" } else { "nothing" });
    }

    async fn receive_while_time_passes(&self, consumer: &mut Box<dyn Consumer>, slots: usize, patience: SignedDuration) -> Vec<Delivered> {
        let receive = consumer.receive(slots, patience);
        tokio::pin!(receive);
        let delivered = tokio::select! {
            biased;
            // First, so that it waits by the time at which the clock moves.
            delivered = &mut receive => delivered,
            () = self.backend.advance(patience) => receive.await,
        };
        delivered.unwrap()
    }
}

fn name(text: &str) -> QueueName {
    QueueName::parse(text).expect("the laws name queues as they may be named")
}
