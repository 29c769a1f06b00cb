//! Claims that ran out.

use belfry_core::ports::{Beat, Reaped};
use belfry_core::run::{Run, RunState};
use jiff::SignedDuration;

use super::Backend;
use super::world::{SECOND, World, assert_between};

pub async fn a_living_claim_is_left_alone(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    world.advance(SignedDuration::from_secs(30)).await;
    assert_eq!(world.reap(10).await, Ok(Reaped::default()));
    assert_eq!(world.run(claimed.run.id).await, claimed.run);
    world.runs.heartbeat(claimed.run.id, 1, None).await.unwrap();
    world.reach(claimed.claim_until).await;
    assert_eq!(world.reap(10).await, Ok(Reaped::default()));
}

pub async fn a_lost_run_is_pending_again(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let id = claimed.run.id;
    world.reach(claimed.claim_until).await;
    assert_eq!(world.reap(10).await, Ok(Reaped { requeued: 1, ..Reaped::default() }));
    let lost = Run { state: RunState::Pending, claim_epoch: 2, claimed_by: None, claim_until: None, publish_seq: 2, ..claimed.run };
    assert_eq!(world.run(id).await, lost);
    assert_eq!(world.runs.heartbeat(id, 1, None).await, Ok(Beat::Stale));
    let swept = world.sweep(10).await;
    assert_eq!(swept.iter().map(|run| (run.id, run.publish_seq, run.attempt)).collect::<Vec<_>>(), [(id, 3, 2)]);
    let again = world.claim(id).await;
    assert_eq!((again.epoch, again.run.attempt, again.run.started_at), (3, 2, lost.started_at));
}

pub async fn the_third_lost_claim_ends_the_run(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    for _ in 0..2 {
        world.lose(id).await;
        assert_eq!(world.state(id).await, RunState::Pending);
        world.claim(id).await;
    }
    let third = world.run(id).await;
    world.reach(third.claim_until.unwrap()).await;
    let before = world.now().await;
    assert_eq!(world.reap(10).await, Ok(Reaped { worker_lost: 1, ..Reaped::default() }));
    let run = world.run(id).await;
    assert_between(before, run.finished_at.unwrap(), world.now().await);
    let epoch = third.claim_epoch + 1;
    assert_eq!(run, Run { state: RunState::WorkerLost, claim_epoch: epoch, claim_until: None, finished_at: run.finished_at, ..third });
    assert_eq!(world.sweep(10).await, []);
}

pub async fn a_release_is_no_lost_claim(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    for _ in 0..2 {
        world.lose(id).await;
        let epoch = world.claim(id).await.epoch;
        assert_eq!(world.runs.release(id, epoch).await, Ok(true));
        world.claim(id).await;
    }
    assert_eq!(world.state(id).await, RunState::Running);
    world.lose(id).await;
    assert_eq!(world.state(id).await, RunState::WorkerLost);
}

pub async fn a_lost_run_with_a_cancel_asked_ends(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    world.runs.cancel(claimed.run.id).await.unwrap();
    world.reach(claimed.claim_until).await;
    assert_eq!(world.reap(10).await, Ok(Reaped { cancelled: 1, ..Reaped::default() }));
    let run = world.run(claimed.run.id).await;
    assert_eq!((run.state, run.claim_epoch, run.claim_until), (RunState::Cancelled, 2, None));
    // The third lost claim, with a cancel asked, is a cancel too.
    let id = world.claimed_run().await.run.id;
    for _ in 0..2 {
        world.lose(id).await;
        world.claim(id).await;
    }
    world.runs.cancel(id).await.unwrap();
    world.lose(id).await;
    assert_eq!(world.state(id).await, RunState::Cancelled);
}

pub async fn a_pass_takes_the_longest_lost_up_to_its_limit(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(world.claimed_run().await);
        world.advance(SECOND).await;
    }
    // The first one to be claimed has lived longest.
    world.runs.heartbeat(runs[0].run.id, 1, None).await.unwrap();
    world.advance(SignedDuration::from_secs(60)).await;
    assert_eq!(world.reap(2).await, Ok(Reaped { requeued: 2, ..Reaped::default() }));
    assert_eq!(world.state(runs[0].run.id).await, RunState::Running);
    assert_eq!(world.reap(2).await, Ok(Reaped { requeued: 1, ..Reaped::default() }));
}

pub async fn nothing_is_reaped_by_a_clock_that_is_not_believed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    world.reach(claimed.claim_until).await;
    assert_eq!(world.schedules.reap(world.disbelieved().await, 10).await, Ok(Reaped::default()));
    assert_eq!(world.run(claimed.run.id).await, claimed.run);
    // Behind what is believed, it is believed.
    let ahead = world.now().await.plus(SignedDuration::from_hours(1));
    assert_eq!(world.schedules.reap(ahead, 10).await, Ok(Reaped { requeued: 1, ..Reaped::default() }));
}
