//! Deleting schedules and workflows.

use belfry_core::ports::{Beat, Conflict, Mark, RunFilter, StoreError};
use belfry_core::run::{Run, RunState};
use jiff::SignedDuration;

use super::Backend;
use super::world::{World, due, ids, told};

pub async fn a_deleted_schedule_leaves_its_history(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let first = due(&schedule);
    let run = world.fire_due(&schedule).await[0];
    world.reach(first.plus(SignedDuration::from_secs(20))).await;
    world.workflows.delete_schedule(schedule.id, Some(1)).await.unwrap();
    assert_eq!(world.workflows.schedule(schedule.id).await, Err(StoreError::NotFound("schedule")));
    let due_then = (first.plus(SignedDuration::from_secs(10)), first.plus(SignedDuration::from_secs(20)), "deleted", 1);
    assert_eq!(told(&world.outcomes(&schedule).await), [due_then]);
    assert_eq!(world.runs_of(&schedule).await.iter().map(|run| run.id).collect::<Vec<_>>(), [run]);
}

pub async fn a_delete_cancels_what_has_not_started(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, queued) = world.scheduled_run().await;
    world.schedules.mark(&[Mark { run_id: queued, publish_seq: 1 }]).await.unwrap();
    let schedule = world.read(&schedule).await;
    world.reach(due(&schedule)).await;
    let pending = world.fire_due(&schedule).await[0];
    let (_, of_another) = world.scheduled_run().await;
    let before = [world.run(queued).await, world.run(pending).await];
    world.workflows.delete_schedule(schedule.id, None).await.unwrap();
    for before in before {
        let run = world.run(before.id).await;
        assert!(run.finished_at.is_some());
        assert_eq!(run, Run { state: RunState::Cancelled, claim_epoch: 1, finished_at: run.finished_at, ..before });
    }
    assert_eq!(world.state(of_another).await, RunState::Pending);
}

pub async fn what_runs_of_a_deleted_schedule_ends_where_it_would_start_again(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, lost) = world.scheduled_run().await;
    let mut runs = vec![lost];
    for _ in 0..2 {
        let schedule = world.read(&schedule).await;
        world.reach(due(&schedule)).await;
        runs.extend(world.fire_due(&schedule).await);
    }
    for run in &runs {
        world.claim(*run).await;
    }
    world.workflows.delete_schedule(schedule.id, None).await.unwrap();
    for run in &runs {
        let beat = world.runs.heartbeat(*run, 1, None).await.unwrap();
        assert!(matches!(beat, Beat::Alive { cancel_requested: false, .. }), "it goes on: {beat:?}");
    }
    let end = belfry_core::ports::Finish::of(RunState::Succeeded, None);
    world.runs.finish(runs[0], 1, end).await.unwrap();
    world.runs.release(runs[1], 1).await.unwrap();
    world.lose(runs[2]).await;
    let states = [world.state(runs[0]).await, world.state(runs[1]).await, world.state(runs[2]).await];
    assert_eq!(states, [RunState::Succeeded, RunState::Cancelled, RunState::Cancelled]);
}

pub async fn a_delete_of_another_revision_is_stale(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let workflow = world.workflows.workflow(schedule.workflow_id).await.unwrap();
    let stale = || Err(StoreError::Stale { current: 1 });
    assert_eq!(world.workflows.delete_schedule(schedule.id, Some(2)).await, stale());
    assert_eq!(world.workflows.delete_workflow(workflow.id, Some(2)).await, stale());
    assert_eq!((world.read(&schedule).await, world.outcomes(&schedule).await), (schedule, vec![]));
    assert_eq!(world.workflows.workflow(workflow.id).await, Ok(workflow));
}

pub async fn a_deleted_workflow_takes_its_schedules_along(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let content = world.every_ten_seconds().await;
    let mut new = world.new_workflow().await;
    new.trigger = Some(world.trigger(content.clone()).await);
    let triggered = new.trigger.clone().unwrap().id;
    let workflow = world.workflows.create_workflow(new).await.unwrap();
    let direct = world.schedule_of(&workflow, content).await;
    let first = due(&direct);
    world.reach(first).await;
    let run = world.fire_due(&direct).await[0];
    world.workflows.delete_workflow(workflow.id, Some(1)).await.unwrap();
    assert_eq!(world.workflows.workflow(workflow.id).await, Err(StoreError::NotFound("workflow")));
    for schedule in [triggered, direct.id] {
        assert_eq!(world.workflows.schedule(schedule).await, Err(StoreError::NotFound("schedule")));
    }
    let outcomes = world.workflows.outcomes(triggered, None, 10).await.unwrap().items;
    assert_eq!(told(&outcomes), [(first, first, "deleted", 1)]);
    assert_eq!(world.outcomes(&direct).await, [], "its occurrence has a run");
    let run = world.run(run).await;
    assert_eq!((run.state, run.workflow_name), (RunState::Cancelled, workflow.name));
    assert_eq!(world.workflows.delete_workflow(workflow.id, None).await, Err(StoreError::NotFound("workflow")));
}

pub async fn a_deleted_workflow_cancels_its_manual_runs(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, other) = (world.workflow().await, world.workflow().await);
    let (pending, running, of_other) =
        (world.manual_run_of(&workflow).await, world.manual_run_of(&workflow).await, world.manual_run_of(&other).await);
    world.claim(running).await;
    world.workflows.delete_workflow(workflow.id, None).await.unwrap();
    assert_eq!(world.state(pending).await, RunState::Cancelled);
    assert_eq!(world.state(running).await, RunState::Running);
    assert_eq!(world.state(of_other).await, RunState::Pending);
    world.runs.release(running, 1).await.unwrap();
    assert_eq!(world.state(running).await, RunState::Cancelled);
    assert_eq!(world.runs.cancel(pending).await, Err(Conflict::RunEnded(RunState::Cancelled).into()));
    let filter = RunFilter { workflow_id: Some(workflow.id), limit: 10, ..RunFilter::default() };
    let mut listed = ids(&world.runs.runs(filter).await.unwrap(), |run| run.id);
    listed.sort_unstable();
    assert_eq!(listed, [pending, running]);
}
