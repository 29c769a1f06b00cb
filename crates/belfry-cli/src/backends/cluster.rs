//! PostgreSQL, with RabbitMQ or a queue in the same database: for any number of processes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::SignedDuration;
use tracing::info;

use belfry_core::ids::WorkflowId;
use belfry_core::ports::Queue;
use belfry_core::workflow::QueueName;
use belfry_postgres::{Database, OpenError};
use belfry_rabbitmq::RabbitMq;

pub use belfry_postgres::Deployment;
pub use belfry_rabbitmq::QueueCount;

use super::Stores;
use crate::edge::random;
use crate::settings::{QueueType, Settings};

/// What each process adds to its name in the server's list of connections.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The database of a deployment, connected to when it is first needed.
#[derive(Clone)]
pub struct Cluster {
    database: Database,
}

/// Why the database cannot be used.
#[derive(Debug)]
pub enum Unusable {
    /// Whatever happens elsewhere, this process with these settings cannot work with it.
    Ever(anyhow::Error),
    /// It may come up, or let us in: the reason.
    Now(String),
}

impl Cluster {
    /// `process` is shown in the server's list of connections.
    pub fn prepare(settings: &Settings, process: &str) -> anyhow::Result<Cluster> {
        let url = settings.database.needed_url()?;
        let connections = belfry_postgres::Settings {
            connections: settings.database.connections,
            application_name: format!("{process} {VERSION}"),
            root_certificates: settings.database.root_certificates.clone(),
            jitter_seed: u64::from_le_bytes(random()),
            ..belfry_postgres::Settings::default()
        };
        let database = Database::prepare(url, &connections).context("the database.* settings cannot work")?;
        Ok(Cluster { database })
    }

    pub fn stores(&self) -> Stores {
        Stores::of(self.database.store())
    }

    /// The broker's, where one is set; else the database's own.
    pub fn queue(&self, settings: &Settings) -> anyhow::Result<Arc<dyn Queue>> {
        let Some(url) = settings.broker.url() else { return Ok(Arc::new(self.database.queue())) };
        let broker = RabbitMq::connect(url, broker(settings)).context("the broker.* settings cannot work")?;
        Ok(Arc::new(broker))
    }

    /// Whether the database answers, and has a schema that this binary works with.
    pub async fn check(&self) -> Result<(), Unusable> {
        self.database.check_schema().await.map_err(Unusable::from)
    }

    /// What stands in it, and who is connected to it.
    pub async fn deployment(&self) -> anyhow::Result<Deployment> {
        self.database.deployment().await.context("cannot look at the deployment")
    }

    pub async fn migrate(&self) -> anyhow::Result<()> {
        self.database.migrate().await.map_err(explained).context("cannot migrate the database")
    }

    /// Makes the months that are to come and, past `retention`, drops those that are over.
    pub async fn keep_house(&self, retention: Option<SignedDuration>) -> anyhow::Result<()> {
        let made = self.database.make_partitions().await.context("failed to make the next months' partitions")?;
        if made > 0 {
            info!(partition.count = made, "made {made} partitions for the months to come");
        }
        if let Some(retention) = retention {
            self.database.drop_history(retention).await.context("failed to drop history")?;
        }
        Ok(())
    }

    /// Removes what a benchmark made, as if it had never been.
    pub async fn erase(&self, workflow: WorkflowId) -> anyhow::Result<()> {
        Ok(self.database.erase_workflow(workflow).await?)
    }

    /// Removes a queue of the broker; the database's own needs none.
    pub async fn delete_queue(&self, settings: &Settings, queue: &QueueName) -> anyhow::Result<()> {
        let Some(url) = settings.broker.url() else { return Ok(()) };
        Ok(RabbitMq::connect(url, broker(settings))?.delete_queue(queue).await?)
    }

    /// How many bytes of write-ahead log the server has written.
    pub async fn wal_position(&self) -> anyhow::Result<u64> {
        self.database.wal_position().await.context("cannot read the position of the write-ahead log")
    }

    pub fn close(&self) {
        self.database.close();
    }
}

/// The broker of a deployment, for those who look at it.
pub struct Broker(RabbitMq);

impl Broker {
    /// `None` where the queue is the database's.
    pub fn of(settings: &Settings) -> anyhow::Result<Option<Broker>> {
        let Some(url) = settings.broker.url() else { return Ok(None) };
        let broker = RabbitMq::connect(url, broker(settings)).context("the broker.* settings cannot work")?;
        Ok(Some(Broker(broker)))
    }

    /// Its exchange and this queue are declared with the connection, where they are ours to declare.
    pub async fn dead_letters(&self) -> anyhow::Result<Option<QueueCount>> {
        let dead = QueueName::parse("dead").context("`dead` is a queue's name")?;
        self.queue(&dead).await
    }

    /// What is in a queue, which is checked where it is there.
    pub async fn queue(&self, queue: &QueueName) -> anyhow::Result<Option<QueueCount>> {
        Ok(self.0.check_queue(queue).await?)
    }
}

/// The broker closes a late batch before the daemon gives up on it, so that its channel is closed where it is known.
fn broker(settings: &Settings) -> belfry_rabbitmq::Settings {
    let limit = Duration::try_from(settings.scheduler.publish_limit.0).unwrap_or_default();
    belfry_rabbitmq::Settings {
        prefix: settings.broker.prefix.clone(),
        declare_queues: settings.broker.declare_queues,
        queue_type: match settings.broker.queue_type {
            QueueType::Quorum => belfry_rabbitmq::QueueType::Quorum,
            QueueType::Classic => belfry_rabbitmq::QueueType::Classic,
        },
        queues: vec![QueueName::default()],
        publish_limit: limit.mul_f64(0.8),
        ..belfry_rabbitmq::Settings::default()
    }
}

impl Unusable {
    /// For those who do not wait.
    pub fn into_error(self) -> anyhow::Error {
        match self {
            Unusable::Ever(error) => error,
            Unusable::Now(reason) => anyhow::Error::msg(reason),
        }
    }
}

impl From<OpenError> for Unusable {
    fn from(error: OpenError) -> Unusable {
        match error {
            OpenError::Address(_) | OpenError::Settings(_) | OpenError::Tls(_) | OpenError::Newer { .. } | OpenError::Older { .. } => {
                Unusable::Ever(error.into())
            }
            // A password that is refused, too: it may be the server's that is about to be changed.
            OpenError::Unreachable(_) | OpenError::Migration(_) | OpenError::Store(_) => Unusable::Now(format!("{:#}", explained(error))),
        }
    }
}

/// These say no more than their cause, and repeat it.
fn explained(error: OpenError) -> anyhow::Error {
    match error {
        OpenError::Store(cause) => cause.into(),
        other => other.into(),
    }
}
