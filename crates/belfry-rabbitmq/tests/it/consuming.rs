use belfry_core::ports::Queue;
use futures_util::StreamExt;
use jiff::SignedDuration;
use lapin::BasicProperties;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};

use crate::broker::{LONG, QUIET, Stranger, connect, message, name, publish, receive, settings};

#[tokio::test]
async fn a_worker_with_no_free_slot_leaves_everything_to_the_others() {
    let queue = connect(&settings());
    let mut full = queue.consumer(vec![name("a")]).await.unwrap();
    // Subscribed, and nothing came.
    assert_eq!(full.receive(4, QUIET).await, Ok(vec![]));
    assert_eq!(full.receive(0, SignedDuration::ZERO).await, Ok(vec![]));
    publish(&queue, "a", &[1, 2]).await.unwrap();
    let mut other = queue.consumer(vec![name("a")]).await.unwrap();
    let mut runs = receive(&mut other, 2).await;
    runs.sort_unstable();
    assert_eq!(runs, [message(1).run_id, message(2).run_id]);
}

#[tokio::test]
async fn one_slot_among_many_queues_takes_one_message() {
    let queue = connect(&settings());
    let queues = ["a", "b", "c"].map(name);
    for (number, queue_name) in (1..).zip(&queues) {
        publish(&queue, queue_name.as_str(), &[number]).await.unwrap();
    }
    let mut one = queue.consumer(queues.to_vec()).await.unwrap();
    let mut runs = receive(&mut one, 1).await;
    let mut other = queue.consumer(queues.to_vec()).await.unwrap();
    runs.extend(receive(&mut other, 2).await);
    runs.sort_unstable();
    assert_eq!(runs, [1, 2, 3].map(|number| message(number).run_id));
}

#[tokio::test]
async fn a_queue_that_is_deleted_under_its_consumer_is_consumed_again() {
    let settings = settings();
    let queue = connect(&settings);
    let mut consumer = queue.consumer(vec![name("a"), name("b")]).await.unwrap();
    assert_eq!(consumer.receive(2, QUIET).await, Ok(vec![]));
    let deleted = format!("{}.a", settings.prefix);
    let stranger = Stranger::new().await;
    let (received, ()) = tokio::join!(consumer.receive(2, LONG), stranger.delete_queue(&deleted));
    let error = received.unwrap_err().to_string();
    assert!(error.contains(&deleted) && error.contains("deleted"), "{error}");
    publish(&queue, "a", &[1]).await.unwrap();
    assert_eq!(receive(&mut consumer, 1).await, [message(1).run_id]);
}

#[tokio::test]
async fn what_is_no_message_of_ours_goes_to_the_dead_letters_and_holds_up_nobody() {
    let settings = settings();
    let queue = connect(&settings);
    publish(&queue, "a", &[1]).await.unwrap();
    let stranger = Stranger::new().await;
    stranger.channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let send = stranger.channel.basic_publish(
        settings.prefix.as_str().into(),
        "a".into(),
        BasicPublishOptions::default(),
        b"hello",
        BasicProperties::default(),
    );
    send.await.unwrap().await.unwrap();
    publish(&queue, "a", &[2]).await.unwrap();
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(receive(&mut consumer, 2).await, [message(1).run_id, message(2).run_id]);
    let (dead, tag) = (format!("{}.dead", settings.prefix), ShortString::from("gravedigger"));
    let mut dead = stranger.channel.basic_consume(dead.into(), tag, BasicConsumeOptions::default(), FieldTable::default()).await.unwrap();
    let letter = tokio::time::timeout(LONG.try_into().unwrap(), dead.next()).await.expect("it was not dead-lettered");
    assert_eq!(letter.unwrap().unwrap().data, b"hello");
}
