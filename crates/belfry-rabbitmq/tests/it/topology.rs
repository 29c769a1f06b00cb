use belfry_core::ports::{Queue, Settled};
use belfry_rabbitmq::{QueueType, Settings};
use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions};
use lapin::types::FieldTable;

use crate::broker::{LONG, Stranger, connect, message, name, publish, receive, settings};

#[tokio::test]
async fn a_queue_of_another_type_is_an_error_that_says_what_differs() {
    let settings = settings();
    let classic = connect(&Settings { queue_type: QueueType::Classic, ..settings.clone() });
    assert_eq!(publish(&classic, "dead-ends", &[1]).await, Ok(vec![Settled::Confirmed]));
    let error = publish(&connect(&settings), "a", &[1]).await.unwrap_err().to_string();
    for part in [&format!("{}.dead", settings.prefix), "x-queue-type", "'quorum'", "'classic'"] {
        assert!(error.contains(part), "{error} should name {part}");
    }

    let other = self::settings();
    let its_other_name = format!("{}.a", other.prefix);
    Stranger::new().await.make_queue(&its_other_name, "classic").await;
    let queue = connect(&other);
    for error in [
        publish(&queue, "a", &[1]).await.unwrap_err().to_string(),
        queue.consumer(vec![name("a")]).await.unwrap().receive(1, LONG).await.unwrap_err().to_string(),
    ] {
        // The broker names one difference; what would be right is told in full.
        for part in [&its_other_name, "PRECONDITION_FAILED", "x-dead-letter-exchange", "x-queue-type quorum", "x-overflow reject-publish"] {
            assert!(error.contains(part), "{error} should name {part}");
        }
    }
    assert_eq!(publish(&queue, "b", &[1]).await, Ok(vec![Settled::Confirmed]));
}

#[tokio::test]
async fn an_exchange_of_another_kind_is_an_error_that_says_what_differs() {
    let settings = settings();
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let stranger = Stranger::new().await;
    let exchange = settings.prefix.as_str();
    stranger.channel.exchange_declare(exchange.into(), ExchangeKind::Fanout, durable, FieldTable::default()).await.unwrap();
    let error = publish(&connect(&settings), "a", &[1]).await.unwrap_err().to_string();
    for part in [exchange, "direct", "fanout"] {
        assert!(error.contains(part), "{error} should name {part}");
    }
}

#[tokio::test]
async fn a_queue_that_was_deleted_is_declared_again() {
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        let settings = Settings { queue_type, ..settings() };
        let queue = connect(&settings);
        assert_eq!(publish(&queue, "a", &[1]).await, Ok(vec![Settled::Confirmed]));
        Stranger::new().await.delete_queue(&format!("{}.a", settings.prefix)).await;
        assert_eq!(publish(&queue, "a", &[2, 3]).await, Ok(vec![Settled::Confirmed; 2]));
        let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
        assert_eq!(receive(&mut consumer, 2).await, [message(2).run_id, message(3).run_id]);
    }
}

#[tokio::test]
async fn queues_that_are_the_operators_are_left_to_the_operator() {
    let settings = Settings { declare_queues: false, ..settings() };
    let (exchange, queue_name) = (settings.prefix.as_str(), format!("{}.a", settings.prefix));
    let queue = connect(&settings);
    let error = publish(&queue, "a", &[1]).await.unwrap_err().to_string();
    assert!(error.contains("NOT_FOUND") && error.contains(exchange), "{error}");

    let stranger = Stranger::new().await;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    stranger.channel.exchange_declare(exchange.into(), ExchangeKind::Direct, durable, FieldTable::default()).await.unwrap();
    let settled = publish(&queue, "a", &[1]).await.unwrap();
    let refused = |reason: &String| reason.contains("NO_ROUTE") && reason.contains(&queue_name) && reason.contains("the operator's");
    assert!(matches!(&settled[..], [Settled::Refused(reason)] if refused(reason)), "{settled:?}");

    stranger.make_queue(&queue_name, "classic").await;
    let bound =
        stranger.channel.queue_bind(queue_name.into(), exchange.into(), "a".into(), QueueBindOptions::default(), FieldTable::default());
    bound.await.unwrap();
    assert_eq!(publish(&queue, "a", &[2]).await, Ok(vec![Settled::Confirmed]));
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(receive(&mut consumer, 1).await, [message(2).run_id]);
}
