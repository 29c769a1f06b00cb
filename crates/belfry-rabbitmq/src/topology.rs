//! The exchange and the queues: a durable direct exchange `belfry`, a queue `belfry.<queue>` for each queue, bound by the
//! queue's name, and `belfry.dead` for what no consumer would take.
//!
//! Declaring is also checking: a broker refuses to declare again what is there with other properties, and says which.
//! Each declaration has a channel of its own, since a refusal closes it.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use belfry_core::ports::QueueError;
use belfry_core::workflow::QueueName;

use crate::QueueCount;
use crate::failed::{answered, is_not_found};
use crate::link::Session;
use crate::settings::{QueueType, Settings};

/// The routing key of dead letters, and so no queue's name.
const DEAD: &str = "dead";
/// Sooner than a broker gives up asking a queue's leader.
const PROMPT: Duration = Duration::from_millis(200);

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
        self.declare_over(&channel, queue).await
    }

    /// A refusal closes the channel.
    pub async fn declare_over(&self, channel: &Channel, queue: &QueueName) -> Result<(), QueueError> {
        let mut arguments = self.arguments();
        // Through our own exchange: a daemon needs leave to write to no other. Not at least once, as quorum queues could:
        // until it is kept elsewhere such a letter counts as ready in its queue, and a queue with ready messages is not
        // one whose messages were lost. A lost letter costs a look, not a run.
        arguments.insert("x-dead-letter-exchange".into(), text(&self.prefix));
        arguments.insert("x-dead-letter-routing-key".into(), text(DEAD));
        // What an operator's limit on the length must do: refuse the newest and say so, not drop the oldest in silence.
        arguments.insert("x-overflow".into(), text("reject-publish"));
        self.declare(channel, queue.as_str(), arguments).await
    }

    /// Makes sure of `queue` before it is consumed: the operator's are looked for.
    pub async fn prepare(&self, session: &Session, queue: &QueueName) -> Result<(), QueueError> {
        if self.declares {
            return self.declare_queue(session, queue).await;
        }
        let channel = session.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = self.queue(queue);
        let doing = format!("find the queue {name}, which is the operator's to declare");
        answered(&doing, channel.queue_declare(name, passive, FieldTable::default())).await?;
        Ok(())
    }

    /// Whether a message of `queue` is ready: a passive declaration counts those, and not the ones that consumers hold. The
    /// count of a quorum queue is its leader's, as fresh as that of a classic one (what lags by seconds is in the broker's lists).
    pub async fn has_ready(&self, session: &Session, queue: &QueueName) -> Result<bool, QueueError> {
        // Of its own, since the broker's word that there is no such queue closes it.
        let channel = session.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = self.queue(queue);
        let doing = format!("ask for the messages of the queue {name}");
        let counted = async {
            loop {
                let asked = channel.queue_declare(name.clone(), passive, FieldTable::default());
                tokio::pin!(asked);
                let (answer, is_prompt) = match tokio::time::timeout(PROMPT, &mut asked).await {
                    Ok(answer) => (answer, true),
                    Err(_) => (asked.await, false),
                };
                match answer {
                    Err(error) if is_not_found(&error) => return Ok(false),
                    Ok(queue) if is_evasive(queue.message_count(), queue.consumer_count(), is_prompt) => {}
                    answer => return Ok(answer?.message_count() > 0),
                }
            }
        };
        answered(&doing, counted).await
    }

    /// What is in `queue`, or `None` when there is no such queue: then none is made. One that is there and ours to declare is
    /// checked, arguments and binding. The queue of dead letters, which other arguments make, is only counted.
    pub async fn check(&self, session: &Session, queue: &QueueName) -> Result<Option<QueueCount>, QueueError> {
        let channel = session.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let name = self.queue(queue);
        let doing = format!("look at the queue {name}");
        let counted = answered(&doing, async {
            match channel.queue_declare(name.clone(), passive, FieldTable::default()).await {
                Err(error) if is_not_found(&error) => Ok(None),
                found => found.map(|queue| Some(QueueCount { ready: queue.message_count(), consumers: queue.consumer_count() })),
            }
        });
        let counted = counted.await?;
        if counted.is_some() && !is_reserved(queue) {
            self.declare_queue(session, queue).await?;
        }
        Ok(counted)
    }

    /// The broker answers alike for a queue that is not there.
    pub async fn delete_queue(&self, session: &Session, queue: &QueueName) -> Result<(), QueueError> {
        let channel = session.channel().await?;
        let queue = self.queue(queue);
        let doing = format!("delete the queue {queue}");
        answered(&doing, channel.queue_delete(queue, QueueDeleteOptions::default())).await?;
        Ok(())
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

/// Whether an answer may be what a broker says of a quorum queue whose leader it got no answer of in 250 ms: no messages, no
/// consumers. Taken for an answer, it would have all that the queue holds published again, for as long as it is overloaded.
fn is_evasive(messages: u32, consumers: u32, is_prompt: bool) -> bool {
    (messages, consumers) == (0, 0) && !is_prompt
}

/// All of `arguments` are texts.
fn list(arguments: &FieldTable) -> String {
    let texts = arguments.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_long_string()?)));
    texts.collect::<Vec<_>>().join(", ")
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nothing_and_nobody_told_late_is_evasive() {
        let answers = [(0, 0, false), (0, 0, true), (0, 1, false), (1, 0, false), (1, 1, true)];
        assert_eq!(
            answers.map(|(messages, consumers, is_prompt)| is_evasive(messages, consumers, is_prompt)),
            [true, false, false, false, false]
        );
    }
}
