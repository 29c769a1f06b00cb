//! From recorded to queued.

use std::sync::Arc;

use jiff::SignedDuration;

use belfry_core::ids::ClaimToken;
use belfry_core::ports::{Claim, ClaimAnswer, Ids, RunFilter, RunStore};
use belfry_core::run::{Run, RunState};
use belfry_core::workflow::QueueName;
use belfry_scheduler::Settings;

use crate::faults::{FlakyQueue, Weather};
use crate::world::{World, assert_one_run_each};

#[tokio::test]
async fn a_manual_run_is_swept_and_published() {
    let world = World::new().await;
    let run = world.run_by_hand().await;
    world.pass(&mut [&mut world.daemon()], 1).await;
    assert_eq!(world.messages().await, [run.id]);
    assert_eq!(world.states().await, [RunState::Queued]);
}

#[tokio::test]
async fn while_the_queue_is_down_rows_are_on_time_and_messages_follow() {
    let world = World::new().await;
    let start = world.now();
    world.every(10).await;
    let queue = Arc::new(FlakyQueue::new(world.queue.clone()));
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), queue.clone(), Settings::default());
    queue.weather(Weather::Refused);
    world.pass(&mut [&mut daemon], 60).await;
    let runs = world.runs().await;
    assert_one_run_each(&runs, start, [10, 20, 30, 40, 50, 60]);
    assert!(runs.iter().all(|run| run.created_at == run.due_at && run.state == RunState::Pending && run.publish_error.is_some()));
    queue.weather(Weather::Fine);
    // The longest pause between two attempts is a minute.
    world.pass(&mut [&mut daemon], 62).await;
    assert!(world.runs().await.iter().all(|run| run.state == RunState::Queued && run.publish_error.is_none()));
}

/// It is known to be down: nothing is taken, so nothing backs off, and all goes when it is up.
#[tokio::test]
async fn what_waits_for_a_broker_that_is_known_to_be_down_goes_as_soon_as_it_is_up() {
    let world = World::new().await;
    world.every(10).await;
    let queue = Arc::new(FlakyQueue::new(world.queue.clone()));
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), queue.clone(), Settings::default());
    queue.weather(Weather::Down);
    world.pass(&mut [&mut daemon], 600).await;
    assert_eq!(world.states().await, vec![RunState::Pending; 60]);
    queue.weather(Weather::Fine);
    world.pass(&mut [&mut daemon], 1).await;
    assert_eq!(world.states().await, vec![RunState::Queued; 60]);
}

#[tokio::test]
async fn a_queue_that_hangs_delays_no_other_for_long() {
    let (world, hanging, sound) = (World::new().await, QueueName::parse("hanging").unwrap(), QueueName::parse("sound").unwrap());
    for _ in 0..60 {
        world.every_to(&hanging, 1).await;
    }
    let sound = world.every_to(&sound, 1).await;
    let queue = Arc::new(FlakyQueue::for_one(world.queue.clone(), hanging));
    let settings = Settings { publish_window: 300, ..Settings::default() };
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), queue.clone(), settings);
    queue.weather(Weather::Silent);
    world.pass(&mut [&mut daemon], 120).await;
    let filter = RunFilter { schedule_id: Some(sound.id), limit: 200, ..RunFilter::default() };
    let runs = world.store.runs(filter).await.unwrap().items;
    let late = |run: &Run| run.queued_at.map_or(i128::MAX, |at| at.since(run.due_at).as_millis());
    let lateness: Vec<i128> = runs.iter().map(late).collect();
    assert_eq!(lateness.len(), 120);
    // While the first of it hangs the window is full of it; then it keeps to one batch in its own time.
    assert!(lateness.iter().filter(|late| **late > 1_000).count() <= 10, "{lateness:?}");
    assert!(lateness.iter().skip(1).all(|late| *late <= 7_000), "{lateness:?}");
}

#[tokio::test]
async fn a_queue_that_never_answers_is_given_up_after_the_limit_and_tried_again() {
    let world = World::new().await;
    world.every(10).await;
    let queue = Arc::new(FlakyQueue::new(world.queue.clone()));
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), queue.clone(), Settings::default());
    queue.weather(Weather::Silent);
    world.pass(&mut [&mut daemon], 16).await;
    let runs = world.runs().await;
    assert!(runs[0].publish_error.as_deref().unwrap().contains("nothing was confirmed"), "{:?}", runs[0]);
    queue.weather(Weather::Fine);
    world.pass(&mut [&mut daemon], 3).await;
    assert_eq!(world.runs().await[0].state, RunState::Queued);
}

/// Frozen between the fire and the publishing for longer than the lease, a daemon leaves the run to whoever swept it.
#[tokio::test]
async fn a_daemon_frozen_past_its_lease_publishes_nothing_of_it() {
    let world = World::new().await;
    world.every(10).await;
    let (mut frozen, mut other) = (world.daemon(), world.daemon());
    frozen.tick(world.now()).await;
    world.clock.advance(SignedDuration::from_secs(10));
    // It fires, and its lanes do not get to run before the clock has moved on.
    frozen.tick(world.now()).await;
    assert_eq!(world.states().await, [RunState::Pending]);
    world.clock.advance(SignedDuration::from_secs(16));
    other.tick(world.now()).await;
    crate::world::settle().await;
    let first = world.runs().await[0].id;
    assert_eq!(world.messages().await.iter().filter(|id| **id == first).count(), 1);
}

#[tokio::test]
async fn a_run_whose_worker_was_lost_is_published_again() {
    let world = World::new().await;
    let run = world.run_by_hand().await;
    let mut daemon = world.daemon();
    world.pass(&mut [&mut daemon], 1).await;
    let claim = Claim { run_id: run.id, token: ClaimToken(world.ids.v7(world.now())), worker: "lost".to_owned() };
    assert!(matches!(world.store.claim(claim).await.unwrap(), ClaimAnswer::Claimed(_)));
    world.pass(&mut [&mut daemon], 70).await;
    let run = world.store.run(run.id).await.unwrap();
    assert_eq!((run.state, run.attempt, run.claim_epoch > 1), (RunState::Queued, 1, true));
    assert_eq!(world.messages().await.len(), 2);
}

#[tokio::test]
async fn a_window_smaller_than_what_is_due_delays_messages_and_not_rows() {
    let world = World::new().await;
    for _ in 0..30 {
        world.every(5).await;
    }
    let settings = Settings { publish_window: 7, ..Settings::default() };
    let mut daemon = world.daemon_with(Arc::new(world.store.clone()), Arc::new(world.queue.clone()), settings);
    world.pass(&mut [&mut daemon], 5).await;
    assert!(world.runs().await.iter().all(|run| run.created_at == run.due_at));
    world.pass(&mut [&mut daemon], 4).await;
    assert_eq!(world.messages().await.len(), 30);
}

#[tokio::test]
async fn a_hint_has_a_manual_run_published_at_once() {
    let world = World::new().await;
    let daemon = world.daemon();
    let (hint, shutdown) = (daemon.hint(), tokio_util::sync::CancellationToken::new());
    let running = tokio::spawn(daemon.run(shutdown.clone()));
    crate::world::settle().await;
    let run = world.run_by_hand().await;
    hint.give();
    crate::world::settle().await;
    assert_eq!(world.messages().await, [run.id]);
    shutdown.cancel();
    running.await.unwrap();
}
