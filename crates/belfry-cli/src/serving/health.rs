//! What a process tells of itself: whether it is ready, why not, and its numbers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use belfry_api::{Metrics, Readiness, Ready};
use belfry_core::ports::{Clock, Queue, QueueState};

use crate::edge::Host;

/// Why a part is not ready; nothing while it is. Asks nobody, and does not block.
pub type Check = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// Its clones speak of the same process.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    stopping: AtomicBool,
    /// By the name of what each looks at.
    checks: Vec<(&'static str, Check)>,
}

impl Health {
    pub fn new(checks: Vec<(&'static str, Check)>) -> Health {
        Health(Arc::new(Inner { stopping: AtomicBool::new(false), checks }))
    }

    /// From now on the process is not ready, so that nobody new comes to it.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Release);
    }

    pub fn ready(&self) -> Ready {
        let health = self.clone();
        Arc::new(move || health.readiness())
    }

    fn readiness(&self) -> Readiness {
        if self.0.stopping.load(Ordering::Acquire) {
            return Readiness::NotReady("stopping".to_owned());
        }
        let reasons: Vec<String> = self.0.checks.iter().filter_map(|(_, check)| check()).collect();
        if reasons.is_empty() { Readiness::Ready } else { Readiness::NotReady(reasons.join("; ")) }
    }

    /// The text of `/metrics`: what is in `registry`, and what every process tells.
    pub fn metrics(&self, mut registry: Registry) -> Metrics {
        let build = [("version", env!("CARGO_PKG_VERSION")), ("zone_data", belfry_core::time::zone_data_version())];
        registry.register("belfry_build", "What this process was built from", Info::new(build.to_vec()));
        let up = Family::<[(&'static str, &'static str); 1], Gauge>::default();
        registry.register("belfry_part_up", "1 for each part that this process needs and that is well, as in /readyz", up.clone());
        let health = self.clone();
        Arc::new(move || {
            for (part, check) in &health.0.checks {
                up.get_or_create(&[("part", *part)]).set(i64::from(check().is_none()));
            }
            let mut text = String::new();
            // Writing into a string cannot fail.
            let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
            text
        })
    }
}

pub fn queue(queue: Arc<dyn Queue>) -> (&'static str, Check) {
    let check = move || match queue.state() {
        QueueState::Up => None,
        QueueState::Down(reason) => Some(format!("the queue is down: {reason}")),
    };
    ("queue", Box::new(check))
}

/// A daemon that has not ticked for so long is stuck, or waits for a store that does not answer.
const LONGEST_TICK: SignedDuration = SignedDuration::from_secs(15);

/// `ticks` counts them. Time is measured between the questions: nobody has to watch in between.
pub fn ticking(ticks: impl Fn() -> u64 + Send + Sync + 'static) -> (&'static str, Check) {
    let last = Mutex::new((0, Host.boot()));
    let check = move || {
        let (count, now) = (ticks(), Host.boot());
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if count > last.0 {
            *last = (count, now);
        }
        behind(count, now.since(last.1))
    };
    ("daemon", Box::new(check))
}

fn behind(count: u64, since: SignedDuration) -> Option<String> {
    match count {
        0 => Some("the daemon has not begun".to_owned()),
        _ if since > LONGEST_TICK => Some(format!("the daemon has done nothing for {} s", since.as_secs())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told_and_stopping_outweighs_them() {
        let no = |reason: &'static str| -> Check { Box::new(move || Some(reason.to_owned())) };
        let health = Health::new(vec![("database", no("no database")), ("daemon", Box::new(|| None)), ("queue", no("no queue"))]);
        assert_eq!(health.readiness(), Readiness::NotReady("no database; no queue".to_owned()));
        health.stop();
        assert_eq!(health.readiness(), Readiness::NotReady("stopping".to_owned()));
    }

    #[test]
    fn the_metrics_tell_each_part_as_it_is_now() {
        let down = Arc::new(AtomicBool::new(false));
        let is_down = Arc::clone(&down);
        let check: Check = Box::new(move || is_down.load(Ordering::Acquire).then(|| "down".to_owned()));
        let metrics = Health::new(vec![("queue", check)]).metrics(Registry::default());
        assert!(metrics().contains("belfry_part_up{part=\"queue\"} 1\n"));
        down.store(true, Ordering::Release);
        assert!(metrics().contains("belfry_part_up{part=\"queue\"} 0\n"));
    }

    #[test]
    fn a_daemon_is_well_while_it_ticks() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(behind(0, seconds(0)), Some("the daemon has not begun".to_owned()));
        assert_eq!(behind(7, seconds(15)), None);
        assert_eq!(behind(7, seconds(16)), Some("the daemon has done nothing for 16 s".to_owned()));
    }
}
