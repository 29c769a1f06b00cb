//! The laws of the queue's port, as tests that each backend runs: `belfry_testkit::queue_suite!(MyBackend::new);`.

mod room;

use std::sync::Arc;

use async_trait::async_trait;
use belfry_core::ids::RunId;
use belfry_core::ports::{Delivered, Queue, QueueState, Settled};
use jiff::SignedDuration;

use room::Room;

/// What is put under test. It is made from a [`ManualClock`](crate::clock::ManualClock), which a queue that waits by a
/// clock of its own does not need.
#[async_trait]
pub trait Backend: Send + Sync {
    /// A new and empty queue.
    async fn fresh(&self) -> Arc<dyn Queue>;

    /// Lets whoever waits for at most `by` have waited: moves the clock that the queue waits by, and returns at once when
    /// that is a real one.
    async fn advance(&self, by: SignedDuration);
}

/// Expands to one test for each law. `$make` makes a [`Backend`](crate::queues::Backend) from a
/// [`ManualClock`](crate::clock::ManualClock).
#[macro_export]
macro_rules! queue_suite {
    ($make:expr) => {
        $crate::queue_suite! { @laws ($make)
            what_is_confirmed_is_delivered_once_for_each_publishing,
            each_message_of_a_batch_is_settled,
            what_was_published_before_the_first_consumer_is_delivered,
            a_consumer_that_waits_is_woken_by_a_publishing,
            no_more_is_delivered_than_there_are_slots,
            a_queue_is_delivered_in_the_order_of_its_publishing,
            a_consumer_gets_only_what_is_in_its_queues,
            a_consumer_of_no_queue_in_particular_gets_all,
            what_a_consumer_holds_is_nobody_elses,
            what_a_dropped_consumer_held_is_delivered_again,
            what_was_acknowledged_is_delivered_no_more,
            what_is_given_back_is_delivered_again,
            what_is_given_back_wakes_another_consumer,
            acknowledging_twice_is_harmless,
            acknowledging_what_came_back_takes_it_from_nobody,
            giving_back_twice_delivers_once,
            two_consumers_share_a_queue,
            what_is_rejected_is_delivered_to_nobody_again,
            rejecting_again_takes_nothing_else,
            what_nobody_holds_is_ready,
            what_is_held_or_done_with_is_not_ready,
            what_comes_back_is_ready,
            a_queue_that_is_published_to_is_up,
            patience_ends,
            a_call_that_is_dropped_loses_no_message,
        }
    };
    (@laws ($make:expr) $($law:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $law() {
                $crate::queues::$law(&$make($crate::clock::ManualClock::default())).await;
            }
        )+
    };
}

fn runs(delivered: &[Delivered]) -> Vec<RunId> {
    delivered.iter().map(|delivered| delivered.run_id).collect()
}

pub async fn what_is_confirmed_is_delivered_once_for_each_publishing(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let run = room.run();
    for _ in 0..2 {
        assert_eq!(room.publish_to("a", &[run]).await, [Settled::Confirmed]);
    }
    let mut consumer = room.consumer(&["a"]).await;
    assert_eq!(runs(&room.receive(&mut consumer, 2).await), [run, run]);
    room.assert_nothing_comes(&mut consumer).await;
}

pub async fn each_message_of_a_batch_is_settled(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let batch = room.some_runs(5);
    assert_eq!(room.publish_to("a", &batch).await, vec![Settled::Confirmed; 5]);
    assert_eq!(room.publish_to("a", &[]).await, []);
    let mut consumer = room.consumer(&["a"]).await;
    let delivered = room.receive(&mut consumer, 5).await;
    assert_eq!(runs(&delivered), batch);
    assert!(delivered.iter().all(|delivered| delivered.queue.as_str() == "a"));
}

pub async fn what_was_published_before_the_first_consumer_is_delivered(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [run] = room.published("never-consumed-before").await;
    let mut consumer = room.consumer(&["never-consumed-before"]).await;
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
}

pub async fn a_consumer_that_waits_is_woken_by_a_publishing(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let mut consumer = room.consumer(&["a"]).await;
    let (delivered, [run]) = tokio::join!(room.wait_for_one(&mut consumer), room.published("a"));
    assert_eq!(runs(&delivered), [run]);
}

pub async fn no_more_is_delivered_than_there_are_slots(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let all: [RunId; 5] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let first = room.receive_at_most(&mut consumer, 2).await;
    assert!(!first.is_empty() && first.len() <= 2, "{first:?}");
    // What has not been handed out waits behind nobody: another worker has it, while the first one holds its own.
    let mut other = room.consumer(&["a"]).await;
    let rest = room.receive(&mut other, 5 - first.len()).await;
    assert_eq!([runs(&first), runs(&rest)].concat(), all);
}

pub async fn a_queue_is_delivered_in_the_order_of_its_publishing(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let mut published = Vec::new();
    for _ in 0..3 {
        published.extend(room.published::<3>("a").await);
    }
    let mut consumer = room.consumer(&["a"]).await;
    assert_eq!(runs(&room.receive(&mut consumer, 9).await), published);
}

pub async fn a_consumer_gets_only_what_is_in_its_queues(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let ([a], [b], [c]) = (room.published("a").await, room.published("b").await, room.published("c").await);
    let mut consumer = room.consumer(&["a", "c"]).await;
    let delivered = room.receive(&mut consumer, 2).await;
    let mut seen: Vec<_> = delivered.iter().map(|delivered| (delivered.queue.as_str(), delivered.run_id)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [("a", a), ("c", c)]);
    room.assert_nothing_comes(&mut consumer).await;
    let mut other = room.consumer(&["b"]).await;
    assert_eq!(runs(&room.receive(&mut other, 1).await), [b]);
}

pub async fn a_consumer_of_no_queue_in_particular_gets_all(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [before] = room.published("a").await;
    let mut consumer = room.consumer(&[]).await;
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [before]);
    let [after] = room.published("made-afterwards").await;
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [after]);
}

pub async fn what_a_consumer_holds_is_nobody_elses(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [run] = room.published("a").await;
    let (mut consumer, mut other) = (room.consumer(&["a"]).await, room.consumer(&["a"]).await);
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
    room.assert_nothing_comes(&mut other).await;
    room.assert_nothing_comes(&mut consumer).await;
}

pub async fn what_a_dropped_consumer_held_is_delivered_again(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let all: [RunId; 3] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let held = room.receive(&mut consumer, 3).await;
    consumer.acknowledge(&held[1]).await.unwrap();
    drop(consumer);
    let mut other = room.consumer(&["a"]).await;
    let mut again = runs(&room.receive(&mut other, 2).await);
    again.sort_unstable();
    assert_eq!(again, [all[0], all[2]]);
    room.assert_nothing_comes(&mut other).await;
}

pub async fn what_was_acknowledged_is_delivered_no_more(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [_run] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let delivered = room.receive(&mut consumer, 1).await;
    consumer.acknowledge(&delivered[0]).await.unwrap();
    drop(consumer);
    let mut other = room.consumer(&["a"]).await;
    room.assert_nothing_comes(&mut other).await;
}

pub async fn what_is_given_back_is_delivered_again(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [run] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let delivered = room.receive(&mut consumer, 1).await;
    consumer.give_back(&delivered[0]).await.unwrap();
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
    room.assert_nothing_comes(&mut consumer).await;
}

pub async fn what_is_given_back_wakes_another_consumer(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [run] = room.published("a").await;
    let (mut consumer, mut other) = (room.consumer(&["a"]).await, room.consumer(&["a"]).await);
    let held = room.receive(&mut consumer, 1).await;
    let (delivered, given) = tokio::join!(room.wait_for_one(&mut other), consumer.give_back(&held[0]));
    assert_eq!((runs(&delivered), given), (vec![run], Ok(())));
}

pub async fn acknowledging_twice_is_harmless(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [first] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let delivered = room.receive(&mut consumer, 1).await;
    consumer.acknowledge(&delivered[0]).await.unwrap();
    // The second message of the run is not the one that was acknowledged.
    room.publish_to("a", &[first]).await;
    consumer.acknowledge(&delivered[0]).await.unwrap();
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [first]);
}

pub async fn acknowledging_what_came_back_takes_it_from_nobody(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [run] = room.published("a").await;
    let (mut consumer, mut other) = (room.consumer(&["a"]).await, room.consumer(&["a"]).await);
    let held = room.receive(&mut consumer, 1).await;
    consumer.give_back(&held[0]).await.unwrap();
    let theirs = room.receive(&mut other, 1).await;
    consumer.acknowledge(&held[0]).await.unwrap();
    other.give_back(&theirs[0]).await.unwrap();
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
}

pub async fn giving_back_twice_delivers_once(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [run] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let held = room.receive(&mut consumer, 1).await;
    for _ in 0..2 {
        consumer.give_back(&held[0]).await.unwrap();
    }
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
    room.assert_nothing_comes(&mut consumer).await;
}

pub async fn two_consumers_share_a_queue(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let all: [RunId; 6] = room.published("a").await;
    let (mut consumer, mut other) = (room.consumer(&["a"]).await, room.consumer(&["a"]).await);
    let (one, two) = tokio::join!(room.receive(&mut consumer, 3), room.receive(&mut other, 3));
    let mut seen = [runs(&one), runs(&two)].concat();
    seen.sort_unstable();
    assert_eq!(seen, all);
}

pub async fn what_is_rejected_is_delivered_to_nobody_again(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [_rejected, stays] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let held = room.receive(&mut consumer, 2).await;
    consumer.reject(&held[0]).await.unwrap();
    drop(consumer);
    let mut other = room.consumer(&["a"]).await;
    assert_eq!(runs(&room.receive(&mut other, 1).await), [stays]);
    room.assert_nothing_comes(&mut other).await;
}

pub async fn rejecting_again_takes_nothing_else(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [first] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let held = room.receive(&mut consumer, 1).await;
    consumer.reject(&held[0]).await.unwrap();
    // The second message of the run is not the one that was rejected.
    room.publish_to("a", &[first]).await;
    consumer.reject(&held[0]).await.unwrap();
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [first]);
}

pub async fn what_nobody_holds_is_ready(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    room.until_ready("a", false).await;
    let [_one, _other] = room.published("a").await;
    room.until_ready("a", true).await;
    room.until_ready("b", false).await;
    // One of the two is held, the other is still ready.
    let mut consumer = room.consumer(&["a"]).await;
    room.receive(&mut consumer, 1).await;
    room.until_ready("a", true).await;
}

pub async fn what_is_held_or_done_with_is_not_ready(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [_acknowledged, _rejected] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let held = room.receive(&mut consumer, 2).await;
    room.until_ready("a", false).await;
    consumer.acknowledge(&held[0]).await.unwrap();
    consumer.reject(&held[1]).await.unwrap();
    drop(consumer);
    room.until_ready("a", false).await;
}

pub async fn what_comes_back_is_ready(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let all: [RunId; 2] = room.published("a").await;
    let mut consumer = room.consumer(&["a"]).await;
    let held = room.receive(&mut consumer, 2).await;
    consumer.give_back(&held[0]).await.unwrap();
    drop(consumer);
    room.until_ready("a", true).await;
    let mut other = room.consumer(&["a"]).await;
    let mut again = runs(&room.receive(&mut other, 2).await);
    again.sort_unstable();
    assert_eq!(again, all);
    room.until_ready("a", false).await;
}

pub async fn a_queue_that_is_published_to_is_up(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let [_run] = room.published("a").await;
    assert_eq!(room.state(), QueueState::Up);
}

pub async fn patience_ends(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let mut consumer = room.consumer(&["a"]).await;
    room.assert_nothing_comes(&mut consumer).await;
    let [run] = room.published("a").await;
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
}

pub async fn a_call_that_is_dropped_loses_no_message(backend: &dyn Backend) {
    let room = Room::fresh(backend).await;
    let mut consumer = room.consumer(&["a"]).await;
    let [run] = tokio::select! {
        biased;
        early = room.wait_for_one(&mut consumer) => panic!("nothing was published: {early:?}"),
        run = room.published("a") => run,
    };
    assert_eq!(runs(&room.receive(&mut consumer, 1).await), [run]);
}
