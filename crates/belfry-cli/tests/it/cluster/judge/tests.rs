//! The judge finds what it is there to find.

use super::super::ledger::{Ledger, Outcome, Revision, Run, Schedule};
use super::{Rules, judge};

/// One schedule every second from 10,000 on, made at 10,500, and its runs for 11,000, 12,000 and 13,000.
fn clean() -> Ledger {
    let revisions = vec![Revision { number: 1, created_at: 10_500, every: 1_000, start: 10_000 }];
    let schedule = Schedule { id: "s".to_owned(), is_active: true, deleted_at: None, revisions };
    let mut ledger = Ledger { schedules: vec![schedule], runs: (11..=13).map(|second| run(second * 1_000)).collect(), ..Ledger::default() };
    ledger.seen = ledger.runs.iter().map(|run| ((run.id.clone(), 1), 1)).collect();
    ledger
}

fn run(nominal: i64) -> Run {
    Run {
        id: format!("r{nominal}"),
        schedule: "s".to_owned(),
        revision: 1,
        workflow: "witness-0".to_owned(),
        nominal,
        due_at: nominal,
        created_at: nominal + 2,
        queued_at: Some(nominal + 4),
        started_at: Some(nominal + 5),
        state: "succeeded".to_owned(),
        attempt: 1,
        publish_seq: 1,
        odd_nodes: 0,
    }
}

fn faults(ledger: &Ledger) -> Vec<String> {
    judge(ledger, &Rules { until: 13_500, workers_lost_until: None }).faults
}

#[test]
fn a_clean_ledger_is_found_clean() {
    let verdict = judge(&clean(), &Rules { until: 13_500, workers_lost_until: None });
    assert_eq!((verdict.faults, verdict.occurrences, verdict.runs, verdict.witnessed), (vec![], 3, 3, 3));
}

#[test]
fn every_departure_from_the_promise_is_one_fault() {
    type Spoil = fn(&mut Ledger);
    let spoilt: [(&str, Spoil); 10] = [
        ("nothing accounts for 12000", |ledger| drop(ledger.runs.remove(1))),
        ("2 runs for 12000", |ledger| ledger.runs.push(Run { id: "r12000".to_owned(), ..ledger.runs[1].clone() })),
        ("recorded 1 ms early", |ledger| ledger.runs[1].created_at = 11_999),
        ("planned no such time", |ledger| ledger.runs.push(Run { id: "r13000".to_owned(), nominal: 12_400, ..run(13_000) })),
        ("is queued", |ledger| ledger.runs[1].state = "queued".to_owned()),
        ("is cancelled", |ledger| ledger.runs[1].state = "cancelled".to_owned()),
        ("was claimed 2 times", |ledger| ledger.runs[1].attempt = 2),
        ("not each executed once", |ledger| ledger.runs[1].odd_nodes = 1),
        ("nobody saw it start", |ledger| ledger.seen.retain(|(run, _), _| run != "r12000")),
        ("was started 2 times", |ledger| *ledger.seen.get_mut(&("r12000".to_owned(), 1)).unwrap() += 1),
    ];
    for (named, spoil) in spoilt {
        let mut ledger = clean();
        spoil(&mut ledger);
        let faults = faults(&ledger);
        assert!(faults.len() == 1 && faults[0].contains(named), "{named}: {faults:?}");
    }
}

#[test]
fn an_old_revision_plans_up_to_the_next_one_and_no_further() {
    let mut ledger = clean();
    ledger.schedules[0].revisions.push(Revision { number: 2, created_at: 12_000, every: 1_000, start: 10_300 });
    let late = faults(&ledger);
    assert_eq!(late.len(), 3, "12,300 and 13,300 are missing, 13,000 is none of the old revision's: {late:?}");
    ledger.runs.retain(|run| run.nominal <= 12_000);
    ledger.outcomes.push(Outcome { schedule: "s".to_owned(), revision: 2, from: 12_300, to: 13_300, reason: "paused".to_owned() });
    assert_eq!(faults(&ledger), Vec::<String>::new());
    ledger.outcomes[0].revision = 1;
    assert_eq!(faults(&ledger).len(), 2, "a range accounts for its own revision only");
}

#[test]
fn what_a_pause_has_not_recorded_yet_is_no_fault_and_a_run_in_it_is() {
    let mut ledger = clean();
    ledger.schedules[0].revisions.push(Revision { number: 2, created_at: 12_500, every: 1_000, start: 10_000 });
    ledger.schedules[0].is_active = false;
    assert_eq!(faults(&ledger).len(), 1, "13,000 was fired by the old revision");
    ledger.runs.pop();
    assert_eq!(faults(&ledger), Vec::<String>::new());
}
