//! Work for those who ask for it.

use belfry_core::ids::ClaimToken;
use belfry_core::ports::{ClaimedRun, Mark, NewWorkflow};
use belfry_core::run::RunState;
use belfry_core::workflow::{Delivery, Workflow};

use super::Backend;
use super::world::{SECOND, World, queue};

async fn workflow_of(world: &World<'_>, name: &str) -> Workflow {
    let new = NewWorkflow { queue: queue(name), ..world.new_workflow().await };
    world.workflows.create_workflow(new).await.unwrap()
}

async fn ask_as(world: &World<'_>, name: &str, token: ClaimToken) -> Option<ClaimedRun> {
    world.polls.claim_oldest(queue(name), token, "poller".to_owned()).await.unwrap()
}

async fn ask(world: &World<'_>, name: &str) -> Option<ClaimedRun> {
    ask_as(world, name, ClaimToken(world.run_id().await.0)).await
}

pub async fn the_oldest_run_of_the_queue_is_claimed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (other, workflow) = (workflow_of(&world, "others").await, workflow_of(&world, "mine").await);
    world.manual_run_of(&other).await;
    world.advance(SECOND).await;
    let first = world.manual_run_of(&workflow).await;
    world.advance(SECOND).await;
    let second = world.manual_run_of(&workflow).await;
    let claimed = ask(&world, "mine").await.unwrap();
    let facts = (claimed.run.id, claimed.run.state, claimed.epoch, claimed.run.attempt, claimed.run.claimed_by.as_deref());
    assert_eq!(facts, (first, RunState::Running, 1, 1, Some("poller")));
    assert_eq!(claimed.definition, workflow.definition);
    assert_eq!(world.run(first).await, claimed.run);
    assert_eq!(ask(&world, "mine").await.map(|claimed| claimed.run.id), Some(second));
    assert_eq!(ask(&world, "mine").await, None);
    assert_eq!(ask(&world, "nobodys").await, None);
}

pub async fn a_published_run_is_claimed_too(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = workflow_of(&world, "mine").await;
    let published = world.manual_run_of(&workflow).await;
    assert_eq!(world.schedules.mark(&[Mark { run_id: published, publish_seq: 1 }]).await, Ok(1));
    world.advance(SECOND).await;
    let pending = world.manual_run_of(&workflow).await;
    for expected in [published, pending] {
        assert_eq!(ask(&world, "mine").await.map(|claimed| claimed.run.id), Some(expected));
    }
}

pub async fn what_cannot_be_claimed_is_passed_over(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let new = NewWorkflow { queue: queue("mine"), delivery: Delivery::Handoff, ..world.new_workflow().await };
    let handoff = world.workflows.create_workflow(new).await.unwrap();
    world.manual_run_of(&handoff).await;
    let workflow = workflow_of(&world, "mine").await;
    let (cancelled, claimed) = (world.manual_run_of(&workflow).await, world.manual_run_of(&workflow).await);
    world.runs.cancel(cancelled).await.unwrap();
    world.claim(claimed).await;
    assert_eq!(ask(&world, "mine").await, None);
}

pub async fn two_who_ask_get_two_runs(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = workflow_of(&world, "mine").await;
    let made = [world.manual_run_of(&workflow).await, world.manual_run_of(&workflow).await];
    let (one, other) = tokio::join!(ask(&world, "mine"), ask(&world, "mine"));
    let mut claimed: Vec<_> = [one, other].into_iter().flatten().map(|claimed| claimed.run.id).collect();
    // Who came at the same instant may have passed over what the other had locked.
    while let Some(more) = ask(&world, "mine").await {
        claimed.push(more.run.id);
    }
    claimed.sort_unstable();
    let mut expected = made.to_vec();
    expected.sort_unstable();
    assert_eq!(claimed, expected);
}

pub async fn the_same_token_again_gets_the_same_run(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = workflow_of(&world, "mine").await;
    world.manual_run_of(&workflow).await;
    world.manual_run_of(&workflow).await;
    let token = ClaimToken(world.run_id().await.0);
    let first = ask_as(&world, "mine", token).await;
    assert!(first.is_some());
    assert_eq!(ask_as(&world, "mine", token).await, first);
}
