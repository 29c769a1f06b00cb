//! How many messages a second the broker confirms:
//! `scripts/servers/rabbitmq cargo run --release -p belfry-rabbitmq --example throughput`.
//!
//! 50,000 persistent messages of 600 bytes, in batches of 500 with one to four of them on their way at once, to a queue of
//! each type.

use std::time::Instant;

use belfry_core::ports::{Message, Queue, Settled};
use belfry_core::workflow::QueueName;
use belfry_rabbitmq::{QueueType, RabbitMq, Settings};
use futures_util::{StreamExt, stream};
use lapin::options::QueueDeleteOptions;
use lapin::{Connection, ConnectionProperties};

const MESSAGES: usize = 50_000;
const BATCH: usize = 500;
const BODY_BYTES: usize = 600;
const MOST_BATCHES_AT_ONCE: usize = 4;

#[tokio::main]
async fn main() {
    let url = std::env::var("BELFRY_TEST_RABBITMQ").expect("scripts/servers/rabbitmq sets BELFRY_TEST_RABBITMQ");
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        let prefix = format!("throughput-{queue_type:?}-{}", std::process::id());
        let broker = RabbitMq::connect(&url, Settings { prefix: prefix.clone(), queue_type, ..Settings::default() });
        let broker = broker.expect("the address is one");
        for batches_at_once in 1..=MOST_BATCHES_AT_ONCE {
            let per_second = measure(&broker, batches_at_once).await;
            println!("{queue_type:?}, {batches_at_once} batches at once: {per_second:.0} messages/s");
            empty(&url, &format!("{prefix}.default")).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
async fn measure(broker: &RabbitMq, batches_at_once: usize) -> f64 {
    let queue = QueueName::default();
    // Connects and declares.
    let first = broker.publish(&queue, vec![message(0)]).await;
    assert_eq!(first, Ok(vec![Settled::Confirmed]));
    let began = Instant::now();
    let batches = stream::iter(0..MESSAGES / BATCH).map(|batch| {
        let (broker, queue) = (broker.clone(), queue.clone());
        let messages = (batch * BATCH..(batch + 1) * BATCH).map(message).collect();
        tokio::spawn(async move { broker.publish(&queue, messages).await })
    });
    let mut settled = batches.buffer_unordered(batches_at_once);
    while let Some(batch) = settled.next().await {
        assert_eq!(batch.expect("publishing does not panic"), Ok(vec![Settled::Confirmed; BATCH]));
    }
    f64::from(u32::try_from(MESSAGES).expect("it is small")) / began.elapsed().as_secs_f64()
}

fn message(number: usize) -> Message {
    let run_id = format!("01938a5e-7c00-7000-8000-{number:012x}").parse().expect("it is an id");
    Message { run_id, body: "x".repeat(BODY_BYTES) }
}

/// What one measurement leaves behind must not slow the next: the queue goes, and is declared again when it is missed.
async fn empty(url: &str, queue: &str) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker is there");
    let channel = connection.create_channel().await.expect("a channel opens");
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.expect("the queue goes");
}
