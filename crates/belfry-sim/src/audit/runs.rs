//! I4, I5, I8, I12, I13: what each run goes through.

use std::collections::BTreeMap;

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Claim, ClaimAnswer, GiveBack, Mark, REDRIVE_AFTER, Settled, StoreResult};
use belfry_core::run::{NodeState, Run, RunKind, RunState};
use belfry_core::workflow::Delivery;

use super::Audit;
use crate::faults::Verb;
use crate::process::Process;

/// Milliseconds: a death, its burial a beat later, a sweep.
const SURVIVED_WITHIN: i64 = 8_000;

pub struct KnownRun {
    pub run: Run,
    /// When it entered its present `publish_seq`, as the count of events.
    seq_since: u64,
    publishings: Vec<Publishing>,
    /// The token of each epoch.
    tokens: BTreeMap<i64, ClaimToken>,
    /// By which verb each epoch ended.
    ended_epochs: BTreeMap<i64, Verb>,
    /// Messages that the broker kept.
    pub messages: u32,
    /// Redrives of the present attempt.
    pub redrives: u32,
    /// A mark ended it as delivered.
    is_delivered: bool,
    /// In virtual time: when it was recorded (or is due, when an edit recorded it ahead of that), and when it was queued last.
    recorded_at: i64,
    queued_at: i64,
}

struct Publishing {
    by: u64,
    /// As the count of events.
    begun: u64,
    is_confirmed: bool,
}

impl Audit {
    pub(super) fn begin(&mut self, run: Run) {
        let known = KnownRun {
            seq_since: self.events,
            publishings: Vec::new(),
            tokens: BTreeMap::new(),
            ended_epochs: BTreeMap::new(),
            messages: 0,
            redrives: 0,
            is_delivered: false,
            recorded_at: self.time.millis() + run.due_at.since(run.created_at).as_millis().max(0) as i64,
            queued_at: 0,
            run,
        };
        self.runs.insert(known.run.id, known);
    }

    /// A manual run was started, or may have been.
    pub fn started(&mut self, id: RunId) {
        self.events += 1;
        if let Some(run) = self.stored_run(id).filter(|run| run.kind == RunKind::Manual) {
            self.begin(run);
        }
    }

    /// A process begins to publish; answers the number of the event.
    pub fn publishes(&mut self, by: &Process, ids: &[RunId], was_frozen: bool) -> u64 {
        self.events += 1;
        let begun = self.events;
        for id in ids {
            let Some(known) = self.runs.get_mut(id) else {
                self.violated("I1", format!("{} publishes {id}, of which there is no row", by.name));
                continue;
            };
            known.publishings.push(Publishing { by: by.number, begun, is_confirmed: false });
            if known.is_delivered && !was_frozen {
                self.violated("I12", format!("{} publishes the handoff {id}, which was marked before", by.name));
            }
        }
        begun
    }

    pub fn settled(&mut self, ids: &[RunId], settled: &[Settled], begun: u64) {
        for (id, _) in ids.iter().zip(settled).filter(|(_, settled)| **settled == Settled::Confirmed) {
            let publishings = self.runs.get_mut(id).map(|known| &mut known.publishings);
            publishings.into_iter().flatten().filter(|one| one.begun == begun).for_each(|one| one.is_confirmed = true);
        }
    }

    /// The broker keeps a message.
    pub fn kept(&mut self, id: RunId) {
        if let Some(known) = self.runs.get_mut(&id) {
            known.messages += 1;
        }
    }

    pub fn marked(&mut self, by: &Process, marks: &[Mark]) {
        let before: Vec<(RunId, RunState)> =
            marks.iter().filter_map(|mark| Some((mark.run_id, self.runs.get(&mark.run_id)?.run.state))).collect();
        self.changed(Verb::Mark, marks.iter().map(|mark| mark.run_id), None);
        for (id, before) in before {
            let known = &self.runs[&id];
            if known.run.state == before {
                continue;
            }
            let is_confirmed = known.publishings.iter().any(|one| one.by == by.number && one.is_confirmed && one.begun > known.seq_since);
            if !is_confirmed {
                self.violated(
                    "I4",
                    format!("{} marked {id} at publish_seq {}, and none of its messages was confirmed", by.name, known.run.publish_seq),
                );
            }
        }
    }

    pub fn claimed(&mut self, claim: &Claim, claimed: &StoreResult<ClaimAnswer>) {
        self.changed(Verb::Claim, [claim.run_id], None);
        let Ok(ClaimAnswer::Claimed(claimed)) = claimed else { return };
        let Some(known) = self.runs.get_mut(&claim.run_id) else { return };
        let token = *known.tokens.entry(claimed.epoch).or_insert(claim.token);
        if token != claim.token {
            self.violated("I12", format!("epoch {} of run {} was given to two tokens", claimed.epoch, claim.run_id));
        }
    }

    /// What was given back is shown on the run, unless its message has become another's since.
    pub fn given_back(&mut self, rows: &[GiveBack]) {
        let old = |row: &GiveBack| self.runs.get(&row.run_id).map(|known| known.run.clone());
        let before: Vec<(i64, Run)> = rows.iter().filter_map(|row| Some((row.publish_seq, old(row)?))).collect();
        self.changed(Verb::GiveBack, rows.iter().map(|row| row.run_id), None);
        for (publish_seq, before) in before {
            let run = &self.runs[&before.id].run;
            if (before.state != RunState::Pending || before.publish_seq != publish_seq) && before.publish_error != run.publish_error {
                let (id, shown) = (run.id, shown(&before));
                self.violated("I5", format!("run {id}, {shown}, shows the failure of publishing {publish_seq}"));
            }
        }
    }

    /// A redrive takes back what waited for an interval of real time; unless the clock was set so that `by` cannot know.
    pub fn redriven(&mut self, by: &Process) {
        let queued = self.runs.values().filter(|known| known.run.state == RunState::Queued);
        let queued: Vec<(RunId, i64)> = queued.map(|known| (known.run.id, known.queued_at)).collect();
        self.live_changed(Verb::Redrive);
        for (id, queued_at) in queued {
            let waited = self.time.millis() - queued_at;
            if self.runs[&id].run.state != RunState::Queued && self.is_early(queued_at, REDRIVE_AFTER) && !self.is_deceived(by, queued_at) {
                self.violated("redrive", format!("{} took back {id}, which had been queued for {waited} ms", by.name));
            }
        }
    }

    /// An executor sends something for a run: nobody took the run from it before.
    pub fn acts(&mut self, by: &Process, verb: Verb, id: RunId, epoch: i64) {
        let Some(known) = self.runs.get(&id) else { return };
        if verb != Verb::Release && known.ended_epochs.get(&epoch) == Some(&Verb::Reap) {
            self.violated(
                "I12",
                format!("{} still executes {id} under epoch {epoch}: {verb:?}; it is at epoch {}", by.name, known.run.claim_epoch),
            );
        }
    }

    /// `verb` may have touched these runs, under `epoch` where it is fenced.
    pub fn changed(&mut self, verb: Verb, ids: impl IntoIterator<Item = RunId>, epoch: Option<i64>) {
        self.events += 1;
        for id in ids {
            if let (Some(run), true) = (self.stored_run(id), self.runs.contains_key(&id)) {
                self.compare(verb, run, epoch);
            }
        }
    }

    /// `verb` may have touched any run that has not ended.
    pub fn live_changed(&mut self, verb: Verb) {
        let live: Vec<RunId> = self.live().map(|run| run.id).collect();
        self.changed(verb, live, None);
    }

    fn compare(&mut self, verb: Verb, new: Run, epoch: Option<i64>) {
        let known = self.runs.get_mut(&new.id).expect("the caller found it");
        let old = std::mem::replace(&mut known.run, new.clone());
        if new.publish_seq != old.publish_seq {
            known.seq_since = self.events;
        }
        if new.claim_epoch != old.claim_epoch {
            known.ended_epochs.insert(old.claim_epoch, verb);
        }
        let now = self.time.millis();
        // Once it was taken when it was due, a clock that goes back does not make it early.
        let is_ahead = old.created_at < old.due_at && old.publish_seq == 1 && self.store_now() < old.due_at;
        if is_ahead && matches!(verb, Verb::Sweep | Verb::Claim) && (new.publish_seq, new.state) != (old.publish_seq, old.state) {
            self.violated("I6", format!("{verb:?} took run {}, which is due at {} only", new.id, old.due_at));
        }
        let known = self.runs.get_mut(&new.id).expect("the caller found it");
        if old.state == RunState::Pending && new.state != RunState::Pending {
            self.greatest_publishing = self.greatest_publishing.max(now - known.recorded_at);
        }
        if old.state != RunState::Queued && new.state == RunState::Queued {
            known.queued_at = now;
        }
        match (verb, new.state) {
            (Verb::Redrive, RunState::Pending) if old.state == RunState::Queued => known.redrives += 1,
            (Verb::Claim, RunState::Running) if old.state != RunState::Running => known.redrives = 0,
            (Verb::Mark, RunState::Delivered) => known.is_delivered = true,
            _ => {}
        }
        if let Some((invariant, wrong)) = wrong_change(verb, &old, &new, epoch) {
            self.violated(invariant, format!("{verb:?} changed run {} from {} to {}: {wrong}", new.id, shown(&old), shown(&new)));
        }
        if matches!(new.state, RunState::Pending | RunState::Queued) {
            let is_deleted = self.deleted_workflows.contains(&new.workflow_id)
                || new.schedule_id.and_then(|id| self.schedules.get(&id)).is_some_and(|schedule| schedule.is_deleted);
            if new.cancel_requested_at.is_some() || is_deleted {
                self.violated("I12", format!("{verb:?} left run {} {}, though it was to be cancelled", new.id, new.state));
            }
        }
    }

    /// Runs that had more or fewer messages than attempts: where nothing failed, there is one for each.
    pub fn check_one_message_per_attempt(&mut self) {
        let wrong = self.runs.values().find(|known| {
            let attempts = if known.run.state == RunState::Delivered { 1 } else { known.run.attempt };
            known.run.state != RunState::Cancelled && i64::from(known.messages) != attempts
        });
        if let Some(detail) =
            wrong.map(|known| format!("run {} had {} messages in {} attempts", known.run.id, known.messages, known.run.attempt))
        {
            self.violated("I13", detail);
        }
    }

    /// A run ends as its nodes did: all of them settled, and failed where one failed that may not.
    pub fn check_nodes(&mut self) {
        for run in self.runs.values().map(|known| &known.run) {
            let has_failed = run.nodes.iter().any(|node| node.node_id == "fails" && node.state == NodeState::Failed);
            let is_right = match run.state {
                RunState::Succeeded => !run.nodes.is_empty() && run.nodes.iter().all(|node| node.state.is_settled()) && !has_failed,
                RunState::Failed => has_failed,
                _ => true,
            };
            if !is_right {
                let nodes: Vec<String> = run.nodes.iter().map(|node| format!("{} {}", node.node_id, node.state)).collect();
                return self.violated("nodes", format!("run {} has {}, with the nodes {nodes:?}", run.id, run.state));
            }
        }
    }

    /// Where daemons die and nothing else fails, what they hold unpublished is published when they are buried.
    pub fn check_publishing(&mut self) {
        if self.greatest_publishing > SURVIVED_WITHIN {
            self.violated("lateness", format!("a run was published {} ms after it was recorded", self.greatest_publishing));
        }
    }

    /// How many runs are in each state.
    pub fn run_states(&self) -> BTreeMap<&'static str, u64> {
        let mut states = BTreeMap::new();
        self.runs.values().for_each(|known| *states.entry(known.run.state.as_str()).or_default() += 1);
        states
    }

    /// The most redrives that a run which has not ended is at.
    pub fn most_redrives(&self) -> u32 {
        self.runs.values().filter(|known| !known.run.state.is_terminal()).map(|known| known.redrives).max().unwrap_or(0)
    }
}

fn shown(run: &Run) -> String {
    format!("{} (epoch {}, seq {})", run.state, run.claim_epoch, run.publish_seq)
}

/// What of a change is not what its verb may do.
fn wrong_change(verb: Verb, old: &Run, new: &Run, epoch: Option<i64>) -> Option<(&'static str, &'static str)> {
    use RunState::{Cancelled, Delivered, Failed, Pending, Queued, Running, Succeeded, Unclaimed, WorkerLost};
    if old.state.is_terminal() {
        return (old != new).then_some(("I8", "it had ended"));
    }
    let changed = old.state != new.state || old.claim_epoch != new.claim_epoch || old.claim_until != new.claim_until;
    if changed && epoch.is_some_and(|epoch| epoch != old.claim_epoch) {
        return Some(("I12", "it is under another epoch"));
    }
    if new.claim_epoch < old.claim_epoch || new.publish_seq < old.publish_seq {
        return Some(("I5", "a count went back"));
    }
    let raised = new.claim_epoch == old.claim_epoch + 1;
    let fits = match (verb, old.state, new.state) {
        (Verb::Claim, Pending | Queued, Running) => raised && new.attempt == old.attempt + 1 && new.delivery == Delivery::Tracked,
        (Verb::Claim | Verb::Cancel | Verb::Edit | Verb::Heartbeat | Verb::RecordNode, Running, Running) => !raised,
        (Verb::Mark, Pending, Queued | Delivered) => !raised,
        (Verb::Finish, Running, Succeeded | Failed | Cancelled) => !raised,
        (Verb::Release, Running, Pending | Cancelled) | (Verb::Reap, Running, Pending | WorkerLost | Cancelled) => raised,
        (Verb::Redrive, Queued, Pending | Unclaimed | Cancelled) => !raised,
        (Verb::Cancel | Verb::Edit, Pending | Queued, Cancelled) => raised,
        (_, old, new) => old == new && !raised,
    };
    if !fits {
        return Some(("I5", "it is not its to change so"));
    }
    let enters = new.state == Pending && old.state != Pending;
    (enters && new.publish_seq == old.publish_seq).then_some(("I5", "it is pending again under the old publish_seq"))
}
