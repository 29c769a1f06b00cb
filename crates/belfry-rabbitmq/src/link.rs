//! One connection to the broker, kept up for ever.
//!
//! The driver's own recovery is off: it replays what it remembers, and cannot say which confirms and which deliveries were
//! lost on the way. Here a lost connection is lost with all that hung on it, and a new one begins with nothing.

mod dial;
mod session;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::stream::BoxStream;
use lapin::Event;
use lapin::uri::AMQPUri;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::{debug, info, warn};

use belfry_core::ports::{QueueError, QueueState};

pub(crate) use session::{Session, takes_none};

use crate::failed::ANSWER_LIMIT;
use crate::topology::Topology;
use dial::{Socket, dial};

/// The longest that the first pause may be, and the longest that any may be.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// What a broker that comes back costs in lateness, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that lasted so long was one: what comes after it begins with short pauses again.
const STEADY_AFTER: Duration = Duration::from_secs(10);
const LOST: &str = "the connection to the broker was lost";

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
        let known = tokio::time::timeout(ANSWER_LIMIT, state.wait_for(|state| !matches!(state, State::Connecting))).await;
        let state = match known {
            Ok(known) => known.map_err(|_| QueueError::Unavailable("the connection was given up".to_owned()))?.clone(),
            Err(_) => State::Connecting,
        };
        state.session().map_err(QueueError::Unavailable)
    }

    /// Asks nobody. A broker's alarm is known once something was published over this connection: only then does it tell.
    pub fn state(&self) -> QueueState {
        let state = self.state.borrow().clone();
        match state.session().map(|session| session.block()) {
            Ok(None) => QueueState::Up,
            Ok(Some(reason)) => QueueState::Down(takes_none(&reason)),
            Err(reason) => QueueState::Down(reason),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.supervisor.abort();
    }
}

impl State {
    /// Or the reason that there is none.
    fn session(self) -> Result<Arc<Session>, String> {
        match self {
            State::Connecting => Err("connecting to the broker for the first time".to_owned()),
            State::Up(session) if session.is_connected() => Ok(session),
            State::Up(_) => Err(LOST.to_owned()),
            State::Down(reason) => Err(reason),
        }
    }
}

async fn supervise(uri: AMQPUri, purpose: &'static str, topology: Arc<Topology>, states: watch::Sender<State>) {
    let mut pauses = pauses();
    loop {
        let reason = match connect(&uri, purpose, &topology).await {
            Ok((session, events, socket)) => {
                info!("connected to the broker for {purpose}");
                states.send_replace(State::Up(Arc::clone(&session)));
                let lost = session.lost(events);
                tokio::pin!(lost);
                let reason = match tokio::time::timeout(STEADY_AFTER, &mut lost).await {
                    Ok(reason) => reason,
                    Err(_) => {
                        pauses = self::pauses();
                        lost.await
                    }
                };
                socket.shut();
                format!("{LOST}: {reason}")
            }
            Err(QueueError::Unavailable(reason)) => reason,
        };
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        warn!("{reason}; connecting for {purpose} again in {pause:.1?}");
        states.send_replace(State::Down(reason));
        tokio::time::sleep(pause).await;
    }
}

/// Each anywhere between nothing and a limit that doubles, so that a fleet does not come back at once.
fn pauses() -> Box<dyn Iterator<Item = Duration> + Send> {
    let limits = ExponentialBuilder::new().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).without_max_times();
    // What the jitter adds to a limit is between nothing and that limit.
    let beyond = limits.with_jitter().build();
    Box::new(beyond.zip(limits.build()).map(|(beyond, limit)| beyond.saturating_sub(limit)))
}

async fn connect(
    uri: &AMQPUri,
    purpose: &str,
    topology: &Topology,
) -> Result<(Arc<Session>, BoxStream<'static, Event>, Socket), QueueError> {
    debug!("connecting to the broker at {}:{} for {purpose}", uri.authority.host, uri.authority.port);
    let (connection, socket) = dial(uri, purpose).await?;
    let session = Session::new(connection);
    let events = session.events();
    // A broker whose exchange is another than ours is as good as none: the reason is told, and looked for again.
    session.declare_base(topology).await?;
    Ok((Arc::new(session), events, socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_jittered_below_a_limit_that_doubles_and_never_end() {
        let mut limit = FIRST_PAUSE;
        let mut seen = Vec::new();
        for pause in pauses().take(40) {
            assert!(pause <= limit, "{pause:?} should be at most {limit:?}");
            limit = (limit * 2).min(LONGEST_PAUSE);
            seen.push(pause);
        }
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() > 30, "{seen:?} should differ");
        assert!(seen.last().is_some_and(|longest| *longest > LONGEST_PAUSE / 2), "{seen:?}");
    }
}
