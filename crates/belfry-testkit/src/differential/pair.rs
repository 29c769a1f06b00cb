//! The model and the store under test, which take each step together.

use std::fmt::Debug;

use belfry_core::decide::{Facts, decide};
use belfry_core::ids::{ClaimToken, KeyId, MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    Claim, DueKey, DueSchedule, Finish, Fire, FireBatch, GiveBack, Ids, Mark, NewKey, NewManualRun, NewSchedule, NewWorkflow, PublishLease,
    RunFilter, ScheduleEdit, ScheduleFilter, StoreError, StoreResult, TriggerSchedule, WallClock, WorkflowWrite,
};
use belfry_core::run::{NodeResult, NodeState, Run, RunResult, RunState};
use belfry_core::schedule::{Cursor, Origin, Outcome, OutcomeReason};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName, Workflow};
use jiff::SignedDuration;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use serde_json::json;
use uuid::Uuid;

use super::steps::{Step, Timing, Trigger, Twist, WorkflowChange};
use crate::clock::{ManualClock, SeededIds};
use crate::stores::{Backend, Stores};

pub(super) type Outcomes = Result<(), TestCaseError>;

/// The most of a list that is compared.
pub(super) const LONGEST: usize = 200;

pub(super) struct Pair<'a> {
    /// What moves the clock of both.
    pub(super) backend: &'a dyn Backend,
    pub(super) model: Stores,
    pub(super) other: Stores,
    pub(super) clock: ManualClock,
    ids: SeededIds,
    pub(super) workflows: Vec<WorkflowId>,
    pub(super) schedules: Vec<ScheduleId>,
    pub(super) keys: Vec<KeyId>,
    pub(super) members: Vec<MemberId>,
    tokens: Vec<ClaimToken>,
    /// What was fired last.
    batch: Option<FireBatch>,
}

/// Calls a verb of both stores, and answers what both answered.
macro_rules! both {
    ($pair:expr, $port:ident.$verb:ident($($argument:expr),*)) => {{
        let model = $pair.model.$port.$verb($($argument),*).await;
        let other = $pair.other.$port.$verb($($argument),*).await;
        same(stringify!($verb), model, other)?
    }};
}

pub(super) use both;

pub(super) fn same<T: PartialEq + Debug>(
    verb: &str,
    model: StoreResult<T>,
    other: StoreResult<T>,
) -> Result<StoreResult<T>, TestCaseError> {
    // How a store says that it refused the data is its own.
    let (model, other) = (model.map_err(unworded), other.map_err(unworded));
    if model == other { Ok(model) } else { Err(TestCaseError::fail(format!("`{verb}` differs\nmodel: {model:#?}\nstore: {other:#?}"))) }
}

fn unworded(error: StoreError) -> StoreError {
    match error {
        StoreError::Data(_) => StoreError::Data(String::new()),
        error => error,
    }
}

pub(super) fn pick<T: Copy>(index: &Index, all: &[T]) -> Option<T> {
    (!all.is_empty()).then(|| all[index.index(all.len())])
}

impl<'a> Pair<'a> {
    pub(super) fn new(backend: &'a dyn Backend, model: Stores, other: Stores, clock: ManualClock) -> Pair<'a> {
        let ids = SeededIds::new(1);
        let made = |count: usize| -> Vec<Uuid> { (0..count).map(|_| ids.v7(clock.now())).collect() };
        let members = made(2).into_iter().map(MemberId).collect();
        let tokens = made(3).into_iter().map(ClaimToken).collect();
        let (workflows, schedules, keys) = (Vec::new(), Vec::new(), Vec::new());
        Pair { backend, model, other, workflows, schedules, keys, members, tokens, batch: None, ids, clock }
    }

    /// Something of each kind, so that few steps are about nothing.
    pub(super) async fn begin(&mut self) -> Outcomes {
        let trigger = Trigger { timing: Timing::EveryTen, is_active: None };
        self.create_workflow(0, Some(&trigger), false).await?;
        self.create_workflow(1, None, true).await?;
        for (place, timing) in [(0, Timing::EveryThreeForLong), (1, Timing::Cron)] {
            self.create_schedule(self.workflows[place], 2, timing, true).await?;
        }
        self.start_run(self.workflows[0]).await
    }

    fn id(&self) -> Uuid {
        self.ids.v7(self.clock.now())
    }

    pub(super) async fn take(&mut self, step: &Step) -> Outcomes {
        match step {
            Step::Advance { by } => self.backend.advance(*by).await,
            Step::Fire { wait, limit, publisher, twist } => {
                self.backend.advance(*wait).await;
                let publisher = publisher.as_ref().and_then(|index| self.publisher(index));
                self.fire(*limit, publisher, *twist).await?;
            }
            Step::FireAgain => {
                if let Some(batch) = self.batch.clone() {
                    let _ = both!(self, schedules.fire(batch.clone()));
                }
            }
            Step::Sweep { member, limit } => {
                if let Some(publisher) = self.publisher(member) {
                    let _ = both!(self, schedules.sweep(publisher, &[], *limit));
                }
            }
            Step::CreateKey => self.create_key().await?,
            Step::RevokeKey { key } => {
                if let Some(key) = pick(key, &self.keys) {
                    let _ = both!(self, keys.revoke_key(key));
                }
            }
            step => {
                self.take_daemons(step).await?;
                self.take_users(step).await?;
                self.take_calendars(step).await?;
                self.take_runs(step).await?;
            }
        }
        Ok(())
    }

    async fn take_users(&mut self, step: &Step) -> Outcomes {
        match step {
            Step::CreateWorkflow { name, trigger, handoff } => self.create_workflow(*name, trigger.as_ref(), *handoff).await,
            Step::UpdateWorkflow { workflow, change, stale } => match self.standing_workflow(workflow).await? {
                Some(workflow) => self.update_workflow(&workflow, change, *stale).await,
                None => Ok(()),
            },
            Step::DeleteWorkflow { workflow, stale } => {
                if let Some(id) = pick(workflow, &self.workflows) {
                    let _ = both!(self, workflows.delete_workflow(id, stale.then_some(0)));
                }
                Ok(())
            }
            Step::CreateSchedule { workflow, name, timing, is_active } => {
                let Some(workflow) = pick(workflow, &self.workflows) else { return Ok(()) };
                self.create_schedule(workflow, *name, *timing, *is_active).await
            }
            Step::EditSchedule { schedule, name, timing, is_active, stale } => {
                let Some(id) = pick(schedule, &self.schedules) else { return Ok(()) };
                let edit = ScheduleEdit {
                    id,
                    expected: stale.then_some(0),
                    name: name.map(schedule_name),
                    content: timing.map(|timing| timing.content(self.clock.now())),
                    is_active: *is_active,
                };
                let _ = both!(self, workflows.edit_schedule(edit.clone()));
                Ok(())
            }
            Step::DeleteSchedule { schedule, stale } => {
                if let Some(id) = pick(schedule, &self.schedules) {
                    let _ = both!(self, workflows.delete_schedule(id, stale.then_some(0)));
                }
                Ok(())
            }
            Step::StartRun { workflow } => match pick(workflow, &self.workflows) {
                Some(workflow) => self.start_run(workflow).await,
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn take_runs(&mut self, step: &Step) -> Outcomes {
        let likely = |state: RunState| match step {
            Step::Mark { .. } | Step::GiveBack { .. } => state == RunState::Pending,
            Step::Claim { .. } | Step::Cancel { .. } => !state.is_terminal(),
            _ => state == RunState::Running,
        };
        let runs = self.some_runs(likely).await?;
        let runs: Vec<&Run> = runs.iter().collect();
        match step {
            Step::Mark { runs: indices, seq } => {
                let picked = indices.iter().filter_map(|index| pick(index, &runs));
                let marks: Vec<Mark> = picked.map(|run| Mark { run_id: run.id, publish_seq: run.publish_seq + seq }).collect();
                let _ = both!(self, schedules.mark(&marks));
            }
            Step::GiveBack { run, seq, retry_in } => {
                let Some(run) = pick(run, &runs) else { return Ok(()) };
                let publish_seq = run.publish_seq + seq;
                let back = [GiveBack { run_id: run.id, publish_seq, retry_in: *retry_in, error: format!("{retry_in}") }];
                let _ = both!(self, schedules.give_back(&back));
            }
            Step::Claim { run, .. }
            | Step::Heartbeat { run, .. }
            | Step::RecordNode { run, .. }
            | Step::Finish { run, .. }
            | Step::Release { run, .. }
            | Step::Cancel { run } => {
                let Some(run) = pick(run, &runs) else { return Ok(()) };
                self.work(step, run).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What a worker, or who watches it, does to one run.
    async fn work(&mut self, step: &Step, run: &Run) -> Outcomes {
        let id = run.id;
        match step {
            Step::Claim { token, .. } => {
                let token = self.tokens[token.index(self.tokens.len())];
                let claim = Claim { run_id: id, token, worker: format!("worker {token}") };
                let _ = both!(self, runs.claim(claim.clone()));
            }
            Step::Heartbeat { epoch, says, .. } => {
                let progress = says.then(|| format!("at {epoch}"));
                let _ = both!(self, runs.heartbeat(id, run.claim_epoch + epoch, progress.clone()));
            }
            Step::RecordNode { epoch, node, .. } => {
                let result = self.node(*node);
                let _ = both!(self, runs.record_node(id, run.claim_epoch + epoch, result.clone()));
            }
            Step::Finish { epoch, state, leaves, .. } => {
                let left = || RunResult { output: json!({"as": state}), output_truncated: *epoch == 0, log: format!("{state}\n") };
                let result = leaves.then(left).unwrap_or_default();
                let finish = Finish { state: *state, error: Some(format!("as {state}")), result };
                let _ = both!(self, runs.finish(id, run.claim_epoch + epoch, finish.clone()));
            }
            Step::Release { epoch, .. } => drop(both!(self, runs.release(id, run.claim_epoch + epoch))),
            Step::Cancel { .. } => drop(both!(self, runs.cancel(id))),
            _ => {}
        }
        Ok(())
    }

    async fn create_workflow(&mut self, name: u8, trigger: Option<&Trigger>, handoff: bool) -> Outcomes {
        let new = NewWorkflow {
            id: WorkflowId(self.id()),
            name: format!("workflow {name}"),
            description: "made".to_owned(),
            definition: json!({"nodes": [], "edges": []}),
            tags: vec![format!("tag {name}"), "all".to_owned()],
            queue: QueueName::default(),
            delivery: if handoff { Delivery::Handoff } else { Delivery::Tracked },
            trigger: trigger.map(|trigger| self.trigger(trigger)),
        };
        let made = both!(self, workflows.create_workflow(new.clone()));
        if made.is_ok() {
            self.workflows.push(new.id);
            self.schedules.extend(new.trigger.map(|trigger| trigger.id));
        }
        Ok(())
    }

    async fn create_schedule(&mut self, workflow_id: WorkflowId, name: u8, timing: Timing, is_active: bool) -> Outcomes {
        let content = timing.content(self.clock.now());
        let new = NewSchedule { id: ScheduleId(self.id()), workflow_id, name: schedule_name(name), content, is_active };
        let made = both!(self, workflows.create_schedule(new.clone()));
        self.schedules.extend(made.map(|made| made.id));
        Ok(())
    }

    async fn start_run(&mut self, workflow_id: WorkflowId) -> Outcomes {
        let new = NewManualRun::now(RunId(self.id()), workflow_id, json!([1, "two"]), None);
        let _ = both!(self, workflows.start_run(new.clone()));
        Ok(())
    }

    async fn update_workflow(&mut self, workflow: &Workflow, change: &WorkflowChange, stale: bool) -> Outcomes {
        let trigger = match &change.trigger {
            None => self.standing_trigger(workflow.id).await?,
            Some(trigger) => trigger.as_ref().map(|trigger| self.trigger(trigger)),
        };
        let write = WorkflowWrite {
            id: workflow.id,
            expected: workflow.revision - i64::from(stale),
            name: change.name.map_or(workflow.name.clone(), |name| format!("workflow {name}")),
            description: if change.others { "changed".to_owned() } else { workflow.description.clone() },
            definition: change.definition.map_or(workflow.definition.clone(), |number| json!({"nodes": [number], "edges": []})),
            tags: if change.others { vec!["all".to_owned()] } else { workflow.tags.clone() },
            queue: if change.others { QueueName::parse("others").expect("it may be named so") } else { workflow.queue.clone() },
            delivery: workflow.delivery,
            trigger: trigger.clone(),
        };
        let written = both!(self, workflows.update_workflow(write.clone()));
        if let (Ok(_), Some(trigger)) = (written, trigger)
            && self.model.workflows.schedule(trigger.id).await.is_ok()
            && !self.schedules.contains(&trigger.id)
        {
            self.schedules.push(trigger.id);
        }
        Ok(())
    }

    /// What the definition's trigger node says already.
    async fn standing_trigger(&self, workflow: WorkflowId) -> Result<Option<TriggerSchedule>, TestCaseError> {
        let filter = ScheduleFilter { workflow_id: Some(workflow), limit: LONGEST, ..ScheduleFilter::default() };
        let page = both!(self, workflows.schedules(filter.clone())).unwrap();
        let standing = page.items.into_iter().find(|schedule| schedule.origin == Origin::Definition);
        Ok(standing.map(|schedule| TriggerSchedule { id: schedule.id, content: schedule.content, is_active: None }))
    }

    fn trigger(&self, trigger: &Trigger) -> TriggerSchedule {
        let content = trigger.timing.content(self.clock.now());
        TriggerSchedule { id: ScheduleId(self.id()), content, is_active: trigger.is_active }
    }

    async fn create_key(&mut self) -> Outcomes {
        let id = KeyId(self.id());
        let hash = [u8::try_from(self.keys.len()).unwrap_or(u8::MAX); 32];
        let _ = both!(self, keys.create_key(NewKey::full(id, format!("key {id}"), hash)));
        self.keys.push(id);
        Ok(())
    }

    fn publisher(&self, member: &Index) -> Option<PublishLease> {
        pick(member, &self.members).map(|member| PublishLease { member, lease: SignedDuration::from_secs(15) })
    }

    /// Looks, loads, decides and fires, as a daemon does.
    async fn fire(&mut self, limit: usize, publisher: Option<PublishLease>, twist: Twist) -> Outcomes {
        let now = self.clock.now();
        let look = both!(self, schedules.look(Shards::ALL, now, None, limit)).unwrap();
        let mut fires = Vec::new();
        for key in look.keys {
            let loaded = both!(self, schedules.load(&[key.id])).unwrap();
            fires.extend(loaded.into_iter().filter_map(|due| decided(due, now)));
        }
        if let Some(first) = fires.first_mut() {
            twist.apply(first);
            let batch = FireBatch { publisher, fires };
            let _ = both!(self, schedules.fire(batch.clone()));
            self.batch = Some(batch);
        }
        Ok(())
    }

    fn node(&self, number: u8) -> NodeResult {
        let now = self.clock.now();
        NodeResult {
            node_id: format!("node-{number}"),
            state: NodeState::ALL[usize::from(number) % NodeState::ALL.len()],
            output: json!({"at": now, "text": "ä\u{1F40C}"}),
            output_truncated: number == 1,
            log: format!("line {number}\n"),
            error: (number == 2).then(|| "no".to_owned()),
            attempts: u32::from(number) + 1,
            started_at: now,
            finished_at: (number == 2).then_some(now),
            wait_until: (number == 1).then_some(now),
        }
    }

    async fn standing_workflow(&self, index: &Index) -> Result<Option<Workflow>, TestCaseError> {
        let Some(id) = pick(index, &self.workflows) else { return Ok(None) };
        Ok(both!(self, workflows.workflow(id)).ok())
    }

    /// The newest ones: the others have been left alone for long.
    pub(super) async fn all_runs(&self) -> Result<Vec<Run>, TestCaseError> {
        let filter = RunFilter { limit: LONGEST, ..RunFilter::default() };
        Ok(both!(self, runs.runs(filter.clone())).unwrap().items)
    }

    /// A few runs, those in a state that `likely` finds first: a history is to do more than one thing to a run.
    async fn some_runs(&self, likely: impl Fn(RunState) -> bool) -> Result<Vec<Run>, TestCaseError> {
        let mut all = self.all_runs().await?;
        all.sort_by_key(|run| !likely(run.state));
        all.truncate(4);
        Ok(all)
    }
}

fn schedule_name(number: u8) -> String {
    if number == 0 { belfry_core::schedule::DEFAULT_SCHEDULE.to_owned() } else { format!("schedule-{number}") }
}

fn decided(due: DueSchedule, now: UnixMillis) -> Option<Fire> {
    Some(Fire::of(DueKey::of(&due.schedule)?, decide(&due.schedule, Facts::default(), now)?, now))
}

impl Twist {
    fn apply(self, fire: &mut Fire) {
        match self {
            Twist::None => {}
            Twist::OtherRevision => fire.revision += 1,
            Twist::Ahead => fire.decided_at = fire.decided_at.plus(SignedDuration::from_secs(1)),
            Twist::Failed => {
                let range = Outcome { from: fire.nominal, to: fire.decided_at, reason: OutcomeReason::FailedToDecide };
                (fire.runs, fire.outcomes, fire.next) = (vec![], vec![range], Cursor::failed(fire.decided_at));
                fire.failure = Some("it cannot be decided".to_owned());
            }
            Twist::Refused => {
                let before = fire.nominal.minus(SignedDuration::from_secs(1));
                fire.outcomes.push(Outcome { from: fire.nominal, to: before, reason: OutcomeReason::Missed });
            }
            Twist::Twice => fire.runs.extend(fire.runs.first().copied()),
        }
    }
}
