//! A connection, and what is known of the broker because it is the same one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection, Event};
use tokio::sync::{OnceCell, watch};
use tracing::{info, warn};

use belfry_core::ports::QueueError;
use belfry_core::workflow::QueueName;

use crate::failed::answered;
use crate::topology::Topology;

/// How long a loss that the driver does not tell of may go unseen.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// One for each batch that is on its way at once; there are fewer.
const MOST_IDLE_CHANNELS: usize = 8;

pub(crate) struct Session {
    connection: Connection,
    /// The broker's reason not to take messages, while it has one.
    blocked: watch::Sender<Option<String>>,
    /// Channels in confirm mode that nothing is on its way on.
    idle: Mutex<Vec<Channel>>,
    /// Whose declaration is begun or done; `None` is what all queues have in common. Each waits for its own alone: a queue
    /// that the broker cannot declare just now holds up no other.
    declared: Mutex<HashMap<Option<QueueName>, Arc<OnceCell<()>>>>,
}

/// What is said of a broker that blocks whoever publishes, with its reason.
pub(crate) fn takes_none(reason: &str) -> String {
    format!("the broker takes no messages: {reason}")
}

impl Session {
    pub(super) fn new(connection: Connection) -> Session {
        Session { connection, blocked: watch::Sender::new(None), idle: Mutex::default(), declared: Mutex::default() }
    }

    pub fn is_connected(&self) -> bool {
        self.connection.status().connected()
    }

    pub async fn channel(&self) -> Result<Channel, QueueError> {
        answered("open a channel", self.connection.create_channel()).await
    }

    /// A channel in confirm mode, of the caller alone. Dropped instead of given back, it is closed.
    pub async fn confirming_channel(&self) -> Result<Channel, QueueError> {
        while let Some(channel) = self.take_idle() {
            if channel.status().connected() {
                return Ok(channel);
            }
        }
        let channel = self.channel().await?;
        answered("ask for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    /// Only a channel on which all is settled.
    pub fn give_back(&self, channel: Channel) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE_CHANNELS {
            idle.push(channel);
        }
    }

    fn take_idle(&self) -> Option<Channel> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Declares the exchange and the queue of dead letters, unless that was done over this connection already.
    pub async fn declare_base(&self, topology: &Topology) -> Result<(), QueueError> {
        let cell = self.cell(None);
        cell.get_or_try_init(|| topology.declare_base(self)).await.copied()
    }

    /// Declares `queue`, unless that was done over this connection already. Whoever asks meanwhile waits: a queue that
    /// another declaration is still making counts as there, and keeps nothing yet.
    pub async fn declare(&self, topology: &Topology, queue: &QueueName) -> Result<(), QueueError> {
        self.declare_base(topology).await?;
        let cell = self.cell(Some(queue));
        cell.get_or_try_init(|| topology.declare_queue(self, queue)).await.copied()
    }

    /// Something of `queue` was found missing.
    pub fn forget(&self, queue: &QueueName) {
        self.declared().remove(&Some(queue.clone()));
    }

    /// The exchange was found missing, and with it all bindings.
    pub fn forget_all(&self) {
        self.declared().clear();
    }

    fn cell(&self, of: Option<&QueueName>) -> Arc<OnceCell<()>> {
        Arc::clone(self.declared().entry(of.cloned()).or_default())
    }

    fn declared(&self) -> MutexGuard<'_, HashMap<Option<QueueName>, Arc<OnceCell<()>>>> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The broker's reason not to take messages, as far as it was told.
    pub fn block(&self) -> Option<String> {
        self.blocked.borrow().clone()
    }

    /// Returns the broker's reason as soon as it takes no messages.
    pub async fn blocked(&self) -> String {
        let mut blocked = self.blocked.subscribe();
        let reason = blocked.wait_for(Option::is_some).await.expect("the session holds the sender");
        reason.clone().expect("it was waited for")
    }

    /// All that the driver tells of the connection from now on.
    pub(super) fn events(&self) -> BoxStream<'static, Event> {
        self.connection.events_listener().boxed()
    }

    /// Returns the reason when the connection is lost.
    pub(super) async fn lost(&self, mut events: BoxStream<'static, Event>) -> String {
        while self.is_connected() {
            match tokio::time::timeout(CHECK_EVERY, events.next()).await {
                Ok(Some(Event::ConnectionBlocked(reason))) => {
                    warn!("{}", takes_none(&reason));
                    self.blocked.send_replace(Some(reason));
                }
                Ok(Some(Event::ConnectionUnblocked)) => {
                    info!("the broker takes messages again");
                    self.blocked.send_replace(None);
                }
                // A soft one is a channel's, and ends no more than that.
                Ok(Some(Event::Error(error))) if !error.is_amqp_soft_error() => return error.to_string(),
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {}
            }
        }
        "it was closed".to_owned()
    }
}
