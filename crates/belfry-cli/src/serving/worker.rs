//! `belfry worker`: executes runs. Any number of them consume the same queues.

use std::sync::Arc;

use anyhow::Context;
use prometheus_client::registry::Registry;

use belfry_core::ports::{Queue, RunStore};
use belfry_worker::{Worker, WorkerSettings};

use super::database::Watch;
use super::health::{self, Health};
use super::listening::Probes;
use super::process::Process;
use crate::arguments::{Global, WorkerArguments};
use crate::backends::cluster::Cluster;
use crate::edge::Host;
use crate::failure::Failure;
use crate::logs;
use crate::settings::Settings;

pub async fn run(arguments: WorkerArguments, global: &Global) -> Result<(), Failure> {
    let mut settings = Settings::load(global)?;
    logs::start(&settings.log, None)?;
    if let Some(queues) = arguments.queues {
        settings.worker.queues = queues;
    }
    let cluster = Cluster::prepare(&settings, "belfry worker")?;
    let queue = cluster.queue(&settings)?;
    let watch = Watch::new();
    let health = Health::new(vec![watch.check(), health::queue(queue.clone())]);
    let worker = worker(cluster.stores().runs, queue, settings.worker()?)?;
    let mut registry = Registry::default();
    worker.metrics().register(&mut registry);
    let probes = Probes::serve(arguments.metrics_listen.or(settings.worker.metrics_listen), &health, registry).await?;

    let mut process = Process::new(health);
    process.part("watch on the database", watch.clone().keep(cluster.clone(), process.shutdown()));
    let shutdown = process.shutdown();
    process.part("worker", async move {
        if watch.reached(&shutdown).await {
            worker.run(shutdown).await;
        }
        Ok(())
    });
    process.run().await?;
    cluster.close();
    drop(probes);
    Ok(())
}

pub fn worker(runs: Arc<dyn RunStore>, queue: Arc<dyn Queue>, settings: WorkerSettings) -> anyhow::Result<Worker> {
    let host = Arc::new(Host);
    Worker::new(runs, queue, host.clone(), host.clone(), host, settings).context("the worker.* settings cannot work")
}
