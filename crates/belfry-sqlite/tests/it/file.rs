//! A database in a folder of its own, that a test may close and open again.

use std::path::PathBuf;
use std::sync::Arc;

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{Ids, NewSchedule, NewWorkflow, WorkflowStore};
use belfry_core::schedule::{ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::Spec;
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::workflow::{Delivery, QueueName, Workflow};
use belfry_sqlite::{Database, SqliteStore};
use belfry_testkit::clock::{ManualClock, SeededIds};
use serde_json::json;

pub struct File {
    folder: tempfile::TempDir,
    pub clock: ManualClock,
    pub ids: SeededIds,
}

impl File {
    pub fn new() -> File {
        File { folder: tempfile::tempdir().unwrap(), clock: ManualClock::default(), ids: SeededIds::new(1) }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("belfry.db")
    }

    pub fn open(&self) -> Database {
        Database::open(&self.path(), Arc::new(self.clock.clone())).unwrap()
    }

    pub async fn workflow(&self, store: &SqliteStore, name: &str) -> Workflow {
        let new = NewWorkflow {
            id: WorkflowId(self.ids.v7(self.now())),
            name: name.to_owned(),
            description: String::new(),
            definition: json!({"nodes": []}),
            tags: vec!["one".to_owned()],
            queue: QueueName::default(),
            delivery: Delivery::Tracked,
            trigger: None,
        };
        store.create_workflow(new).await.unwrap()
    }

    /// Every minute, on the minute.
    pub async fn schedule(&self, store: &SqliteStore, workflow: &Workflow) -> ScheduledWorkflow {
        let specs = vec![Spec::cron("* * * * *".parse().unwrap())];
        let content = ScheduleContent { input: json!({"a": 1}), ..ScheduleContent::new(specs, Zone::utc()) };
        let id = ScheduleId(self.ids.v7(self.now()));
        let new = NewSchedule { id, workflow_id: workflow.id, name: "direct".to_owned(), content, is_active: true };
        store.create_schedule(new).await.unwrap()
    }

    pub fn now(&self) -> UnixMillis {
        belfry_core::ports::WallClock::now(&self.clock)
    }
}
