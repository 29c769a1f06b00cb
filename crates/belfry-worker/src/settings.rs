//! What a worker is told by its operator.

use std::collections::BTreeMap;

use belfry_core::workflow::QueueName;
use jiff::SignedDuration;

use crate::network::NetworkPolicy;

#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// Shown to people as the claimer of a run: 1 to 200 bytes.
    pub name: String,
    /// How many runs are executed at the same time: 1 to 10,000. Runs that merely wait do not count, up to 100 for each that
    /// does and 10,000 in all.
    pub concurrency: usize,
    /// Which queues are consumed; all there are when empty.
    pub queues: Vec<QueueName>,
    /// How often the claim of a run is renewed.
    pub heartbeat_interval: SignedDuration,
    /// How long after the sending of its last successful heartbeat the work on a run is killed. Shorter than the store's
    /// [`CLAIM_LENGTH`], so that the work is dead before another worker may begin it.
    pub give_up_after: SignedDuration,
    /// How long runs may go on once shutdown was asked; what is left then is given back, and what merely waits at once.
    pub drain_limit: SignedDuration,
    /// Which addresses `http` nodes may reach.
    pub network: NetworkPolicy,
    /// For `command` nodes, which fail when it is absent: whoever may write a workflow can do with them on this host what the
    /// worker's user can.
    pub commands: Option<CommandSettings>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandSettings {
    /// What each command's environment has beside what is told of the run: `PATH`, in which programs are looked for, `HOME`,
    /// where they are run, `LANG`. Nothing of the worker's own environment, which knows passwords, reaches a command otherwise.
    pub environment: BTreeMap<String, String>,
}

/// For how long the store keeps a claim that is not renewed: the contract of `RunStore::claim` and `heartbeat`.
pub(crate) const CLAIM_LENGTH: SignedDuration = SignedDuration::from_secs(60);

impl WorkerSettings {
    /// The defaults, for a worker of this name.
    pub fn named(name: impl Into<String>) -> WorkerSettings {
        WorkerSettings {
            name: name.into(),
            concurrency: 16,
            queues: Vec::new(),
            heartbeat_interval: SignedDuration::from_secs(15),
            give_up_after: SignedDuration::from_secs(45),
            drain_limit: SignedDuration::from_secs(30),
            network: NetworkPolicy::default(),
            commands: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.name.is_empty() || self.name.len() > 200 {
            return Err(SettingsError::Name(self.name.len()));
        }
        if !(1..=10_000).contains(&self.concurrency) {
            return Err(SettingsError::Concurrency(self.concurrency));
        }
        if self.heartbeat_interval <= SignedDuration::ZERO || self.heartbeat_interval >= self.give_up_after {
            return Err(SettingsError::HeartbeatInterval(self.heartbeat_interval, self.give_up_after));
        }
        if self.give_up_after >= CLAIM_LENGTH {
            return Err(SettingsError::GiveUpAfter(self.give_up_after));
        }
        if self.drain_limit.is_negative() {
            return Err(SettingsError::DrainLimit(self.drain_limit));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("a worker's name has 1 to 200 bytes, not {0}")]
    Name(usize),
    #[error("a worker executes 1 to 10000 runs at the same time, not {0}")]
    Concurrency(usize),
    #[error("the heartbeat interval {0} is not between zero and the {1} after which a worker gives up")]
    HeartbeatInterval(SignedDuration, SignedDuration),
    #[error("a worker gives up in less than the 60 s for which a claim lasts, not after {0}")]
    GiveUpAfter(SignedDuration),
    #[error("the drain limit {0} is negative")]
    DrainLimit(SignedDuration),
}
