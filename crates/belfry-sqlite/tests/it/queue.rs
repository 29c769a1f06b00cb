//! The laws of the queue's port, on a file; and what only a file has.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use belfry_core::ids::RunId;
use belfry_core::ports::{Ids, Message, Queue, Settled};
use belfry_core::workflow::QueueName;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::queues::Backend;
use jiff::SignedDuration;

use crate::file::File;

struct Embedded {
    /// Removed when the test ends.
    files: Mutex<Vec<File>>,
}

impl Embedded {
    /// Its consumers wait by the runtime's clock.
    fn new(_: ManualClock) -> Embedded {
        Embedded { files: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn fresh(&self) -> Arc<dyn Queue> {
        let file = File::new();
        let queue = file.open().queue();
        self.files.lock().unwrap().push(file);
        Arc::new(queue)
    }

    async fn advance(&self, _: SignedDuration) {}
}

belfry_testkit::queue_suite!(Embedded::new);

/// Long enough that a test which needs it has failed.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

fn messages(file: &File, count: usize) -> (Vec<RunId>, Vec<Message>) {
    let ids: Vec<RunId> = (0..count).map(|_| RunId(file.ids.v7(file.now()))).collect();
    let messages = ids.iter().map(|run_id| Message { run_id: *run_id, body: "{}".to_owned() }).collect();
    (ids, messages)
}

#[tokio::test]
async fn what_was_held_comes_back_when_the_file_is_opened_again_and_what_was_done_with_does_not() {
    let file = File::new();
    let database = file.open();
    let queue = database.queue();
    let (ids, messages) = messages(&file, 4);
    assert_eq!(queue.publish(&QueueName::default(), messages).await, Ok(vec![Settled::Confirmed; 4]));
    let mut consumer = queue.consumer(Vec::new()).await.unwrap();
    let held = consumer.receive(3, PATIENCE).await.unwrap();
    assert_eq!(held.iter().map(|delivered| delivered.run_id).collect::<Vec<_>>(), ids[..3]);
    consumer.acknowledge(&held[0]).await.unwrap();
    consumer.reject(&held[1]).await.unwrap();
    // Never dropped: as if the process had died.
    std::mem::forget(consumer);
    database.close().await;

    let mut consumer = file.open().queue().consumer(Vec::new()).await.unwrap();
    let back = consumer.receive(9, PATIENCE).await.unwrap();
    assert_eq!(back.iter().map(|delivered| delivered.run_id).collect::<Vec<_>>(), ids[2..]);
}

#[tokio::test]
async fn calls_that_are_dropped_one_after_another_lose_no_message() {
    let file = File::new();
    let database = file.open();
    let queue = database.queue();
    let (ids, messages) = messages(&file, 2);
    let mut consumer = queue.consumer(vec![QueueName::default()]).await.unwrap();
    queue.publish(&QueueName::default(), messages).await.unwrap();
    let mut received = Vec::new();
    for _ in 0..5 {
        // Polled once, so that the taking is on its way, and dropped, unless it is answered already.
        let mut call = consumer.receive(1, PATIENCE);
        if let Poll::Ready(answer) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            received.extend(answer.unwrap());
        }
    }
    while received.len() < ids.len() {
        received.extend(consumer.receive(1, PATIENCE).await.unwrap());
    }
    assert_eq!(received.iter().map(|delivered| delivered.run_id).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn an_acknowledgement_of_a_delivery_that_came_back_changes_nothing() {
    let file = File::new();
    let database = file.open();
    let queue = database.queue();
    let (ids, messages) = messages(&file, 1);
    queue.publish(&QueueName::default(), messages).await.unwrap();
    let mut consumer = queue.consumer(Vec::new()).await.unwrap();
    let first = consumer.receive(1, PATIENCE).await.unwrap().remove(0);
    consumer.give_back(&first).await.unwrap();
    let second = consumer.receive(1, PATIENCE).await.unwrap().remove(0);
    consumer.acknowledge(&first).await.unwrap();
    drop(consumer);
    let mut consumer = queue.consumer(Vec::new()).await.unwrap();
    let third = consumer.receive(1, PATIENCE).await.unwrap().remove(0);
    assert_eq!([first.run_id, second.run_id, third.run_id], [ids[0]; 3]);
}
