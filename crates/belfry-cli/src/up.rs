//! `belfry up`: API, daemon and worker in one process, on SQLite.

mod demo;

use std::sync::Arc;

use anyhow::Context;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use belfry_api::Access;
use belfry_core::ports::KeyStore;
use belfry_scheduler::{Daemon, DaemonMetrics};

use crate::arguments::{Global, Up};
use crate::backends::embedded::Embedded;
use crate::commands::key::new_key;
use crate::data_folder::DataFolder;
use crate::edge::Host;
use crate::failure::Failure;
use crate::logs;
use crate::serving::health::{self, Health};
use crate::serving::process::Process;
use crate::serving::{api, listening, worker};
use crate::settings::Settings;

pub async fn run(up: Up, global: &Global) -> Result<(), Failure> {
    let folder = DataFolder::of(global)?;
    folder.create()?;
    let settings = Settings::load(global)?;
    refuse_cluster(&settings)?;
    // The demo prints its own lines; what is routine would drown them.
    logs::start(&settings.log, (up.demo && settings.log.filter == "info").then_some("warn"))?;
    let listen = up.listen.unwrap_or(settings.api.listen);
    let access = listening::access(up.no_auth, listen)?;
    let lock = folder.lock()?;
    let listener = listening::on(listen, "--listen").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let embedded = Embedded::open(&folder, lock)?;
    let shown_key = first_key(&folder, &*embedded.stores().keys, access).await?;
    folder.write_url(&url)?;
    announce(&folder, &url, shown_key.as_deref(), access);
    let source = settings.api.url.clone().unwrap_or(url);
    serve(up.demo, &settings, &embedded, listener, access, source).await?;
    embedded.close().await;
    Ok(())
}

/// Whoever set a PostgreSQL database means it: what is written elsewhere would be looked for in vain.
fn refuse_cluster(settings: &Settings) -> anyhow::Result<()> {
    let set = [("database.url (BELFRY_DATABASE_URL)", settings.database.url()), ("broker.url (BELFRY_BROKER_URL)", settings.broker.url())];
    if let Some((name, _)) = set.iter().find(|(_, url)| url.is_some()) {
        anyhow::bail!(
            "{name} is set, and `belfry up` uses neither PostgreSQL nor RabbitMQ, but SQLite in its data folder: with PostgreSQL \
             run `belfry api`, `belfry daemon` and `belfry worker`, or unset it"
        );
    }
    Ok(())
}

async fn serve(
    demo: bool,
    settings: &Settings,
    embedded: &Embedded,
    listener: TcpListener,
    access: Access,
    source: String,
) -> anyhow::Result<()> {
    let (stores, queue, host) = (embedded.stores(), embedded.queue(), Arc::new(Host));
    let metrics = DaemonMetrics::default();
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let ticks = metrics.ticks.clone();
    let health = Health::new(vec![health::queue(queue.clone()), health::ticking(move || ticks.get())]);
    let mut daemon = Daemon::new(stores.schedules.clone(), queue.clone(), host.clone(), host.clone(), settings.daemon(source), metrics);
    let hint = daemon.hint();
    let demo = match demo {
        true => Some(demo::Demo::start(&stores, host).await?),
        false => None,
    };
    if let Some(demo) = &demo {
        daemon = daemon.on_recorded(demo.teller());
    }
    let worker = worker::worker(stores.runs.clone(), queue, settings.worker()?)?;
    worker.metrics().register(&mut registry);
    let api = api::api(&stores, access, health.metrics(registry), health.ready(), Arc::new(move || hint.give()));

    let mut process = Process::new(health);
    let shutdown = process.shutdown();
    let router = belfry_api::router(api);
    process.part("API", async move { belfry_api::serve(listener, router, shutdown).await.context("the API failed") });
    let shutdown = process.shutdown();
    process.part("daemon", async move {
        daemon.run(shutdown).await;
        Ok(())
    });
    let shutdown = process.shutdown();
    process.part("worker", async move {
        worker.run(shutdown).await;
        Ok(())
    });
    process.run().await?;
    drop(demo);
    Ok(())
}

/// The key of the data folder, made when no living key matches it; answered when it is new.
async fn first_key(folder: &DataFolder, keys: &dyn KeyStore, access: Access) -> anyhow::Result<Option<String>> {
    if access == Access::Open {
        return Ok(None);
    }
    if let Some(key) = folder.api_key()
        && keys.living_key(belfry_api::keys::hash(&key)).await.context("cannot read the keys")?.is_some()
    {
        return Ok(None);
    }
    let any_living = keys.keys().await.context("cannot read the keys")?.iter().any(|key| key.revoked_at.is_none());
    if any_living {
        // The folder's key was revoked or removed on purpose, and there are others.
        return Ok(None);
    }
    let (secret, _) = new_key(keys, "first").await?;
    folder.write_api_key(&secret)?;
    Ok(Some(secret))
}

fn announce(folder: &DataFolder, url: &str, key: Option<&str>, access: Access) {
    anstream::eprintln!("belfry listens on {url}, its data are in {}", folder.path().display());
    match key {
        Some(key) => anstream::eprintln!("the first API key, also in {}:\n  {key}", folder.path().join("api-key").display()),
        None if access == Access::Open => anstream::eprintln!("anyone on this host may use it (--no-auth)"),
        None => {}
    }
}
