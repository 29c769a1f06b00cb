//! The processes: `belfry up`, `api`, `daemon`, `worker`.

use std::net::SocketAddr;

use clap::Args;

pub(super) const UP: &str = "Examples:
  belfry up --demo                              with three small workflows, and a line for each run
  belfry up --listen 127.0.0.1:8000 --data-dir ./belfry-data";

#[derive(Args)]
pub struct Up {
    /// The address that the API listens on
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Add three small workflows, and print each run with its lateness as it fires
    #[arg(long)]
    pub demo: bool,
    /// Serve the API without keys; accepted on a loopback address only
    #[arg(long)]
    pub no_auth: bool,
}

pub(super) const EXAMPLE: &str = "Example:
  export BELFRY_DATABASE_URL=postgresql://belfry:…@db.example/belfry
  export BELFRY_BROKER_URL=amqps://belfry:…@broker.example/%2f    # else the queue is in PostgreSQL
  belfry migrate
  belfry key create admin
  belfry api --listen 127.0.0.1:7420
  belfry daemon --metrics-listen 127.0.0.1:7421
  belfry worker --queues default,reports --metrics-listen 127.0.0.1:7422
All settings with their defaults: belfry config. Operating it: docs/deploy.md";

#[derive(Args)]
pub struct ApiArguments {
    /// The address that the API listens on
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Serve the API without keys; accepted on a loopback address only
    #[arg(long)]
    pub no_auth: bool,
}

#[derive(Args)]
pub struct DaemonArguments {
    /// Where to serve /healthz, /readyz and /metrics, without keys
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
}

#[derive(Args)]
pub struct WorkerArguments {
    /// Which queues to consume, separated by commas
    #[arg(long)]
    pub queues: Option<String>,
    /// Where to serve /healthz, /readyz and /metrics, without keys
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
}
