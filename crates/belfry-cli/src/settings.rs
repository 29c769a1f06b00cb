//! What an operator may set: defaults, then the settings file, then the environment, then flags.

mod cluster;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context, bail};
use confique::Config;
use jiff::SignedDuration;
use serde::Deserialize;

use belfry_core::time::duration;
use belfry_core::workflow::QueueName;
use belfry_worker::{CommandSettings, NetworkPolicy, WorkerSettings};

use crate::arguments::Global;
use crate::data_folder::DataFolder;

pub use cluster::{BrokerSettings, DatabaseSettings, HistorySettings, QueueType};

/// Belfry's settings. Durations are ISO 8601 (`PT30S`) or as people write them (`30s`).
#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct Settings {
    #[config(nested)]
    pub database: DatabaseSettings,
    #[config(nested)]
    pub broker: BrokerSettings,
    #[config(nested)]
    pub history: HistorySettings,
    #[config(nested)]
    pub api: ApiSettings,
    #[config(nested)]
    pub scheduler: SchedulerSettings,
    #[config(nested)]
    pub worker: WorkerSection,
    #[config(nested)]
    pub log: LogSettings,
}

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct ApiSettings {
    /// The address that the API listens on.
    #[config(env = "BELFRY_API_LISTEN", default = "127.0.0.1:7420")]
    pub listen: SocketAddr,
    /// The API's base URL as others reach it, named in messages; from `listen` when absent.
    #[config(env = "BELFRY_API_URL")]
    pub url: Option<String>,
}

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct SchedulerSettings {
    /// How often everything due within `look_ahead` is read from the database.
    #[config(env = "BELFRY_SCHEDULER_POLL_INTERVAL", default = "PT30S")]
    pub poll_interval: Length,
    /// How far ahead of its time a schedule is brought into memory. Longer than `poll_interval`.
    #[config(env = "BELFRY_SCHEDULER_LOOK_AHEAD", default = "PT60S")]
    pub look_ahead: Length,
    /// How often what is due within `near_look_ahead` is read: this catches new and edited schedules.
    #[config(env = "BELFRY_SCHEDULER_NEAR_LOOK_INTERVAL", default = "PT1S")]
    pub near_look_interval: Length,
    /// Longer than `near_look_interval`.
    #[config(env = "BELFRY_SCHEDULER_NEAR_LOOK_AHEAD", default = "PT2S")]
    pub near_look_ahead: Length,
    /// How often runs that nobody publishes are taken: manual ones, and what another process left.
    #[config(env = "BELFRY_SCHEDULER_SWEEP_INTERVAL", default = "PT1S")]
    pub sweep_interval: Length,
    /// How often runs are taken back from workers that were lost.
    #[config(env = "BELFRY_SCHEDULER_REAP_INTERVAL", default = "PT5S")]
    pub reap_interval: Length,
    /// For how long nobody else publishes what this daemon has recorded. At least twice `publish_limit`.
    #[config(env = "BELFRY_SCHEDULER_PUBLISH_LEASE", default = "PT15S")]
    pub publish_lease: Length,
    /// How long one batch may take to be confirmed by the queue.
    #[config(env = "BELFRY_SCHEDULER_PUBLISH_LIMIT", default = "PT5S")]
    pub publish_limit: Length,
    /// How many runs may be on their way to the queue.
    #[config(env = "BELFRY_SCHEDULER_PUBLISH_WINDOW", default = 2000)]
    pub publish_window: usize,
    /// How many schedules are held in memory ahead of their time.
    #[config(env = "BELFRY_SCHEDULER_NEAR_CAPACITY", default = 20000)]
    pub near_capacity: usize,
    /// How long the daemon waits at shutdown for what it has begun to publish.
    #[config(env = "BELFRY_SCHEDULER_DRAIN_LIMIT", default = "PT10S")]
    pub drain_limit: Length,
    /// Where `belfry daemon` serves /healthz, /readyz and /metrics, without keys: 127.0.0.1:7421. Nowhere when absent.
    #[config(env = "BELFRY_SCHEDULER_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
}

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct WorkerSection {
    /// How many runs are executed at once.
    #[config(env = "BELFRY_WORKER_CONCURRENCY", default = 16)]
    pub concurrency: usize,
    /// The worker's name, shown with its runs; the host's and the process's when absent.
    #[config(env = "BELFRY_WORKER_NAME")]
    pub name: Option<String>,
    /// Which queues it consumes, separated by commas. When empty: all, or with a broker, which cannot be asked, `default`.
    #[config(env = "BELFRY_WORKER_QUEUES", default = "")]
    pub queues: String,
    /// Networks that `http` nodes may reach although they are private, link-local or loopback, separated by commas: 10.1.0.0/16.
    #[config(env = "BELFRY_WORKER_ALLOW_NETWORKS", default = "")]
    pub allow_networks: String,
    /// Whether `command` nodes may run programs on this host, as this process's user. Whoever may write a workflow can then do
    /// here what that user can.
    #[config(env = "BELFRY_WORKER_COMMANDS", default = false)]
    pub commands: bool,
    /// How long runs may go on at shutdown before they are given back.
    #[config(env = "BELFRY_WORKER_DRAIN_LIMIT", default = "PT30S")]
    pub drain_limit: Length,
    /// Where `belfry worker` serves /healthz, /readyz and /metrics, without keys: 127.0.0.1:7422. Nowhere when absent.
    #[config(env = "BELFRY_WORKER_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
}

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct LogSettings {
    /// What is logged: error, warn, info, debug, trace, or directives such as `info,belfry_scheduler=debug`.
    #[config(env = "BELFRY_LOG", default = "info")]
    pub filter: String,
    /// `text` or `json`.
    #[config(env = "BELFRY_LOG_FORMAT", default = "text")]
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub struct Length(#[serde(with = "duration")] pub SignedDuration);

impl Settings {
    /// Of `--config`, else of the data folder, which `belfry api`, `daemon` and `worker` need not have.
    pub fn load(global: &Global) -> anyhow::Result<Settings> {
        let file = match &global.config {
            Some(file) if !file.exists() => bail!("there is no settings file {}", file.display()),
            Some(file) => Some(file.clone()),
            None => DataFolder::of(global).ok().map(|folder| folder.settings()),
        };
        let builder = Settings::builder().env();
        let builder = match &file {
            Some(file) => builder.file(file),
            None => builder,
        };
        let named = file.map(|file| format!("file {}, ", file.display())).unwrap_or_default();
        let settings =
            builder.load().map_err(|error| anyhow::anyhow!(cluster::without_addresses(&format!("{:#}", anyhow::Error::new(error)))));
        let settings = settings.with_context(|| format!("the settings are wrong ({named}environment BELFRY_*)"))?;
        settings.scheduler.check()?;
        settings.database.check()?;
        Ok(settings)
    }

    /// The API's base URL, as messages name it.
    pub fn api_url(&self) -> String {
        self.api.url.clone().unwrap_or_else(|| format!("http://{}", self.api.listen))
    }

    pub fn worker(&self) -> anyhow::Result<WorkerSettings> {
        let queues = list(&self.worker.queues).map(|name| {
            let queue = QueueName::parse(name);
            let queue = queue.with_context(|| format!("worker.queues: `{name}` is no queue name (letters, digits, `_`, `.`, `-`)"))?;
            let is_dead_letters = self.broker.url().is_some() && name == "dead";
            anyhow::ensure!(!is_dead_letters, "worker.queues: `dead` is the broker's queue of dead letters; name those of workflows");
            Ok(queue)
        });
        let networks = list(&self.worker.allow_networks).map(|network| {
            network
                .parse()
                .map_err(|error| anyhow::anyhow!("worker.allow_networks: `{network}` is no network such as 10.1.0.0/16: {error}"))
        });
        let name = self.worker.name.clone().unwrap_or_else(|| format!("{}-{}", host_name(), std::process::id()));
        Ok(WorkerSettings {
            concurrency: self.worker.concurrency,
            queues: queues.collect::<anyhow::Result<_>>()?,
            drain_limit: self.worker.drain_limit.0,
            network: NetworkPolicy { allow: networks.collect::<anyhow::Result<_>>()? },
            commands: self.worker.commands.then(|| CommandSettings { environment: command_environment() }),
            ..WorkerSettings::named(name)
        })
    }

    pub fn daemon(&self, source: String) -> belfry_scheduler::Settings {
        let scheduler = &self.scheduler;
        belfry_scheduler::Settings {
            poll_interval: scheduler.poll_interval.0,
            look_ahead: scheduler.look_ahead.0,
            near_look_interval: scheduler.near_look_interval.0,
            near_look_ahead: scheduler.near_look_ahead.0,
            sweep_interval: scheduler.sweep_interval.0,
            reap_interval: scheduler.reap_interval.0,
            publish_lease: scheduler.publish_lease.0,
            publish_limit: scheduler.publish_limit.0,
            publish_window: scheduler.publish_window,
            near_capacity: scheduler.near_capacity,
            drain_limit: scheduler.drain_limit.0,
            source,
            ..belfry_scheduler::Settings::default()
        }
    }
}

impl SchedulerSettings {
    fn check(&self) -> anyhow::Result<()> {
        let longer = |name: &str, length: Length, than_name: &str, than: SignedDuration| {
            anyhow::ensure!(length.0 > than, "scheduler.{name} is {}; it must be longer than {than_name}, {than}", length.0);
            Ok(())
        };
        for (name, length) in [("poll_interval", self.poll_interval), ("near_look_interval", self.near_look_interval)] {
            longer(name, length, "nothing", SignedDuration::ZERO)?;
        }
        longer("look_ahead", self.look_ahead, "poll_interval", self.poll_interval.0)?;
        longer("near_look_ahead", self.near_look_ahead, "near_look_interval", self.near_look_interval.0)?;
        let two_limits = self.publish_limit.0.saturating_mul(2) - SignedDuration::from_millis(1);
        longer("publish_lease", self.publish_lease, "twice publish_limit less a millisecond", two_limits)?;
        anyhow::ensure!(self.publish_window > 0, "scheduler.publish_window is 0; it must be at least 1");
        anyhow::ensure!(self.near_capacity > 0, "scheduler.near_capacity is 0; it must be at least 1");
        Ok(())
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

/// Of this process's environment, which knows passwords, a command gets no more than this.
fn command_environment() -> BTreeMap<String, String> {
    let inherited = ["PATH", "HOME", "LANG"].into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
    let mut environment: BTreeMap<_, _> = inherited.collect();
    environment.entry("PATH".to_owned()).or_insert_with(|| USUAL_PATH.to_owned());
    environment
}

/// As Debian's cron and systemd have it.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
