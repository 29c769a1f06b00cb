//! Belfry's queue on RabbitMQ: the ports [`Queue`] and [`Consumer`](belfry_core::ports::Consumer) over AMQP 0-9-1.
//!
//! A broker that is down, blocked or restarted costs lateness and nothing else: connecting never fails and never ends, each
//! call is bounded in time, and what was not confirmed is published again by whoever asked. The crate knows queues and
//! messages; what is in a message and what becomes of a run is no business of its.
//!
//! * [`link`]: one connection, kept up for ever; one for publishing and one for consuming, since a broker that is short of
//!   memory or disk stops reading from whoever publishes, acknowledgements included.
//! * [`topology`]: the exchange and the queues, made and checked.
//! * [`publisher`]: batches, settled by message id.
//! * [`consumer`]: messages for the slots that are free, and no more.

mod consumer;
mod failed;
mod link;
mod publisher;
mod settings;
mod topology;

use std::sync::Arc;

use async_trait::async_trait;
use lapin::uri::AMQPUri;

use belfry_core::ports::{Consumer, Message, Queue, QueueError, QueueState, Settled};
use belfry_core::workflow::QueueName;

pub use settings::{QueueType, Settings, WrongSettings};

use consumer::RabbitConsumer;
use link::Link;
use publisher::Publisher;
use topology::Topology;

/// A broker, connected to in the background for as long as this or one of its consumers lives.
#[derive(Clone)]
pub struct RabbitMq {
    publisher: Arc<Publisher>,
    consuming: Arc<Link>,
    topology: Arc<Topology>,
    settings: Arc<Settings>,
}

impl RabbitMq {
    /// Begins to connect, and answers at once: only an address or settings that can never work are an error.
    ///
    /// `url` is `amqp://user:password@host:port/vhost` or `amqps://…`, where the vhost `/` is written `%2f`. Its parameter
    /// `heartbeat` (10 s) may be given. For `amqps` the process has installed rustls' provider.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn connect(url: &str, settings: Settings) -> Result<RabbitMq, WrongSettings> {
        let uri = settings::parse_url(url)?;
        settings.check()?;
        Ok(RabbitMq::start(&uri, settings))
    }

    /// Deletes a queue with all that is in it. One that is not there is as good as deleted.
    pub async fn delete_queue(&self, queue: &QueueName) -> Result<(), QueueError> {
        let session = self.consuming.session().await?;
        self.topology.delete_queue(&session, queue).await
    }

    /// Looks at a queue, for operators: what is in it, and whether it is as it would be declared. `None` when it is not there,
    /// which is no fault: it is declared when it is first needed. `dead` is that of the dead letters.
    pub async fn check_queue(&self, queue: &QueueName) -> Result<Option<QueueCount>, QueueError> {
        let session = self.consuming.session().await?;
        self.topology.check(&session, queue).await
    }

    fn start(uri: &AMQPUri, settings: Settings) -> RabbitMq {
        let settings = Arc::new(settings);
        let topology = Arc::new(Topology::new(&settings));
        let publishing = Link::start(uri.clone(), "publishing", Arc::clone(&topology));
        let consuming = Arc::new(Link::start(uri.clone(), "consuming", Arc::clone(&topology)));
        let publisher = Arc::new(Publisher::new(publishing, Arc::clone(&topology), Arc::clone(&settings)));
        RabbitMq { publisher, consuming, topology, settings }
    }
}

/// What a broker says of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueCount {
    /// Messages that nobody holds.
    pub ready: u32,
    pub consumers: u32,
}

#[async_trait]
impl Queue for RabbitMq {
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        self.publisher.publish(queue, messages).await
    }

    fn state(&self) -> QueueState {
        self.publisher.state()
    }

    /// Asked over the connection for consuming, which no alarm blocks, since nothing is published over it: what is lost
    /// while publishing is blocked must be seen too.
    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError> {
        let session = self.consuming.session().await?;
        self.topology.has_ready(&session, queue).await
    }

    /// AMQP has no way to ask which queues there are: a consumer of no queue in particular consumes
    /// [`Settings::queues`]. It is made at once; its first [`receive`](Consumer::receive) meets the broker.
    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        let mut queues = if queues.is_empty() { self.settings.queues.clone() } else { queues };
        queues.sort_unstable();
        queues.dedup();
        if let Some(reserved) = queues.iter().find(|queue| topology::is_reserved(queue)) {
            return Err(QueueError::Unavailable(topology::reserved(reserved)));
        }
        Ok(Box::new(RabbitConsumer::start(Arc::clone(&self.consuming), Arc::clone(&self.topology), queues)))
    }
}
