//! `belfry daemon`: background work only. Any number of them share the schedules of a database.

use std::sync::Arc;

use jiff::SignedDuration;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use belfry_core::ports::Clock;
use belfry_scheduler::{Daemon, DaemonMetrics};

use super::database::Watch;
use super::health::{self, Health};
use super::listening::Probes;
use super::process::Process;
use crate::arguments::{DaemonArguments, Global};
use crate::backends::cluster::Cluster;
use crate::edge::Host;
use crate::failure::Failure;
use crate::logs;
use crate::settings::Settings;

pub async fn run(arguments: DaemonArguments, global: &Global) -> Result<(), Failure> {
    let settings = Settings::load(global)?;
    logs::start(&settings.log, None)?;
    let cluster = Cluster::prepare(&settings, "belfry daemon")?;
    let queue = cluster.queue(&settings)?;
    let watch = Watch::new();
    let metrics = DaemonMetrics::default();
    let ticks = metrics.ticks.clone();
    let health = Health::new(vec![watch.check(), health::queue(queue.clone()), health::ticking(move || ticks.get())]);
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let probes = Probes::serve(arguments.metrics_listen.or(settings.scheduler.metrics_listen), &health, registry).await?;

    let daemon =
        Daemon::new(cluster.stores().schedules, queue, Arc::new(Host), Arc::new(Host), settings.daemon(settings.api_url()), metrics)
            .compared_with(Arc::new(Host));
    let mut process = Process::new(health);
    process.part("watch on the database", watch.clone().keep(cluster.clone(), process.shutdown()));
    let retention = settings.history.retention.map(|kept| kept.0);
    process.part("housekeeping", keep_house(cluster.clone(), retention, watch.clone(), process.shutdown()));
    let shutdown = process.shutdown();
    process.part("daemon", async move {
        if watch.reached(&shutdown).await {
            daemon.run(shutdown).await;
        }
        Ok(())
    });
    process.run().await?;
    cluster.close();
    drop(probes);
    Ok(())
}

/// Every hour; sooner again after a failure, for a month that is missing fills the default partition. Every daemon does it:
/// twice is the same as once.
async fn keep_house(cluster: Cluster, retention: Option<SignedDuration>, watch: Watch, shutdown: CancellationToken) -> anyhow::Result<()> {
    const EVERY: SignedDuration = SignedDuration::from_hours(1);
    const AGAIN: SignedDuration = SignedDuration::from_mins(5);
    if !watch.reached(&shutdown).await {
        return Ok(());
    }
    let work = async {
        loop {
            let pause = match cluster.keep_house(retention).await {
                Ok(()) => EVERY,
                Err(error) => {
                    warn!("keeping house is tried again in {AGAIN:#}: {error:#}");
                    AGAIN
                }
            };
            Host.sleep(pause).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        never = work => never,
    }
}
