//! What becomes of what is due: a pure function, bounded in steps.

use crate::ids::RunId;
use crate::ports::NewRun;
use crate::run::RunReason;
use crate::schedule::{CatchUp, Cursor, Outcome, OutcomeReason, ScheduleContent, ScheduledWorkflow};
use crate::spec::SpecError;
use crate::time::UnixMillis;

/// The most runs of one decision. What is due beyond them is decided next, from where the cursor then stands.
pub const MAX_RUNS: usize = 100;

/// What a decision needs to know beyond the schedule itself. With overlap `allow`, the only policy yet, that is nothing:
/// the policies that count live runs bring them here.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Facts {}

/// What becomes of every occurrence from the cursor up to `now`, and where the cursor goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub runs: Vec<NewRun>,
    pub outcomes: Vec<Outcome>,
    /// Beyond the cursor that was decided from, or out of the due index: a decision never stands still.
    pub next: Cursor,
    /// Why the spec could not be evaluated; then the schedule leaves the due index.
    pub failure: Option<String>,
}

/// Decides over what is due of `schedule` at `now`; `None` when nothing is, or when it is not for this version to decide.
///
/// Lateness is judged by the oldest undecided occurrence: due for at most `missed_after`, everything due is late and
/// fires; longer, everything due is missed and `catch_up` decides over all of it.
pub fn decide(schedule: &ScheduledWorkflow, _facts: Facts, now: UnixMillis) -> Option<Decision> {
    let Cursor { nominal: Some(nominal), due: Some(due) } = schedule.cursor else { return None };
    if !schedule.is_active || due > now || !schedule.content.is_known() {
        return None;
    }
    let lateness = schedule.content.lateness;
    let decided = if now.since(due) <= lateness.missed_after {
        fire_from(schedule, nominal, now, RunReason::Due, Vec::new())
    } else {
        catch_up(schedule, nominal, now)
    };
    Some(decided.unwrap_or_else(|error| failed(nominal, now, error.to_string())))
}

/// The decision for a schedule that cannot be decided: what is due is recorded as such, and it leaves the due index.
pub fn failed(cursor: UnixMillis, now: UnixMillis, error: String) -> Decision {
    let outcome = Outcome { from: cursor, to: now.max(cursor), reason: OutcomeReason::FailedToDecide };
    Decision { runs: Vec::new(), outcomes: vec![outcome], next: Cursor::failed(now.max(cursor)), failure: Some(error) }
}

fn catch_up(schedule: &ScheduledWorkflow, cursor: UnixMillis, now: UnixMillis) -> Result<Decision, SpecError> {
    let content = &schedule.content;
    let open = schedule.first_open(now)?;
    // What is planned before this instant, and nothing else, is due.
    let border = open.unwrap_or(UnixMillis::saturating(now.get() + 1));
    // Younger than the window is what is due after its beginning.
    let young = schedule.first_open(now.minus(content.lateness.catch_up_window))?;
    let from = match content.lateness.catch_up {
        CatchUp::All => young,
        CatchUp::Last => latest_before(content, cursor, border)?.filter(|latest| young.is_some_and(|young| young <= *latest)),
        CatchUp::None => None,
    };
    match from.filter(|from| *from < border) {
        Some(from) => fire_from(schedule, from, now, RunReason::CatchUp, missed(content, cursor, from)?),
        None => Ok(Decision {
            runs: Vec::new(),
            outcomes: missed(content, cursor, border)?,
            next: content.cursor_at(schedule.id, open)?,
            failure: None,
        }),
    }
}

/// The occurrences from `from` on that are due, at most [`MAX_RUNS`] of them.
fn fire_from(
    schedule: &ScheduledWorkflow,
    from: UnixMillis,
    now: UnixMillis,
    reason: RunReason,
    outcomes: Vec<Outcome>,
) -> Result<Decision, SpecError> {
    let mut runs = Vec::new();
    let mut next = Cursor { nominal: Some(from), due: Some(schedule.due_of(from)?) };
    while let Cursor { nominal: Some(nominal), due: Some(due) } = next
        && due <= now
        && runs.len() < MAX_RUNS
    {
        runs.push(NewRun { id: RunId::scheduled(schedule.id, nominal), nominal, due, reason });
        next = schedule.content.cursor_at(schedule.id, schedule.content.next_after(nominal)?)?;
    }
    Ok(Decision { runs, outcomes, next, failure: None })
}

/// The range of missed occurrences in `from..before`; its bounds are occurrences.
fn missed(content: &ScheduleContent, from: UnixMillis, before: UnixMillis) -> Result<Vec<Outcome>, SpecError> {
    if before <= from {
        return Ok(Vec::new());
    }
    // `from` is the cursor, an occurrence of this very spec: it bounds the range even where the search finds nothing.
    let to = latest_before(content, from, before)?.unwrap_or(from);
    Ok(vec![Outcome { from, to, reason: OutcomeReason::Missed }])
}

/// The latest occurrence in `from..before`.
fn latest_before(content: &ScheduleContent, from: UnixMillis, before: UnixMillis) -> Result<Option<UnixMillis>, SpecError> {
    Ok(content.previous_before(before)?.filter(|latest| *latest >= from))
}

#[cfg(test)]
#[path = "decide/tests.rs"]
pub(crate) mod tests;
