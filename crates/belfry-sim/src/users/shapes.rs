//! Schedules and workflows as users write them.

use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::operation::{CALENDARS, CRONS, Rhythm, Timing, Work, ZONES};

/// `zero` is a whole multiple of all intervals: no schedule is at odds with another.
pub fn schedule(timing: Timing, zero: UnixMillis, now: UnixMillis) -> Value {
    let after = |seconds: u16| now.plus(SignedDuration::from_secs(seconds.into()));
    let every = |seconds: u16| json!({"every": format!("PT{seconds}S"), "start": zero});
    let cron = |number: u8| json!({"cron": CRONS[usize::from(number) % CRONS.len()]});
    let mut body = match timing.rhythm {
        Rhythm::Every(seconds) => every(seconds),
        Rhythm::Cron(number) => cron(number),
        Rhythm::Both(seconds, number) => json!({"specs": [every(seconds), cron(number)]}),
        Rhythm::Once(seconds) => json!({"at": after(seconds)}),
    };
    body["timezone"] = json!(ZONES[usize::from(timing.zone) % ZONES.len()]);
    body["jitter"] = json!(format!("PT{}S", timing.jitter));
    body["catch_up"] = json!(timing.catch_up);
    body["catch_up_window"] = json!(format!("PT{}S", timing.window));
    body["end_at"] = json!(timing.ends_after.map(after));
    if let Some(number) = timing.holidays {
        body["exclude"] = json!([{"holidays": CALENDARS[usize::from(number) % CALENDARS.len()]}]);
    }
    body
}

/// Closed, it has a holiday on each day around `zero`: a history is shorter.
pub fn calendar(builds_on: Option<&str>, closes: bool, zero: UnixMillis) -> Value {
    let day = |hours: i64| zero.plus(SignedDuration::from_hours(hours)).to_timestamp().to_zoned(TimeZone::UTC).date();
    let holidays = if closes { vec![format!("{}..{}", day(-48), day(48))] } else { vec![] };
    json!({"union": builds_on.into_iter().collect::<Vec<&str>>(), "holidays": holidays})
}

/// A node that fails is named `fails`, and one that may fail without failing its run `may_fail`.
pub fn definition(work: Work, schedule: Option<Value>) -> Value {
    let (mut nodes, mut edges) = match work {
        Work::Quick => (vec![log("a")], vec![]),
        Work::Waits(seconds) => (vec![log("a"), wait("b", seconds), log("c")], vec![edge("a", "b"), edge("b", "c")]),
        Work::Parallel(seconds) => (
            vec![log("a"), wait("b", seconds), log("c"), log("d"), log("e")],
            vec![edge("a", "b"), edge("a", "c"), edge("a", "d"), edge("b", "e"), edge("c", "e"), edge("d", "e")],
        ),
        Work::Fails => (vec![log("a"), failing("fails"), log("c")], vec![edge("a", "fails"), edge("fails", "c")]),
        Work::Handled => (vec![log("a"), failing("may_fail"), log("c")], vec![edge("a", "may_fail"), failure("may_fail", "c")]),
        Work::Retried => (vec![log("a"), too_slow("may_fail"), log("c")], vec![edge("a", "may_fail"), failure("may_fail", "c")]),
    };
    if let Some(schedule) = schedule {
        nodes.push(json!({"id": "start", "type": "trigger", "parameters": {"schedule": schedule}}));
        edges.push(edge("start", "a"));
    }
    json!({"nodes": nodes, "edges": edges})
}

fn log(id: &str) -> Value {
    json!({"id": id, "type": "log", "parameters": {"message": "here"}})
}

fn wait(id: &str, seconds: u16) -> Value {
    json!({"id": id, "type": "wait", "parameters": {"for": format!("PT{seconds}S")}})
}

/// Its template asks for something that is not there.
fn failing(id: &str) -> Value {
    json!({"id": id, "type": "log", "parameters": {"message": "{{ input.nothing.of_it }}"}})
}

/// Three attempts of a second each, with a pause of one second and one of two.
fn too_slow(id: &str) -> Value {
    let retry = json!({"attempts": 3, "backoff": "PT1S"});
    json!({"id": id, "type": "wait", "parameters": {"for": "PT9S"}, "timeout": "PT1S", "retry": retry})
}

fn edge(from: &str, to: &str) -> Value {
    json!({"from": from, "to": to})
}

fn failure(from: &str, to: &str) -> Value {
    json!({"from": from, "to": to, "when": "failure"})
}
