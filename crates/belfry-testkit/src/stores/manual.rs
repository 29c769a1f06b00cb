//! Runs that somebody asks for.

use belfry_core::ids::RunId;
use belfry_core::ports::{NewManualRun, StoreError};
use belfry_core::run::{Run, RunKind, RunReason, RunResult, RunState};
use jiff::SignedDuration;

use super::Backend;
use super::world::{World, assert_between};

pub async fn a_manual_run_is_planned_when_it_is_made(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let nominal = world.now().await.minus(SignedDuration::from_hours(30));
    let new = NewManualRun { nominal_time: Some(nominal), ..world.new_manual_run(&workflow).await };
    // Its maker's clock is not the store's.
    world.advance(SignedDuration::from_secs(3)).await;
    let before = world.now().await;
    let run = world.workflows.start_run(new.clone()).await.unwrap();
    assert_between(before, run.planned_at, world.now().await);
    assert_eq!(run.id.planned_at(), run.planned_at);
    assert_eq!(random_part(run.id), random_part(new.id));
    let expected = Run {
        id: run.id,
        workflow_id: workflow.id,
        workflow_name: workflow.name,
        workflow_version: 1,
        schedule_id: None,
        kind: RunKind::Manual,
        rerun_of: None,
        reason: RunReason::Manual,
        nominal_time: Some(nominal),
        planned_at: run.planned_at,
        due_at: run.planned_at,
        state: RunState::Pending,
        queue: workflow.queue,
        delivery: workflow.delivery,
        input: new.input,
        attempt: 0,
        claim_epoch: 0,
        claimed_by: None,
        claim_until: None,
        cancel_requested_at: None,
        publish_seq: 1,
        publish_error: None,
        created_at: run.planned_at,
        queued_at: None,
        started_at: None,
        finished_at: None,
        error: None,
        progress: None,
        result: RunResult::default(),
        nodes: vec![],
    };
    assert_eq!((&run, &world.run(run.id).await), (&expected, &expected));
}

fn random_part(id: RunId) -> Vec<u8> {
    id.0.as_bytes()[6..].to_vec()
}

pub async fn a_manual_run_is_for_the_sweep_at_once(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.pending_run().await;
    let swept = world.sweep(10).await;
    assert_eq!(swept.iter().map(|run| (run.id, run.schedule_id, run.nominal_time)).collect::<Vec<_>>(), [(id, None, None)]);
}

pub async fn a_manual_run_needs_its_workflow(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    world.workflows.delete_workflow(workflow.id, None).await.unwrap();
    let new = world.new_manual_run(&workflow).await;
    assert_eq!(world.workflows.start_run(new).await, Err(StoreError::NotFound("workflow")));
}

pub async fn a_rerun_names_the_run_that_it_repeats(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let first = world.manual_run_of(&workflow).await;
    let new = NewManualRun { rerun_of: Some(first), ..world.new_manual_run(&workflow).await };
    let run = world.workflows.start_run(new).await.unwrap();
    assert_eq!((run.kind, run.rerun_of, run.reason), (RunKind::Rerun, Some(first), RunReason::Manual));
    assert_eq!(world.run(run.id).await, run);
}
