use jiff::SignedDuration;

use super::*;
use crate::ids::{ScheduleId, WorkflowId};
use crate::schedule::{Lateness, Origin};
use crate::spec::Spec;
use crate::time::Zone;

pub(crate) fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_exact(&format!("2026-11-25T{text}Z")).unwrap()
}

/// A schedule every 10 s since midnight whose cursor stands at `cursor`.
pub(crate) fn every_ten_seconds(cursor: &str, catch_up: CatchUp) -> ScheduledWorkflow {
    let midnight = at("00:00:00");
    let specs = vec![Spec::every(SignedDuration::from_secs(10), midnight)];
    let content = ScheduleContent { lateness: Lateness { catch_up, ..Lateness::default() }, ..ScheduleContent::new(specs, Zone::utc()) };
    ScheduledWorkflow {
        id: ScheduleId(uuid::Uuid::nil()),
        workflow_id: WorkflowId(uuid::Uuid::nil()),
        name: "default".to_owned(),
        origin: Origin::Direct,
        is_active: true,
        revision: 1,
        cursor: Cursor::at(Some(at(cursor))),
        content,
        last_run_at: None,
        run_count: 0,
        failure_count: 0,
        last_error: None,
        created_at: midnight,
        updated_at: midnight,
    }
}

fn decided(schedule: &ScheduledWorkflow, now: &str) -> Decision {
    decide(schedule, Facts::default(), at(now)).unwrap()
}

fn nominals(decision: &Decision) -> Vec<String> {
    decision.runs.iter().map(|run| run.nominal.to_string()[11..19].to_owned()).collect()
}

fn missed_range(from: &str, to: &str) -> Vec<Outcome> {
    vec![Outcome { from: at(from), to: at(to), reason: OutcomeReason::Missed }]
}

#[test]
fn nothing_is_decided_before_it_is_due() {
    let schedule = every_ten_seconds("09:00:00", CatchUp::Last);
    assert_eq!(decide(&schedule, Facts::default(), at("08:59:59.999")), None);
}

#[test]
fn at_its_due_instant_an_occurrence_fires_and_the_cursor_moves_on() {
    let decision = decided(&every_ten_seconds("09:00:00", CatchUp::Last), "09:00:00");
    assert_eq!(nominals(&decision), ["09:00:00"]);
    assert_eq!(decision.runs[0].reason, RunReason::Due);
    assert_eq!(decision.next, Cursor::at(Some(at("09:00:10"))));
}

#[test]
fn everything_late_by_at_most_missed_after_fires() {
    let decision = decided(&every_ten_seconds("09:00:00", CatchUp::None), "09:01:00");
    assert_eq!(nominals(&decision), ["09:00:00", "09:00:10", "09:00:20", "09:00:30", "09:00:40", "09:00:50", "09:01:00"]);
    assert_eq!(decision.outcomes, []);
}

#[test]
fn past_missed_after_last_fires_the_latest_and_records_the_others_in_one_range() {
    let decision = decided(&every_ten_seconds("09:00:00", CatchUp::Last), "09:05:03");
    assert_eq!(nominals(&decision), ["09:05:00"]);
    assert_eq!(decision.runs[0].reason, RunReason::CatchUp);
    assert_eq!(decision.outcomes, missed_range("09:00:00", "09:04:50"));
    assert_eq!(decision.next, Cursor::at(Some(at("09:05:10"))));
}

#[test]
fn past_missed_after_none_records_everything() {
    let decision = decided(&every_ten_seconds("09:00:00", CatchUp::None), "09:05:00");
    assert_eq!((decision.runs, decision.outcomes), (vec![], missed_range("09:00:00", "09:05:00")));
    assert_eq!(decision.next, Cursor::at(Some(at("09:05:10"))));
}

#[test]
fn past_missed_after_all_fires_what_is_inside_the_window_a_hundred_at_a_time() {
    let mut schedule = every_ten_seconds("09:00:00", CatchUp::All);
    let first = decided(&schedule, "11:00:00");
    assert_eq!(first.outcomes, missed_range("09:00:00", "10:00:00"));
    assert_eq!((first.runs.len(), first.runs[0].nominal), (MAX_RUNS, at("10:00:10")));
    schedule.cursor = first.next;
    let second = decided(&schedule, "11:00:00");
    assert_eq!(second.outcomes, []);
    assert_eq!(second.runs[0].nominal, at("10:16:50"));
}

#[test]
fn last_fires_nothing_that_is_older_than_the_window() {
    let mut schedule = every_ten_seconds("09:00:00", CatchUp::Last);
    schedule.content.end_at = Some(at("09:00:30"));
    let decision = decided(&schedule, "10:00:30");
    assert_eq!((decision.runs, decision.outcomes), (vec![], missed_range("09:00:00", "09:00:30")));
    assert_eq!(decision.next, Cursor::default());
}

/// Due for two seconds, though its nominal time is older than the window.
#[test]
fn the_age_of_a_jittered_occurrence_counts_from_its_due_time() {
    for catch_up in [CatchUp::Last, CatchUp::All] {
        let mut schedule = every_ten_seconds("09:00:00", catch_up);
        schedule.content.specs = vec![Spec::cron("0 9 * * *".parse().unwrap())];
        schedule.content.jitter = SignedDuration::from_hours(3);
        schedule.cursor = schedule.content.cursor_at(schedule.id, Some(at("09:00:00"))).unwrap();
        let due = schedule.cursor.due.unwrap();
        assert!(due > at("10:00:00"), "{due}");
        let decision = decide(&schedule, Facts::default(), due.plus(SignedDuration::from_mins(2))).unwrap();
        assert_eq!((nominals(&decision), decision.runs[0].due), (vec!["09:00:00".to_owned()], due));
        assert_eq!(decision.outcomes, []);
    }
}

/// Zone data may change between planning and deciding, and with it the distance that bounds jitter.
#[test]
fn an_occurrence_is_due_when_it_was_planned_to_be() {
    let mut schedule = every_ten_seconds("09:00:00", CatchUp::Last);
    schedule.content.jitter = SignedDuration::from_secs(9);
    schedule.cursor.due = Some(at("09:00:00"));
    let decision = decided(&schedule, "09:00:00");
    assert_eq!(decision.runs[0].due, at("09:00:00"));
    assert_eq!(decision.next.nominal, Some(at("09:00:10")));
}

#[test]
fn a_gap_of_fifty_years_is_one_range() {
    let mut schedule = every_ten_seconds("09:00:00", CatchUp::Last);
    schedule.content.specs = vec![Spec::cron("* * * * * *".parse().unwrap())];
    let now = UnixMillis::parse_exact("2076-11-25T09:00:00Z").unwrap();
    let decision = decide(&schedule, Facts::default(), now).unwrap();
    assert_eq!(decision.runs.len(), 1);
    assert_eq!(decision.outcomes[0].to, UnixMillis::saturating(now.get() - 1000));
}

#[test]
fn a_spec_of_a_newer_version_is_passed_over() {
    let mut schedule = every_ten_seconds("09:00:00", CatchUp::Last);
    schedule.content.specs.push(Spec::Unknown(serde_json::json!({"lunar": "full"})));
    assert_eq!(decide(&schedule, Facts::default(), at("09:00:00")), None);
}

proptest::proptest! {
    /// I1 and I9: whatever the policy and the delay, every occurrence from the cursor to `now` has a run or a range, none
    /// has two runs, and no decision stands still.
    #[test]
    fn every_occurrence_is_accounted_for_once(
        delay in 0_i64..20_000, window in 0_i64..8_000, policy in 0..3_usize, every in 1_i64..300, jitter in 0_i64..300,
    ) {
        let mut schedule = every_ten_seconds("09:00:00", CatchUp::ALL[policy]);
        schedule.content.specs = vec![Spec::every(SignedDuration::from_secs(every), at("09:00:00"))];
        schedule.content.lateness.catch_up_window = SignedDuration::from_secs(window);
        schedule.content.jitter = SignedDuration::from_secs((jitter - 150).max(0));
        let due = |nominal| schedule.content.due_of(schedule.id, nominal).unwrap();
        let due: Vec<UnixMillis> =
            (0..=delay / every).map(|step| due(at("09:00:00").plus(SignedDuration::from_secs(step * every)))).collect();
        schedule.cursor = schedule.content.cursor_at(schedule.id, schedule.cursor.nominal).unwrap();
        let now = at("09:00:00").plus(SignedDuration::from_secs(delay));
        let (mut runs, mut ranges) = (Vec::new(), Vec::new());
        while let Some(decision) = decide(&schedule, Facts::default(), now) {
            proptest::prop_assert!(decision.next.nominal.is_none_or(|next| Some(next) > schedule.cursor.nominal));
            proptest::prop_assert!(decision.runs.iter().all(|run| run.due <= now));
            runs.extend(decision.runs.iter().map(|run| run.nominal));
            ranges.extend(decision.outcomes);
            schedule.cursor = decision.next;
        }
        for step in 0..=delay / every {
            let nominal = at("09:00:00").plus(SignedDuration::from_secs(step * every));
            let rows = runs.iter().filter(|run| **run == nominal).count();
            let covered = ranges.iter().filter(|range| range.from <= nominal && nominal <= range.to).count();
            let expected = usize::from(due[step as usize] <= now);
            proptest::prop_assert_eq!(rows + covered, expected, "{} has {} runs and {} ranges", nominal, rows, covered);
        }
    }
}
