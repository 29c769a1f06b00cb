//! Whether every occurrence is accounted for exactly once, and every run has ended as it should: from the rows alone, by
//! arithmetic of its own.

use std::collections::{BTreeMap, HashMap};

use super::ledger::{Ledger, Outcome, Revision, Run, Schedule};

/// What this scenario may leave behind.
pub struct Rules {
    /// The last instant that is judged: what is planned later need not be there yet.
    pub until: i64,
    /// Runs due before this may have been claimed twice: their worker was killed, or stopped.
    pub workers_lost_until: Option<i64>,
}

#[derive(Default)]
pub struct Verdict {
    /// Occurrences that had to be accounted for.
    pub occurrences: usize,
    pub runs: usize,
    /// Of those, occurrences that an outcome accounts for, by its reason.
    pub recorded: BTreeMap<String, usize>,
    /// Runs that were claimed more than once.
    pub claimed_again: usize,
    /// Starts that the witness saw.
    pub witnessed: usize,
    pub faults: Vec<String>,
}

impl Verdict {
    pub fn must_be_clean(&self) {
        const SHOWN: usize = 25;
        let shown = &self.faults[..self.faults.len().min(SHOWN)];
        assert!(self.faults.is_empty(), "{} faults, the first of them:\n{}", self.faults.len(), shown.join("\n"));
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }
}

pub fn judge(ledger: &Ledger, rules: &Rules) -> Verdict {
    let mut verdict = Verdict { runs: ledger.runs.len(), ..Verdict::default() };
    let (mut runs, mut outcomes) = (HashMap::<&str, Vec<&Run>>::new(), HashMap::<&str, Vec<&Outcome>>::new());
    ledger.runs.iter().for_each(|run| runs.entry(&run.schedule).or_default().push(run));
    ledger.outcomes.iter().for_each(|outcome| outcomes.entry(&outcome.schedule).or_default().push(outcome));
    for schedule in &ledger.schedules {
        let runs = runs.remove(schedule.id.as_str()).unwrap_or_default();
        let outcomes = outcomes.remove(schedule.id.as_str()).unwrap_or_default();
        accounts(&mut verdict, schedule, &runs, &outcomes, rules.until);
        for run in runs.iter().filter(|run| run.nominal <= rules.until) {
            ends(&mut verdict, schedule, run, rules);
            witnessed(&mut verdict, run, ledger);
        }
    }
    runs.keys().for_each(|schedule| verdict.fault(format!("runs of no schedule {schedule}")));
    for ((run, attempt), count) in ledger.seen.iter().filter(|(_, count)| **count > 1) {
        verdict.fault(format!("run {run} was started {count} times in its attempt {attempt}"));
    }
    verdict
}

/// Each occurrence has one row, and each row is an occurrence's.
fn accounts(verdict: &mut Verdict, schedule: &Schedule, runs: &[&Run], outcomes: &[&Outcome], until: i64) {
    let id = &schedule.id;
    let mut fired: HashMap<(i64, i64), usize> = HashMap::new();
    let mut times: HashMap<i64, usize> = HashMap::new();
    for run in runs {
        *fired.entry((run.revision, run.nominal)).or_default() += 1;
        *times.entry(run.nominal).or_default() += 1;
        if run.created_at < run.due_at {
            verdict.fault(format!("schedule {id}: the run for {} was recorded {} ms early", run.nominal, run.due_at - run.created_at));
        }
    }
    times.iter().filter(|(_, count)| **count > 1).for_each(|(nominal, count)| {
        verdict.fault(format!("schedule {id}: {count} runs for {nominal}"));
    });
    for (place, revision) in schedule.revisions.iter().enumerate() {
        let end = end(schedule, place);
        for nominal in occurrences(revision, end.unwrap_or(until).min(until)) {
            verdict.occurrences += 1;
            if fired.remove(&(revision.number, nominal)).is_some() {
                continue;
            }
            match covering(outcomes, revision.number, nominal) {
                Some(outcome) => *verdict.recorded.entry(outcome.reason.clone()).or_default() += 1,
                // While paused nothing is written; a resume does it.
                None if end.is_none() && !schedule.is_active => verdict.occurrences -= 1,
                None => verdict.fault(format!("schedule {id}: nothing accounts for {nominal}, of revision {}", revision.number)),
            }
        }
        // What was planned after the end of the judged time may be there already, and nothing else.
        let is_later = |nominal: i64| nominal > until && end.is_none_or(|end| nominal <= end) && is_occurrence(revision, nominal);
        fired.retain(|(number, nominal), _| *number != revision.number || !is_later(*nominal));
    }
    for (revision, nominal) in fired.into_keys() {
        verdict.fault(format!("schedule {id}: a run for {nominal} at revision {revision}, which planned no such time"));
    }
}

fn ends(verdict: &mut Verdict, schedule: &Schedule, run: &Run, rules: &Rules) {
    let may_be_cancelled = schedule.deleted_at.is_some();
    match run.state.as_str() {
        "cancelled" if may_be_cancelled => return,
        "succeeded" => {}
        state => verdict.fault(format!("run {} for {} of `{}` is {state}", run.id, run.nominal, run.workflow)),
    }
    let was_lost = rules.workers_lost_until.is_some_and(|until| run.due_at <= until);
    if run.attempt != 1 {
        verdict.claimed_again += 1;
    }
    if run.attempt < 1 || (run.attempt > 1 && !was_lost) {
        verdict.fault(format!("run {} for {} was claimed {} times, and no worker was lost", run.id, run.nominal, run.attempt));
    }
    if run.state == "succeeded" && run.attempt == 1 && run.odd_nodes != 0 {
        verdict.fault(format!("run {} for {} succeeded, and its nodes were not each executed once", run.id, run.nominal));
    }
}

/// What a succeeded run of a `witness` workflow says of itself is what was seen.
fn witnessed(verdict: &mut Verdict, run: &Run, ledger: &Ledger) {
    if !run.workflow.starts_with("witness") || run.state != "succeeded" {
        return;
    }
    let starts: Vec<i64> = (1..=run.attempt).filter(|attempt| ledger.seen.contains_key(&(run.id.clone(), *attempt))).collect();
    verdict.witnessed += starts.len();
    if starts.is_empty() {
        verdict.fault(format!("run {} for {} succeeded, and nobody saw it start", run.id, run.nominal));
    }
}

/// Until when, inclusive, the revision at `place` planned; `None` when it still does.
fn end(schedule: &Schedule, place: usize) -> Option<i64> {
    schedule.revisions.get(place + 1).map(|next| next.created_at).or(schedule.deleted_at)
}

/// The planned times of a revision up to `until`, inclusive.
fn occurrences(revision: &Revision, until: i64) -> impl Iterator<Item = i64> {
    let (start, every) = (revision.start, revision.every);
    let first = if revision.created_at < start { 0 } else { (revision.created_at - start) / every + 1 };
    (first..).map(move |place| start + place * every).take_while(move |nominal| *nominal <= until)
}

fn is_occurrence(revision: &Revision, nominal: i64) -> bool {
    nominal > revision.created_at && nominal >= revision.start && (nominal - revision.start) % revision.every == 0
}

fn covering<'a>(outcomes: &[&'a Outcome], revision: i64, nominal: i64) -> Option<&'a Outcome> {
    outcomes.iter().copied().find(|outcome| outcome.revision == revision && (outcome.from..=outcome.to).contains(&nominal))
}

#[path = "judge/tests.rs"]
mod tests;
