//! The golden files of `golden/dev.belfry.run.v1` are what consumers in other languages were written against. A field may be
//! added to them. What stands in them is never changed, renamed or removed: that takes a message of the next version, with a
//! folder of its own, and both versions published for as long as consumers of the first may live.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::schedule::WorkflowFacts;
use crate::workflow::{Delivery, QueueName};

const SOURCE: &str = "https://belfry.example";

fn run(id: RunId, input: impl Into<Arc<str>>) -> PendingRun {
    PendingRun {
        id,
        workflow_id: "01938a5e-7c00-7000-8000-0000000000aa".parse().unwrap(),
        workflow: WorkflowFacts {
            name: "nightly-report".to_owned(),
            version: 3,
            queue: QueueName::parse("reports").unwrap(),
            delivery: Delivery::Tracked,
        },
        schedule_id: None,
        nominal_time: None,
        due_at: id.planned_at(),
        input: input.into(),
        attempt: 1,
        publish_seq: 1,
        publish_failures: 0,
    }
}

fn scheduled() -> PendingRun {
    let schedule: ScheduleId = "01938a5e-7c00-7000-8000-000000000001".parse().unwrap();
    let nominal = UnixMillis::parse_exact("2026-11-25T09:00:00Z").unwrap();
    PendingRun {
        schedule_id: Some(schedule),
        nominal_time: Some(nominal),
        // The text is kept as it is: the order of fields, and numbers that a program would write differently.
        ..run(RunId::scheduled(schedule, nominal), r#"{"region":"Zürich","limit":1.0,"after":9007199254740993}"#)
    }
}

fn manual(input: impl Into<Arc<str>>) -> PendingRun {
    run("01a211f0-bf43-7000-8000-000000000002".parse().unwrap(), input)
}

/// A JSON string of `bytes` bytes, quotes included.
fn text_of(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes - 2))
}

#[track_caller]
fn assert_golden(name: &str, run: &PendingRun) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/dev.belfry.run.v1").join(name);
    let golden = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let changed = "consumers read dev.belfry.run.v1 as it is: to change more of it than to add a field needs dev.belfry.run.v2";
    assert_eq!(format!("{}\n", body(run, SOURCE)), golden, "{changed} ({})", file.display());
}

#[test]
fn the_message_of_a_scheduled_run_never_changes() {
    assert_golden("scheduled.json", &scheduled());
}

#[test]
fn the_message_of_a_manual_run_never_changes() {
    assert_golden("manual.json", &PendingRun { attempt: 2, ..manual("{}") });
}

#[test]
fn the_message_of_a_run_with_a_large_input_never_changes() {
    assert_golden("large-input.json", &manual(text_of(MAX_INPUT_BYTES + 1)));
}

#[test]
fn an_input_of_just_64_kib_is_sent_along() {
    let input = text_of(MAX_INPUT_BYTES);
    assert!(body(&manual(input.as_str()), SOURCE).ends_with(&format!("\"input\":{input}}}}}")));
}

#[test]
fn the_page_for_consumers_names_every_field() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/messages.md")).unwrap();
    let event: serde_json::Value = serde_json::from_str(&body(&scheduled(), SOURCE)).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let of_event = names(&event).into_iter().filter(|name| name != "data");
    let of_data = names(&event["data"]).into_iter().map(|name| format!("data.{name}"));
    for name in of_event.chain(of_data) {
        assert!(page.contains(&format!("`{name}`")), "docs/messages.md says nothing of `{name}`");
    }
}
