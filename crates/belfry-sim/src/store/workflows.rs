//! The users' verbs.

use async_trait::async_trait;
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{
    NewManualRun, NewSchedule, NewWorkflow, Page, ScheduleEdit, ScheduleFilter, StoreError, StoreResult, WorkflowFilter, WorkflowStore,
    WorkflowWrite,
};
use belfry_core::run::Run;
use belfry_core::schedule::{RecordedOutcome, ScheduledWorkflow};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Workflow, WorkflowVersion};

use super::SimStore;
use crate::faults::Verb;
use crate::hub::{Hub, answer};

#[async_trait]
impl WorkflowStore for SimStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        self.read(|hub| answer(WorkflowStore::now(&hub.store))).await
    }

    async fn create_workflow(&self, new: NewWorkflow) -> StoreResult<Workflow> {
        self.write(move |hub| {
            let (id, trigger) = (new.id, new.trigger.as_ref().map(|trigger| trigger.id));
            let made = answer(hub.store.create_workflow(new));
            hub.audit().workflow_made(id, made.is_ok());
            trigger.iter().for_each(|schedule| hub.audit().schedule_written(*schedule));
            made
        })
        .await
    }

    async fn update_workflow(&self, write: WorkflowWrite) -> StoreResult<Workflow> {
        self.write(move |hub| {
            let (id, trigger) = (write.id, write.trigger.as_ref().map(|trigger| trigger.id));
            let updated = answer(hub.store.update_workflow(write));
            hub.audit().workflow_written(id);
            trigger.iter().for_each(|schedule| hub.audit().schedule_written(*schedule));
            updated
        })
        .await
    }

    async fn delete_workflow(&self, id: WorkflowId, expected: Option<i64>) -> StoreResult<()> {
        self.write(move |hub| {
            let deleted = answer(hub.store.delete_workflow(id, expected));
            if deleted.is_ok() {
                hub.audit().workflow_deleted(id);
            }
            deleted
        })
        .await
    }

    async fn workflow(&self, id: WorkflowId) -> StoreResult<Workflow> {
        self.read(move |hub| answer(hub.store.workflow(id))).await
    }

    async fn workflows(&self, filter: WorkflowFilter) -> StoreResult<Page<Workflow>> {
        self.read(move |hub| answer(hub.store.workflows(filter))).await
    }

    async fn versions(&self, id: WorkflowId, before: Option<i64>, limit: usize) -> StoreResult<Page<WorkflowVersion>> {
        self.read(move |hub| answer(hub.store.versions(id, before, limit))).await
    }

    async fn version(&self, id: WorkflowId, version: i64) -> StoreResult<WorkflowVersion> {
        self.read(move |hub| answer(hub.store.version(id, version))).await
    }

    async fn create_schedule(&self, new: NewSchedule) -> StoreResult<ScheduledWorkflow> {
        self.write(move |hub| {
            let id = new.id;
            let made = answer(hub.store.create_schedule(new));
            hub.audit().schedule_written(id);
            made
        })
        .await
    }

    async fn edit_schedule(&self, edit: ScheduleEdit) -> StoreResult<ScheduledWorkflow> {
        self.write(move |hub| {
            let id = edit.id;
            let edited = answer(hub.store.edit_schedule(edit));
            hub.audit().schedule_written(id);
            edited
        })
        .await
    }

    async fn delete_schedule(&self, id: ScheduleId, expected: Option<i64>) -> StoreResult<()> {
        self.write(move |hub| {
            let deleted = answer(hub.store.delete_schedule(id, expected));
            hub.audit().schedule_written(id);
            deleted
        })
        .await
    }

    async fn schedule(&self, id: ScheduleId) -> StoreResult<ScheduledWorkflow> {
        self.read(move |hub| answer(hub.store.schedule(id))).await
    }

    async fn schedules(&self, filter: ScheduleFilter) -> StoreResult<Page<ScheduledWorkflow>> {
        self.read(move |hub| answer(hub.store.schedules(filter))).await
    }

    async fn start_run(&self, new: NewManualRun) -> StoreResult<Run> {
        self.write(move |hub| {
            let started = answer(hub.store.start_run(new));
            started.iter().for_each(|run| hub.audit().started(run.id));
            started
        })
        .await
    }

    async fn outcomes(&self, id: ScheduleId, before: Option<UnixMillis>, limit: usize) -> StoreResult<Page<RecordedOutcome>> {
        self.read(move |hub| answer(hub.store.outcomes(id, before, limit))).await
    }
}

impl SimStore {
    pub(super) async fn read<T, F>(&self, effect: F) -> StoreResult<T>
    where
        T: std::fmt::Debug + Send + 'static,
        F: FnOnce(&Hub) -> StoreResult<T> + Send + 'static,
    {
        self.0.ask(Verb::Read, String::new(), |hub, _| effect(hub)).await
    }

    /// While users are served.
    pub(super) async fn write<T, F>(&self, effect: F) -> StoreResult<T>
    where
        T: std::fmt::Debug + Send + 'static,
        F: FnOnce(&Hub) -> StoreResult<T> + Send + 'static,
    {
        let closed = || Err(StoreError::Unavailable("closed".to_owned()));
        self.0.ask(Verb::Edit, String::new(), move |hub, _| if hub.is_closed_to_users() { closed() } else { effect(hub) }).await
    }
}
