//! What a process listens on: the API's own address, or that of its probes.

use std::net::SocketAddr;

use anyhow::Context;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use belfry_api::Access;

use super::health::Health;
use crate::failure::Failure;

pub async fn on(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}; name another with {flag}"))
}

/// Without keys only this host is served.
pub fn access(no_auth: bool, listen: SocketAddr) -> Result<Access, Failure> {
    match no_auth {
        false => Ok(Access::Keys),
        true if listen.ip().is_loopback() => Ok(Access::Open),
        true => Err(Failure::WrongUse(format!("--no-auth is accepted on a loopback address only, not on {listen}"))),
    }
}

/// `/healthz`, `/readyz` and `/metrics` of a process that has no API. They answer to the end of the process, while it stops
/// too; dropped, they are gone.
pub struct Probes {
    _end: tokio_util::sync::DropGuard,
}

impl Probes {
    /// Nothing where no address was given.
    pub async fn serve(address: Option<SocketAddr>, health: &Health, registry: Registry) -> anyhow::Result<Option<Probes>> {
        let Some(address) = address else { return Ok(None) };
        let listener = on(address, "--metrics-listen").await?;
        info!("health and metrics are on http://{}", listener.local_addr()?);
        let end = CancellationToken::new();
        let router = belfry_api::probes(health.metrics(registry), health.ready());
        tokio::spawn(belfry_api::serve(listener, router, end.clone()));
        Ok(Some(Probes { _end: end.drop_guard() }))
    }
}
