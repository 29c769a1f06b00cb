use super::*;
use crate::decide::tests::{at, every_ten_seconds};
use crate::schedule::CatchUp;
use crate::spec::Spec;

/// Every 10 s, each due up to `jitter` later.
fn jittered(cursor: &str, jitter: SignedDuration) -> ScheduledWorkflow {
    let mut schedule = every_ten_seconds(cursor, CatchUp::Last);
    schedule.content.jitter = jitter;
    schedule.cursor = schedule.content.cursor_at(schedule.id, Some(at(cursor))).unwrap();
    schedule
}

fn late(schedule: &ScheduledWorkflow, nominal: UnixMillis) -> i64 {
    schedule.content.due_of(schedule.id, nominal).unwrap().since(nominal).as_millis() as i64
}

/// Golden values: what is due when must be the same on every node and in every version.
#[test]
fn the_due_time_of_an_occurrence_never_changes() {
    let schedule = jittered("09:00:00", SignedDuration::from_secs(5));
    let lateness: Vec<i64> =
        schedule.content.times_after(at("08:59:59"), 5).unwrap().iter().map(|nominal| late(&schedule, *nominal)).collect();
    assert_eq!(lateness, [304, 3337, 1709, 4880, 1693]);
}

#[test]
fn without_jitter_an_occurrence_is_due_at_its_nominal_time() {
    let schedule = jittered("09:00:00", SignedDuration::ZERO);
    assert_eq!(schedule.cursor, Cursor::at(Some(at("09:00:00"))));
}

#[test]
fn where_nothing_follows_jitter_alone_bounds_the_due_time() {
    let mut schedule = jittered("09:00:00", SignedDuration::from_mins(5));
    schedule.content.end_at = Some(at("09:00:00"));
    let wide = late(&schedule, at("09:00:00"));
    schedule.content.end_at = None;
    assert!((10_000..300_000).contains(&wide), "{wide}");
    assert!(late(&schedule, at("09:00:00")) < 10_000);
}

/// Semantics: the distance is to the next time that is not left out.
#[test]
fn what_is_excluded_does_not_bound_the_due_time() {
    let mut schedule = jittered("09:00:00", SignedDuration::from_mins(5));
    let others = Spec::cron("10-59 * * * * *".parse().unwrap());
    schedule.content.exclude = vec![crate::calendar::Exclusion::Spec(others)];
    let lateness: Vec<i64> = (0..20).map(|minute| late(&schedule, at("09:00:00").plus(SignedDuration::from_mins(minute)))).collect();
    assert!(lateness.iter().any(|late| *late >= 10_000), "{lateness:?}");
    assert!(lateness.iter().all(|late| *late < 60_000), "{lateness:?}");
}

#[test]
fn many_schedules_of_one_instant_are_spread_over_their_jitter() {
    let content = jittered("09:00:00", SignedDuration::from_secs(10)).content;
    let mut tenths = [0_u32; 10];
    for number in 0..10_000_u128 {
        let due = content.due_of(ScheduleId(uuid::Uuid::from_u128(number)), at("09:00:00")).unwrap();
        tenths[due.since(at("09:00:00")).as_secs() as usize] += 1;
    }
    assert!(tenths.iter().all(|count| (900..1_100).contains(count)), "{tenths:?}");
}

proptest::proptest! {
    /// So that a cursor can tell what is due from what is not: each occurrence is due before the next one is planned.
    #[test]
    fn due_times_are_in_the_order_of_nominal_times(jitter in 0_i64..100_000, every in 1_i64..100, steps in 0_i64..1_000) {
        let mut schedule = jittered("00:00:00", SignedDuration::from_millis(jitter));
        schedule.content.specs = vec![Spec::every(SignedDuration::from_secs(every), at("00:00:00"))];
        let nominal = at("00:00:00").plus(SignedDuration::from_secs(every * steps));
        let late = late(&schedule, nominal);
        proptest::prop_assert!((0..every * 1_000).contains(&late));
        proptest::prop_assert!(late < jitter.max(1));
    }

    #[test]
    fn what_is_due_lies_before_what_is_open(jitter in 0_i64..30_000, passed in 0_i64..100_000) {
        let schedule = jittered("09:00:00", SignedDuration::from_millis(jitter));
        let now = at("09:00:00").plus(SignedDuration::from_millis(passed));
        let nominal = |step: i64| at("09:00:00").plus(SignedDuration::from_secs(10 * step));
        let due = |step: &i64| schedule.due_of(nominal(*step)).unwrap() <= now;
        let count = (0..12).take_while(due).count() as i64;
        proptest::prop_assert_eq!(schedule.first_open(now).unwrap(), Some(nominal(count)));
        let latest_due = schedule.content.latest_in(nominal(0), UnixMillis::saturating(nominal(count).get() - 1));
        proptest::prop_assert_eq!(latest_due.unwrap(), (count > 0).then(|| nominal(count - 1)));
    }
}
