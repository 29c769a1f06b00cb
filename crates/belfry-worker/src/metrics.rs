//! What the worker counts. It knows no HTTP; the binary serves the registry.

use belfry_core::run::RunState;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Cheap to clone: clones count into the same numbers.
#[derive(Clone, Default)]
pub struct WorkerMetrics {
    pub claimed: Counter,
    /// Deliveries of runs that were not to be claimed: delivered twice, as a rule.
    pub refused: Counter,
    pub in_progress: Gauge,
    ended: Family<[(&'static str, &'static str); 1], Counter>,
    pub given_back: Counter,
    /// Runs whose claim was lost: another worker has them, or will.
    pub lost: Counter,
    /// Times that the queue failed.
    pub queue_failures: Counter,
    pub concurrency: Gauge,
}

impl WorkerMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("belfry_worker");
        registry.register("runs_claimed", "Runs that this worker claimed", self.claimed.clone());
        registry.register("deliveries_refused", "Deliveries of runs that were not to be claimed any more", self.refused.clone());
        registry.register("runs_in_progress", "Runs that it holds, those that merely wait too", self.in_progress.clone());
        registry.register("runs_ended", "Runs that it ended, by their state", self.ended.clone());
        registry.register("runs_given_back", "Runs given back without an end", self.given_back.clone());
        registry.register("claims_lost", "Runs dropped because their claim was lost", self.lost.clone());
        registry.register("queue_failures", "Times that consuming failed and began again", self.queue_failures.clone());
        registry.register("concurrency", "How many runs it executes at the same time at most", self.concurrency.clone());
    }

    pub(crate) fn ended(&self, state: RunState) {
        self.ended.get_or_create(&[("state", state.as_str())]).inc();
    }
}
