//! What is recorded, and when.

use jiff::SignedDuration;

use belfry_core::ports::{ScheduleEdit, WorkflowStore};
use belfry_core::run::{RunReason, RunState};
use belfry_core::schedule::{CatchUp, OutcomeReason};
use belfry_core::spec::Spec;
use belfry_scheduler::Settings;
use std::sync::Arc;

use crate::faults::FlakyStore;
use crate::world::{World, assert_one_run_each};

#[tokio::test]
async fn an_occurrence_fires_at_its_instant_and_not_before() {
    let world = World::new().await;
    world.every(10).await;
    let mut daemon = world.daemon();
    world.pass(&mut [&mut daemon], 9).await;
    assert_eq!(world.runs().await.len(), 0);
    world.pass(&mut [&mut daemon], 1).await;
    let runs = world.runs().await;
    assert_eq!((runs.len(), runs[0].state, runs[0].created_at), (1, RunState::Queued, runs[0].due_at));
}

#[tokio::test]
async fn a_schedule_made_after_the_poll_is_found_before_it_is_due() {
    let world = World::new().await;
    let mut daemon = world.daemon();
    world.pass(&mut [&mut daemon], 5).await;
    let start = world.now();
    world.every(3).await;
    world.pass(&mut [&mut daemon], 3).await;
    let runs = world.runs().await;
    assert_one_run_each(&runs, start, [3]);
    assert_eq!(runs[0].created_at, runs[0].due_at);
}

#[tokio::test]
async fn two_daemons_record_each_occurrence_once_and_publish_it_once() {
    let world = World::new().await;
    let start = world.now();
    world.every(1).await;
    let (mut one, mut other) = (world.daemon(), world.daemon());
    world.pass(&mut [&mut one, &mut other], 20).await;
    let runs = world.runs().await;
    assert_one_run_each(&runs, start, 1..=20);
    assert_eq!(world.messages().await, runs.iter().map(|run| run.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_daemon_that_was_down_for_five_minutes_catches_up_as_each_policy_says() {
    let world = World::new().await;
    let start = world.now();
    let every_minute = || vec![Spec::every(SignedDuration::from_mins(1), start)];
    let last = world.schedule(every_minute(), CatchUp::Last).await;
    let all = world.schedule(every_minute(), CatchUp::All).await;
    let none = world.schedule(every_minute(), CatchUp::None).await;
    world.clock.advance(SignedDuration::from_millis(330_000));
    world.pass(&mut [&mut world.daemon()], 1).await;

    let runs = world.runs().await;
    let of = |id| runs.iter().filter(|run| run.schedule_id == Some(id)).cloned().collect::<Vec<_>>();
    assert_one_run_each(&of(last.id), start, [300]);
    assert_one_run_each(&of(all.id), start, [60, 120, 180, 240, 300]);
    assert_one_run_each(&of(none.id), start, []);
    assert!(runs.iter().all(|run| run.reason == RunReason::CatchUp));
    let missed = |outcomes: Vec<belfry_core::schedule::RecordedOutcome>| {
        outcomes
            .iter()
            .map(|row| (row.outcome.from.since(start).as_secs(), row.outcome.to.since(start).as_secs(), row.outcome.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(missed(world.outcomes(last.id).await), [(60, 240, OutcomeReason::Missed)]);
    assert_eq!(missed(world.outcomes(all.id).await), []);
    assert_eq!(missed(world.outcomes(none.id).await), [(60, 300, OutcomeReason::Missed)]);
}

#[tokio::test]
async fn more_schedules_due_at_once_than_memory_holds_are_all_fired() {
    let world = World::new().await;
    for _ in 0..150 {
        world.every(5).await;
    }
    let settings = Settings { near_capacity: 10, ..Settings::default() };
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), Arc::new(world.queue.clone()), settings);
    world.pass(&mut [&mut daemon], 9).await;
    // Ticks at one instant: nothing but capacity is in the way.
    for _ in 0..40 {
        world.tick(&mut [&mut daemon]).await;
    }
    assert_eq!(world.runs().await.len(), 150);
    assert!(world.states().await.iter().all(|state| *state == RunState::Queued));
}

#[tokio::test]
async fn a_schedule_of_a_newer_version_holds_up_no_other() {
    let world = World::new().await;
    let start = world.now();
    let unknown = world.every(1).await;
    let known = world.every(2).await;
    let store = FlakyStore { newer: vec![unknown.id], ..FlakyStore::new(world.store.clone(), []) };
    let mut daemon = world.daemon_with(Arc::new(store), Arc::new(world.queue.clone()), Settings::default());
    world.pass(&mut [&mut daemon], 10).await;
    let runs = world.runs().await;
    assert!(runs.iter().all(|run| run.schedule_id == Some(known.id)));
    assert_one_run_each(&runs, start, [2, 4, 6, 8, 10]);
    assert_eq!(world.store.schedule(unknown.id).await.unwrap().last_error, None);
}

#[tokio::test]
async fn a_memory_full_of_what_cannot_be_decided_here_does_not_hide_the_rest() {
    let world = World::new().await;
    let mut newer = Vec::new();
    for _ in 0..25 {
        newer.push(world.every(3).await.id);
    }
    let known = world.every(3).await;
    let settings = Settings { near_capacity: 10, ..Settings::default() };
    let store = FlakyStore { newer, ..FlakyStore::new(world.store.clone(), []) };
    let mut daemon = world.daemon_with(Arc::new(store), Arc::new(world.queue.clone()), settings);
    world.pass(&mut [&mut daemon], 5).await;
    for _ in 0..10 {
        world.tick(&mut [&mut daemon]).await;
    }
    assert_eq!(world.runs().await.iter().map(|run| run.schedule_id).collect::<Vec<_>>(), [Some(known.id)]);
}

#[tokio::test]
async fn after_a_pause_is_answered_nothing_fires() {
    let world = World::new().await;
    let start = world.now();
    let schedule = world.every(1).await;
    let mut daemon = world.daemon();
    world.pass(&mut [&mut daemon], 3).await;
    // The daemon has the next occurrence in memory by now, and what it needs to fire it.
    world.clock.advance(SignedDuration::from_millis(999));
    let pause = ScheduleEdit { id: schedule.id, expected: None, name: None, content: None, is_active: Some(false) };
    world.store.edit_schedule(pause).await.unwrap();
    world.pass(&mut [&mut daemon], 5).await;
    assert_one_run_each(&world.runs().await, start, 1..=3);
}

#[tokio::test]
async fn a_store_clock_that_is_set_forward_moves_firing_with_it() {
    let world = World::new().await;
    let schedule = world.every(3_600).await;
    let mut daemon = world.daemon();
    world.pass(&mut [&mut daemon], 2).await;
    world.clock.set(world.now().plus(SignedDuration::from_hours(1)));
    world.pass(&mut [&mut daemon], 2).await;
    let runs = world.runs().await;
    assert_eq!((runs.len(), runs[0].schedule_id), (1, Some(schedule.id)));
}

#[tokio::test]
async fn schedules_too_large_to_be_kept_in_memory_fire_on_time_all_the_same() {
    let world = World::new().await;
    let start = world.now();
    for _ in 0..8 {
        world.every(1).await;
    }
    let settings = Settings { payload_budget: 2_500, ..Settings::default() };
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), Arc::new(world.queue.clone()), settings);
    world.pass(&mut [&mut daemon], 5).await;
    let runs = world.runs().await;
    assert_eq!(runs.len(), 40);
    assert!(runs.iter().all(|run| run.created_at == run.due_at && run.due_at > start));
}
