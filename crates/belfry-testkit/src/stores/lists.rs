//! Lists, their filters and pages.

use belfry_core::ports::{NewWorkflow, RunFilter, ScheduleFilter, ScheduleOrder, StoreError, WorkflowFilter, WorkflowOrder};
use belfry_core::run::{Run, RunState};

use super::Backend;
use super::world::{SECOND, World, due, ids, told};

pub async fn workflows_are_listed_by_creation_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.workflow().await);
    }
    let deleted = made.remove(1);
    world.workflows.delete_workflow(deleted.id, None).await.unwrap();
    let filter = WorkflowFilter { limit: 3, ..WorkflowFilter::default() };
    let first = world.workflows.workflows(filter.clone()).await.unwrap();
    assert_eq!((first.items.as_slice(), first.more), (&made[..3], true));
    let second = world.workflows.workflows(WorkflowFilter { order: WorkflowOrder::Oldest(Some(made[2].id)), ..filter }).await.unwrap();
    assert_eq!((second.items.as_slice(), second.more), (&made[3..], false));
    let whole = WorkflowFilter { limit: 4, ..WorkflowFilter::default() };
    assert!(!world.workflows.workflows(whole).await.unwrap().more, "a full page may be the last");
}

pub async fn workflows_are_filtered_by_name_and_tag(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut made = Vec::new();
    for tags in [&["red", "blue"][..], &["red"], &[]] {
        let new = NewWorkflow { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..world.new_workflow().await };
        made.push(world.workflows.create_workflow(new).await.unwrap());
    }
    let filter = WorkflowFilter { limit: 10, ..WorkflowFilter::default() };
    for (tag, expected) in [("red", &made[..2]), ("blue", &made[..1]), ("re", &[])] {
        let tagged = WorkflowFilter { tag: Some(tag.to_owned()), ..filter.clone() };
        assert_eq!(world.workflows.workflows(tagged).await.unwrap().items, expected, "{tag}");
    }
    let named = WorkflowFilter { name: Some(made[1].name.clone()), ..filter };
    assert_eq!(world.workflows.workflows(named.clone()).await.unwrap().items, made[1..2]);
    let both = WorkflowFilter { tag: Some("blue".to_owned()), ..named };
    assert_eq!(world.workflows.workflows(both).await.unwrap().items, []);
}

pub async fn schedules_are_listed_by_creation_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.schedule().await);
    }
    let deleted = made.remove(3);
    world.workflows.delete_schedule(deleted.id, None).await.unwrap();
    let filter = ScheduleFilter { limit: 3, ..ScheduleFilter::default() };
    let first = world.workflows.schedules(filter.clone()).await.unwrap();
    assert_eq!((first.items.as_slice(), first.more), (&made[..3], true));
    let second = world.workflows.schedules(ScheduleFilter { order: ScheduleOrder::Oldest(Some(made[2].id)), ..filter }).await.unwrap();
    assert_eq!((second.items.as_slice(), second.more), (&made[3..], false));
}

pub async fn schedules_are_filtered(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let content = world.every_ten_seconds().await;
    let (first, second) = (world.schedule_of(&workflow, content.clone()).await, world.schedule_of(&workflow, content).await);
    let second = world.set_active(&second, false).await;
    let other = world.schedule().await;
    let all = ScheduleFilter { limit: 10, ..ScheduleFilter::default() };
    for (filter, expected) in [
        (ScheduleFilter { workflow_id: Some(workflow.id), ..all.clone() }, vec![first.clone(), second.clone()]),
        (ScheduleFilter { is_active: Some(true), ..all.clone() }, vec![first.clone(), other.clone()]),
        (ScheduleFilter { is_active: Some(false), ..all.clone() }, vec![second.clone()]),
        (ScheduleFilter { name: Some(first.name.clone()), ..all.clone() }, vec![first]),
        (ScheduleFilter { workflow_id: Some(workflow.id), name: Some(other.name), ..all.clone() }, vec![]),
        (ScheduleFilter { workflow_id: Some(world.workflow_id().await), ..all }, vec![]),
    ] {
        assert_eq!(world.workflows.schedules(filter.clone()).await.unwrap().items, expected, "{filter:?}");
    }
}

pub async fn runs_are_listed_newest_first_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    // A scheduled run is planned for its nominal time, which lies before those of the manual ones.
    let (_, scheduled) = world.scheduled_run().await;
    let workflow = world.workflow().await;
    let mut expected = vec![scheduled];
    for _ in 0..4 {
        world.advance(SECOND).await;
        expected.push(world.manual_run_of(&workflow).await);
    }
    expected.reverse();
    let filter = RunFilter { limit: 3, ..RunFilter::default() };
    let first = world.runs.runs(filter.clone()).await.unwrap();
    assert_eq!((ids(&first, |run| run.id).as_slice(), first.more), (&expected[..3], true));
    let second = world.runs.runs(RunFilter { after: Some(expected[2]), ..filter }).await.unwrap();
    assert_eq!((ids(&second, |run| run.id).as_slice(), second.more), (&expected[3..], false));
}

pub async fn runs_are_filtered(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, scheduled) = world.scheduled_run().await;
    let workflow = world.workflow().await;
    world.advance(SECOND).await;
    let cancelled = world.manual_run_of(&workflow).await;
    world.runs.cancel(cancelled).await.unwrap();
    world.advance(SECOND).await;
    let running = world.manual_run_of(&workflow).await;
    world.claim(running).await;
    let all = RunFilter { limit: 10, ..RunFilter::default() };
    let planned = world.run(cancelled).await.planned_at;
    for (filter, expected) in [
        (RunFilter { workflow_id: Some(workflow.id), ..all.clone() }, vec![running, cancelled]),
        (RunFilter { schedule_id: Some(schedule.id), ..all.clone() }, vec![scheduled]),
        (RunFilter { states: vec![RunState::Pending], ..all.clone() }, vec![scheduled]),
        (RunFilter { states: vec![RunState::Cancelled, RunState::Running], ..all.clone() }, vec![running, cancelled]),
        (RunFilter { states: vec![RunState::Queued], ..all.clone() }, vec![]),
        (RunFilter { planned_from: Some(planned), ..all.clone() }, vec![running, cancelled]),
        (RunFilter { planned_before: Some(planned), ..all.clone() }, vec![scheduled]),
        (RunFilter { workflow_id: Some(workflow.id), schedule_id: Some(schedule.id), ..all }, vec![]),
    ] {
        let page = world.runs.runs(filter.clone()).await.unwrap();
        assert_eq!((ids(&page, |run| run.id), page.more), (expected, false), "{filter:?}");
    }
}

pub async fn runs_are_listed_without_their_nodes(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.record_node(id, 1, world.node("a").await).await.unwrap();
    let run = world.run(id).await;
    assert_eq!(run.nodes.len(), 1);
    let listed = world.runs.runs(RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap().items;
    assert_eq!(listed, [Run { nodes: vec![], ..run }]);
}

pub async fn outcomes_are_listed_latest_first_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let mut instants = Vec::new();
    // Each pause and each resume of a schedule that is due leaves a range of one occurrence.
    for turn in 0..4 {
        let stands = world.read(&schedule).await;
        instants.push(due(&stands));
        world.reach(due(&stands)).await;
        world.set_active(&stands, turn % 2 == 1).await;
    }
    let mut expected: Vec<_> = instants.iter().zip(1..).map(|(at, revision)| (*at, *at, "paused", revision)).collect();
    expected.reverse();
    let first = world.workflows.outcomes(schedule.id, None, 3).await.unwrap();
    assert_eq!((told(&first.items).as_slice(), first.more), (&expected[..3], true));
    let second = world.workflows.outcomes(schedule.id, Some(instants[1]), 3).await.unwrap();
    assert_eq!((told(&second.items).as_slice(), second.more), (&expected[3..], false));
}

pub async fn what_is_not_there_cannot_be_read(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, schedule) = (world.workflow_id().await, world.schedule_id().await);
    let not_found = StoreError::NotFound;
    assert_eq!(world.workflows.workflow(workflow).await, Err(not_found("workflow")));
    assert_eq!(world.workflows.versions(workflow, None, 10).await, Err(not_found("workflow")));
    assert_eq!(world.workflows.version(workflow, 1).await, Err(not_found("workflow")));
    let stands = world.workflow().await;
    assert_eq!(world.workflows.version(stands.id, 2).await, Err(not_found("version")));
    assert_eq!(world.workflows.schedule(schedule).await, Err(not_found("schedule")));
    assert_eq!(world.workflows.outcomes(schedule, None, 10).await, Err(not_found("schedule")));
    assert_eq!(world.runs.run(world.run_id().await).await, Err(not_found("run")));
    assert_eq!(world.workflows.outcomes(world.schedule().await.id, None, 10).await.unwrap().items, []);
}
