use super::*;
use crate::decide::tests::{at, every_ten_seconds};
use crate::schedule::CatchUp;

fn ranges(accounted: &Accounted) -> Vec<(UnixMillis, UnixMillis, OutcomeReason)> {
    accounted.outcomes.iter().map(|outcome| (outcome.from, outcome.to, outcome.reason)).collect()
}

#[test]
fn an_edit_fires_what_was_due_and_plans_from_its_own_instant() {
    let current = every_ten_seconds("09:00:00", CatchUp::Last);
    let mut edited = current.content.clone();
    edited.specs = vec![crate::spec::Spec::cron("30 * * * *".parse().unwrap())];
    let accounted = account(&current, After::Active(&edited), at("09:00:25")).unwrap();
    assert_eq!(accounted.runs.iter().map(|run| run.nominal).collect::<Vec<_>>(), [at("09:00:00"), at("09:00:10"), at("09:00:20")]);
    assert_eq!(accounted.cursor, Cursor::at(Some(at("09:30:00"))));
}

#[test]
fn a_pause_records_what_was_due() {
    let current = every_ten_seconds("09:00:00", CatchUp::Last);
    let accounted = account(&current, After::Paused(&current.content), at("09:00:25")).unwrap();
    assert_eq!(accounted.runs, []);
    assert_eq!(ranges(&accounted), [(at("09:00:00"), at("09:00:20"), OutcomeReason::Paused)]);
    assert_eq!(accounted.cursor, Cursor::at(Some(at("09:00:30"))));
}

#[test]
fn a_resume_writes_the_range_that_was_paused_and_never_fires_it() {
    let mut current = every_ten_seconds("09:00:00", CatchUp::All);
    current.is_active = false;
    let accounted = account(&current, After::Active(&current.content), at("09:10:00")).unwrap();
    assert_eq!(accounted.runs, []);
    assert_eq!(ranges(&accounted), [(at("09:00:00"), at("09:10:00"), OutcomeReason::Paused)]);
    assert_eq!(accounted.cursor, Cursor::at(Some(at("09:10:10"))));
}

#[test]
fn a_delete_records_what_was_due_and_leaves_nothing() {
    let current = every_ten_seconds("09:00:00", CatchUp::Last);
    let accounted = account(&current, After::Deleted, at("09:00:00")).unwrap();
    assert_eq!(ranges(&accounted), [(at("09:00:00"), at("09:00:00"), OutcomeReason::Deleted)]);
    assert_eq!(accounted.cursor, Cursor::default());
}

#[test]
fn a_failed_schedule_gets_one_range_and_its_old_spec_is_not_evaluated() {
    let mut current = every_ten_seconds("09:00:00", CatchUp::Last);
    current.cursor = Cursor::failed(at("09:00:05"));
    let accounted = account(&current, After::Active(&current.content), at("09:01:00")).unwrap();
    assert_eq!(ranges(&accounted), [(at("09:00:05.001"), at("09:01:00"), OutcomeReason::FailedToDecide)]);
}

#[test]
fn more_than_ten_thousand_rows_are_refused() {
    let mut current = every_ten_seconds("00:00:00", CatchUp::All);
    current.content.lateness.catch_up_window = jiff::SignedDuration::from_hours(48);
    let two_days_on = at("00:00:00").plus(jiff::SignedDuration::from_hours(30));
    assert_eq!(account(&current, After::Active(&current.content), two_days_on), Err(Conflict::StillCatchingUp));
}

#[test]
fn a_version_that_cannot_plan_a_spec_leaves_the_plan_of_the_newer_one() {
    let mut current = every_ten_seconds("09:00:00", CatchUp::Last);
    current.content.specs.push(crate::spec::Spec::Unknown(serde_json::json!({"rrule": "FREQ=DAILY"})));
    let before = at("08:59:00");
    assert_eq!(account(&current, After::Paused(&current.content), before).unwrap().cursor, current.cursor);
    assert_eq!(account(&current, After::Active(&current.content), at("09:00:00")), Err(Conflict::UnknownSpec));
    let deleted = account(&current, After::Deleted, at("09:00:07")).unwrap();
    assert_eq!(ranges(&deleted), [(at("09:00:00"), at("09:00:07"), OutcomeReason::Deleted)]);
}

/// After a failover to a server whose clock is behind.
#[test]
fn a_clock_that_went_back_brings_up_nothing_that_was_decided() {
    let mut current = every_ten_seconds("09:05:00", CatchUp::All);
    (current.updated_at, current.last_run_at) = (at("09:00:00"), Some(at("09:04:50")));
    let accounted = account(&current, After::Active(&current.content), at("09:01:00")).unwrap();
    assert_eq!((accounted.runs, accounted.outcomes, accounted.cursor), (vec![], vec![], current.cursor));
    // A pause was acknowledged later than the last run.
    (current.is_active, current.updated_at) = (false, at("09:04:57"));
    let resumed = account(&current, After::Active(&current.content), at("09:01:00")).unwrap();
    assert_eq!(resumed.cursor, current.cursor);
}
