use belfry_core::ports::{Queue, QueueError, Settled};
use belfry_rabbitmq::RabbitMq;

use crate::broker::{LONG, OwnBroker, message, name, publish, publish_again, receive, settings};

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

    broker.control(&["start"]);
    assert_eq!(publish_again(&queue, "a", &[3]).await, [Settled::Confirmed]);
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
    }
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    let delivered = consumer.receive(1, LONG).await.unwrap();
    assert_eq!(delivered[0].run_id, message(1).run_id);
    assert_eq!(consumer.acknowledge(&delivered[0]).await, Ok(()));

    broker.control(&["set_vm_memory_high_watermark", "0.6"]);
    assert_eq!(publish_again(&queue, "a", &[3]).await, [Settled::Confirmed]);
}
