//! What the daemon counts. It knows no HTTP; the binary serves the registry.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Cheap to clone: clones count into the same numbers.
#[derive(Clone)]
pub struct DaemonMetrics {
    pub fired: Counter,
    pub published: Counter,
    pub publish_failures: Counter,
    pub decide_failures: Counter,
    /// Runs whose row stood already when they were fired: 0, or the protocol was broken.
    pub conflicts: Counter,
    pub lateness_to_row: Histogram,
    pub lateness_to_confirm: Histogram,
    pub look_duration: Histogram,
    pub requeued: Counter,
    pub workers_lost: Counter,
    pub store_errors: Counter,
    pub near_schedules: Gauge,
    pub in_flight: Gauge,
    pub clock_error_ms: Gauge,
}

impl Default for DaemonMetrics {
    fn default() -> DaemonMetrics {
        // 1 ms to about 35 minutes.
        let latency = || Histogram::new(exponential_buckets(0.001, 2.0, 22));
        DaemonMetrics {
            fired: Counter::default(),
            published: Counter::default(),
            publish_failures: Counter::default(),
            decide_failures: Counter::default(),
            conflicts: Counter::default(),
            lateness_to_row: latency(),
            lateness_to_confirm: latency(),
            look_duration: latency(),
            requeued: Counter::default(),
            workers_lost: Counter::default(),
            store_errors: Counter::default(),
            near_schedules: Gauge::default(),
            in_flight: Gauge::default(),
            clock_error_ms: Gauge::default(),
        }
    }
}

impl DaemonMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("belfry_scheduler");
        registry.register("runs_fired", "Scheduled runs recorded", self.fired.clone());
        registry.register("runs_published", "Runs whose message the queue confirmed", self.published.clone());
        registry.register("publish_failures", "Runs given back because they could not be published", self.publish_failures.clone());
        registry.register("decide_failures", "Schedules that could not be decided", self.decide_failures.clone());
        registry.register("conflicts", "Runs whose row stood already when fired; anything but 0 is a fault", self.conflicts.clone());
        registry.register("runs_requeued", "Runs taken back from lost workers", self.requeued.clone());
        registry.register("runs_worker_lost", "Runs ended after their third lost worker", self.workers_lost.clone());
        registry.register("store_errors", "Calls to the store that failed", self.store_errors.clone());
        registry.register("near_schedules", "Schedules in memory", self.near_schedules.clone());
        registry.register("runs_in_flight", "Runs on their way to the queue", self.in_flight.clone());
        registry.register("clock_error_milliseconds", "How wrong the estimate of the store's clock may be", self.clock_error_ms.clone());
        let seconds = || Unit::Seconds;
        registry.register_with_unit("lateness_to_row", "From due to recorded", seconds(), self.lateness_to_row.clone());
        registry.register_with_unit(
            "lateness_to_confirm",
            "From due to confirmed by the queue",
            seconds(),
            self.lateness_to_confirm.clone(),
        );
        registry.register_with_unit("look_duration", "Reading what is due", seconds(), self.look_duration.clone());
    }
}
