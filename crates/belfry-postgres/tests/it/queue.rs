//! The laws of the queue's port, on a server; and what only several processes have.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Delivered, Message, Queue, Settled};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;
use belfry_postgres::PostgresQueue;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::queues::Backend;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::server::TestDatabase;

struct Embedded {
    /// Dropped when the test ends.
    databases: Mutex<Vec<TestDatabase>>,
}

impl Embedded {
    /// Its consumers wait by the runtime's clock.
    fn new(_: ManualClock) -> Embedded {
        Embedded { databases: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn fresh(&self) -> Arc<dyn Queue> {
        let database = TestDatabase::migrated().await;
        let queue = database.connect().await.queue();
        self.databases.lock().unwrap().push(database);
        Arc::new(queue)
    }

    async fn advance(&self, _: SignedDuration) {}
}

belfry_testkit::queue_suite!(Embedded::new);

/// Long enough that a test which needs it has failed.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// Beyond the time for which a message is held.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

fn runs(delivered: &[Delivered]) -> Vec<RunId> {
    delivered.iter().map(|delivered| delivered.run_id).collect()
}

async fn published(queue: &PostgresQueue, count: u128) -> Vec<RunId> {
    let ids: Vec<RunId> = (1..=count).map(|number| RunId(Uuid::from_u128(number))).collect();
    let messages = ids.iter().map(|run_id| Message { run_id: *run_id, body: "{}".to_owned() }).collect();
    let settled = queue.publish(&QueueName::default(), messages).await;
    assert_eq!(settled, Ok(vec![Settled::Confirmed; ids.len()]));
    ids
}

async fn receive(consumer: &mut Box<dyn Consumer>, slots: usize) -> Vec<Delivered> {
    consumer.receive(slots, PATIENCE).await.unwrap()
}

/// Two processes: each has its own connections, and nothing of one wakes the other.
async fn two_processes(database: &TestDatabase) -> (PostgresQueue, PostgresQueue) {
    (database.connect().await.queue(), database.connect().await.queue())
}

fn start() -> UnixMillis {
    UnixMillis::parse_exact("2031-01-01T00:00:00Z").unwrap()
}

#[tokio::test]
async fn what_the_dead_held_is_delivered_when_its_time_is_over() {
    let database = TestDatabase::on_manual_clock(start()).await;
    let (one, other) = two_processes(&database).await;
    let ids = published(&one, 3).await;
    let mut dies = one.consumer(Vec::new()).await.unwrap();
    let held = receive(&mut dies, 2).await;
    dies.acknowledge(&held[0]).await.unwrap();
    // Never dropped: as if its process had died.
    std::mem::forget(dies);
    let mut lives = other.consumer(Vec::new()).await.unwrap();
    assert_eq!(runs(&receive(&mut lives, 9).await), ids[2..]);
    assert_eq!(other.has_ready(&QueueName::default()).await, Ok(false));
    database.set_clock(start().plus(MINUTE)).await;
    assert_eq!(other.has_ready(&QueueName::default()).await, Ok(true));
    let mut another = other.consumer(Vec::new()).await.unwrap();
    assert_eq!(runs(&receive(&mut another, 1).await), ids[1..2]);
}

#[tokio::test]
async fn who_was_frozen_for_longer_than_it_held_takes_nothing_from_the_next() {
    let database = TestDatabase::on_manual_clock(start()).await;
    let (one, other) = two_processes(&database).await;
    let ids = published(&one, 1).await;
    let mut frozen = one.consumer(Vec::new()).await.unwrap();
    let stale = receive(&mut frozen, 1).await;
    database.set_clock(start().plus(MINUTE)).await;
    let mut next = other.consumer(Vec::new()).await.unwrap();
    let held = receive(&mut next, 1).await;
    frozen.acknowledge(&stale[0]).await.unwrap();
    drop(frozen);
    next.give_back(&held[0]).await.unwrap();
    assert_eq!(runs(&receive(&mut next, 1).await), ids);
}

#[tokio::test]
async fn what_another_process_publishes_is_found() {
    let database = TestDatabase::migrated().await;
    let (one, other) = two_processes(&database).await;
    let mut consumer = one.consumer(Vec::new()).await.unwrap();
    let (delivered, ids) = tokio::join!(receive(&mut consumer, 1), published(&other, 1));
    assert_eq!(runs(&delivered), ids);
}

#[tokio::test]
async fn calls_that_are_dropped_one_after_another_lose_no_message() {
    let database = TestDatabase::migrated().await;
    let queue = database.connect().await.queue();
    let mut consumer = queue.consumer(vec![QueueName::default()]).await.unwrap();
    let ids = published(&queue, 2).await;
    let mut received = Vec::new();
    for _ in 0..5 {
        // Polled once, so that the taking is on its way, and dropped, unless it is answered already.
        let mut call = consumer.receive(1, PATIENCE);
        if let Poll::Ready(answer) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            received.extend(answer.unwrap());
        }
    }
    while received.len() < ids.len() {
        received.extend(receive(&mut consumer, 1).await);
    }
    assert_eq!(runs(&received), ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_of_two_processes_get_each_message_once() {
    const MESSAGES: u128 = 500;
    let database = TestDatabase::migrated().await;
    let (one, other) = two_processes(&database).await;
    let ids = published(&one, MESSAGES).await;
    let consume = |queue: PostgresQueue| async move {
        let mut consumer = queue.consumer(vec![QueueName::default()]).await.unwrap();
        let mut received = Vec::new();
        while queue.has_ready(&QueueName::default()).await.unwrap() {
            for delivered in consumer.receive(7, SignedDuration::ZERO).await.unwrap() {
                consumer.acknowledge(&delivered).await.unwrap();
                received.push(delivered.run_id);
            }
        }
        received
    };
    let (ours, theirs) = tokio::join!(tokio::spawn(consume(one)), tokio::spawn(consume(other)));
    let mut all = [ours.unwrap(), theirs.unwrap()].concat();
    all.sort_unstable();
    assert_eq!(all, ids);
    let left = database.admin().query_one("SELECT count(*) FROM queue_messages", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn an_acknowledgement_of_a_delivery_that_came_back_changes_nothing() {
    let database = TestDatabase::migrated().await;
    let queue = database.connect().await.queue();
    let ids = published(&queue, 1).await;
    let mut consumer = queue.consumer(Vec::new()).await.unwrap();
    let first = receive(&mut consumer, 1).await.remove(0);
    consumer.give_back(&first).await.unwrap();
    let second = receive(&mut consumer, 1).await.remove(0);
    consumer.acknowledge(&first).await.unwrap();
    drop(consumer);
    let mut consumer = queue.consumer(Vec::new()).await.unwrap();
    let third = receive(&mut consumer, 1).await.remove(0);
    assert_eq!([first.run_id, second.run_id, third.run_id], [ids[0]; 3]);
}
