//! How late it was: for each part of a scenario, from due to recorded, queued and started.

use super::ledger::Run;

/// A part of a scenario, by the store's clock; `to` is exclusive.
#[derive(Clone)]
pub struct Phase {
    pub name: String,
    pub from: i64,
    pub to: i64,
}

pub fn table(runs: &[Run], phases: &[Phase]) -> String {
    let mut lines = vec![
        format!("{:<34} {:>7}  {:^24}  {:^24}  {:^24}", "", "", "due → recorded, ms", "due → queued, ms", "due → started, ms"),
        format!("{:<34} {:>7}  {}", "due while", "runs", ["    p50      p99     max"; 3].join("  ")),
    ];
    for phase in phases {
        let due: Vec<&Run> = runs.iter().filter(|run| (phase.from..phase.to).contains(&run.due_at)).collect();
        let measured = [
            lateness(&due, |run| Some(run.created_at)),
            // Of a first attempt: these times are those of the last one. A worker that is faster than the mark leaves none.
            lateness(&due, |run| run.queued_at.filter(|_| run.attempt == 1)),
            lateness(&due, |run| run.started_at.filter(|_| run.attempt == 1)),
        ];
        lines.push(format!("{:<34} {:>7}  {}", phase.name, due.len(), measured.join("  ")));
    }
    lines.join("\n")
}

fn lateness(runs: &[&Run], reached: impl Fn(&Run) -> Option<i64>) -> String {
    let mut sorted: Vec<i64> = runs.iter().filter_map(|run| Some(reached(run)? - run.due_at)).collect();
    sorted.sort_unstable();
    let Some(max) = sorted.last() else { return format!("{:>24}", "none") };
    format!("{:>7} {:>8} {max:>7}", quantile(&sorted, 50), quantile(&sorted, 99))
}

/// The smallest value that `percent` of them do not exceed.
fn quantile(sorted: &[i64], percent: usize) -> i64 {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

#[test]
fn quantiles_are_values_that_were_measured() {
    let values: Vec<i64> = (1..=200).collect();
    assert_eq!([quantile(&values, 50), quantile(&values, 99), quantile(&[7], 99)], [100, 198, 7]);
}
