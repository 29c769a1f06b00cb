//! Batches of messages, settled as wholes.
//!
//! One batch is on its way on a channel at a time, and it is settled when all its confirms are in: kept is what was
//! acknowledged, less what was returned, told by message id. The driver hands a returned message to whichever confirm
//! completes next, which in a pipelined batch is often another's; over the whole batch none is missing, since the broker
//! returns a message before it confirms it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Confirmation};
use tracing::{info, warn};

use belfry_core::ids::RunId;
use belfry_core::message::CONTENT_TYPE;
use belfry_core::ports::{Message, QueueError, Settled};
use belfry_core::workflow::QueueName;

use crate::failed::failed;
use crate::link::{Link, Session};
use crate::settings::Settings;
use crate::topology::{self, Topology};

#[cfg(test)]
mod tests;

/// AMQP's `delivery-mode` of messages that outlive a restart.
const PERSISTENT: u8 = 2;

pub(crate) struct Publisher {
    link: Link,
    topology: Arc<Topology>,
    settings: Arc<Settings>,
}

/// What a batch came to, by message id.
#[derive(Debug, Default)]
struct Batch {
    /// With the broker's words.
    returned: HashMap<RunId, String>,
    rejected: HashSet<RunId>,
}

impl Publisher {
    pub fn new(link: Link, topology: Arc<Topology>, settings: Arc<Settings>) -> Publisher {
        Publisher { link, topology, settings }
    }

    pub async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        if topology::is_reserved(queue) {
            return Ok(vec![Settled::Refused(topology::reserved(queue)); messages.len()]);
        }
        let sendable: Vec<&Message> = messages.iter().filter(|message| self.refusal(message).is_none()).collect();
        let limit = self.settings.publish_limit;
        // Past its limit the batch is dropped, and the channel that it holds with it, which closes it.
        let late = |_| QueueError::Unavailable(format!("not all of {} messages was confirmed within {limit:?}", sendable.len()));
        let batch = match sendable.as_slice() {
            [] => Batch::default(),
            some => tokio::time::timeout(limit, self.send(queue, some)).await.map_err(late)??,
        };
        Ok(messages.iter().map(|message| self.settled(queue, message, &batch)).collect())
    }

    fn refusal(&self, message: &Message) -> Option<String> {
        let (size, most) = (message.body.len(), self.settings.max_message_bytes);
        (size > most).then(|| format!("the message has {size} bytes and may have {most}"))
    }

    fn settled(&self, queue: &QueueName, message: &Message, batch: &Batch) -> Settled {
        let id = &message.run_id;
        if let Some(refusal) = self.refusal(message) {
            return Settled::Refused(refusal);
        }
        if let Some(reason) = batch.returned.get(id) {
            let whose = if self.topology.declares() { "it was declared again in vain" } else { "declaring queues is the operator's" };
            let (name, exchange, key) = (self.topology.queue(queue), self.topology.exchange(), self.topology.routing_key(queue));
            return Settled::Refused(format!(
                "the broker returned the message ({reason}): no queue such as {name} is bound to the exchange {exchange} by {key}, and {whose}"
            ));
        }
        if batch.rejected.contains(id) {
            return Settled::Refused(format!(
                "the broker would not keep the message: the queue {} is full, or failed",
                self.topology.queue(queue)
            ));
        }
        Settled::Confirmed
    }

    async fn send(&self, queue: &QueueName, messages: &[&Message]) -> Result<Batch, QueueError> {
        let session = self.link.session().await?;
        tokio::select! {
            biased;
            reason = session.blocked() => Err(QueueError::Unavailable(format!("the broker takes no messages: {reason}"))),
            batch = self.send_over(&session, queue, messages) => batch,
        }
    }

    async fn send_over(&self, session: &Session, queue: &QueueName, messages: &[&Message]) -> Result<Batch, QueueError> {
        session.declare(&self.topology, queue).await?;
        let key = self.topology.routing_key(queue);
        let mut batch = self.pipeline(session, messages.iter().map(|message| (key.clone(), *message))).await?;
        if batch.returned.is_empty() {
            return Ok(batch);
        }
        session.forget(queue).await;
        if self.topology.declares() {
            info!(queue = %queue, messages = batch.returned.len(), "the broker returned messages: declaring their queue again");
            session.declare(&self.topology, queue).await?;
            let returned = messages.iter().filter(|message| batch.returned.contains_key(&message.run_id));
            let again = self.pipeline(session, returned.map(|message| (key.clone(), *message))).await?;
            batch.returned = again.returned;
            batch.rejected.extend(again.rejected);
        }
        Ok(batch)
    }

    /// Sends all and waits until all is settled, over a channel that nothing else is on.
    async fn pipeline<'a>(
        &self,
        session: &Session,
        messages: impl Iterator<Item = (ShortString, &'a Message)>,
    ) -> Result<Batch, QueueError> {
        let channel = session.confirming_channel().await?;
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let doing = "publish a message";
        let mut confirms = Vec::new();
        for (key, message) in messages {
            let sent = channel.basic_publish(self.topology.exchange(), key, mandatory, message.body.as_bytes(), properties(message));
            confirms.push((message.run_id, sent.await.map_err(|error| failed(doing, &error))?));
        }
        let mut batch = Batch::default();
        for (run_id, confirm) in confirms {
            let returned = match confirm.await.map_err(|error| failed(doing, &error))? {
                Confirmation::Ack(returned) => returned,
                Confirmation::Nack(returned) => {
                    batch.rejected.insert(run_id);
                    returned
                }
                Confirmation::NotRequested => return Err(QueueError::Unavailable("the channel gives no confirms".to_owned())),
            };
            if let Some(returned) = returned {
                batch.count_returned(&returned)?;
            }
        }
        session.give_back(channel);
        Ok(batch)
    }
}

impl Batch {
    /// A returned message without our id cannot be told from the confirmed ones: then nothing counts as confirmed.
    fn count_returned(&mut self, message: &BasicReturnMessage) -> Result<(), QueueError> {
        let id = message.delivery.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
        let Some(run_id) = id else {
            warn!("the broker returned a message that is none of ours");
            return Err(QueueError::Unavailable("the broker returned a message that is none of ours".to_owned()));
        };
        self.returned.insert(run_id, format!("{} {}", message.reply_code, message.reply_text));
        Ok(())
    }
}

fn properties(message: &Message) -> BasicProperties {
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(message.run_id.to_string().into())
}
