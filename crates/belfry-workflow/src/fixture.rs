//! The services on the reference model, at 2026-11-25T09:00:00Z.

mod racing;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use belfry_core::spec::Spec;
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;
use belfry_testkit::clock::{ManualClock, SeededIds};
use belfry_testkit::reference::ReferenceStore;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::calendars::CalendarService;
use crate::error::ServiceError;
use crate::runs::RunService;
use crate::triggers::{RevisionService, ScheduleTriggerService};
use crate::workflows::{WorkflowResponse, WorkflowService};

pub struct Fixture {
    pub clock: ManualClock,
    pub store: Arc<ReferenceStore>,
    pub workflows: WorkflowService,
    pub schedules: ScheduleTriggerService,
    pub calendars: CalendarService,
    pub runs: RunService,
}

impl Fixture {
    pub fn new() -> Fixture {
        let clock = ManualClock::at(now());
        let store = Arc::new(ReferenceStore::new(Arc::new(clock.clone())));
        let ids = Arc::new(SeededIds::new(1));
        Fixture {
            clock,
            workflows: WorkflowService::new(store.clone(), store.clone(), ids.clone()),
            schedules: ScheduleTriggerService::new(store.clone(), store.clone(), ids),
            calendars: CalendarService::new(store.clone()),
            runs: RunService::new(store.clone(), store.clone()),
            store,
        }
    }

    /// The services on the same store, whose next `times` edits are overtaken by another's.
    pub fn overtaken(&self, times: usize) -> (WorkflowService, ScheduleTriggerService) {
        let store = Arc::new(racing::Racing { inner: self.store.clone(), overtaken: AtomicUsize::new(times), newer: None });
        let ids = Arc::new(SeededIds::new(2));
        let calendars = self.store.clone();
        (WorkflowService::new(store.clone(), calendars.clone(), ids.clone()), ScheduleTriggerService::new(store, calendars, ids))
    }

    /// The service on the same store, whose schedules fire by `spec`, which this version does not know.
    pub fn of_a_newer_version(&self, spec: Value) -> ScheduleTriggerService {
        let newer = Some(Spec::Unknown(spec));
        let store = racing::Racing { inner: self.store.clone(), overtaken: AtomicUsize::new(0), newer };
        ScheduleTriggerService::new(Arc::new(store), self.store.clone(), Arc::new(SeededIds::new(2)))
    }

    pub fn revisions(&self) -> RevisionService {
        RevisionService::new(self.store.clone())
    }

    pub fn pass(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// A workflow without a trigger node.
    pub async fn workflow(&self) -> WorkflowResponse {
        self.workflows.create(&json!({"name": "plain", "definition": {"nodes": [log()]}})).await.unwrap()
    }

    /// A workflow whose trigger node `start` has `schedule`.
    pub async fn triggered(&self, schedule: Value) -> WorkflowResponse {
        self.workflows.create(&json!({"name": "triggered", "definition": triggered(schedule)})).await.unwrap()
    }
}

pub fn now() -> UnixMillis {
    UnixMillis::parse_exact("2026-11-25T09:00:00Z").unwrap()
}

pub fn log() -> Value {
    json!({"id": "say", "type": "log", "parameters": {"message": "hello"}})
}

pub fn triggered(schedule: Value) -> Value {
    let start = json!({"id": "start", "type": "trigger", "parameters": {"schedule": schedule}});
    json!({"nodes": [start, log()], "edges": [{"from": "start", "to": "say"}]})
}

/// Each violation as its pointer and its detail.
pub fn said(violations: &Violations) -> Vec<(&str, &str)> {
    violations.0.iter().map(|violation| (violation.pointer.as_str(), violation.detail.as_str())).collect()
}

/// The violations of an answer that must be invalid.
pub fn invalid<T: std::fmt::Debug>(answer: Result<T, ServiceError>) -> Violations {
    match answer {
        Err(ServiceError::Invalid(violations)) => violations,
        other => panic!("it was not refused as invalid: {other:?}"),
    }
}
