//! Batches of messages, settled as wholes.
//!
//! One batch is on its way on a channel at a time, and it is settled when all its confirms are in: kept is what was
//! acknowledged, less what was returned, told by message id. The driver hands a returned message to whichever confirm
//! completes next, which in a pipelined batch is often another's; over the whole batch none is missing, since the broker
//! returns a message before it confirms it.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use tokio::sync::oneshot;
use tracing::{info, warn};

use belfry_core::ids::RunId;
use belfry_core::message::CONTENT_TYPE;
use belfry_core::ports::{Message, QueueError, QueueState, Settled};
use belfry_core::workflow::QueueName;

use crate::failed::{failed, is_not_found};
use crate::link::{Link, Session, takes_none};
use crate::settings::Settings;
use crate::topology::{self, Topology};

#[cfg(test)]
mod tests;

/// AMQP's `delivery-mode` of messages that outlive a restart.
const PERSISTENT: u8 = 2;
/// How many messages of a batch the driver is handed before it has written the first of them. It copies what it is handed.
const MOST_UNWRITTEN: usize = 128;

/// A message with its routing key.
type Keyed = (ShortString, Arc<Message>);

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

    pub fn state(&self) -> QueueState {
        self.link.state()
    }

    pub async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        if topology::is_reserved(queue) {
            return Ok(vec![Settled::Refused(topology::reserved(queue)); messages.len()]);
        }
        let messages: Vec<Arc<Message>> = messages.into_iter().map(Arc::new).collect();
        let sendable: Vec<Arc<Message>> = messages.iter().filter(|message| self.refusal(message).is_none()).cloned().collect();
        let (limit, count) = (self.settings.publish_limit, sendable.len());
        // Past its limit the batch is dropped, and the channel that it holds with it, which closes it.
        let late = |_| QueueError::Unavailable(format!("not all of {count} messages was confirmed within {limit:?}"));
        let batch = match count {
            0 => Batch::default(),
            _ => tokio::time::timeout(limit, self.send(queue, sendable)).await.map_err(late)??,
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
            let (name, exchange, key) = (self.topology.queue(queue), self.topology.exchange(), self.topology.routing_key(queue));
            let remedy = if self.topology.declares() {
                format!("the queue {name} was declared again in vain: see what deletes it, or its binding")
            } else {
                format!(
                    "queues are the operator's: make the durable queue {name} and bind it to {exchange} by {key}, or set declare_queues"
                )
            };
            return Settled::Refused(format!(
                "the broker returned the message ({reason}): no queue is bound to the exchange {exchange} by the routing key {key}; {remedy}"
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

    async fn send(&self, queue: &QueueName, messages: Vec<Arc<Message>>) -> Result<Batch, QueueError> {
        let session = self.link.session().await?;
        tokio::select! {
            biased;
            reason = session.blocked() => Err(QueueError::Unavailable(takes_none(&reason))),
            batch = self.send_over(&session, queue, messages) => batch,
        }
    }

    async fn send_over(&self, session: &Session, queue: &QueueName, messages: Vec<Arc<Message>>) -> Result<Batch, QueueError> {
        session.declare(&self.topology, queue).await?;
        let key = self.topology.routing_key(queue);
        let keyed: Vec<Keyed> = messages.into_iter().map(|message| (key.clone(), message)).collect();
        let mut batch = self.pipeline(session, keyed.clone()).await?;
        if batch.returned.is_empty() {
            return Ok(batch);
        }
        session.forget(queue);
        if self.topology.declares() {
            info!(queue = %queue, messages = batch.returned.len(), "the broker returned messages: declaring their queue again");
            session.declare(&self.topology, queue).await?;
            let returned = keyed.into_iter().filter(|(_, message)| batch.returned.contains_key(&message.run_id)).collect();
            let again = self.pipeline(session, returned).await?;
            batch.returned = again.returned;
            batch.rejected.extend(again.rejected);
        }
        Ok(batch)
    }

    /// Sends all and waits until all is settled, over a channel that nothing else is on.
    async fn pipeline(&self, session: &Session, messages: Vec<Keyed>) -> Result<Batch, QueueError> {
        let channel = session.confirming_channel().await?;
        let ids: Vec<RunId> = messages.iter().map(|(_, message)| message.run_id).collect();
        let confirmed = confirmations(write(channel.clone(), self.topology.exchange(), messages)).await;
        let confirmations = confirmed.map_err(|error| {
            // There is a queue, or the message would have come back: what is missing is the exchange.
            if is_not_found(&error) {
                session.forget_all();
            }
            failed("publish a message", &error)
        })?;
        session.give_back(channel);
        let mut batch = Batch::default();
        for (run_id, confirmation) in ids.into_iter().zip(confirmations) {
            batch.count(run_id, confirmation)?;
        }
        Ok(batch)
    }
}

/// Hands the messages to the driver, in a task that nobody ends: the driver sends the end of a channel before what waits to
/// be written over it, and a broker that is sent messages over a channel that has ended closes the connection. So whoever
/// gives up a batch leaves its channel open until that is written, or the connection is gone.
fn write(channel: Channel, exchange: ShortString, messages: Vec<Keyed>) -> oneshot::Receiver<lapin::Result<Vec<PublisherConfirm>>> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let mut confirms = Vec::with_capacity(messages.len());
        for some in messages.chunks(MOST_UNWRITTEN) {
            // The driver answers when it has written a message: awaited one by one, each costs the way to its thread and back.
            let writing = some.iter().map(|(key, message)| {
                channel.basic_publish(exchange.clone(), key.clone(), mandatory, message.body.as_bytes(), properties(message))
            });
            // All of them, also after one has failed.
            let written = join_all(writing).await.into_iter().collect::<lapin::Result<Vec<_>>>();
            match written {
                Ok(some) if !tell.is_closed() => confirms.extend(some),
                Ok(_) => return,
                Err(error) => {
                    let _ = tell.send(Err(error));
                    return;
                }
            }
        }
        let _ = tell.send(Ok(confirms));
    });
    told
}

async fn confirmations(written: oneshot::Receiver<lapin::Result<Vec<PublisherConfirm>>>) -> lapin::Result<Vec<Confirmation>> {
    // Untold when the runtime ends.
    let confirms = written.await.map_err(|_| io::Error::from(io::ErrorKind::Interrupted))??;
    let mut confirmations = Vec::with_capacity(confirms.len());
    for confirm in confirms {
        confirmations.push(confirm.await?);
    }
    Ok(confirmations)
}

impl Batch {
    fn count(&mut self, run_id: RunId, confirmation: Confirmation) -> Result<(), QueueError> {
        let returned = match confirmation {
            Confirmation::Ack(returned) => returned,
            Confirmation::Nack(returned) => {
                self.rejected.insert(run_id);
                returned
            }
            Confirmation::NotRequested => return Err(QueueError::Unavailable("the channel gives no confirms".to_owned())),
        };
        returned.map_or(Ok(()), |message| self.count_returned(&message))
    }

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
