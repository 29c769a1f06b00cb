use belfry_core::ports::{Queue, Settled};
use belfry_rabbitmq::{QueueType, Settings};
use jiff::SignedDuration;
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};

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
    assert_eq!(stranger.dead_letter(&settings.prefix).await.data, b"hello");
}

#[tokio::test]
async fn what_is_rejected_lies_with_the_dead_letters_as_it_was_and_says_where_it_comes_from() {
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        let settings = Settings { queue_type, ..settings() };
        let queue = connect(&settings);
        publish(&queue, "a", &[1]).await.unwrap();
        let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
        let held = consumer.receive(1, LONG).await.unwrap();
        for _ in 0..2 {
            assert_eq!(consumer.reject(&held[0]).await, Ok(()));
        }
        let letter = Stranger::new().await.dead_letter(&settings.prefix).await;
        assert_eq!(letter.data, message(1).body.as_bytes());
        assert_eq!(letter.properties.message_id().as_ref().unwrap().as_str(), message(1).run_id.to_string());
        let headers = letter.properties.headers().as_ref().unwrap();
        let header = |name: &str| headers.inner().get(name).and_then(|value| value.as_long_string()).unwrap().to_string();
        let from = format!("{}.a", settings.prefix);
        assert_eq!(["x-first-death-queue", "x-first-death-reason"].map(header), [from, "rejected".to_owned()]);
    }
}

#[tokio::test]
async fn dead_letters_that_nobody_keeps_hold_up_nobody() {
    let settings = settings();
    let queue = connect(&settings);
    publish(&queue, "a", &[1, 2]).await.unwrap();
    Stranger::new().await.delete_queue(&format!("{}.dead", settings.prefix)).await;
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    for number in [1, 2] {
        let held = consumer.receive(1, LONG).await.unwrap();
        assert_eq!(held[0].run_id, message(number).run_id);
        assert_eq!(consumer.reject(&held[0]).await, Ok(()));
    }
    assert_eq!(publish(&queue, "a", &[3]).await, Ok(vec![Settled::Confirmed]));
    assert_eq!(receive(&mut consumer, 1).await, [message(3).run_id]);
}

#[tokio::test]
async fn a_message_that_is_kept_and_handed_to_nobody_is_ready() {
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        let queue = connect(&Settings { queue_type, ..settings() });
        assert_eq!(queue.has_ready(&name("never-declared")).await, Ok(false));
        publish(&queue, "a", &[1]).await.unwrap();
        assert_eq!(queue.has_ready(&name("a")).await, Ok(true));
        assert_eq!(queue.has_ready(&name("never-declared")).await, Ok(false));
        let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
        let held = consumer.receive(1, LONG).await.unwrap();
        assert_eq!(queue.has_ready(&name("a")).await, Ok(false));
        consumer.acknowledge(&held[0]).await.unwrap();
        assert_eq!(queue.has_ready(&name("a")).await, Ok(false));
    }
}
