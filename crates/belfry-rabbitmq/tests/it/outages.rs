use std::time::Duration;

use belfry_core::ports::{Message, Queue, QueueError, QueueState, Settled};
use belfry_rabbitmq::{RabbitMq, Settings};

use crate::broker::{LONG, OwnBroker, message, name, publish, publish_again, receive, settings, until};
use crate::proxy::{Proxy, Way};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_and_starts_is_unavailable_and_then_confirms_by_itself() {
    let broker = OwnBroker::start();
    let queue = RabbitMq::connect(&broker.url, settings()).unwrap();
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(publish(&queue, "a", &[1, 2]).await, Ok(vec![Settled::Confirmed; 2]));
    let held = consumer.receive(1, LONG).await.unwrap();

    broker.control(&["stop"]);
    let error = publish(&queue, "a", &[3]).await;
    assert!(matches!(error, Err(QueueError::Unavailable(_))), "{error:?}");
    assert!(matches!(queue.state(), QueueState::Down(_)), "{:?}", queue.state());

    broker.control(&["start"]);
    assert_eq!(publish_again(&queue, "a", &[3]).await, [Settled::Confirmed]);
    assert_eq!(queue.state(), QueueState::Up);
    // What was held is the broker's again: to settle it changes nothing, however often.
    for _ in 0..2 {
        assert_eq!(consumer.acknowledge(&held[0]).await, Ok(()));
        assert_eq!(consumer.give_back(&held[0]).await, Ok(()));
    }
    let mut runs = receive(&mut consumer, 3).await;
    runs.sort_unstable();
    assert_eq!(runs, [1, 2, 3].map(|number| message(number).run_id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_short_of_memory_is_unavailable_until_it_is_not_and_is_consumed_all_the_same() {
    let broker = OwnBroker::start();
    let queue = RabbitMq::connect(&broker.url, settings()).unwrap();
    assert_eq!(publish(&queue, "a", &[1]).await, Ok(vec![Settled::Confirmed]));

    broker.control(&["set_vm_memory_high_watermark", "0"]);
    // The broker blocks whoever publishes when it publishes, and says so; from then on nothing is sent.
    for _ in 0..2 {
        let error = publish(&queue, "a", &[2]).await.unwrap_err().to_string();
        assert!(error.contains("the broker takes no messages"), "{error}");
        let state = queue.state();
        assert!(matches!(&state, QueueState::Down(reason) if reason.contains("the broker takes no messages")), "{state:?}");
    }
    assert_eq!(queue.has_ready(&name("a")).await, Ok(true));
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    let delivered = consumer.receive(1, LONG).await.unwrap();
    assert_eq!(delivered[0].run_id, message(1).run_id);
    assert_eq!(consumer.acknowledge(&delivered[0]).await, Ok(()));

    broker.control(&["set_vm_memory_high_watermark", "0.6"]);
    assert_eq!(publish_again(&queue, "a", &[3]).await, [Settled::Confirmed]);
    assert_eq!(queue.state(), QueueState::Up);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_swallows_all_is_given_up_and_made_again() {
    let proxy = Proxy::start().await;
    // A connection is given up after two of its heartbeats.
    let queue = RabbitMq::connect(&format!("{}?heartbeat=1", proxy.url), settings()).unwrap();
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(publish(&queue, "a", &[1]).await, Ok(vec![Settled::Confirmed]));
    let held = consumer.receive(1, LONG).await.unwrap();
    assert_eq!(held[0].run_id, message(1).run_id);

    proxy.make(Way::Swallowing);
    publish(&queue, "a", &[2]).await.unwrap_err();
    until(|| queue.state() != QueueState::Up).await;
    // The other connection finds out by itself; were bytes let through before, it would live on and hold its message.
    let lost = async { while consumer.receive(1, jiff::SignedDuration::from_millis(100)).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(60), lost).await.unwrap();
    proxy.make(Way::Open);
    assert_eq!(publish_again(&queue, "a", &[3]).await, [Settled::Confirmed]);
    let mut runs = receive(&mut consumer, 2).await;
    runs.sort_unstable();
    assert_eq!(runs, [1, 3].map(|number| message(number).run_id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_given_up_half_written_costs_no_connection() {
    let proxy = Proxy::start().await;
    let settings = Settings { publish_limit: Duration::from_secs(1), ..settings() };
    let queue = RabbitMq::connect(&proxy.url, settings).unwrap();
    assert_eq!(publish_again(&queue, "a", &[1]).await, [Settled::Confirmed]);
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(receive(&mut consumer, 1).await, [message(1).run_id]);
    drop(consumer);

    proxy.make(Way::Still);
    // More than the sockets on the way hold.
    let large = (0..400).map(|number| Message { body: "x".repeat(100_000), ..message(1000 + number) }).collect();
    let error = queue.publish(&name("a"), large).await.unwrap_err().to_string();
    assert!(error.contains("confirmed within 1s"), "{error}");
    proxy.make(Way::Open);
    assert_eq!(publish_again(&queue, "a", &[2]).await, [Settled::Confirmed]);
    // One for publishing, and one for consuming.
    assert_eq!((queue.state(), proxy.connections()), (QueueState::Up, 2));
}
