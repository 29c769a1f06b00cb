//! Watches every effect, right where it happens, and knows the invariants (protocol, section 11).
//!
//! It believes no verb's answer: after each it reads the rows that the verb may have touched, through the ports, and compares
//! them with what it knew of them.

mod coverage;
mod members;
mod runs;
mod schedules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belfry_core::ids::{MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{RunFilter, RunStore, ScheduleStore, WorkflowStore};
use belfry_core::run::{Run, RunState};
use belfry_core::schedule::RecordedOutcome;
use belfry_core::time::UnixMillis;
use belfry_testkit::reference::ReferenceStore;
use jiff::SignedDuration;

use crate::faults::Verb;
use crate::hub::answer;
use crate::process::Process;
use crate::time::{StoreWall, Virtual};
use runs::KnownRun;
use schedules::KnownSchedule;

/// What was broken first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Of the protocol's section 11, or `model`, `process`, `convergence`.
    pub invariant: &'static str,
    pub detail: String,
}

pub struct Audit {
    store: ReferenceStore,
    time: Virtual,
    wall: Arc<StoreWall>,
    violation: Option<Violation>,
    /// Counts what was watched: an order of all effects.
    events: u64,
    runs: BTreeMap<RunId, KnownRun>,
    schedules: BTreeMap<ScheduleId, KnownSchedule>,
    /// In the order in which they were made.
    made: Vec<ScheduleId>,
    workflows: Vec<WorkflowId>,
    deleted_workflows: BTreeSet<WorkflowId>,
    /// When the store heard of each member last, in virtual time.
    beats: BTreeMap<MemberId, i64>,
    /// Of the runs that were recorded, in milliseconds.
    greatest_lateness: i64,
    /// From the row of a run to its message, in milliseconds.
    greatest_publishing: i64,
}

const ALL: usize = 1_000_000;

impl Audit {
    pub fn new(store: ReferenceStore, time: Virtual, wall: Arc<StoreWall>) -> Audit {
        Audit {
            store,
            time,
            wall,
            violation: None,
            events: 0,
            runs: BTreeMap::new(),
            schedules: BTreeMap::new(),
            made: Vec::new(),
            workflows: Vec::new(),
            deleted_workflows: BTreeSet::new(),
            beats: BTreeMap::new(),
            greatest_lateness: 0,
            greatest_publishing: 0,
        }
    }

    pub fn violated(&mut self, invariant: &'static str, detail: String) {
        self.violation.get_or_insert(Violation { invariant, detail });
    }

    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The store's clock.
    pub fn store_now(&self) -> UnixMillis {
        answer(ScheduleStore::now(&self.store)).expect("the model answers")
    }

    /// How many runs there are.
    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// How many schedules were made.
    pub fn schedule_count(&self) -> usize {
        self.made.len()
    }

    /// One of those that were made, the deleted ones too.
    pub fn workflow(&self, number: usize) -> Option<WorkflowId> {
        self.workflows.get(number % self.workflows.len().max(1)).copied()
    }

    /// One of those that were made, the deleted ones too.
    pub fn schedule(&self, number: usize) -> Option<ScheduleId> {
        self.made.get(number % self.made.len().max(1)).copied()
    }

    /// One of the youngest runs, counted from the end.
    pub fn recent_run(&self, from_end: usize) -> Option<RunId> {
        self.runs.keys().rev().nth(from_end % self.runs.len().max(1)).copied()
    }

    /// The runs that have not ended.
    pub fn live(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().map(|known| &known.run).filter(|run| !run.state.is_terminal())
    }

    pub fn workflow_made(&mut self, id: WorkflowId, is_made: bool) {
        if is_made {
            self.workflows.push(id);
        }
    }

    /// A write to a workflow is one to each of its schedules.
    pub fn workflow_written(&mut self, id: WorkflowId) {
        let of_it = self.schedules.iter().filter(|(_, known)| known.row.workflow_id == id);
        for schedule in of_it.map(|(id, _)| *id).collect::<Vec<ScheduleId>>() {
            self.schedule_written(schedule);
        }
    }

    /// Every schedule that it may have planned anew.
    pub fn calendar_written(&mut self) {
        for schedule in self.schedules.keys().copied().collect::<Vec<ScheduleId>>() {
            self.schedule_written(schedule);
        }
    }

    pub fn workflow_deleted(&mut self, id: WorkflowId) {
        self.deleted_workflows.insert(id);
        self.workflow_written(id);
        self.live_changed(Verb::Edit);
        let unended: Vec<String> = self.waiting_runs().filter(|run| run.workflow_id == id).map(|run| run.id.to_string()).collect();
        if !unended.is_empty() {
            self.violated("I12", format!("a deleted workflow has runs to be started: {unended:?}"));
        }
    }

    /// Those that a worker may yet claim.
    fn waiting_runs(&self) -> impl Iterator<Item = &Run> {
        self.live().filter(|run| matches!(run.state, RunState::Pending | RunState::Queued))
    }

    /// Reads everything and compares: what no verb was seen to change has not changed.
    pub fn read_all(&mut self) {
        let stored = self.stored_runs(RunFilter::default());
        if stored.len() != self.runs.len() {
            let unknown: Vec<RunId> = stored.iter().map(|run| run.id).filter(|id| !self.runs.contains_key(id)).collect();
            self.violated("I1", format!("{} runs stand, {} were seen to be recorded; unseen: {unknown:?}", stored.len(), self.runs.len()));
        }
        for run in stored {
            let known = self.runs.get(&run.id).map(|known| (known.run.state, known.run.claim_epoch, known.run.publish_seq));
            if known.is_some_and(|known| known != (run.state, run.claim_epoch, run.publish_seq)) {
                self.violated("I5", format!("run {} changed unseen, from {known:?} to {}", run.id, run.state));
            }
        }
    }

    /// Whether less than `length` of real time has passed since `since`, give or take what nobody notices.
    fn is_early(&self, since: i64, length: SignedDuration) -> bool {
        i128::from(self.time.millis() - since + self.wall.set_since(since).small) < length.as_millis()
    }

    /// Whether the store's clock was set since `since` so that `by` cannot know: before it heard of it for the first
    /// time, or back and forth.
    fn is_deceived(&self, by: &Process, since: i64) -> bool {
        let settings = self.wall.set_since(since);
        settings.large > 1 || settings.last_at.is_some_and(|at| at <= by.answered_at())
    }

    fn stored_runs(&self, filter: RunFilter) -> Vec<Run> {
        answer(self.store.runs(RunFilter { limit: ALL, ..filter })).expect("the model answers").items
    }

    fn stored_run(&self, id: RunId) -> Option<Run> {
        answer(RunStore::run(&self.store, id)).ok()
    }

    fn stored_outcomes(&self, id: ScheduleId) -> Vec<RecordedOutcome> {
        answer(self.store.outcomes(id, None, ALL)).map(|page| page.items).unwrap_or_default()
    }
}
