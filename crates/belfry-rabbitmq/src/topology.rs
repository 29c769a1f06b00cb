//! The exchange and the queues: a durable direct exchange `belfry`, a queue `belfry.<queue>` for each queue, bound by the
//! queue's name, and `belfry.dead` for what no consumer would take.
//!
//! Declaring is also checking: a broker refuses to declare again what is there with other properties, and says which.
//! Each declaration has a channel of its own, since a refusal closes it.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use belfry_core::ports::QueueError;
use belfry_core::workflow::QueueName;

use crate::failed::answered;
use crate::link::Session;
use crate::settings::{QueueType, Settings};

/// The routing key of dead letters, and so no queue's name.
const DEAD: &str = "dead";

pub(crate) struct Topology {
    prefix: String,
    queue_type: QueueType,
    declares: bool,
}

pub(crate) fn is_reserved(queue: &QueueName) -> bool {
    queue.as_str() == DEAD
}

pub(crate) fn reserved(queue: &QueueName) -> String {
    format!("the queue {queue} is that of dead letters: choose another name")
}

impl Topology {
    pub fn new(settings: &Settings) -> Topology {
        Topology { prefix: settings.prefix.clone(), queue_type: settings.queue_type, declares: settings.declare_queues }
    }

    /// Whether the queues are made here; otherwise they are the operator's.
    pub fn declares(&self) -> bool {
        self.declares
    }

    pub fn exchange(&self) -> ShortString {
        self.prefix.as_str().into()
    }

    pub fn routing_key(&self, queue: &QueueName) -> ShortString {
        queue.as_str().into()
    }

    pub fn queue(&self, queue: &QueueName) -> ShortString {
        self.named(queue.as_str())
    }

    fn named(&self, key: &str) -> ShortString {
        format!("{}.{key}", self.prefix).into()
    }

    /// The exchange and the queue of dead letters.
    pub async fn declare_base(&self, session: &Session) -> Result<(), QueueError> {
        if !self.declares {
            return Ok(());
        }
        let channel = session.channel().await?;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let doing = format!("declare the exchange {} (direct, durable)", self.prefix);
        answered(&doing, channel.exchange_declare(self.exchange(), ExchangeKind::Direct, durable, FieldTable::default())).await?;
        self.declare(&channel, DEAD, self.arguments()).await
    }

    /// `queue` and its binding.
    pub async fn declare_queue(&self, session: &Session, queue: &QueueName) -> Result<(), QueueError> {
        if !self.declares {
            return Ok(());
        }
        let channel = session.channel().await?;
        let mut arguments = self.arguments();
        // Through our own exchange: a daemon needs leave to write to no other. Not at least once, as quorum queues could:
        // until it is kept elsewhere such a letter counts as ready in its queue, and a queue with ready messages is not
        // one whose messages were lost. A lost letter costs a look, not a run.
        arguments.insert("x-dead-letter-exchange".into(), text(&self.prefix));
        arguments.insert("x-dead-letter-routing-key".into(), text(DEAD));
        // What an operator's limit on the length must do: refuse the newest and say so, not drop the oldest in silence.
        arguments.insert("x-overflow".into(), text("reject-publish"));
        self.declare(&channel, queue.as_str(), arguments).await
    }

    fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text(self.queue_type.as_str()));
        arguments
    }

    async fn declare(&self, channel: &Channel, key: &str, arguments: FieldTable) -> Result<(), QueueError> {
        let queue = self.named(key);
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        // The broker names the first difference that it finds; whoever mends the queue needs all of them.
        let doing = format!("declare the queue {queue} (durable, {})", list(&arguments));
        answered(&doing, channel.queue_declare(queue.clone(), durable, arguments)).await?;
        let doing = format!("bind the queue {queue} to the exchange {}", self.prefix);
        let bound = channel.queue_bind(queue, self.exchange(), key.into(), QueueBindOptions::default(), FieldTable::default());
        answered(&doing, bound).await
    }
}

/// All of `arguments` are texts.
fn list(arguments: &FieldTable) -> String {
    let texts = arguments.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_long_string()?)));
    texts.collect::<Vec<_>>().join(", ")
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
