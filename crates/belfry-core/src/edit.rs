//! What a user's write does to what is due and to the cursor: a pure function.
//!
//! An edit fires what was due under the old spec; a pause and a delete record it; a paused or failed time is recorded when
//! the schedule is next written. Afterwards planning goes on from the instant of the write, exclusive. An occurrence whose
//! nominal time has passed, and which jitter makes due later, is the old spec's too: an edit records its run with that due
//! time (docs/decisions/0006-an-edit-records-what-jitter-delays.md).

use crate::decide::{Decision, Facts, decide};
use crate::ids::{RunId, ScheduleId};
use crate::ports::{Conflict, NewRun};
use crate::run::RunReason;
use crate::schedule::{Cursor, Outcome, OutcomeReason, ScheduleContent, ScheduledWorkflow};
use crate::time::UnixMillis;

/// The most rows that one write accounts for, of each schedule that it touches.
pub const MAX_ROWS: usize = 10_000;

/// What the write leaves behind.
#[derive(Debug, Clone, Copy)]
pub enum After<'a> {
    Active(&'a ScheduleContent),
    Paused(&'a ScheduleContent),
    Deleted,
}

/// The rows to write under the revision that ends, and where the schedule stands under the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounted {
    pub runs: Vec<NewRun>,
    pub outcomes: Vec<Outcome>,
    pub cursor: Cursor,
    /// The border between the two revisions: what is planned up to it, inclusive, is accounted for under the one that ends,
    /// and the plan of the next one begins after it. It becomes the schedule's `updated_at`, which so never goes back.
    pub up_to: UnixMillis,
}

/// Accounts for everything of `current` that is due at `now`, the store's clock read under the schedule's lock.
pub fn account(current: &ScheduledWorkflow, after: After<'_>, now: UnixMillis) -> Result<Accounted, Conflict> {
    let up_to = border(current, now);
    let mut accounted = Accounted { runs: Vec::new(), outcomes: Vec::new(), cursor: Cursor::default(), up_to };
    match (current.cursor.nominal.filter(|nominal| *nominal <= now), after) {
        (None, _) => {}
        (Some(from), _) if current.cursor.has_failed() => accounted.outcomes.push(failed(from, now)),
        (Some(from), After::Deleted) if !current.content.is_known() => {
            accounted.outcomes.push(Outcome { from, to: now, reason: OutcomeReason::Deleted });
        }
        // What a newer version planned is for newer members to decide.
        (Some(_), _) if !current.content.is_known() => return Err(Conflict::UnknownSpec),
        (Some(from), _) if !current.is_active => accounted.record(current, from, now, OutcomeReason::Paused),
        (Some(from), After::Paused(_)) => accounted.record(current, from, now, OutcomeReason::Paused),
        (Some(from), After::Deleted) => accounted.record(current, from, now, OutcomeReason::Deleted),
        (Some(_), After::Active(_)) => accounted.fire_all(current, now)?,
    }
    accounted.cursor = match after {
        // This version cannot plan it. Nothing is due, so the plan of the newer one stands.
        After::Active(content) | After::Paused(content) if !content.is_known() && *content == current.content => current.cursor,
        After::Active(content) | After::Paused(content) => first(current.id, content, up_to)?,
        After::Deleted => Cursor::default(),
    };
    Ok(accounted)
}

/// The instant of the write, unless the store's clock went back, as after a failover to a server that is behind: then it is
/// behind what was decided, and no plan may bring that up again.
fn border(current: &ScheduledWorkflow, now: UnixMillis) -> UnixMillis {
    let content = &current.content;
    let before = |nominal: UnixMillis| UnixMillis::saturating(nominal.get() - 1);
    let decided = match current.cursor.nominal {
        // The spec failed: it is not asked again.
        Some(nominal) if current.cursor.has_failed() => Some(before(nominal)),
        // Nothing is between now and the cursor, while clocks go forward.
        nominal => match content.next_after(now) {
            Ok(next) if next == nominal => None,
            _ => content.latest_in(now, nominal.map_or(UnixMillis::saturating(i64::MAX), before)).ok().flatten(),
        },
    };
    now.max(current.updated_at).max(decided.unwrap_or(now))
}

/// Where the schedule `id` begins that is made, resumed or edited at `now`.
pub fn first(id: ScheduleId, content: &ScheduleContent, now: UnixMillis) -> Result<Cursor, Conflict> {
    if !content.is_known() {
        return Err(Conflict::UnknownSpec);
    }
    let planned = content.next_after(now).and_then(|next| content.cursor_at(id, next));
    planned.map_err(|error| Conflict::CannotPlan(error.to_string()))
}

fn failed(from: UnixMillis, to: UnixMillis) -> Outcome {
    Outcome { from, to, reason: OutcomeReason::FailedToDecide }
}

impl Accounted {
    /// One range over what is due and does not fire.
    fn record(&mut self, current: &ScheduledWorkflow, from: UnixMillis, now: UnixMillis, reason: OutcomeReason) {
        self.outcomes.push(match current.content.latest_in(from, now) {
            Ok(latest) => Outcome { from, to: latest.unwrap_or(from), reason },
            Err(_) => failed(from, now),
        });
    }

    /// Decides again and again, until nothing is due; what has begun and is not due yet is recorded for its due time.
    fn fire_all(&mut self, current: &ScheduledWorkflow, now: UnixMillis) -> Result<(), Conflict> {
        let mut schedule = current.clone();
        while let Some(Decision { runs, outcomes, next, .. }) = decide(&schedule, Facts::default(), now) {
            self.runs.extend(runs);
            self.outcomes.extend(outcomes);
            schedule.cursor = next;
            if self.runs.len() + self.outcomes.len() > MAX_ROWS {
                return Err(Conflict::StillCatchingUp);
            }
        }
        if let Cursor { nominal: Some(nominal), due: Some(due) } = schedule.cursor
            && nominal <= now
        {
            self.runs.push(NewRun { id: RunId::scheduled(schedule.id, nominal), nominal, due, reason: RunReason::Due });
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "edit/tests.rs"]
mod tests;
