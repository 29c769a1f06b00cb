use belfry_core::ports::{Queue, QueueError, Settled};
use belfry_rabbitmq::{RabbitMq, Settings, WrongSettings};
use lapin::options::BasicGetOptions;

use crate::broker::{Stranger, connect, message, name, publish, settings};

#[tokio::test]
async fn a_message_is_persistent_and_carries_the_runs_id() {
    let settings = settings();
    let queue = connect(&settings);
    assert_eq!(publish(&queue, "a", &[7]).await, Ok(vec![Settled::Confirmed]));
    let stranger = Stranger::new().await;
    let got = stranger.channel.basic_get(format!("{}.a", settings.prefix).into(), BasicGetOptions { no_ack: true }).await.unwrap();
    let delivery = got.expect("it was confirmed").delivery;
    let properties = &delivery.properties;
    assert_eq!(properties.message_id().as_ref().unwrap().as_str(), message(7).run_id.to_string());
    assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/cloudevents+json");
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!((delivery.exchange.as_str(), delivery.routing_key.as_str()), (settings.prefix.as_str(), "a"));
    assert_eq!(delivery.data, message(7).body.as_bytes());
}

#[tokio::test]
async fn only_what_is_too_large_is_refused() {
    let queue = connect(&Settings { max_message_bytes: 100, ..settings() });
    let mut large = message(2);
    large.body = "x".repeat(101);
    let refused = Settled::Refused("the message has 101 bytes and may have 100".to_owned());
    let settled = queue.publish(&name("a"), vec![message(1), large.clone(), message(3)]).await;
    assert_eq!(settled, Ok(vec![Settled::Confirmed, refused.clone(), Settled::Confirmed]));
    assert_eq!(queue.publish(&name("a"), vec![large]).await, Ok(vec![refused]));
}

#[tokio::test]
async fn the_name_of_the_dead_letters_is_no_queues() {
    let queue = connect(&settings());
    let settled = publish(&queue, "dead", &[1]).await.unwrap();
    assert!(matches!(&settled[..], [Settled::Refused(reason)] if reason.contains("dead letters")), "{settled:?}");
    assert!(queue.consumer(vec![name("dead")]).await.is_err());
}

#[tokio::test]
async fn many_batches_at_once_are_settled_each_for_itself() {
    let queue = connect(&settings());
    let batches = (0..6_u32).map(|batch| {
        let (queue, numbers) = (queue.clone(), (batch * 500..(batch + 1) * 500).collect::<Vec<_>>());
        tokio::spawn(async move { publish(&queue, &format!("q{}", batch % 2), &numbers).await })
    });
    for batch in batches.collect::<Vec<_>>() {
        assert_eq!(batch.await.unwrap(), Ok(vec![Settled::Confirmed; 500]));
    }
}

#[tokio::test]
async fn a_batch_past_its_limit_is_unavailable_and_the_next_one_goes() {
    let settings = settings();
    let hurried = connect(&Settings { publish_limit: std::time::Duration::from_nanos(1), ..settings.clone() });
    let error = publish(&hurried, "a", &[1]).await.unwrap_err().to_string();
    assert!(error.contains("confirmed within 1ns"), "{error}");
    assert_eq!(publish(&connect(&settings), "a", &[1]).await, Ok(vec![Settled::Confirmed]));
}

#[tokio::test]
async fn a_broker_that_was_never_there_fails_no_start() {
    // A port that nobody listens on: it was free a moment ago, and is bound by nobody but this test.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let queue = RabbitMq::connect(&format!("amqp://guest:guest@{address}/%2f"), settings()).unwrap();
    let Err(QueueError::Unavailable(reason)) = publish(&queue, "a", &[1]).await else { panic!("nobody was there") };
    assert!(reason.contains(&format!("failed to connect to the broker at {address}")), "{reason}");
    let wrong = RabbitMq::connect("localhost:5672", settings()).err();
    assert!(matches!(wrong, Some(WrongSettings::Url(_))), "{wrong:?}");
}
