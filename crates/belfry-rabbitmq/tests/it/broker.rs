//! A broker under test, and what others do to it behind our back.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Message, Queue, QueueError, Settled};
use belfry_core::workflow::QueueName;
use belfry_rabbitmq::{RabbitMq, Settings};
use futures_util::StreamExt;
use jiff::SignedDuration;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ConnectionProperties};

/// Nobody waits so long for a queue that keeps its laws.
pub const LONG: SignedDuration = SignedDuration::from_secs(20);
/// How long nothing has to come.
pub const QUIET: SignedDuration = SignedDuration::from_millis(200);
/// How often what comes by itself is looked for.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

pub fn url() -> String {
    std::env::var("BELFRY_TEST_RABBITMQ").expect("BELFRY_TEST_RABBITMQ is not set: run the tests by scripts/test, which starts a broker")
}

/// Settings with an exchange and queues of their own.
pub fn settings() -> Settings {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let prefix = format!("test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    Settings { prefix, ..Settings::default() }
}

pub fn connect(settings: &Settings) -> RabbitMq {
    RabbitMq::connect(&url(), settings.clone()).unwrap()
}

pub fn name(text: &str) -> QueueName {
    QueueName::parse(text).unwrap()
}

pub fn message(number: u32) -> Message {
    let run_id = format!("01938a5e-7c00-7000-8000-{number:012x}").parse().unwrap();
    Message { run_id, body: format!("{{\"number\":{number}}}") }
}

pub async fn publish(queue: &RabbitMq, to: &str, numbers: &[u32]) -> Result<Vec<Settled>, QueueError> {
    queue.publish(&name(to), numbers.iter().copied().map(message).collect()).await
}

/// Exactly `count` messages; failures on the way are an outage's, and pass.
pub async fn receive(consumer: &mut Box<dyn Consumer>, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    let all = async {
        while runs.len() < count {
            match consumer.receive(count - runs.len(), LONG).await {
                Ok(delivered) => runs.extend(delivered.iter().map(|delivered| delivered.run_id)),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(120), all).await;
    assert_eq!(waited, Ok(()), "{count} messages were to come, and only {runs:?} came");
    runs
}

/// Publishes until the broker is there again.
pub async fn publish_again(queue: &RabbitMq, to: &str, numbers: &[u32]) -> Vec<Settled> {
    let again = async {
        loop {
            match publish(queue, to, numbers).await {
                Ok(settled) => return settled,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), again).await.expect("the queue did not come back")
}

pub async fn until(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), waited).await.expect("it never came to be so");
}

/// A connection of somebody else.
pub struct Stranger {
    _connection: Connection,
    pub channel: Channel,
}

impl Stranger {
    pub async fn new() -> Stranger {
        let connection = Connection::connect(&url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        Stranger { _connection: connection, channel }
    }

    pub async fn make_queue(&self, queue: &str, queue_type: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(queue_type.into()));
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), durable, arguments).await.unwrap();
    }

    /// The next dead letter.
    pub async fn dead_letter(&self, prefix: &str) -> Delivery {
        let (dead, tag) = (format!("{prefix}.dead"), ShortString::from("gravedigger"));
        let mut dead = self.channel.basic_consume(dead.into(), tag, BasicConsumeOptions::default(), FieldTable::default()).await.unwrap();
        let letter = tokio::time::timeout(LONG.try_into().unwrap(), dead.next()).await.expect("nothing was dead-lettered");
        letter.unwrap().unwrap()
    }

    pub async fn delete_queue(&self, queue: &str) {
        self.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }
}

/// A broker of one test alone, which may stop it.
pub struct OwnBroker {
    script: Child,
    pub url: String,
    control: String,
}

impl OwnBroker {
    pub fn start() -> OwnBroker {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/servers/rabbitmq");
        let tell = "echo $BELFRY_TEST_RABBITMQ; echo $BELFRY_TEST_RABBITMQ_CONTROL; cat >/dev/null";
        let mut script = Command::new(script).args(["sh", "-c", tell]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let mut line = || lines.next().expect("scripts/servers/rabbitmq started no broker").unwrap();
        OwnBroker { url: line(), control: line(), script }
    }

    pub fn control(&self, arguments: &[&str]) {
        let status = Command::new(&self.control).args(arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}: {status}");
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        // At the end of its input the script cleans up.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
