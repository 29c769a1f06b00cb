//! What users do, each in a task of its own: a request that waits holds nobody up.

use std::sync::Arc;

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    Ids, NewManualRun, NewSchedule, NewWorkflow, RunStore, ScheduleEdit, StoreError, StoreResult, TriggerSchedule, WallClock,
    WorkflowStore, WorkflowWrite,
};
use belfry_core::schedule::{Lateness, ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::Spec;
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::workflow::{Delivery, Workflow};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::faults::Verb;
use crate::hub::{Hub, answer};
use crate::operation::{Op, Timing, Work};
use crate::process::Process;
use crate::store::SimStore;
use crate::world::{HANDED, World, queue};

impl World {
    pub fn user(&mut self, op: Op) {
        match op {
            Op::CreateWorkflow { queue, handoff, work, trigger } => self.create_workflow(queue, handoff, work, trigger),
            Op::UpdateWorkflow { workflow, queue, work, trigger } => {
                let Some(id) = chosen(&self.workflows, workflow) else { return };
                let trigger = trigger.map(|timing| self.trigger(timing));
                tokio::spawn(update_workflow(Arc::clone(&self.users), id, queue, work, trigger));
            }
            Op::DeleteWorkflow { workflow } => {
                let Some(id) = chosen(&self.workflows, workflow) else { return };
                self.write(move |hub| {
                    let deleted = answer(hub.store.delete_workflow(id, None));
                    if deleted.is_ok() {
                        hub.audit().workflow_deleted(id);
                    }
                    deleted
                });
            }
            Op::CreateSchedule { workflow, timing, is_active } => self.create_schedule(workflow, timing, is_active),
            Op::EditSchedule { schedule, timing } => {
                let content = self.content(timing);
                self.edit(schedule, Some(content), None);
            }
            Op::SetActive { schedule, is_active } => self.edit(schedule, None, Some(is_active)),
            Op::DeleteSchedule { schedule } => {
                let Some(id) = chosen(&self.schedules, schedule) else { return };
                self.write(move |hub| {
                    let deleted = answer(hub.store.delete_schedule(id, None));
                    hub.audit().schedule_written(id);
                    deleted
                });
            }
            Op::RunNow { workflow } => self.run_now(workflow),
            Op::Cancel { from_end } => {
                let Some(id) = self.hub.audit().recent_run(from_end.into()) else { return };
                let store = SimStore(Arc::clone(&self.users));
                tokio::spawn(async move { drop(store.cancel(id).await) });
            }
            _ => unreachable!("the world does the rest: {op:?}"),
        }
    }

    fn write<T: std::fmt::Debug + Send + 'static>(&self, effect: impl FnOnce(&Hub) -> StoreResult<T> + Send + 'static) {
        let users = Arc::clone(&self.users);
        tokio::spawn(async move { drop(users.ask(Verb::Edit, String::new(), open(effect)).await) });
    }

    fn now(&self) -> UnixMillis {
        self.hub.wall.now()
    }

    fn trigger(&mut self, timing: Timing) -> TriggerSchedule {
        let id = ScheduleId(self.ids.v7(self.now()));
        self.schedules.push(id);
        TriggerSchedule { id, content: self.content(timing), is_active: None }
    }

    fn create_workflow(&mut self, number: u8, handoff: bool, work: Work, trigger: Option<Timing>) {
        let id = WorkflowId(self.ids.v7(self.now()));
        let (number, delivery) = if handoff { (HANDED, Delivery::Handoff) } else { (number % HANDED, Delivery::Tracked) };
        let new = NewWorkflow {
            id,
            name: format!("workflow-{}", self.workflows.len()),
            description: String::new(),
            definition: definition(work),
            tags: Vec::new(),
            queue: queue(number),
            delivery,
            trigger: trigger.map(|timing| self.trigger(timing)),
        };
        self.workflows.push(id);
        let made = new.trigger.as_ref().map(|trigger| trigger.id);
        self.write(move |hub| {
            let created = answer(hub.store.create_workflow(new));
            made.iter().for_each(|schedule| hub.audit().schedule_written(*schedule));
            created
        });
    }

    fn create_schedule(&mut self, workflow: u8, timing: Timing, is_active: bool) {
        let Some(workflow_id) = chosen(&self.workflows, workflow) else { return };
        let id = ScheduleId(self.ids.v7(self.now()));
        let new =
            NewSchedule { id, workflow_id, name: format!("schedule-{}", self.schedules.len()), content: self.content(timing), is_active };
        self.schedules.push(id);
        self.write(move |hub| {
            let made = answer(hub.store.create_schedule(new));
            hub.audit().schedule_written(id);
            made
        });
    }

    fn edit(&mut self, schedule: u8, content: Option<ScheduleContent>, is_active: Option<bool>) {
        let Some(id) = chosen(&self.schedules, schedule) else { return };
        self.write(move |hub| edited(hub, ScheduleEdit { id, expected: None, name: None, content, is_active }));
    }

    fn run_now(&mut self, workflow: u8) {
        let Some(workflow_id) = chosen(&self.workflows, workflow) else { return };
        let id = RunId(self.ids.v7(self.now()));
        let new = NewManualRun { id, workflow_id, input: Value::Null, nominal_time: None };
        self.write(move |hub| {
            let started = answer(hub.store.start_run(new));
            started.iter().for_each(|run| hub.audit().started(run.id));
            started
        });
    }

    fn content(&self, timing: Timing) -> ScheduleContent {
        let seconds = |seconds: u16| SignedDuration::from_secs(seconds.into());
        let lateness = Lateness { catch_up: timing.catch_up, catch_up_window: seconds(timing.window), ..Lateness::default() };
        // Whole multiples of its interval since the epoch: no schedule is at odds with another.
        let spec = Spec::every(seconds(timing.every), UnixMillis::EPOCH);
        let end_at = timing.ends_after.map(|after| self.now().plus(seconds(after)));
        ScheduleContent { specs: vec![spec], timezone: Zone::utc(), start_at: None, end_at, input: Value::Null, lateness }
    }

    /// Pauses everything, as it were in one instant.
    pub fn pause_all(&self) {
        let active = self.hub.audit().active();
        for id in active {
            let edit = ScheduleEdit { id, expected: None, name: None, content: None, is_active: Some(false) };
            if let Err(error) = edited(&self.hub, edit) {
                self.hub.audit().violated("convergence", format!("schedule {id} cannot be paused: {error}"));
            }
        }
    }
}

fn edited(hub: &Hub, edit: ScheduleEdit) -> StoreResult<ScheduledWorkflow> {
    let id = edit.id;
    let edited = answer(hub.store.edit_schedule(edit));
    hub.audit().schedule_written(id);
    edited
}

/// A user's write, while users are served: not while a store's clock that went back is behind, for then an edit would plan
/// anew what was fired already.
fn open<T>(effect: impl FnOnce(&Hub) -> StoreResult<T>) -> impl FnOnce(&Hub, &Process) -> StoreResult<T> {
    |hub, _| if hub.is_closed_to_users() || hub.store_went_back() { Err(StoreError::Unavailable("closed".to_owned())) } else { effect(hub) }
}

/// Reads it, and writes all of it: another write between the two makes it stale.
async fn update_workflow(
    users: Arc<Process>,
    id: WorkflowId,
    number: u8,
    work: Work,
    trigger: Option<TriggerSchedule>,
) -> StoreResult<Workflow> {
    let current = users.ask(Verb::Read, String::new(), move |hub, _| answer(hub.store.workflow(id))).await?;
    let is_handoff = current.delivery == Delivery::Handoff;
    let write = WorkflowWrite {
        id,
        expected: current.revision,
        name: current.name,
        description: current.description,
        definition: definition(work),
        tags: current.tags,
        queue: queue(if is_handoff { HANDED } else { number % HANDED }),
        delivery: current.delivery,
        trigger,
    };
    let made = write.trigger.as_ref().map(|trigger| trigger.id);
    let effect = move |hub: &Hub| {
        let updated = answer(hub.store.update_workflow(write));
        hub.audit().workflow_written(id);
        made.iter().for_each(|schedule| hub.audit().schedule_written(*schedule));
        updated
    };
    users.ask(Verb::Edit, String::new(), open(effect)).await
}

fn chosen<T: Copy>(from: &[T], number: u8) -> Option<T> {
    from.get(usize::from(number) % from.len().max(1)).copied()
}

fn definition(work: Work) -> Value {
    let log = |id: &str| json!({"id": id, "type": "log", "parameters": {"message": "here"}});
    match work {
        Work::Quick => json!({"nodes": [log("a")], "edges": []}),
        Work::Waits(seconds) => {
            let wait = json!({"id": "b", "type": "wait", "parameters": {"for": format!("PT{seconds}S")}});
            json!({"nodes": [log("a"), wait, log("c")], "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]})
        }
    }
}
