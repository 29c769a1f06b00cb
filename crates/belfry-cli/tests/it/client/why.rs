//! `belfry why`: every planned time has an answer.

use serde_json::{Value, json};

use super::printed;
use crate::server::{Server, eventually};

fn why(server: &Server, schedule: &str, time: &str) -> (String, String) {
    let answer = server.json(&["why", schedule, time]);
    (answer["answer"].as_str().unwrap().to_owned(), answer["detail"].as_str().unwrap().to_owned())
}

#[test]
fn a_time_that_passed_is_told_with_its_run_or_with_the_reason_that_there_is_none() {
    let server = Server::start();
    server.apply("tick", json!({"every": "PT1S"}));
    let newest = || Some(server.json(&["run", "list", "--schedule", "tick", "--state", "succeeded"])["items"].get(0)?.clone());
    let run = eventually("a run", newest);
    let fired = why(&server, "tick", run["nominal_time"].as_str().unwrap());
    assert!(fired.0 == "fired" && fired.1.contains("its run is succeeded"), "{fired:?}");
    let said = printed(&server, &["why", "tick", run["nominal_time"].as_str().unwrap()]);
    assert!(said.contains(&format!("type: belfry run get {}", run["id"].as_str().unwrap())), "{said}");

    printed(&server, &["schedule", "pause", "tick"]);
    let id = run["schedule_id"].as_str().unwrap();
    let paused_at: jiff::Timestamp = server.json(&["schedule", "get", id])["updated_at"].as_str().unwrap().parse().unwrap();
    let nominal: jiff::Timestamp = run["nominal_time"].as_str().unwrap().parse().unwrap();
    // The second one after the pause: whatever was due at the pause is decided by then.
    let seconds = (paused_at.as_millisecond() - nominal.as_millisecond()) / 1000 + 2;
    let within = (nominal + jiff::SignedDuration::from_secs(seconds)).to_string();
    assert_eq!(why(&server, "tick", &within).0, "paused");
    eventually("the time to pass", || (why_now(&server) > within).then_some(()));
    printed(&server, &["schedule", "resume", "tick"]);
    assert_eq!(why(&server, "tick", &within).0, "paused");
    let before = why(&server, "tick", "2020-01-01T00:00:00Z");
    assert!(before.0 == "not_planned" && before.1.contains("made later"), "{before:?}");
    printed(&server, &["workflow", "delete", "tick"]);
    assert_eq!(why(&server, id, run["nominal_time"].as_str().unwrap()).0, "fired");
}

/// The server's clock, as a new key tells it.
fn why_now(server: &Server) -> String {
    server.json(&["key", "create", "clock"])["created_at"].as_str().unwrap().to_owned()
}

#[test]
fn a_time_to_come_is_planned_or_told_why_not() {
    let server = Server::start();
    super::apply_nodes(&server, "w", &[json!({"id": "start", "type": "trigger"})]);
    let set = |arguments: &[&str]| server.json(&[&["schedule", "set", "w"], arguments].concat());
    let schedule: Value = set(&["--cron", "0 9 * * *", "--timezone", "Europe/Berlin", "--exclude", "2098-12-25", "--jitter", "5m"]);
    assert!(schedule["next_run_at"].is_string());
    let planned = why(&server, "w", "2098-12-24T08:00:00Z");
    assert_eq!(planned, ("planned".to_owned(), "it will fire, up to PT5M later".to_owned()));
    let excluded = why(&server, "w", "2098-12-25T08:00:00Z");
    assert!(excluded.0 == "not_planned" && excluded.1.contains("exclusion"), "{excluded:?}");
    let none = why(&server, "w", "2098-12-24T08:30:00Z");
    assert!(none.1.contains("2098-12-24 09:00:00 CET") && none.1.contains("2098-12-26 09:00:00 CET"), "{none:?}");
    // A local time is of the schedule's zone, which is named, and not of the host's.
    let said = printed(&server, &["why", "w", "2098-12-24T09:00"]);
    assert!(said.starts_with("2098-12-24 09:00:00 CET (Europe/Berlin): it will fire"), "{said}");
    printed(&server, &["schedule", "pause", "w"]);
    assert_eq!(why(&server, "w", "2098-12-24T08:00:00Z").0, "paused");
    assert_eq!(server.belfry(&["why", "nothing", "2098-12-24"]).status.code(), Some(3));
    assert_eq!(server.belfry(&["why", "w", "noon"]).status.code(), Some(2));
}
