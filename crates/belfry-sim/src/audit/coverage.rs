//! Whether every occurrence has exactly one row, or one range that covers it.

use belfry_core::schedule::{Outcome, OutcomeReason, ScheduleContent};
use belfry_core::time::UnixMillis;

/// The most occurrences that are counted at once.
const MOST: usize = 200_000;

/// How many occurrences `content` has in `from..=to`, each of which has one of `runs` or is covered by one of `outcomes`, and
/// nothing else has any; or what is wrong with that account.
pub fn account(
    content: &ScheduleContent,
    from: UnixMillis,
    to: UnixMillis,
    runs: &[UnixMillis],
    outcomes: &[Outcome],
) -> Result<usize, String> {
    let expected = occurrences(content, from, to)?;
    for at in &expected {
        let recorded = runs.iter().filter(|run| *run == at).count();
        let covered = outcomes.iter().filter(|outcome| outcome.from <= *at && *at <= outcome.to).count();
        if recorded + covered != 1 {
            return Err(format!("the occurrence {at} has {recorded} runs and {covered} ranges"));
        }
    }
    if let Some(run) = runs.iter().find(|run| expected.binary_search(run).is_err()) {
        return Err(format!("a run stands for {run}, which is no occurrence of {from} to {to}"));
    }
    // What could not be decided is recorded up to the instant of the failure, whatever is there.
    let is_empty = |outcome: &&Outcome| {
        outcome.reason != OutcomeReason::FailedToDecide && !expected.iter().any(|at| outcome.from <= *at && *at <= outcome.to)
    };
    match outcomes.iter().find(is_empty) {
        Some(outcome) => Err(format!("the range {} to {} covers nothing of {from} to {to}", outcome.from, outcome.to)),
        None => Ok(expected.len()),
    }
}

fn occurrences(content: &ScheduleContent, from: UnixMillis, to: UnixMillis) -> Result<Vec<UnixMillis>, String> {
    let mut occurrences = Vec::new();
    let mut after = UnixMillis::saturating(from.get() - 1);
    while let Some(at) = content.next_after(after).map_err(|error| error.to_string())?.filter(|at| *at <= to) {
        occurrences.push(at);
        after = at;
        if occurrences.len() == MOST {
            return Err(format!("there are more than {MOST} occurrences in {from} to {to}"));
        }
    }
    Ok(occurrences)
}
