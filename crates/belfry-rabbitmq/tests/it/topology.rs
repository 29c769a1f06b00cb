use belfry_core::ports::{Queue, QueueState, Settled};
use belfry_rabbitmq::{QueueCount, QueueType, Settings};
use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions};
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
async fn a_queue_that_cannot_be_had_takes_nothing_from_its_neighbours() {
    for declare_queues in [true, false] {
        let settings = settings();
        let queue = connect(&settings);
        assert_eq!(publish(&queue, "b", &[1]).await, Ok(vec![Settled::Confirmed]));
        let stranger = Stranger::new().await;
        if declare_queues {
            stranger.make_queue(&format!("{}.a", settings.prefix), "classic").await;
        }
        let queue = connect(&Settings { declare_queues, ..settings.clone() });
        let mut consumer = queue.consumer(vec![name("a"), name("b")]).await.unwrap();
        assert_eq!(receive(&mut consumer, 1).await, [message(1).run_id]);
        let alone = queue.consumer(vec![name("a")]).await.unwrap().receive(1, LONG).await.unwrap_err().to_string();
        let reason = if declare_queues { "PRECONDITION_FAILED" } else { "NOT_FOUND" };
        assert!(alone.contains(reason) && alone.contains(&format!("{}.a", settings.prefix)), "{alone}");
    }
}

#[tokio::test]
async fn an_exchange_that_was_deleted_is_declared_again() {
    let settings = settings();
    let queue = connect(&settings);
    assert_eq!(publish(&queue, "a", &[1]).await, Ok(vec![Settled::Confirmed]));
    let stranger = Stranger::new().await;
    stranger.channel.exchange_delete(settings.prefix.as_str().into(), ExchangeDeleteOptions::default()).await.unwrap();
    let error = publish(&queue, "a", &[2]).await.unwrap_err().to_string();
    assert!(error.contains("NOT_FOUND") && error.contains(&settings.prefix), "{error}");
    assert_eq!(publish(&queue, "a", &[2]).await, Ok(vec![Settled::Confirmed]));
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(receive(&mut consumer, 2).await, [message(1).run_id, message(2).run_id]);
}

#[tokio::test]
async fn an_exchange_of_another_kind_is_an_error_that_says_what_differs() {
    let settings = settings();
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let stranger = Stranger::new().await;
    let exchange = settings.prefix.as_str();
    stranger.channel.exchange_declare(exchange.into(), ExchangeKind::Fanout, durable, FieldTable::default()).await.unwrap();
    let queue = connect(&settings);
    let error = publish(&queue, "a", &[1]).await.unwrap_err().to_string();
    let QueueState::Down(state) = queue.state() else { panic!("nothing can be published") };
    for part in [exchange, "direct", "fanout"] {
        assert!(error.contains(part), "{error} should name {part}");
        assert!(state.contains(part), "{state} should name {part}");
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
    let expected = format!(
        "the broker returned the message (312 NO_ROUTE): no queue is bound to the exchange {exchange} by the routing key a; queues are \
         the operator's: make the durable queue {queue_name} and bind it to {exchange} by a, or set declare_queues"
    );
    assert_eq!(settled, [Settled::Refused(expected)]);

    stranger.make_queue(&queue_name, "classic").await;
    let bound =
        stranger.channel.queue_bind(queue_name.into(), exchange.into(), "a".into(), QueueBindOptions::default(), FieldTable::default());
    bound.await.unwrap();
    assert_eq!(publish(&queue, "a", &[2]).await, Ok(vec![Settled::Confirmed]));
    let mut consumer = queue.consumer(vec![name("a")]).await.unwrap();
    assert_eq!(receive(&mut consumer, 1).await, [message(2).run_id]);
}

#[tokio::test]
async fn a_queue_is_deleted_with_what_is_in_it_and_again_is_the_same() {
    let settings = settings();
    let queue = connect(&settings);
    assert_eq!(publish(&queue, "a", &[1]).await, Ok(vec![Settled::Confirmed]));
    for _ in 0..2 {
        assert_eq!(queue.delete_queue(&name("a")).await, Ok(()));
        assert_eq!(queue.has_ready(&name("a")).await, Ok(false));
    }
}

/// Of classic queues, whose count is never evasive.
#[tokio::test]
async fn a_look_at_a_queue_makes_none_counts_what_waits_and_says_what_differs() {
    let settings = Settings { queue_type: QueueType::Classic, ..settings() };
    let queue = connect(&settings);
    let count = |ready, consumers| Ok(Some(QueueCount { ready, consumers }));
    for _ in 0..2 {
        assert_eq!(queue.check_queue(&name("a")).await, Ok(None));
    }
    assert_eq!(publish(&queue, "a", &[1, 2]).await, Ok(vec![Settled::Confirmed, Settled::Confirmed]));
    assert_eq!(queue.check_queue(&name("a")).await, count(2, 0));
    assert_eq!(queue.check_queue(&name("dead")).await, count(0, 0));
    let stranger = Stranger::new().await;
    stranger.make_queue(&format!("{}.b", settings.prefix), "classic").await;
    let error = queue.check_queue(&name("b")).await.unwrap_err().to_string();
    assert!(error.contains("PRECONDITION_FAILED") && error.contains(&format!("{}.b", settings.prefix)), "{error}");
}
