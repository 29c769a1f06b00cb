//! `belfry api`: HTTP over the database. It publishes nothing: what it records is swept by a daemon.

use std::sync::Arc;

use anyhow::Context;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use belfry_api::{Access, Api, Limits, Metrics, OnWrite, Ready};
use belfry_core::ports::KeyStore;

use super::database::Watch;
use super::health::Health;
use super::listening;
use super::process::Process;
use crate::arguments::{ApiArguments, Global};
use crate::backends::Stores;
use crate::backends::cluster::Cluster;
use crate::edge::{Host, random};
use crate::failure::Failure;
use crate::logs;
use crate::settings::Settings;

pub async fn run(arguments: ApiArguments, global: &Global) -> Result<(), Failure> {
    let settings = Settings::load(global)?;
    logs::start(&settings.log, None)?;
    let listen = arguments.listen.unwrap_or(settings.api.listen);
    let access = listening::access(arguments.no_auth, listen)?;
    let cluster = Cluster::prepare(&settings, "belfry api")?;
    let stores = cluster.stores();
    let watch = Watch::new();
    let health = Health::new(vec![watch.check()]);
    let router = belfry_api::router(api(&stores, access, health.metrics(Registry::default()), health.ready(), Arc::new(|| ())));

    let listener = listening::on(listen, "--listen").await?;
    info!("belfry listens on http://{}", listener.local_addr()?);
    let mut process = Process::new(health);
    let shutdown = process.shutdown();
    process.part("API", async move { belfry_api::serve(listener, router, shutdown).await.context("the API failed") });
    process.part("watch on the database", watch.clone().keep(cluster.clone(), process.shutdown()));
    if access == Access::Keys {
        process.part("look for a key", say_when_keyless(stores.keys, watch, process.shutdown()));
    }
    process.run().await?;
    cluster.close();
    Ok(())
}

/// What every server of the API is made of.
pub fn api(stores: &Stores, access: Access, metrics: Metrics, ready: Ready, on_write: OnWrite) -> Api {
    Api {
        workflows: stores.workflows.clone(),
        runs: stores.runs.clone(),
        polls: stores.polls.clone(),
        revisions: stores.revisions.clone(),
        calendars: stores.calendars.clone(),
        keys: stores.keys.clone(),
        idempotency: stores.idempotency.clone(),
        clock: Arc::new(Host),
        limits: Limits::default(),
        ids: Arc::new(Host),
        random: Arc::new(random::<32>),
        on_write,
        access,
        metrics,
        ready,
    }
}

/// A new deployment answers 401 to everyone until somebody has made a key.
async fn say_when_keyless(keys: Arc<dyn KeyStore>, watch: Watch, shutdown: CancellationToken) -> anyhow::Result<()> {
    if watch.reached(&shutdown).await
        && let Ok(keys) = keys.keys().await
        && keys.iter().all(|key| key.revoked_at.is_some())
    {
        warn!("there is no API key: make one with `belfry key create NAME`, where BELFRY_DATABASE_URL is set as it is here");
    }
    shutdown.cancelled().await;
    Ok(())
}
