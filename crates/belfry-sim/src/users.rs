//! What users do, through the shipped services, each in a task of its own: a request that waits holds nobody up.

mod shapes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use belfry_core::ids::{RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{CalendarStore, Ids, ScheduleEdit, WorkflowStore};
use belfry_core::workflow::Delivery;
use belfry_testkit::clock::SeededIds;
use belfry_workflow::ServiceError;
use belfry_workflow::calendars::CalendarService;
use belfry_workflow::runs::{PollRequest, RunService};
use belfry_workflow::triggers::ScheduleTriggerService;
use belfry_workflow::workflows::WorkflowService;
use serde_json::{Value, json};

use crate::hub::{Hub, answer};
use crate::operation::{CALENDARS, Op, Timing, Work};
use crate::process::Process;
use crate::store::SimStore;
use crate::world::{HANDED, queue};

/// The number of the process that users go through.
const NUMBER: u64 = 0;

/// The process that serves users, as an API does.
pub struct Users {
    hub: Arc<Hub>,
    workflows: WorkflowService,
    schedules: ScheduleTriggerService,
    calendars: CalendarService,
    runs: RunService,
    ids: Arc<SeededIds>,
    /// How many names were given.
    named: AtomicU64,
}

impl Users {
    pub fn new(hub: Arc<Hub>) -> Arc<Users> {
        let store = Arc::new(SimStore(Process::new(Arc::clone(&hub), "users".to_owned(), NUMBER)));
        let ids = Arc::new(SeededIds::new(hub.seed));
        Arc::new(Users {
            workflows: WorkflowService::new(store.clone(), store.clone(), ids.clone()),
            schedules: ScheduleTriggerService::new(store.clone(), store.clone(), ids.clone()),
            calendars: CalendarService::new(store.clone()),
            ids,
            runs: RunService::new(store.clone(), store),
            named: AtomicU64::new(0),
            hub,
        })
    }

    /// Begins what `op` says.
    pub fn begin(self: &Arc<Self>, op: Op) {
        let users = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(done) = users.act(op).await {
                let what = if done.is_ok() { name(op) } else { "refused to users" };
                users.hub.did(what);
                users.hub.log.line(|| format!("users {} => {done:?}", name(op)));
            }
        });
    }

    /// `None` when there is nothing of the kind that `op` is about.
    async fn act(&self, op: Op) -> Option<Result<(), ServiceError>> {
        match op {
            Op::CreateWorkflow { queue, handoff, work, trigger } => Some(self.create_workflow(queue, handoff, work, trigger).await),
            Op::UpdateWorkflow { workflow, queue, work, trigger } => {
                Some(self.update_workflow(self.workflow(workflow)?, queue, work, trigger).await)
            }
            Op::DeleteWorkflow { workflow } => Some(self.workflows.delete(self.workflow(workflow)?, None).await),
            Op::RunNow { workflow } => Some(self.workflows.run(self.workflow(workflow)?, &json!({})).await.map(drop)),
            Op::CreateSchedule { workflow, timing, is_active } => {
                let mut body = self.shape(timing);
                body["name"] = json!(self.name("schedule"));
                body["is_active"] = json!(is_active);
                Some(self.schedules.create(self.workflow(workflow)?, &body).await.map(drop))
            }
            Op::PutSchedule { workflow, timing } => {
                Some(self.schedules.put(self.workflow(workflow)?, None, &self.shape(timing)).await.map(drop))
            }
            Op::EditSchedule { schedule, timing } => {
                Some(self.schedules.patch_by_id(self.schedule(schedule)?, None, &self.shape(timing)).await.map(drop))
            }
            Op::SetActive { schedule, is_active: true } => Some(self.schedules.resume(self.schedule(schedule)?, None).await.map(drop)),
            Op::SetActive { schedule, is_active: false } => Some(self.schedules.pause(self.schedule(schedule)?, None).await.map(drop)),
            Op::DeleteSchedule { schedule } => Some(self.schedules.delete_by_id(self.schedule(schedule)?, None).await),
            Op::PutCalendar { calendar, closes } => Some(self.put_calendar(calendar, closes).await),
            Op::Cancel { from_end } => Some(self.runs.cancel(self.run(from_end)?).await.map(drop)),
            Op::Claim { from_end } => Some(self.claim(self.run(from_end)?).await),
            Op::Poll { queue } => Some(self.poll(queue).await),
            _ => unreachable!("the world does the rest: {op:?}"),
        }
    }

    async fn claim(&self, id: RunId) -> Result<(), ServiceError> {
        let claimed = self.runs.claim(id, &self.claimer()).await?;
        self.runs.release(id, &json!({"epoch": claimed.epoch})).await
    }

    async fn poll(&self, number: u8) -> Result<(), ServiceError> {
        let request = PollRequest::read(&self.claimer())?;
        match self.runs.poll(&queue(number % HANDED), &request).await? {
            Some(claimed) => self.runs.release(claimed.run.id, &json!({"epoch": claimed.epoch})).await,
            None => Ok(()),
        }
    }

    fn claimer(&self) -> Value {
        json!({"token": self.ids.v7(self.hub.audit().store_now()), "worker": "a program"})
    }

    async fn create_workflow(&self, number: u8, handoff: bool, work: Work, trigger: Option<Timing>) -> Result<(), ServiceError> {
        let (number, delivery) = if handoff { (HANDED, Delivery::Handoff) } else { (number % HANDED, Delivery::Tracked) };
        let body = json!({
            "name": self.name("workflow"),
            "definition": self.definition(work, trigger),
            "queue": queue(number),
            "delivery": delivery,
        });
        self.workflows.create(&body).await.map(drop)
    }

    async fn update_workflow(&self, id: WorkflowId, number: u8, work: Work, trigger: Option<Timing>) -> Result<(), ServiceError> {
        let is_handoff = self.workflows.get(id).await?.delivery == Delivery::Handoff;
        let queue = queue(if is_handoff { HANDED } else { number % HANDED });
        let patch = json!({"definition": self.definition(work, trigger), "queue": queue});
        self.workflows.patch(id, None, &patch).await.map(drop)
    }

    async fn put_calendar(&self, number: u8, closes: bool) -> Result<(), ServiceError> {
        let name = CALENDARS[usize::from(number) % CALENDARS.len()];
        let builds_on = (name == CALENDARS[1] && self.stands(CALENDARS[0])).then_some(CALENDARS[0]);
        let body = shapes::calendar(builds_on, closes, self.hub.wall.zero());
        self.calendars.put(name, None, &body).await.map(drop)
    }

    fn stands(&self, calendar: &str) -> bool {
        answer(self.hub.store.calendar(calendar)).is_ok()
    }

    fn definition(&self, work: Work, trigger: Option<Timing>) -> Value {
        shapes::definition(work, trigger.map(|timing| self.shape(timing)))
    }

    fn shape(&self, timing: Timing) -> Value {
        let named = timing.holidays.filter(|number| self.stands(CALENDARS[usize::from(*number) % CALENDARS.len()]));
        let timing = Timing { holidays: named, ..timing };
        shapes::schedule(timing, self.hub.wall.zero(), self.hub.audit().store_now())
    }

    fn name(&self, of: &str) -> String {
        format!("{of}-{}", self.named.fetch_add(1, Ordering::Relaxed))
    }

    fn workflow(&self, number: u8) -> Option<WorkflowId> {
        self.hub.audit().workflow(number.into())
    }

    fn schedule(&self, number: u8) -> Option<ScheduleId> {
        self.hub.audit().schedule(number.into())
    }

    fn run(&self, from_end: u8) -> Option<RunId> {
        self.hub.audit().recent_run(from_end.into())
    }
}

/// Pauses everything, as it were in one instant.
pub fn pause_all(hub: &Hub) {
    let active = hub.audit().active();
    for id in active {
        let edit = ScheduleEdit { id, expected: None, name: None, content: None, is_active: Some(false) };
        let paused = answer(hub.store.edit_schedule(edit));
        hub.audit().schedule_written(id);
        if let Err(error) = paused {
            hub.audit().violated("convergence", format!("schedule {id} cannot be paused: {error}"));
        }
    }
}

fn name(op: Op) -> &'static str {
    match op {
        Op::CreateWorkflow { .. } => "workflow created",
        Op::UpdateWorkflow { .. } => "workflow updated",
        Op::DeleteWorkflow { .. } => "workflow deleted",
        Op::RunNow { .. } => "run now",
        Op::CreateSchedule { .. } => "schedule created",
        Op::PutSchedule { .. } => "schedule put",
        Op::EditSchedule { .. } => "schedule edited",
        Op::SetActive { is_active: true, .. } => "schedule resumed",
        Op::SetActive { .. } => "schedule paused",
        Op::DeleteSchedule { .. } => "schedule deleted",
        Op::PutCalendar { closes: true, .. } => "calendar closed",
        Op::PutCalendar { .. } => "calendar opened",
        Op::Cancel { .. } => "run cancelled",
        Op::Claim { .. } => "run claimed and given back",
        Op::Poll { .. } => "queue asked for work",
        _ => "other",
    }
}
