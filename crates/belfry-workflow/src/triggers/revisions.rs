//! What a schedule was, and what each write changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use belfry_core::ids::ScheduleId;
use belfry_core::ports::{RevisionStore, ScheduleRevision};
use belfry_core::time::UnixMillis;
use belfry_core::violation::{Violations, escape};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::document::settable_content;
use crate::error::ServiceError;
use crate::list::{self, ListResponse, MAX_LIMIT};

/// A schedule as it was at one revision, and what made it differ from the one before.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ScheduleRevision)]
pub struct RevisionResponse {
    pub revision: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    /// In the shape in which schedules are written.
    #[schema(value_type = Object)]
    pub schedule: Value,
    /// What its runs took from its workflow: `name`, `version`, `queue`, `delivery`.
    #[schema(value_type = Object)]
    pub workflow: Value,
    /// The business calendars that it was planned by, each with its revision.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub calendars: BTreeMap<String, i64>,
    /// Against the revision before, or the one that was asked for; empty for the first.
    pub changes: Vec<ChangeResponse>,
}

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeResponse {
    /// A JSON pointer into the revision, such as `/schedule/cron`.
    pub pointer: String,
    /// Absent where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub from: Option<Value>,
    /// Absent where nothing is any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Value, required = false)]
    pub to: Option<Value>,
}

#[derive(Clone)]
pub struct RevisionService {
    store: Arc<dyn RevisionStore>,
}

impl RevisionService {
    pub fn new(store: Arc<dyn RevisionStore>) -> RevisionService {
        RevisionService { store }
    }

    /// Newest first, those below `before`; of deleted schedules too.
    pub async fn list(
        &self,
        id: ScheduleId,
        before: Option<i64>,
        limit: Option<usize>,
    ) -> Result<ListResponse<RevisionResponse>, ServiceError> {
        let mut violations = Violations::default();
        let limit = list::limit(limit, &mut violations);
        violations.or(())?;
        debug_assert!(limit <= MAX_LIMIT, "it was checked");
        // One more, which the last of the page is compared with.
        let found = self.store.revisions(id, before, limit + 1).await?.items;
        let more = found.len() > limit;
        let items: Vec<RevisionResponse> =
            found.iter().take(limit).enumerate().map(|(place, kept)| response(kept, found.get(place + 1))).collect();
        let next_cursor = items.last().filter(|_| more).map(|last| last.revision.to_string());
        Ok(ListResponse { items, next_cursor })
    }

    /// One revision, against the one before or `against`. `NotFound` for one that never was, or is no longer kept.
    pub async fn get(&self, id: ScheduleId, revision: i64, against: Option<i64>) -> Result<RevisionResponse, ServiceError> {
        let kept = self.kept(id, revision).await?.ok_or(ServiceError::NotFound("revision"))?;
        let other = match against {
            Some(against) => Some(self.kept(id, against).await?.ok_or(ServiceError::NotFound("revision"))?),
            None => self.store.revisions(id, Some(revision), 1).await?.items.pop(),
        };
        Ok(response(&kept, other.as_ref()))
    }

    async fn kept(&self, id: ScheduleId, revision: i64) -> Result<Option<ScheduleRevision>, ServiceError> {
        let below = self.store.revisions(id, Some(revision.saturating_add(1)), 1).await?.items.pop();
        Ok(below.filter(|kept| kept.revision == revision))
    }
}

fn response(kept: &ScheduleRevision, other: Option<&ScheduleRevision>) -> RevisionResponse {
    let [schedule, workflow] = documents(kept);
    let calendars = kept.content.calendars.revisions();
    let mut changes = Vec::new();
    if let Some(other) = other {
        let [other_schedule, other_workflow] = documents(other);
        compare("/schedule", Some(&other_schedule), Some(&schedule), &mut changes);
        compare("/workflow", Some(&other_workflow), Some(&workflow), &mut changes);
        compare("/calendars", Some(&json!(other.content.calendars.revisions())), Some(&json!(calendars)), &mut changes);
    }
    RevisionResponse { revision: kept.revision, created_at: kept.created_at, schedule, workflow, calendars, changes }
}

fn documents(kept: &ScheduleRevision) -> [Value; 2] {
    let mut schedule = settable_content(&kept.content);
    let mut put = |field: &str, value: Value| {
        if !value.is_null() {
            schedule[field] = value;
        }
    };
    put("name", json!(kept.name));
    put("is_active", json!(kept.is_active));
    let workflow = &kept.workflow;
    [schedule, json!({"name": workflow.name, "version": workflow.version, "queue": workflow.queue, "delivery": workflow.delivery})]
}

/// Objects are compared field by field, everything else as a whole.
fn compare(pointer: &str, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<ChangeResponse>) {
    if from == to {
        return;
    }
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (from, to) else {
        changes.push(ChangeResponse { pointer: pointer.to_owned(), from: from.cloned(), to: to.cloned() });
        return;
    };
    let names: Map<String, Value> = before.iter().chain(after).map(|(name, _)| (name.clone(), Value::Null)).collect();
    for name in names.keys() {
        compare(&format!("{pointer}/{}", escape(name)), before.get(name), after.get(name), changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_where_it_stands() {
        let from = json!({"cron": "@daily", "input": {"a/b": 1, "c": [1]}, "same": {"x": 1}});
        let to = json!({"every": "PT1H", "input": {"a/b": 2, "c": [1]}, "same": {"x": 1}});
        let mut changes = Vec::new();
        compare("/schedule", Some(&from), Some(&to), &mut changes);
        let change = |pointer: &str, from: Option<Value>, to: Option<Value>| ChangeResponse { pointer: pointer.to_owned(), from, to };
        assert_eq!(
            changes,
            [
                change("/schedule/cron", Some(json!("@daily")), None),
                change("/schedule/every", None, Some(json!("PT1H"))),
                change("/schedule/input/a~1b", Some(json!(1)), Some(json!(2))),
            ]
        );
    }
}
