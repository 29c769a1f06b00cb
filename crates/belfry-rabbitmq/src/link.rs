//! One connection to the broker, kept up for ever.
//!
//! The driver's own recovery is off: it replays what it remembers, and cannot say which confirms and which deliveries were
//! lost on the way. Here a lost connection is lost with all that hung on it, and a new one begins with nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::StreamExt;
use lapin::options::ConfirmSelectOptions;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::{debug, info, warn};

use belfry_core::ports::QueueError;
use belfry_core::workflow::QueueName;

use crate::failed::{answered, within};
use crate::topology::Topology;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a loss that the driver does not tell of may go unseen.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// One for each batch that is on its way at once; there are fewer.
const MOST_IDLE_CHANNELS: usize = 8;

pub(crate) struct Link {
    state: watch::Receiver<State>,
    supervisor: AbortHandle,
}

#[derive(Clone)]
enum State {
    /// For the first time.
    Connecting,
    Up(Arc<Session>),
    /// With the reason; tried again after a pause.
    Down(String),
}

/// A connection, and what is known of the broker because it is the same one.
pub(crate) struct Session {
    connection: Connection,
    /// The broker's reason not to take messages, while it has one.
    blocked: watch::Sender<Option<String>>,
    /// Channels in confirm mode that nothing is on its way on.
    idle: Mutex<Vec<Channel>>,
    /// Held while one is declared: a queue that another declaration is still making counts as there, and keeps nothing yet.
    declared: tokio::sync::Mutex<HashSet<QueueName>>,
}

impl Link {
    /// `purpose` names the connection in the broker's lists and in our log.
    pub fn start(uri: AMQPUri, purpose: &'static str, topology: Arc<Topology>) -> Link {
        let (states, state) = watch::channel(State::Connecting);
        let supervisor = tokio::spawn(supervise(uri, purpose, topology, states)).abort_handle();
        Link { state, supervisor }
    }

    /// The connection as it is: an error at once while it is down. Only the first attempt ever is waited for, so that a
    /// process that has just begun does not begin with an error.
    pub async fn session(&self) -> Result<Arc<Session>, QueueError> {
        let mut state = self.state.clone();
        let known = state.wait_for(|state| !matches!(state, State::Connecting)).await;
        let state = known.map_err(|_| QueueError::Unavailable("the connection was given up".to_owned()))?.clone();
        match state {
            State::Up(session) if session.connection.status().connected() => Ok(session),
            State::Down(reason) => Err(QueueError::Unavailable(reason)),
            State::Up(_) | State::Connecting => Err(QueueError::Unavailable("the connection to the broker was lost".to_owned())),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

impl Session {
    fn new(connection: Connection) -> Session {
        Session { connection, blocked: watch::Sender::new(None), idle: Mutex::default(), declared: tokio::sync::Mutex::default() }
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

    /// Declares `queue`, unless that was done over this connection already.
    pub async fn declare(&self, topology: &Topology, queue: &QueueName) -> Result<(), QueueError> {
        let mut declared = self.declared.lock().await;
        if !declared.contains(queue) {
            topology.declare_queue(self, queue).await?;
            declared.insert(queue.clone());
        }
        Ok(())
    }

    /// Something of `queue` was found missing.
    pub async fn forget(&self, queue: &QueueName) {
        self.declared.lock().await.remove(queue);
    }

    /// Returns the broker's reason as soon as it takes no messages.
    pub async fn blocked(&self) -> String {
        let mut blocked = self.blocked.subscribe();
        let reason = blocked.wait_for(Option::is_some).await.expect("the session holds the sender");
        reason.clone().expect("it was waited for")
    }

    /// Returns the reason when the connection is lost.
    async fn lost(&self) -> String {
        let mut events = self.connection.events_listener();
        while self.connection.status().connected() {
            match tokio::time::timeout(CHECK_EVERY, events.next()).await {
                Ok(Some(Event::ConnectionBlocked(reason))) => {
                    warn!("the broker takes no messages: {reason}");
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

async fn supervise(uri: AMQPUri, purpose: &'static str, topology: Arc<Topology>, states: watch::Sender<State>) {
    let mut pauses = pauses();
    loop {
        let reason = match connect(&uri, purpose, &topology).await {
            Ok(session) => {
                info!("connected to the broker for {purpose}");
                pauses = self::pauses();
                let session = Arc::new(session);
                states.send_replace(State::Up(Arc::clone(&session)));
                format!("the connection to the broker was lost: {}", session.lost().await)
            }
            Err(QueueError::Unavailable(reason)) => reason,
        };
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        warn!("{reason}; connecting for {purpose} again in {pause:.1?}");
        states.send_replace(State::Down(reason));
        tokio::time::sleep(pause).await;
    }
}

/// Doubling, each with jitter of its own, so that a fleet does not come back at once.
fn pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::new().with_min_delay(SHORTEST_PAUSE).with_max_delay(LONGEST_PAUSE).with_jitter().without_max_times().build()
}

async fn connect(uri: &AMQPUri, purpose: &str, topology: &Topology) -> Result<Session, QueueError> {
    debug!("connecting to the broker at {}:{} for {purpose}", uri.authority.host, uri.authority.port);
    let properties = ConnectionProperties::default().with_connection_name(format!("belfry {purpose}").into());
    let doing = format!("connect to the broker at {}:{}", uri.authority.host, uri.authority.port);
    let session = Session::new(within(CONNECT_LIMIT, &doing, Connection::connect_uri(uri.clone(), properties)).await?);
    // A broker whose exchange is another than ours is as good as none: the reason is told, and looked for again.
    topology.declare_base(&session).await?;
    Ok(session)
}
