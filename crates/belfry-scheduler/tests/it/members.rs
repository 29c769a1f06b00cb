//! Daemons that come, go, stand still and share.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use belfry_core::run::RunState;
use belfry_core::time::UnixMillis;
use belfry_scheduler::Settings;

use crate::faults::{Fault, FlakyStore};
use crate::world::{World, settle};

/// How late the runs due from `start` on were recorded.
async fn lateness_since(world: &World, start: UnixMillis) -> Vec<i64> {
    let runs = world.runs().await;
    let late = runs.iter().filter(|run| run.due_at >= start).map(|run| run.created_at.since(run.due_at));
    late.map(|late| i64::try_from(late.as_millis()).unwrap()).collect()
}

#[tokio::test]
async fn daemons_share_the_schedules() {
    let world = World::new().await;
    for _ in 0..40 {
        world.every(5).await;
    }
    let (mut one, one_counts) = world.counted_daemon();
    let (mut two, two_counts) = world.counted_daemon();
    world.pass(&mut [&mut one, &mut two], 10).await;
    let fired = [one_counts.fired.get(), two_counts.fired.get()];
    assert_eq!(fired.iter().sum::<u64>(), 80);
    assert!(fired.iter().all(|fired| *fired >= 20), "{fired:?}");
    assert_eq!([one_counts.shards.get() + two_counts.shards.get(), one_counts.members.get()], [256, 2]);
    assert_eq!(lateness_since(&world, UnixMillis::EPOCH).await, vec![0; 80]);
}

#[tokio::test]
async fn what_a_dead_daemon_had_is_taken_over_within_seconds() {
    let world = World::new().await;
    for _ in 0..20 {
        world.every(5).await;
    }
    let (mut living, mut dying) = (world.daemon(), world.daemon());
    world.pass(&mut [&mut living, &mut dying], 9).await;
    drop(dying);
    let died = world.now();
    world.pass(&mut [&mut living], 20).await;
    let late = lateness_since(&world, died).await;
    assert_eq!(late.len(), 20 * 4);
    assert!(late.iter().all(|late| *late <= 3_500), "{late:?}");
    // By then it is alone, and on time again.
    assert_eq!(late[20..], vec![0; 60]);
}

#[tokio::test]
async fn what_a_dead_daemon_did_not_publish_is_published_before_its_lease_is_over() {
    let world = World::new().await;
    world.every(10).await;
    let (mut living, mut dying) = (world.daemon(), world.daemon());
    living.tick(world.now()).await;
    dying.tick(world.now()).await;
    world.clock.advance(SignedDuration::from_secs(10));
    dying.tick(world.now()).await;
    drop(dying);
    assert_eq!(world.states().await, [RunState::Pending]);
    world.pass(&mut [&mut living], 5).await;
    assert_eq!(world.states().await, [RunState::Queued]);
}

/// It is not past its lease, but others may have buried it, and swept what it took.
#[tokio::test]
async fn a_daemon_that_others_may_have_buried_publishes_nothing_that_it_took_before() {
    let world = World::new().await;
    world.every(10).await;
    let (mut frozen, mut other) = (world.daemon(), world.daemon());
    world.tick(&mut [&mut frozen, &mut other]).await;
    world.clock.advance(SignedDuration::from_secs(10));
    frozen.tick(world.now()).await;
    assert_eq!(world.states().await, [RunState::Pending]);
    // Long enough for the other to have heard of nobody but itself for as long as it takes to be dead.
    world.pass(&mut [&mut other], 6).await;
    world.tick(&mut [&mut other, &mut frozen]).await;
    assert_eq!((world.states().await, world.messages().await.len()), (vec![RunState::Queued], 1));
}

#[tokio::test]
async fn what_a_living_daemon_cannot_fire_is_taken_over() {
    let world = World::new().await;
    for _ in 0..20 {
        world.every(10).await;
    }
    let stuck = FlakyStore::new(world.store.clone(), [Fault::Before; 1_000]);
    let mut stuck = world.daemon_with(Arc::new(stuck), Arc::new(world.queue.clone()), Settings::default());
    let mut other = world.daemon();
    world.pass(&mut [&mut stuck, &mut other], 14).await;
    let late = lateness_since(&world, UnixMillis::EPOCH).await;
    assert_eq!(late.len(), 20);
    assert!(late.iter().all(|late| *late <= 3_500), "{late:?}");
    assert!(late.contains(&0) && late.iter().any(|late| *late > 2_000), "{late:?}");
}

#[tokio::test]
async fn a_daemon_that_stops_hands_over_without_a_gap() {
    let world = World::new().await;
    for _ in 0..20 {
        world.every(1).await;
    }
    let mut staying = world.daemon();
    let shutdown = CancellationToken::new();
    let going = tokio::spawn(world.daemon().run(shutdown.clone()));
    world.pass(&mut [&mut staying], 3).await;
    shutdown.cancel();
    world.pass(&mut [&mut staying], 5).await;
    assert!(going.is_finished());
    going.await.unwrap();
    let late = lateness_since(&world, UnixMillis::EPOCH).await;
    // The one that runs by itself aims a millisecond after the instant: time goes on in steps of half a second here.
    assert!(late.len() == 20 * 8 && late.iter().all(|late| *late <= 500), "{late:?}");
    settle().await;
    assert_eq!(world.messages().await.len(), 20 * 8);
}
