//! Workflows and their versions.

use belfry_core::ports::{Conflict, NewWorkflow, StoreError, WorkflowWrite};
use belfry_core::schedule::{Cursor, ScheduledWorkflow};
use belfry_core::workflow::{Workflow, WorkflowVersion};
use jiff::SignedDuration;

use super::Backend;
use super::world::{SECOND, World, assert_between, definition, due, every, queue, told, write_of};

pub async fn a_workflow_is_read_as_it_was_made(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let new = NewWorkflow { tags: vec!["b".to_owned(), "a".to_owned()], ..world.new_workflow().await };
    let before = world.now().await;
    let made = world.workflows.create_workflow(new.clone()).await.unwrap();
    assert_between(before, made.created_at, world.now().await);
    let expected = Workflow {
        id: new.id,
        name: new.name,
        description: new.description,
        definition: new.definition,
        version: 1,
        tags: new.tags,
        queue: new.queue,
        delivery: new.delivery,
        revision: 1,
        created_at: made.created_at,
        updated_at: made.created_at,
    };
    assert_eq!((&made, &world.workflows.workflow(new.id).await.unwrap()), (&expected, &expected));
}

pub async fn a_name_is_had_by_one_living_workflow(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (first, second) = (world.workflow().await, world.workflow().await);
    let taken = || Err(Conflict::WorkflowName(first.name.clone()).into());
    let twin = NewWorkflow { name: first.name.clone(), ..world.new_workflow().await };
    assert_eq!(world.workflows.create_workflow(twin.clone()).await, taken());
    assert_eq!(world.workflows.workflow(twin.id).await, Err(StoreError::NotFound("workflow")));
    let rename = WorkflowWrite { name: first.name.clone(), ..write_of(&second) };
    assert_eq!(world.workflows.update_workflow(rename).await, taken());
    assert_eq!(world.workflows.workflow(second.id).await, Ok(second));
    world.workflows.delete_workflow(first.id, None).await.unwrap();
    assert_eq!(world.workflows.create_workflow(twin.clone()).await.map(|made| made.name), Ok(twin.name));
}

pub async fn a_version_is_made_only_when_the_definition_changes(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let first = world.workflow().await;
    let write =
        WorkflowWrite { name: "renamed".to_owned(), description: String::new(), tags: vec![], queue: queue("others"), ..write_of(&first) };
    let renamed = world.workflows.update_workflow(write).await.unwrap();
    assert_eq!((renamed.revision, renamed.version), (2, 1));
    let changed = world.workflows.update_workflow(WorkflowWrite { definition: definition(2), ..write_of(&renamed) }).await.unwrap();
    assert_between(renamed.updated_at, changed.updated_at, world.now().await);
    let expected = Workflow {
        name: "renamed".to_owned(),
        description: String::new(),
        definition: definition(2),
        version: 2,
        tags: vec![],
        queue: queue("others"),
        revision: 3,
        updated_at: changed.updated_at,
        ..first
    };
    assert_eq!((&changed, &world.workflows.workflow(expected.id).await.unwrap()), (&expected, &expected));
}

pub async fn versions_are_immutable_and_listed_newest_first(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut workflow = world.workflow().await;
    let mut made = vec![workflow.clone()];
    // An earlier definition that comes back is a version of its own.
    for number in [2, 3, 1] {
        world.advance(SECOND).await;
        let write = WorkflowWrite { definition: definition(number), ..write_of(&workflow) };
        workflow = world.workflows.update_workflow(write).await.unwrap();
        made.push(workflow.clone());
    }
    let version = |of: &Workflow| WorkflowVersion {
        workflow_id: of.id,
        version: of.version,
        definition: of.definition.clone(),
        created_at: of.updated_at,
    };
    let newest_first: Vec<_> = made.iter().rev().map(version).collect();
    assert_eq!(newest_first.iter().map(|version| version.version).collect::<Vec<_>>(), [4, 3, 2, 1]);
    let page = world.workflows.versions(workflow.id, None, 3).await.unwrap();
    assert_eq!((page.items.as_slice(), page.more), (&newest_first[..3], true));
    let page = world.workflows.versions(workflow.id, Some(2), 3).await.unwrap();
    assert_eq!((page.items.as_slice(), page.more), (&newest_first[3..], false));
    assert_eq!(world.workflows.version(workflow.id, 2).await.as_ref(), Ok(&newest_first[2]));
}

pub async fn an_update_of_another_revision_is_stale(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    for expected in [0, 2] {
        let write = WorkflowWrite { expected, definition: definition(2), ..write_of(&workflow) };
        assert_eq!(world.workflows.update_workflow(write).await, Err(StoreError::Stale { current: 1 }));
    }
    assert_eq!(world.workflows.workflow(workflow.id).await.as_ref(), Ok(&workflow));
    assert_eq!(world.workflows.versions(workflow.id, None, 10).await.unwrap().items.len(), 1);
}

pub async fn an_update_that_changes_nothing_raises_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut new = world.new_workflow().await;
    let trigger = world.trigger(world.every_ten_seconds().await).await;
    new.trigger = Some(trigger.clone());
    let workflow = world.workflows.create_workflow(new).await.unwrap();
    let schedule = world.workflows.schedule(trigger.id).await.unwrap();
    world.reach(due(&schedule)).await;
    for is_active in [None, Some(true)] {
        let same = belfry_core::ports::TriggerSchedule { is_active, ..trigger.clone() };
        let write = WorkflowWrite { trigger: Some(same), ..write_of(&workflow) };
        assert_eq!(world.workflows.update_workflow(write).await.as_ref(), Ok(&workflow));
    }
    assert_eq!(world.read(&schedule).await, schedule);
    assert_eq!(world.runs_of(&schedule).await, []);
}

pub async fn an_update_raises_the_revision_of_every_schedule(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let content = world.every_ten_seconds().await;
    let (active, paused) = (world.schedule_of(&workflow, content.clone()).await, world.schedule_of(&workflow, content).await);
    let paused = world.set_active(&paused, false).await;
    let untouched = world.schedule().await;
    let write = WorkflowWrite { tags: vec!["other".to_owned()], ..write_of(&workflow) };
    let updated_at = world.workflows.update_workflow(write).await.unwrap().updated_at;
    let raised = |schedule: &ScheduledWorkflow| ScheduledWorkflow { revision: schedule.revision + 1, updated_at, ..schedule.clone() };
    assert_eq!(world.read(&active).await, raised(&active));
    assert_eq!(world.read(&paused).await, raised(&paused));
    assert_eq!(world.read(&untouched).await, untouched);
}

pub async fn an_update_fires_what_was_due_with_the_old_workflow(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let content = world.every_ten_seconds().await;
    let (active, paused) = (world.schedule_of(&workflow, content.clone()).await, world.schedule_of(&workflow, content).await);
    let paused = world.set_active(&paused, false).await;
    let first = due(&active);
    world.reach(first).await;
    let write = WorkflowWrite { definition: definition(2), queue: queue("others"), ..write_of(&workflow) };
    world.workflows.update_workflow(write).await.unwrap();
    let moved = world.read(&active).await;
    let second = first.plus(SignedDuration::from_secs(10));
    assert_eq!((moved.cursor, moved.run_count), (Cursor::at(Some(second)), 1));
    world.reach(second).await;
    world.fire_due(&moved).await;
    let runs = world.runs_of(&active).await;
    let seen: Vec<_> = runs.iter().map(|run| (run.planned_at, run.workflow_version, run.queue.as_str())).collect();
    assert_eq!(seen, [(second, 2, "others"), (first, 1, "reports")]);
    assert_eq!(told(&world.outcomes(&paused).await), [(first, first, "paused", 2)]);
}

pub async fn an_update_is_refused_whole_while_a_schedule_catches_up(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let start = world.now().await;
    let (quick, slow) = (world.schedule_of(&workflow, every(3600, start)).await, world.schedule_of(&workflow, every(1, start)).await);
    world.advance(SignedDuration::from_secs(10_100)).await;
    let write = WorkflowWrite { definition: definition(2), ..write_of(&workflow) };
    assert_eq!(world.workflows.update_workflow(write).await, Err(Conflict::StillCatchingUp.into()));
    assert_eq!(world.workflows.workflow(workflow.id).await.as_ref(), Ok(&workflow));
    assert_eq!(world.workflows.versions(workflow.id, None, 10).await.unwrap().items.len(), 1);
    for schedule in [quick, slow] {
        assert_eq!((world.runs_of(&schedule).await, world.outcomes(&schedule).await), (vec![], vec![]));
        assert_eq!(world.read(&schedule).await, schedule);
    }
}

pub async fn runs_show_the_name_that_their_workflow_has(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let run = world.manual_run_of(&workflow).await;
    let write = WorkflowWrite { name: "renamed".to_owned(), ..write_of(&workflow) };
    world.workflows.update_workflow(write).await.unwrap();
    assert_eq!(world.run(run).await.workflow_name, "renamed");
    assert_eq!(world.sweep(10).await[0].workflow.name, "renamed");
    assert_eq!(world.claim(run).await.run.workflow_name, "renamed");
}

pub async fn what_is_not_there_cannot_be_written(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let deleted = world.workflow().await;
    world.workflows.delete_workflow(deleted.id, None).await.unwrap();
    let unknown = Workflow { id: world.workflow_id().await, ..deleted.clone() };
    let not_found = || StoreError::NotFound("workflow");
    for workflow in [deleted, unknown] {
        let write = WorkflowWrite { definition: definition(2), ..write_of(&workflow) };
        assert_eq!(world.workflows.update_workflow(write).await, Err(not_found()));
        assert_eq!(world.workflows.delete_workflow(workflow.id, None).await, Err(not_found()));
    }
}
