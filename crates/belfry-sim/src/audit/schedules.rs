//! I1, I2, I3, I6, I7, I9, I11: what stands of each schedule, from one compare-and-set to the next.

use std::collections::BTreeSet;

use belfry_core::ids::{RunId, ScheduleId};
use belfry_core::ports::{CalendarStore, FireAnswer, FireBatch, FireCode, FireResult, RunFilter, StoreResult, WorkflowStore};
use belfry_core::run::{Run, RunKind, RunState};
use belfry_core::schedule::{Outcome, RecordedOutcome, ScheduleContent, ScheduledWorkflow};
use belfry_core::time::UnixMillis;

use super::Audit;
use super::coverage;
use crate::faults::Verb;
use crate::hub::answer;
use crate::process::Process;

/// Milliseconds.
const LATEST: i64 = 2_500;

pub struct KnownSchedule {
    pub row: ScheduledWorkflow,
    pub is_deleted: bool,
    /// What was recorded for it.
    outcomes: Vec<RecordedOutcome>,
    /// Its revisions that have ended.
    past: Vec<Past>,
    /// Where the cursor stood when its revision began.
    begun_at: Option<UnixMillis>,
}

/// A revision that has ended.
struct Past {
    content: ScheduleContent,
    /// Where its cursor began.
    from: Option<UnixMillis>,
    /// The instant of the write that ended it.
    to: UnixMillis,
}

impl Audit {
    /// A user's write to a schedule happened, or may have.
    pub fn schedule_written(&mut self, id: ScheduleId) {
        self.events += 1;
        let stored = answer(self.store.schedule(id)).ok();
        self.check_calendars(stored.as_ref());
        match (self.schedules.get(&id), stored) {
            (None, Some(row)) => self.schedule_made(row),
            (Some(known), Some(row)) if known.row.revision != row.revision => self.schedule_rewritten(id, Some(row)),
            (Some(known), None) if !known.is_deleted => self.schedule_rewritten(id, None),
            _ => {}
        }
    }

    /// A living schedule is planned by its calendars as they stand.
    fn check_calendars(&mut self, row: Option<&ScheduledWorkflow>) {
        let Some(row) = row else { return };
        for (name, planned_by) in row.content.calendars.revisions() {
            let standing = answer(self.store.calendar(&name)).map(|calendar| calendar.revision).ok();
            if standing != Some(planned_by) {
                let detail = format!("schedule {} is planned by `{name}` at revision {planned_by}, which stands at {standing:?}", row.id);
                self.violated("calendars", detail);
            }
        }
    }

    fn schedule_made(&mut self, row: ScheduledWorkflow) {
        self.check_first(&row);
        let begun_at = row.cursor.nominal;
        self.made.push(row.id);
        self.schedules.insert(row.id, KnownSchedule { row, is_deleted: false, outcomes: Vec::new(), past: Vec::new(), begun_at });
    }

    /// Planning begins with the first occurrence after the write, exclusive.
    fn check_first(&mut self, row: &ScheduledWorkflow) {
        let first = row.content.next_after(row.updated_at).ok().flatten();
        let due = first.and_then(|first| row.content.due_of(row.id, first).ok());
        if (row.cursor.nominal, row.cursor.due) != (first, due) {
            let begins = format!("schedule {} was written at {} and begins at {:?}", row.id, row.updated_at, row.cursor);
            self.violated("I3", format!("{begins}, not at {first:?}, due at {due:?}"));
        }
    }

    fn schedule_rewritten(&mut self, id: ScheduleId, row: Option<ScheduledWorkflow>) {
        let (runs, outcomes) = self.newly_recorded(id);
        let at = row.as_ref().map_or_else(|| self.latest_row(id).max(self.store_now()), |row| row.updated_at);
        if row.as_ref().is_some_and(|row| row.updated_at < self.store_now()) {
            self.violated("I3", format!("schedule {id} is accounted for up to {at}, which is before the write, at {}", self.store_now()));
        }
        let known = self.schedules.get(&id).expect("the caller found it");
        let (before, from) = (known.row.clone(), known.row.cursor.nominal);
        let fires = before.is_active && row.as_ref().is_some_and(|row| row.is_active);
        self.record_runs(&runs, Some(at));
        if !fires && !runs.is_empty() {
            self.violated("I7", format!("a write that leaves schedule {id} without firing recorded runs {runs:?}"));
        }
        if let Some(row) = &row {
            self.check_first(row);
        }
        self.check_account(&before, from, at, &runs, &outcomes);
        let known = self.schedules.get_mut(&id).expect("it was found above");
        known.outcomes.extend(outcomes);
        known.past.push(Past { content: before.content, from: known.begun_at, to: at });
        match row {
            Some(row) => {
                known.begun_at = row.cursor.nominal;
                known.row = row;
            }
            None => {
                known.is_deleted = true;
                known.row.cursor = Default::default();
                self.live_changed(Verb::Edit);
                let waiting: Vec<RunId> = self.waiting_runs().filter(|run| run.schedule_id == Some(id)).map(|run| run.id).collect();
                if !waiting.is_empty() {
                    self.violated("I12", format!("the deleted schedule {id} has runs to be started: {waiting:?}"));
                }
            }
        }
    }

    /// The latest nominal time of a schedule that has a row.
    fn latest_row(&self, id: ScheduleId) -> UnixMillis {
        let runs = self.runs.values().filter(|known| known.run.schedule_id == Some(id)).filter_map(|known| known.run.nominal_time);
        let outcomes = self.schedules[&id].outcomes.iter().map(|recorded| recorded.outcome.to);
        runs.chain(outcomes).max().unwrap_or(UnixMillis::EPOCH)
    }

    /// The rows of a schedule that were not there before.
    fn newly_recorded(&self, id: ScheduleId) -> (Vec<RunId>, Vec<RecordedOutcome>) {
        let known = &self.schedules[&id];
        let filter = RunFilter { schedule_id: Some(id), planned_from: known.row.cursor.nominal, ..RunFilter::default() };
        let runs = self.stored_runs(filter).into_iter().map(|run| run.id).filter(|id| !self.runs.contains_key(id)).collect();
        let mut outcomes = self.stored_outcomes(id);
        for before in &known.outcomes {
            if let Some(place) = outcomes.iter().position(|outcome| outcome == before) {
                outcomes.swap_remove(place);
            }
        }
        (runs, outcomes)
    }

    fn check_account(
        &mut self,
        row: &ScheduledWorkflow,
        from: Option<UnixMillis>,
        to: UnixMillis,
        runs: &[RunId],
        outcomes: &[RecordedOutcome],
    ) {
        let due = |run: &Run| row.content.due_of(row.id, run.nominal_time?).ok();
        if let Some(run) = runs.iter().map(|id| &self.runs[id].run).find(|run| due(run) != Some(run.due_at)) {
            let wrong = format!("run {} of {:?} is due at {}, and not at {:?}", run.id, run.nominal_time, run.due_at, due(run));
            self.violated("I6", wrong);
        }
        let nominal: Vec<UnixMillis> = runs.iter().filter_map(|id| self.runs[id].run.nominal_time).collect();
        let outcomes: Vec<Outcome> = outcomes.iter().map(|recorded| recorded.outcome.clone()).collect();
        let wrong = match from {
            Some(from) => coverage::account(&row.content, from, to, &nominal, &outcomes).err(),
            None => (!nominal.is_empty() || !outcomes.is_empty()).then(|| "it had ended".to_owned()),
        };
        if let Some(wrong) = wrong {
            self.violated("I1", format!("schedule {} at revision {}: {wrong}", row.id, row.revision));
        }
    }

    pub fn fired(&mut self, by: &Process, batch: &FireBatch, fired: &StoreResult<FireAnswer>) {
        self.events += 1;
        let Ok(fired) = fired else { return };
        for result in &fired.results {
            if result.conflicts > 0 {
                self.violated("I11", format!("{} fired schedule {} and met {} runs that stood", by.name, result.id, result.conflicts));
            }
            if result.code == FireCode::Moved {
                self.moved(by, result, fired.store_now);
            }
        }
        let answered: BTreeSet<ScheduleId> = fired.results.iter().map(|result| result.id).collect();
        if answered.len() != batch.fires.len() {
            self.violated("I1", format!("{} fires were answered by {} results", batch.fires.len(), answered.len()));
        }
    }

    fn moved(&mut self, by: &Process, result: &FireResult, now: UnixMillis) {
        let id = result.id;
        let (runs, outcomes) = self.newly_recorded(id);
        self.record_runs(&runs, None);
        if runs.iter().collect::<BTreeSet<_>>() != result.runs.iter().collect::<BTreeSet<_>>() {
            self.violated("I1", format!("{} was answered runs {:?} of schedule {id}, and recorded are {runs:?}", by.name, result.runs));
        }
        let known = self.schedules.get(&id).expect("a schedule that fires was seen to be made");
        let (before, from) = (known.row.clone(), known.row.cursor.nominal);
        if known.is_deleted || !before.is_active {
            return self.violated("I7", format!("{} fired schedule {id}, which is paused or deleted", by.name));
        }
        let Ok(row) = answer(self.store.schedule(id)) else { return self.violated("I7", format!("schedule {id} is gone after its fire")) };
        let to = row.cursor.nominal.map_or(UnixMillis::saturating(i64::MAX), |next| UnixMillis::saturating(next.get() - 1));
        if row.cursor.nominal.is_some_and(|next| Some(next) <= from) {
            self.violated("I2", format!("{} moved the cursor of schedule {id} from {from:?} back to {:?}", by.name, row.cursor.nominal));
        }
        self.check_account(&before, from, to, &runs, &outcomes);
        let lateness = runs.iter().map(|id| &self.runs[id].run).map(|run| run.created_at.get() - run.due_at.get()).max();
        self.greatest_lateness = self.greatest_lateness.max(lateness.unwrap_or(0));
        if row.cursor.due.is_some_and(|next| next <= now) && runs.len() + outcomes.len() == 0 {
            self.violated("I9", format!("{} decided nothing over schedule {id}", by.name));
        }
        let known = self.schedules.get_mut(&id).expect("it was found above");
        known.outcomes.extend(outcomes);
        known.row = row;
    }

    /// I3 from the rows alone, when all is over. Answers how many occurrences are accounted for.
    pub fn check_ledger(&mut self) -> usize {
        let mut found = Vec::new();
        let mut accounted = 0;
        for (id, known) in &self.schedules {
            let runs = self.stored_runs(RunFilter { schedule_id: Some(*id), ..RunFilter::default() });
            let runs: Vec<UnixMillis> =
                runs.iter().filter(|run| run.kind == RunKind::Scheduled).filter_map(|run| run.nominal_time).collect();
            let outcomes: Vec<Outcome> = self.stored_outcomes(*id).into_iter().map(|recorded| recorded.outcome).collect();
            let end = known.row.cursor.nominal.map_or(UnixMillis::saturating(i64::MAX), |next| UnixMillis::saturating(next.get() - 1));
            let present = Past { content: known.row.content.clone(), from: known.begun_at.filter(|_| !known.is_deleted), to: end };
            let mut counted = 0;
            for part in known.past.iter().chain([&present]) {
                let Some(from) = part.from else { continue };
                let runs: Vec<UnixMillis> = runs.iter().copied().filter(|run| from <= *run && *run <= part.to).collect();
                let outcomes: Vec<Outcome> =
                    outcomes.iter().filter(|outcome| from <= outcome.from && outcome.from <= part.to).cloned().collect();
                counted += runs.len() + outcomes.len();
                match coverage::account(&part.content, from, part.to, &runs, &outcomes) {
                    Ok(occurrences) => accounted += occurrences,
                    Err(wrong) => found.push(format!("schedule {id}: {wrong}")),
                }
            }
            if counted != runs.len() + outcomes.len() {
                found.push(format!("schedule {id} has rows outside of its revisions: {counted} of {}", runs.len() + outcomes.len()));
            }
        }
        found.into_iter().for_each(|wrong| self.violated("I3", wrong));
        accounted
    }

    /// Where nothing fails, what was edited just before it was due is found by a look within two seconds.
    pub fn check_lateness(&mut self) {
        if self.greatest_lateness > LATEST {
            self.violated("lateness", format!("a run was recorded {} ms late, and nothing had failed", self.greatest_lateness));
        }
    }

    /// Active schedules that were due before `by`.
    pub fn overdue(&self, by: UnixMillis) -> Vec<(ScheduleId, UnixMillis)> {
        let active = self.schedules.values().filter(|known| !known.is_deleted && known.row.is_active);
        active.filter_map(|known| Some((known.row.id, known.row.cursor.due?))).filter(|(_, due)| *due < by).collect()
    }

    pub fn active(&self) -> Vec<ScheduleId> {
        self.schedules.values().filter(|known| !known.is_deleted && known.row.is_active).map(|known| known.row.id).collect()
    }

    /// I6, and that every run begins as it should. An edit `up_to` an instant also records what was planned up to it, and is
    /// due later.
    fn record_runs(&mut self, ids: &[RunId], up_to: Option<UnixMillis>) {
        let now = self.store_now();
        for id in ids {
            let Some(run) = self.stored_run(*id) else { continue };
            let is_early = run.created_at < run.due_at && up_to.is_none_or(|up_to| up_to < run.planned_at);
            if is_early || run.created_at != now {
                self.violated("I6", format!("run {id}, due at {}, was recorded at {}, when it was {now}", run.due_at, run.created_at));
            }
            if run.state != RunState::Pending {
                self.violated("I5", format!("run {id} began as {}", run.state));
            }
            self.begin(run);
        }
    }
}
