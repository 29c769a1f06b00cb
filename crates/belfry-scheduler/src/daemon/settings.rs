//! What an operator may set of the daemon.

use jiff::SignedDuration;

#[derive(Debug, Clone)]
pub struct Settings {
    /// How often the whole look-ahead is read.
    pub poll_interval: SignedDuration,
    /// How far ahead of a schedule's due time it is brought into memory. Longer than `poll_interval`.
    pub look_ahead: SignedDuration,
    /// How often what is due within `near_look_ahead` is read: this catches new and edited schedules.
    pub near_look_interval: SignedDuration,
    pub near_look_ahead: SignedDuration,
    /// How often runs that nobody publishes are taken.
    pub sweep_interval: SignedDuration,
    /// How often lost claims are looked for.
    pub reap_interval: SignedDuration,
    /// How often runs are looked for whose message was lost.
    pub redrive_interval: SignedDuration,
    /// How often what waits to be published is counted, for the metrics.
    pub measure_interval: SignedDuration,
    /// For how long nobody else publishes a run that this daemon fired or swept.
    pub publish_lease: SignedDuration,
    /// How long one batch may take to be confirmed. At most half of `publish_lease`.
    pub publish_limit: SignedDuration,
    /// How many runs may be on their way to the queue.
    pub publish_window: usize,
    /// How many keys of near schedules are held in memory.
    pub near_capacity: usize,
    /// How many bytes of schedules are held in memory, roughly.
    pub payload_budget: usize,
    /// How long the daemon waits at shutdown for what it has begun to publish.
    pub drain_limit: SignedDuration,
    /// What messages name as their source: the API's base URL.
    pub source: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            poll_interval: SignedDuration::from_secs(30),
            look_ahead: SignedDuration::from_secs(60),
            near_look_interval: SignedDuration::from_secs(1),
            near_look_ahead: SignedDuration::from_secs(2),
            sweep_interval: SignedDuration::from_secs(1),
            reap_interval: SignedDuration::from_secs(5),
            redrive_interval: SignedDuration::from_secs(10),
            measure_interval: SignedDuration::from_secs(10),
            publish_lease: SignedDuration::from_secs(15),
            publish_limit: SignedDuration::from_secs(5),
            publish_window: 2_000,
            near_capacity: 20_000,
            payload_budget: 16 * 1024 * 1024,
            drain_limit: SignedDuration::from_secs(10),
            source: "http://localhost".to_owned(),
        }
    }
}
