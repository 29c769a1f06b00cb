//! A process and its parts: they run until a signal or until one of them fails, then all stop together.

use anyhow::{Context, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::health::Health;

pub struct Process {
    shutdown: CancellationToken,
    health: Health,
    parts: JoinSet<(&'static str, anyhow::Result<()>)>,
}

impl Process {
    pub fn new(health: Health) -> Process {
        Process { shutdown: CancellationToken::new(), health, parts: JoinSet::new() }
    }

    /// What each part stops by.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Adds a part, which begins at once, ends after the shutdown, and not before. Its error says what failed.
    pub fn part(&mut self, name: &'static str, work: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.parts.spawn(async move { (name, work.await) });
    }

    /// Works until a signal; then stops the parts, each in its own time: requests are answered, what was begun to publish is
    /// settled, runs may end. A second signal ends the process at once. A part that ends by itself has failed: the whole
    /// stops, so that whoever supervises it starts it again.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut signals = Signals::new()?;
        let failed = tokio::select! {
            name = signals.next() => {
                info!("stopping on {name}; a second signal ends the process at once");
                None
            }
            Some(ended) = self.parts.join_next() => Some(by_itself(ended)),
        };
        self.health.stop();
        self.shutdown.cancel();
        let hurried = tokio::spawn(end_at_once(signals));
        let mut outcome = failed.map_or(Ok(()), Err);
        while let Some(ended) = self.parts.join_next().await {
            outcome = outcome.and(of_part(ended));
        }
        hurried.abort();
        outcome
    }
}

fn by_itself(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) -> anyhow::Error {
    match ended {
        Ok((name, Ok(()))) => anyhow!("the {name} ended by itself"),
        other => of_part(other).err().unwrap_or_else(|| anyhow!("a part ended by itself")),
    }
}

fn of_part(ended: Result<(&'static str, anyhow::Result<()>), JoinError>) -> anyhow::Result<()> {
    let (_, ended) = ended.context("a part of the process panicked")?;
    ended
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Signals> {
        let wait = "cannot wait for signals";
        Ok(Signals { terminate: signal(SignalKind::terminate()).context(wait)?, interrupt: signal(SignalKind::interrupt()).context(wait)? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Whatever is lost by it is what a crash loses: lateness.
async fn end_at_once(mut signals: Signals) {
    let name = signals.next().await;
    warn!("ended by a second signal, {name}, before everything was settled");
    std::process::exit(1);
}
