//! Messages that are lost, or consumed and not claimed.

use jiff::SignedDuration;

use belfry_core::ports::{Queue, RunStore};
use belfry_core::run::RunState;

use crate::world::World;

#[tokio::test]
async fn a_lost_message_is_published_again() {
    let world = World::new().await;
    let run = world.run_by_hand().await;
    let mut daemon = world.daemon();
    world.pass(&mut [&mut daemon], 1).await;
    world.queue.lose_ready();
    world.pass(&mut [&mut daemon], 28).await;
    assert_eq!(world.messages().await, []);
    world.pass(&mut [&mut daemon], 14).await;
    assert_eq!((world.messages().await, world.states().await), (vec![run.id], vec![RunState::Queued]));
}

#[tokio::test]
async fn a_message_that_waits_for_a_consumer_is_left_alone() {
    let world = World::new().await;
    let run = world.run_by_hand().await;
    world.pass(&mut [&mut world.daemon()], 1_200).await;
    assert_eq!((world.messages().await, world.states().await), (vec![run.id], vec![RunState::Queued]));
}

#[tokio::test]
async fn what_is_consumed_and_never_claimed_ends_as_unclaimed() {
    let world = World::new().await;
    let run = world.run_by_hand().await;
    let mut daemon = world.daemon();
    let mut consumer = world.queue.consumer(Vec::new()).await.unwrap();
    let mut deliveries = 0;
    for _ in 0..2_000 {
        world.pass(&mut [&mut daemon], 1).await;
        for delivered in consumer.receive(10, SignedDuration::ZERO).await.unwrap() {
            deliveries += 1;
            consumer.acknowledge(&delivered).await.unwrap();
        }
    }
    let run = world.store.run(run.id).await.unwrap();
    assert_eq!((run.state, run.error.is_some(), deliveries), (RunState::Unclaimed, true, 6));
}
