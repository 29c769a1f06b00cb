//! Whether every occurrence has exactly one row, or one range that covers it.

use belfry_core::schedule::{Outcome, OutcomeReason, ScheduleContent};
use belfry_core::time::UnixMillis;

/// The most occurrences that are counted at once.
const MOST: usize = 200_000;

/// What is wrong with `runs` and `outcomes` as the account of the occurrences of `content` in `from..=to`; `None` when each
/// has one of them, and nothing else has any.
pub fn fault(content: &ScheduleContent, from: UnixMillis, to: UnixMillis, runs: &[UnixMillis], outcomes: &[Outcome]) -> Option<String> {
    let mut expected = Vec::new();
    let mut next = content.next_after(UnixMillis::saturating(from.get() - 1)).ok()?;
    while let Some(at) = next.filter(|at| *at <= to && expected.len() < MOST) {
        expected.push(at);
        next = content.next_after(at).ok()?;
    }
    for at in &expected {
        let recorded = runs.iter().filter(|run| *run == at).count();
        let covered = outcomes.iter().filter(|outcome| outcome.from <= *at && *at <= outcome.to).count();
        if recorded + covered != 1 {
            return Some(format!("the occurrence {at} has {recorded} runs and {covered} ranges"));
        }
    }
    if let Some(run) = runs.iter().find(|run| expected.binary_search(run).is_err()) {
        return Some(format!("a run stands for {run}, which is no occurrence of {from} to {to}"));
    }
    // What could not be decided is recorded up to the instant of the failure, whatever is there.
    let is_empty = |outcome: &&Outcome| {
        outcome.reason != OutcomeReason::FailedToDecide && !expected.iter().any(|at| outcome.from <= *at && *at <= outcome.to)
    };
    outcomes.iter().find(is_empty).map(|outcome| format!("the range {} to {} covers nothing of {from} to {to}", outcome.from, outcome.to))
}
