//! One thing that was looked at.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use belfry_core::time::UnixMillis;

use crate::output::local_time;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    pub state: State,
    /// What was found.
    pub detail: String,
    /// What to type, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    Failed,
}

impl Check {
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Check {
        Check { name, state: State::Ok, detail: detail.into(), remedy: None }
    }

    pub fn warning(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, state: State::Warning, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub fn failed(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check { name, state: State::Failed, detail: detail.into(), remedy: Some(remedy.into()) }
    }
}

/// What is older waits for something that does not come by itself.
pub const OLD: SignedDuration = SignedDuration::from_secs(60);

/// Runs that wait to be published, and for how long the oldest of them has.
pub fn backlog(pending: usize, age: SignedDuration) -> Check {
    match pending {
        0 => Check::ok("backlog", "no run waits to be published"),
        _ if age <= OLD => Check::ok("backlog", waiting(pending, age)),
        _ => Check::warning("backlog", waiting(pending, age), "belfry run list --state pending"),
    }
}

fn waiting(pending: usize, age: SignedDuration) -> String {
    format!("runs that wait to be published: {pending}, the oldest for {} s", age.as_secs())
}

/// Runs that were queued before `long_ago` and still are: a warning for each queue. `are_some` says that there are more runs.
pub fn stay_queued(runs: &[Value], long_ago: UnixMillis, are_some: bool) -> Vec<Check> {
    let mut queues: BTreeMap<&str, (usize, UnixMillis)> = BTreeMap::new();
    for run in runs {
        let queued_at = run["queued_at"].as_str().and_then(|at| UnixMillis::parse_exact(at).ok());
        let (Some(queue), Some(at)) = (run["queue"].as_str(), queued_at.filter(|at| *at < long_ago)) else { continue };
        let (count, oldest) = queues.entry(queue).or_insert((0, at));
        *count += 1;
        *oldest = at.min(*oldest);
    }
    let at_least = if are_some { "at least " } else { "" };
    let warning = |(queue, (count, oldest)): (&str, (usize, UnixMillis))| {
        let detail = format!("runs that no worker takes from {queue}: {at_least}{count}, since {}", local_time(&oldest.to_string()));
        Check::warning("queues", detail, format!("belfry worker --queues {queue}    # with `belfry up`: its worker.queues"))
    };
    queues.into_iter().map(warning).collect()
}

/// A clock that is off by more misleads people who compare times.
const OFF: i64 = 1_000;

/// How far the store's clock is ahead of this host's, with the error of the measurement.
pub fn clock_offset(store: UnixMillis, host: UnixMillis, error: SignedDuration) -> Check {
    let ahead = store.since(host).as_millis();
    let direction = if ahead < 0 { "behind" } else { "ahead of" };
    let detail = format!("the store's clock is {} ms (± {} ms) {direction} this host's", ahead.abs(), error.as_millis());
    if ahead.abs() - error.as_millis() <= i128::from(OFF) {
        return Check::ok("clock", detail);
    }
    Check::warning("clock", format!("{detail}; the store's decides, here and in every process"), "timedatectl set-ntp true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_when_it_is_so_beyond_the_error_of_its_measurement() {
        let at = UnixMillis::saturating;
        let state = |store, host, error| clock_offset(at(store), at(host), SignedDuration::from_millis(error)).state;
        assert_eq!(state(5_000, 4_000, 0), State::Ok);
        assert_eq!(state(4_000, 5_100, 200), State::Ok);
        assert_eq!(state(4_000, 5_300, 200), State::Warning);
        let check = clock_offset(at(4_000), at(5_000), SignedDuration::from_millis(3));
        assert_eq!(check.detail, "the store's clock is 1000 ms (± 3 ms) behind this host's");
    }

    #[test]
    fn runs_that_stay_queued_are_told_by_their_queue() {
        let run = |queue: &str, at: &str| serde_json::json!({"queue": queue, "queued_at": at});
        let runs = [run("far", "2026-01-01T00:00:05Z"), run("far", "2026-01-01T00:00:01Z"), run("near", "2026-01-01T00:02:00Z")];
        let told = stay_queued(&runs, UnixMillis::parse_exact("2026-01-01T00:01:00Z").unwrap(), false);
        assert_eq!(told.len(), 1);
        assert!(told[0].detail.starts_with("runs that no worker takes from far: 2, since "), "{}", told[0].detail);
        assert_eq!((told[0].name, told[0].state), ("queues", State::Warning));
        assert!(told[0].remedy.as_ref().unwrap().starts_with("belfry worker --queues far "));
    }

    #[test]
    fn a_backlog_is_told_when_it_is_old() {
        let state = |pending, seconds| backlog(pending, SignedDuration::from_secs(seconds)).state;
        assert_eq!([state(0, 0), state(500, 60), state(1, 61)], [State::Ok, State::Ok, State::Warning]);
    }
}
