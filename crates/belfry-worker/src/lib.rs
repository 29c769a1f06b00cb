//! The worker: it claims runs and executes their nodes.
//!
//! It knows runs and not schedules, and reaches them through `RunStore` and `Queue` only. It must not decide when
//! anything runs, and it keeps nothing of its own: what a run has done so far is in its nodes' results, so that any other
//! worker can go on with it.

mod bounded;
mod claim;
mod command;
mod doorbell;
mod execution;
#[cfg(test)]
mod fake;
mod graph;
mod http;
mod lease;
mod metrics;
mod network;
mod node;
mod settings;
mod slots;
mod template;
#[cfg(test)]
mod tests;
mod timing;
mod worker;
mod writes;

pub use metrics::WorkerMetrics;
pub use network::{NetworkPolicy, Subnet, SubnetError};
pub use settings::{CommandSettings, SettingsError, WorkerSettings};
pub use worker::Worker;
