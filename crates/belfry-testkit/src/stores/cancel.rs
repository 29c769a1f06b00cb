//! Cancelling.

use belfry_core::ports::{Beat, Cancelled, ClaimAnswer, Conflict, Finish, Mark, StoreError};
use belfry_core::run::{Run, RunState};

use super::Backend;
use super::world::{LEASE, SECOND, World, assert_between};

pub async fn what_has_not_started_ends(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for id in [world.pending_run().await, world.queued_run().await] {
        let before = world.run(id).await;
        let asked = world.now().await;
        assert_eq!(world.runs.cancel(id).await, Ok(Cancelled::Ended));
        let run = world.run(id).await;
        assert_between(asked, run.finished_at.unwrap(), world.now().await);
        assert_eq!(run, Run { state: RunState::Cancelled, claim_epoch: 1, finished_at: run.finished_at, ..before });
    }
}

pub async fn what_runs_is_asked(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let id = claimed.run.id;
    let before = world.now().await;
    assert_eq!(world.runs.cancel(id).await, Ok(Cancelled::Asked));
    let run = world.run(id).await;
    assert_between(before, run.cancel_requested_at.unwrap(), world.now().await);
    assert_eq!(run, Run { cancel_requested_at: run.cancel_requested_at, ..claimed.run });
    let beat = world.runs.heartbeat(id, 1, None).await.unwrap();
    assert!(matches!(beat, Beat::Alive { cancel_requested: true, .. }), "{beat:?}");
}

pub async fn asking_again_is_the_same_as_once(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.cancel(id).await.unwrap();
    let asked = world.run(id).await;
    world.advance(SECOND).await;
    assert_eq!(world.runs.cancel(id).await, Ok(Cancelled::Asked));
    assert_eq!(world.run(id).await, asked);
}

pub async fn what_has_ended_stays(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.finish(id, 1, Finish::of(RunState::Failed, None)).await.unwrap();
    let ended = world.run(id).await;
    assert_eq!(world.runs.cancel(id).await, Err(Conflict::RunEnded(RunState::Failed).into()));
    assert_eq!(world.run(id).await, ended);
    let cancelled = world.pending_run().await;
    world.runs.cancel(cancelled).await.unwrap();
    assert_eq!(world.runs.cancel(cancelled).await, Err(Conflict::RunEnded(RunState::Cancelled).into()));
    assert_eq!(world.runs.cancel(world.run_id().await).await, Err(StoreError::NotFound("run")));
}

pub async fn a_cancelled_run_goes_nowhere(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.pending_run().await;
    world.runs.cancel(id).await.unwrap();
    world.advance(LEASE).await;
    assert_eq!(world.sweep(10).await, []);
    assert_eq!(world.schedules.mark(&[Mark { run_id: id, publish_seq: 1 }]).await, Ok(0));
    assert_eq!(world.runs.claim(world.new_claim(id).await).await, Ok(ClaimAnswer::Refused(Some(RunState::Cancelled))));
    assert_eq!(world.state(id).await, RunState::Cancelled);
}
