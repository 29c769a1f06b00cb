//! The schedule of a definition's trigger node: one transaction with its workflow.

use belfry_core::ports::{Conflict, NewSchedule, ScheduleEdit, StoreError, TriggerSchedule, WorkflowWrite};
use belfry_core::schedule::{Cursor, DEFAULT_SCHEDULE, Origin, ScheduleContent, ScheduledWorkflow};
use belfry_core::workflow::Workflow;

use super::Backend;
use super::world::{World, definition, due, edit_of, every, told, write_of};

/// A workflow with a trigger node, and its schedule.
async fn triggered(world: &World<'_>) -> (Workflow, TriggerSchedule, ScheduledWorkflow) {
    let trigger = world.trigger(world.every_ten_seconds().await).await;
    let mut new = world.new_workflow().await;
    new.trigger = Some(trigger.clone());
    let workflow = world.workflows.create_workflow(new).await.unwrap();
    let schedule = world.workflows.schedule(trigger.id).await.unwrap();
    (workflow, trigger, schedule)
}

async fn update(world: &World<'_>, workflow: &Workflow, trigger: Option<TriggerSchedule>) -> Workflow {
    world.workflows.update_workflow(WorkflowWrite { trigger, ..write_of(workflow) }).await.unwrap()
}

pub async fn a_workflow_is_made_with_its_schedule(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, trigger, schedule) = triggered(&world).await;
    let expected = ScheduledWorkflow {
        id: trigger.id,
        workflow_id: workflow.id,
        name: DEFAULT_SCHEDULE.to_owned(),
        origin: Origin::Definition,
        is_active: true,
        revision: 1,
        cursor: Cursor::at(trigger.content.next_after(workflow.created_at).unwrap()),
        content: trigger.content,
        last_run_at: None,
        run_count: 0,
        failure_count: 0,
        last_error: None,
        created_at: workflow.created_at,
        updated_at: workflow.created_at,
    };
    assert_eq!(schedule, expected);
    let mut paused = world.new_workflow().await;
    let trigger = TriggerSchedule { is_active: Some(false), ..world.trigger(world.every_ten_seconds().await).await };
    paused.trigger = Some(trigger.clone());
    world.workflows.create_workflow(paused).await.unwrap();
    assert!(!world.workflows.schedule(trigger.id).await.unwrap().is_active);
}

pub async fn an_update_edits_the_schedule_and_keeps_its_id(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, _, schedule) = triggered(&world).await;
    let first = due(&schedule);
    world.reach(first).await;
    let new = every(7, world.now().await);
    let updated = update(&world, &workflow, Some(world.trigger(new.clone()).await)).await;
    assert_eq!((updated.revision, updated.version), (2, 1));
    let run = &world.runs_of(&schedule).await[0];
    let expected = ScheduledWorkflow {
        revision: 2,
        cursor: Cursor::at(new.next_after(updated.updated_at).unwrap()),
        content: new,
        run_count: 1,
        last_run_at: Some(run.created_at),
        updated_at: updated.updated_at,
        ..schedule.clone()
    };
    assert_eq!((run.planned_at, world.read(&schedule).await), (first, expected));
}

pub async fn an_update_that_does_not_say_leaves_a_pause(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, trigger, schedule) = triggered(&world).await;
    world.set_active(&schedule, false).await;
    let silent = TriggerSchedule { content: every(7, world.now().await), ..trigger };
    let workflow = update(&world, &workflow, Some(silent.clone())).await;
    assert!(!world.read(&schedule).await.is_active);
    update(&world, &workflow, Some(TriggerSchedule { is_active: Some(true), ..silent })).await;
    assert!(world.read(&schedule).await.is_active);
}

pub async fn a_definition_without_trigger_removes_the_schedule(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, trigger, schedule) = triggered(&world).await;
    let first = due(&schedule);
    world.reach(first).await;
    let workflow = update(&world, &workflow, None).await;
    assert_eq!(world.workflows.schedule(schedule.id).await, Err(StoreError::NotFound("schedule")));
    assert_eq!(told(&world.outcomes(&schedule).await), [(first, first, "deleted", 1)]);
    let again = TriggerSchedule { id: world.schedule_id().await, ..trigger };
    update(&world, &workflow, Some(again.clone())).await;
    assert_eq!(world.workflows.schedule(again.id).await.unwrap().origin, Origin::Definition);
}

pub async fn a_definition_with_a_trigger_adds_the_schedule(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let direct = world.schedule_of(&workflow, world.every_ten_seconds().await).await;
    let trigger = world.trigger(world.every_ten_seconds().await).await;
    let updated = update(&world, &workflow, Some(trigger.clone())).await;
    let added = world.workflows.schedule(trigger.id).await.unwrap();
    assert_eq!((added.name.as_str(), added.origin, added.revision), (DEFAULT_SCHEDULE, Origin::Definition, 1));
    assert_eq!((added.is_active, added.created_at), (true, updated.updated_at));
    assert_eq!(world.read(&direct).await.revision, 2);
}

pub async fn a_direct_default_refuses_the_trigger_whole(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let content = world.every_ten_seconds().await;
    let new = NewSchedule { name: DEFAULT_SCHEDULE.to_owned(), ..world.new_schedule(&workflow, content.clone()).await };
    let direct = world.workflows.create_schedule(new).await.unwrap();
    world.reach(due(&direct)).await;
    let trigger = world.trigger(content).await;
    let write = WorkflowWrite { definition: definition(2), trigger: Some(trigger.clone()), ..write_of(&workflow) };
    assert_eq!(world.workflows.update_workflow(write).await, Err(Conflict::DirectDefaultStands.into()));
    assert_eq!(world.workflows.workflow(workflow.id).await.as_ref(), Ok(&workflow));
    assert_eq!(world.workflows.versions(workflow.id, None, 10).await.unwrap().items.len(), 1);
    assert_eq!(world.workflows.schedule(trigger.id).await, Err(StoreError::NotFound("schedule")));
    assert_eq!((world.read(&direct).await, world.runs_of(&direct).await), (direct, vec![]));
}

pub async fn only_its_definition_writes_the_schedule(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, _, schedule) = triggered(&world).await;
    let other = ScheduleContent { input: serde_json::json!({"a": 1}), ..schedule.content.clone() };
    for edit in [
        ScheduleEdit { content: Some(other.clone()), ..edit_of(&schedule) },
        ScheduleEdit { name: Some("other".to_owned()), ..edit_of(&schedule) },
        ScheduleEdit { content: Some(other), is_active: Some(false), ..edit_of(&schedule) },
    ] {
        assert_eq!(world.workflows.edit_schedule(edit).await, Err(Conflict::OwnedByDefinition.into()));
    }
    assert_eq!(world.workflows.delete_schedule(schedule.id, None).await, Err(Conflict::OwnedByDefinition.into()));
    assert_eq!(world.read(&schedule).await, schedule);
    let new = NewSchedule { name: DEFAULT_SCHEDULE.to_owned(), ..world.new_schedule(&workflow, schedule.content).await };
    let taken = Conflict::ScheduleName(DEFAULT_SCHEDULE.to_owned());
    assert_eq!(world.workflows.create_schedule(new).await, Err(taken.into()));
}

pub async fn a_definitions_schedule_is_paused_and_resumed_directly(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (_, _, schedule) = triggered(&world).await;
    // What it says already is no change, so it may be said.
    let pause = ScheduleEdit {
        name: Some(schedule.name.clone()),
        content: Some(schedule.content.clone()),
        is_active: Some(false),
        ..edit_of(&schedule)
    };
    let paused = world.workflows.edit_schedule(pause).await.unwrap();
    assert_eq!((paused.is_active, paused.revision), (false, 2));
    let resumed = world.set_active(&schedule, true).await;
    assert_eq!((resumed.is_active, resumed.revision), (true, 3));
}
