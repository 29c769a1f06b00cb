//! `belfry up`: API, daemon and worker in one process, on SQLite.

mod demo;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, ensure};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing_subscriber::EnvFilter;

use belfry_api::{Access, Api, Readiness};
use belfry_core::ids::MemberId;
use belfry_core::ports::{Clock, Ids, KeyStore, WallClock};
use belfry_scheduler::{Daemon, DaemonMetrics, Hint};
use belfry_sqlite::{Database, SqliteStore};
use belfry_worker::Worker;

use crate::arguments::{Global, Up};
use crate::commands::key::new_key;
use crate::data_folder::DataFolder;
use crate::edge::Host;
use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};

pub async fn run(up: Up, global: &Global) -> Result<(), Failure> {
    let folder = DataFolder::of(global)?;
    folder.create()?;
    let settings = Settings::load(global, &folder)?;
    log(&settings, up.demo)?;
    let listen = up.listen.unwrap_or(settings.api.listen);
    if up.no_auth && !listen.ip().is_loopback() {
        return Err(Failure::WrongUse(format!("--no-auth is accepted on a loopback address only, not on {listen}")));
    }
    let _lock = folder.lock()?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}; name another with --listen"))?;
    let address = listener.local_addr()?;
    let url = settings.api.url.clone().unwrap_or_else(|| format!("http://{address}"));
    folder.create_database()?;
    let database =
        Database::open(&folder.database(), Arc::new(Host)).with_context(|| format!("cannot open {}", folder.database().display()))?;
    let shown_key = first_key(&folder, &database.store(), up.no_auth).await?;
    folder.write_url(&format!("http://{address}"))?;
    announce(&folder, &format!("http://{address}"), shown_key.as_deref(), up.no_auth);
    serve(up, settings, database, listener, url).await?;
    Ok(())
}

/// Runs the parts until a signal; then stops them from the outside in: no new requests, no new fires, no new claims.
async fn serve(up: Up, settings: Settings, database: Database, listener: TcpListener, url: String) -> anyhow::Result<()> {
    let store = database.store();
    let shutdown = CancellationToken::new();
    let ready = Arc::new(AtomicBool::new(true));
    let metrics = DaemonMetrics::default();
    let mut daemon = daemon(&database, &settings, metrics.clone(), url);
    let api = belfry_api::router(api(&store, &metrics, &ready, daemon.hint(), up.no_auth));
    let demo = match up.demo {
        true => Some(demo::Demo::start(&store, Arc::new(Host)).await?),
        false => None,
    };
    if let Some(demo) = &demo {
        daemon = daemon.on_recorded(demo.teller());
    }
    let worker = worker(&database, &settings)?;

    let api = tokio::spawn(belfry_api::serve(listener, api, shutdown.clone()));
    let daemon = tokio::spawn(daemon.run(shutdown.clone()));
    let worker = tokio::spawn(worker.run(shutdown.clone()));
    let stopped = tokio::spawn(signalled());
    // A part that ends by itself has failed: the whole stops, so that whoever supervises it starts it again.
    tokio::pin!(api, daemon, worker);
    let failed = tokio::select! {
        signal = stopped => { signal.context("waiting for a signal failed")??; None }
        ended = &mut api => Some(("API", ended.map(|served| served.map_err(anyhow::Error::from)).map_err(anyhow::Error::from))),
        ended = &mut daemon => Some(("daemon", ended.map(Ok).map_err(anyhow::Error::from))),
        ended = &mut worker => Some(("worker", ended.map(Ok).map_err(anyhow::Error::from))),
    };
    info!("stopping: what runs may end, or is given back");
    ready.store(false, Ordering::Release);
    shutdown.cancel();
    if let Some((part, ended)) = failed {
        ended.and_then(|inner| inner).with_context(|| format!("the {part} failed"))?;
        anyhow::bail!("the {part} ended by itself");
    }
    api.await.context("the API failed")??;
    daemon.await.context("the daemon failed")?;
    worker.await.context("the worker failed")?;
    drop(demo);
    database.close().await;
    Ok(())
}

fn api(store: &SqliteStore, metrics: &DaemonMetrics, ready: &Arc<AtomicBool>, hint: Hint, no_auth: bool) -> Api {
    let store = Arc::new(store.clone());
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let registry = Arc::new(registry);
    let ready = Arc::clone(ready);
    Api {
        workflows: store.clone(),
        runs: store.clone(),
        keys: store,
        ids: Arc::new(Host),
        random: Arc::new(crate::edge::random::<32>),
        on_write: Arc::new(move || hint.give()),
        access: if no_auth { Access::Open } else { Access::Keys },
        metrics: Arc::new(move || {
            let mut text = String::new();
            // Writing into a string cannot fail.
            let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
            text
        }),
        ready: Arc::new(move || match ready.load(Ordering::Acquire) {
            true => Readiness::Ready,
            false => Readiness::NotReady("stopping".to_owned()),
        }),
    }
}

fn daemon(database: &Database, settings: &Settings, metrics: DaemonMetrics, url: String) -> Daemon {
    let member = MemberId(Host.v7(WallClock::now(&Host)));
    Daemon::new(Arc::new(database.store()), Arc::new(database.queue()), Arc::new(Host), member, settings.daemon(url), metrics)
}

fn worker(database: &Database, settings: &Settings) -> anyhow::Result<Worker> {
    let host = Arc::new(Host);
    let clock: Arc<dyn Clock> = host.clone();
    Worker::new(Arc::new(database.store()), Arc::new(database.queue()), clock, host.clone(), host, settings.worker()?)
        .context("cannot prepare the worker")
}

/// The key of the data folder, made when no living key matches it; answered when it is new.
async fn first_key(folder: &DataFolder, store: &SqliteStore, no_auth: bool) -> anyhow::Result<Option<String>> {
    if no_auth {
        return Ok(None);
    }
    if let Some(key) = folder.api_key()
        && store.living_key(belfry_api::keys::hash(&key)).await.context("cannot read the keys")?.is_some()
    {
        return Ok(None);
    }
    let any_living = store.keys().await.context("cannot read the keys")?.iter().any(|key| key.revoked_at.is_none());
    if any_living {
        // The folder's key was revoked or removed on purpose, and there are others.
        return Ok(None);
    }
    let (secret, _) = new_key(store, "first").await?;
    folder.write_api_key(&secret)?;
    Ok(Some(secret))
}

fn announce(folder: &DataFolder, url: &str, key: Option<&str>, no_auth: bool) {
    anstream::eprintln!("belfry listens on {url}, its data are in {}", folder.path().display());
    match key {
        Some(key) => anstream::eprintln!("the first API key, also in {}:\n  {key}", folder.path().join("api-key").display()),
        None if no_auth => anstream::eprintln!("anyone on this host may use it (--no-auth)"),
        None => {}
    }
}

fn log(settings: &Settings, demo: bool) -> anyhow::Result<()> {
    // The demo prints its own lines; what is routine would drown them.
    let directives = if demo && settings.log.filter == "info" { "warn" } else { &settings.log.filter };
    let filter = EnvFilter::try_new(directives).with_context(|| format!("log.filter: `{directives}` is no filter such as info"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let installed = match settings.log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    ensure!(installed.is_ok(), "logging was set up before");
    Ok(())
}

async fn signalled() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
