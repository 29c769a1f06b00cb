//! The scheduler: background work only.
//!
//! [`daemon`] knows when to look and what to do; [`ScheduledWorkflowService`] has the daemon's database verbs. There is no
//! HTTP here, no request or response, and nothing that a user calls: those live in `belfry-workflow`.

pub mod daemon;
pub mod metrics;
mod service;
mod store_time;

pub use daemon::{Daemon, Hint, Recorded, Settings};
pub use metrics::DaemonMetrics;
pub use service::ScheduledWorkflowService;
