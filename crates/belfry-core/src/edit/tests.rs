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

/// Its nominal time has passed, and jitter makes it due in a moment: neither spec may lose it.
#[test]
fn an_edit_between_nominal_and_due_time_records_the_run_for_its_due_time() {
    let mut current = every_ten_seconds("09:00:00", CatchUp::Last);
    current.content.jitter = jiff::SignedDuration::from_secs(9);
    let due = current.content.due_of(current.id, at("09:00:00")).unwrap();
    current.cursor.due = Some(due);
    let now = UnixMillis::saturating(due.get() - 1);
    let accounted = account(&current, After::Active(&current.content), now).unwrap();
    assert_eq!(accounted.runs.iter().map(|run| (run.nominal, run.due)).collect::<Vec<_>>(), [(at("09:00:00"), due)]);
    assert_eq!((accounted.up_to, accounted.cursor.nominal), (now, Some(at("09:00:10"))));
    for after in [After::Paused(&current.content), After::Deleted] {
        let accounted = account(&current, after, now).unwrap();
        assert_eq!((accounted.runs.len(), ranges(&accounted)[0].0, ranges(&accounted)[0].1), (0, at("09:00:00"), at("09:00:00")));
    }
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
    current.content.specs.push(crate::spec::Spec::Unknown(serde_json::json!({"lunar": "full"})));
    let before = at("08:59:00");
    assert_eq!(account(&current, After::Paused(&current.content), before).unwrap().cursor, current.cursor);
    assert_eq!(account(&current, After::Active(&current.content), at("09:00:00")), Err(Conflict::UnknownSpec));
    let deleted = account(&current, After::Deleted, at("09:00:07")).unwrap();
    assert_eq!(ranges(&deleted), [(at("09:00:00"), at("09:00:07"), OutcomeReason::Deleted)]);
}

/// After a failover to a server whose clock is behind.
#[test]
fn a_clock_that_went_back_brings_up_nothing_that_was_decided() {
    let mut current = every_ten_seconds("09:05:00", CatchUp::None);
    current.updated_at = at("09:00:00");
    // Its occurrences up to 09:04:50 were missed, so that no run tells of them.
    let mut edited = current.content.clone();
    edited.specs = vec![crate::spec::Spec::cron("*/5 * * * * *".parse().unwrap())];
    let accounted = account(&current, After::Active(&edited), at("09:01:00")).unwrap();
    assert_eq!((&accounted.runs, &accounted.outcomes), (&vec![], &vec![]));
    assert_eq!((accounted.up_to, accounted.cursor), (at("09:04:50"), Cursor::at(Some(at("09:04:55")))));
    // A second edit knows no more than what the first one left.
    (current.content, current.cursor, current.updated_at) = (edited, accounted.cursor, accounted.up_to);
    let mut hourly = current.content.clone();
    hourly.specs = vec![crate::spec::Spec::cron("0 * * * *".parse().unwrap())];
    let accounted = account(&current, After::Active(&hourly), at("09:01:30")).unwrap();
    assert_eq!((accounted.up_to, accounted.cursor), (at("09:04:50"), Cursor::at(Some(at("10:00:00")))));
    (current.content, current.cursor) = (hourly, accounted.cursor);
    let accounted = account(&current, After::Active(&every_ten_seconds("09:00:00", CatchUp::None).content), at("09:02:00")).unwrap();
    assert_eq!(accounted.cursor, Cursor::at(Some(at("09:05:00"))));
}

#[test]
fn a_clock_that_went_back_brings_up_nothing_of_what_had_ended_or_failed() {
    let mut current = every_ten_seconds("09:05:00", CatchUp::None);
    current.content.end_at = Some(at("09:04:58"));
    current.cursor = Cursor::default();
    let mut endless = current.content.clone();
    endless.end_at = None;
    assert_eq!(account(&current, After::Active(&endless), at("09:01:00")).unwrap().cursor, Cursor::at(Some(at("09:05:00"))));
    current.cursor = Cursor::failed(at("09:04:55"));
    assert_eq!(account(&current, After::Active(&endless), at("09:01:00")).unwrap().up_to, at("09:04:55"));
}

#[test]
fn what_an_edit_brings_before_the_standing_cursor_is_planned() {
    let mut current = every_ten_seconds("09:05:00", CatchUp::Last);
    (current.updated_at, current.last_run_at) = (at("08:00:00"), Some(at("09:04:50")));
    let mut edited = current.content.clone();
    edited.specs = vec![crate::spec::Spec::cron("* * * * * *".parse().unwrap())];
    let accounted = account(&current, After::Active(&edited), at("09:04:52.5")).unwrap();
    assert_eq!((accounted.up_to, accounted.cursor), (at("09:04:52.5"), Cursor::at(Some(at("09:04:53")))));
}
