//! What a benchmark found.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};

use super::drain::Messages;
use super::load::Late;
use super::usage::{Memory, Usage};

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    Burst,
    Steady,
}

pub struct Report {
    pub shape: Shape,
    pub daemons: u8,
    pub schedules: usize,
    pub expected: usize,
    pub messages: Messages,
    pub took: SignedDuration,
    pub idle_memory: Option<Memory>,
    pub peak_memory: Option<Memory>,
    pub usage: Usage,
    pub wal_bytes: u64,
    pub runs: Vec<Late>,
}

impl Report {
    #[expect(clippy::cast_precision_loss, reason = "counts and bytes of a benchmark are far below 2^52")]
    pub fn value(&self) -> Value {
        let fires = self.runs.len();
        let per_fire = |amount: f64| (fires > 0).then(|| amount / fires as f64);
        let seconds = self.took.as_secs_f64();
        let cpu: serde_json::Map<String, Value> = self
            .usage
            .0
            .iter()
            .map(|(name, used)| ((*name).to_owned(), json!(per_fire(used * 1e6).map(|micros| (micros * 10.0).round() / 10.0))))
            .collect();
        json!({
            "shape": self.shape,
            "daemons": self.daemons,
            "schedules": self.schedules,
            "runs_expected": self.expected,
            "runs_recorded": fires,
            "runs_delivered": self.messages.runs,
            "messages": self.messages.deliveries,
            "seconds": seconds,
            "fires_per_second": fires as f64 / seconds,
            "lateness_to_row_ms": percentiles(self.runs.iter().map(|run| run.to_row).collect()),
            "lateness_to_confirm_ms": percentiles(self.runs.iter().filter_map(|run| run.to_confirm).collect()),
            "cpu_us_per_fire": cpu,
            "wal_bytes_per_fire": per_fire(self.wal_bytes as f64).map(f64::round),
            "daemon_memory_idle_mib": self.idle_memory.map(|memory| mib(memory.now)),
            "daemon_memory_peak_mib": self.peak_memory.map(|memory| mib(memory.peak)),
        })
    }
}

/// Of daemons that have nothing to fire.
pub struct Idle {
    pub daemons: u8,
    pub took: SignedDuration,
    pub usage: Usage,
    pub wal_bytes: u64,
    pub memory: Option<Memory>,
}

impl Idle {
    #[expect(clippy::cast_precision_loss, reason = "bytes of a benchmark are far below 2^52")]
    pub fn value(&self) -> Value {
        let seconds = self.took.as_secs_f64();
        let percent = |used: f64| (used / seconds * 100.0 * 100.0).round() / 100.0;
        let cpu: serde_json::Map<String, Value> =
            self.usage.0.iter().map(|(name, used)| ((*name).to_owned(), json!(percent(*used)))).collect();
        json!({
            "shape": "idle",
            "daemons": self.daemons,
            "seconds": seconds,
            "cpu_percent_of_a_core": cpu,
            "wal_bytes_per_second": (self.wal_bytes as f64 / seconds).round(),
            "daemon_memory_mib": self.memory.map(|memory| mib(memory.now)),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
fn mib(bytes: u64) -> f64 {
    (bytes as f64 / 1024.0 / 1024.0 * 10.0).round() / 10.0
}

/// Of the raw values: the smallest one that so many of them do not exceed.
fn percentiles(mut values: Vec<i64>) -> Value {
    values.sort_unstable();
    let at = |per_mille: usize| values.get((values.len() * per_mille).div_ceil(1_000).max(1) - 1).copied();
    json!({"p50": at(500), "p90": at(900), "p99": at(990), "p99.9": at(999), "max": values.last()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentiles((1..=1_000).rev().collect()), json!({"p50": 500, "p90": 900, "p99": 990, "p99.9": 999, "max": 1_000}));
        assert_eq!(percentiles(vec![7]), json!({"p50": 7, "p90": 7, "p99": 7, "p99.9": 7, "max": 7}));
        assert_eq!(percentiles(Vec::new()), json!({"p50": null, "p90": null, "p99": null, "p99.9": null, "max": null}));
    }
}
