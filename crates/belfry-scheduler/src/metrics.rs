//! What the daemon counts. It knows no HTTP; the binary serves the registry.

use prometheus_client::metrics::counter::Counter;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Cheap to clone: clones count into the same numbers.
#[derive(Clone)]
pub struct DaemonMetrics {
    /// A daemon whose number stands still is stuck.
    pub ticks: Counter,
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
    /// How far the host's clock is ahead of the store's.
    pub host_clock_ahead_ms: Gauge,
    /// For how long the most overdue schedule in memory has been due.
    pub overdue: Gauge<f64, AtomicU64>,
    pub pending: Gauge,
    pub pending_age: Gauge<f64, AtomicU64>,
    pub queue_up: Gauge,
    pub members: Gauge,
    pub shards: Gauge,
    pub taken_over: Counter,
    pub redriven: Counter,
    pub unclaimed: Counter,
}

impl Default for DaemonMetrics {
    fn default() -> DaemonMetrics {
        // 1 ms to about 35 minutes.
        let latency = || Histogram::new(exponential_buckets(0.001, 2.0, 22));
        DaemonMetrics {
            ticks: Counter::default(),
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
            host_clock_ahead_ms: Gauge::default(),
            overdue: Gauge::default(),
            pending: Gauge::default(),
            pending_age: Gauge::default(),
            queue_up: Gauge::default(),
            members: Gauge::default(),
            shards: Gauge::default(),
            taken_over: Counter::default(),
            redriven: Counter::default(),
            unclaimed: Counter::default(),
        }
    }
}

impl DaemonMetrics {
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("belfry_scheduler");
        registry.register("ticks", "Times that everything due was looked at; it grows while the daemon works", self.ticks.clone());
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
        registry.register(
            "host_clock_ahead_milliseconds",
            "How far the host's clock is ahead of the store's; nothing is decided by it",
            self.host_clock_ahead_ms.clone(),
        );
        registry.register("runs_pending", "Runs that wait to be published, counted up to 10,000", self.pending.clone());
        registry.register("queue_up", "1 while the queue can be published to", self.queue_up.clone());
        registry.register("members", "Living daemons, this one too", self.members.clone());
        registry.register("shards", "Shards that this daemon looks after, of 256", self.shards.clone());
        registry.register("schedules_taken_over", "Overdue schedules of other daemons that this one took over", self.taken_over.clone());
        registry.register("runs_redriven", "Runs published again because their message was lost or not claimed", self.redriven.clone());
        registry.register("runs_unclaimed", "Runs ended because nobody claimed what was consumed", self.unclaimed.clone());
        let seconds = || Unit::Seconds;
        registry.register_with_unit("overdue", "Since when the most overdue schedule in memory is due", seconds(), self.overdue.clone());
        registry.register_with_unit("pending_age", "Age of the oldest run that waits to be published", seconds(), self.pending_age.clone());
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
