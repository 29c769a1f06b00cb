//! A standing schedule as the document that a merge patch changes.

use belfry_core::node::Length;
use belfry_core::schedule::{ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::Spec;
use serde_json::{Map, Value, json};

use crate::read::merge_patch;

/// The fields that say which kind of spec a schedule has.
const KINDS: [&str; 6] = ["cron", "every", "at", "rrule", "calendar", "specs"];

/// Everything of the schedule that users set, in the shape in which they set it.
pub(super) fn settable(schedule: &ScheduledWorkflow) -> Value {
    let mut document = settable_content(&schedule.content);
    document["name"] = json!(schedule.name);
    document["is_active"] = json!(schedule.is_active);
    document
}

/// All of it but its name and whether it is active.
pub(super) fn settable_content(content: &ScheduleContent) -> Value {
    let ScheduleContent { specs, timezone, start_at, end_at, jitter, input, exclude, calendars: _, rules, lateness } = content;
    let mut document = match specs.as_slice() {
        [Spec::Unknown(_)] => json!({ "specs": specs }),
        [only] => json!(only),
        several => json!({ "specs": several }),
    };
    document["timezone"] = json!(timezone);
    for (field, bound) in [("start_at", start_at), ("end_at", end_at)] {
        if let Some(bound) = bound {
            document[field] = json!(bound);
        }
    }
    if !exclude.is_empty() {
        document["exclude"] = json!(exclude);
    }
    document["gap"] = json!(rules.gap);
    document["fold"] = json!(rules.fold);
    document["dom_dow"] = json!(rules.dom_dow);
    document["jitter"] = json!(Length(*jitter));
    document["input"] = input.clone();
    document["missed_after"] = json!(Length(lateness.missed_after));
    document["catch_up"] = json!(lateness.catch_up);
    document["catch_up_window"] = json!(Length(lateness.catch_up_window));
    document
}

/// `document` after `patch` (RFC 7396), friendlier in one place: a patch that names another kind of spec, and does not
/// speak of the standing kind, replaces it. `{"cron": "…"}` over an `every` would otherwise have two specs.
pub(super) fn patched(mut document: Value, patch: &Value) -> Value {
    if let (Value::Object(fields), Value::Object(changes)) = (&mut document, patch) {
        replace_kind(fields, changes);
    }
    merge_patch(&mut document, patch);
    document
}

fn replace_kind(fields: &mut Map<String, Value>, changes: &Map<String, Value>) {
    let named = |kind: &str| changes.get(kind).is_some_and(|value| !value.is_null());
    if !KINDS.into_iter().any(named) {
        return;
    }
    for kind in KINDS.into_iter().filter(|kind| !changes.contains_key(*kind)) {
        fields.remove(kind);
    }
    if !named("every") && !named("rrule") {
        fields.remove("start");
    }
    if !named("cron") {
        fields.remove("dialect");
    }
}

/// Whether the documents differ in more than `is_active`.
pub(super) fn differ_beyond_activity(one: &Value, other: &Value) -> bool {
    let without = |document: &Value| {
        let mut document = document.clone();
        document.as_object_mut().map(|fields| fields.remove("is_active"));
        document
    };
    without(one) != without(other)
}
