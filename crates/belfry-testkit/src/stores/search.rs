//! Finding workflows and schedules.

use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{Fire, NewSchedule, NewWorkflow, ScheduleFilter, ScheduleOrder, WorkflowFilter, WorkflowOrder};
use belfry_core::schedule::{Cursor, ScheduledWorkflow};
use belfry_core::workflow::Workflow;

use super::Backend;
use super::world::{SECOND, World, due, every};

async fn workflow(world: &World<'_>, name: &str, tags: &[&str]) -> Workflow {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let new = NewWorkflow { name: name.to_owned(), tags, ..world.new_workflow().await };
    world.workflows.create_workflow(new).await.unwrap()
}

/// Fires first after so many seconds.
async fn schedule(world: &World<'_>, workflow: &Workflow, name: &str, seconds: i64) -> ScheduledWorkflow {
    let content = every(1_000, world.now().await.plus(SECOND * i32::try_from(seconds).unwrap()));
    let new = NewSchedule { name: name.to_owned(), ..world.new_schedule(workflow, content).await };
    world.workflows.create_schedule(new).await.unwrap()
}

/// Could not be decided.
async fn fail(world: &World<'_>, schedule: &ScheduledWorkflow) {
    world.reach(due(schedule)).await;
    let fire = Fire {
        runs: vec![],
        failure: Some("it cannot be".to_owned()),
        next: Cursor::failed(world.now().await),
        ..world.decided(schedule).await
    };
    world.fire(None, vec![fire]).await;
    assert_eq!(world.read(schedule).await.failure_count, 1);
}

async fn workflows(world: &World<'_>, filter: WorkflowFilter) -> Vec<WorkflowId> {
    let page = world.workflows.workflows(WorkflowFilter { limit: 10, ..filter }).await.unwrap();
    page.items.iter().map(|workflow| workflow.id).collect()
}

async fn schedules(world: &World<'_>, filter: ScheduleFilter) -> Vec<ScheduleId> {
    let page = world.workflows.schedules(ScheduleFilter { limit: 10, ..filter }).await.unwrap();
    page.items.iter().map(|schedule| schedule.id).collect()
}

pub async fn workflows_are_found_by_a_part_of_their_name(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (nightly, weekly) = (workflow(&world, "Nightly-report", &[]).await, workflow(&world, "weekly_report", &[]).await);
    for (part, expected) in [
        ("report", vec![nightly.id, weekly.id]),
        ("NIGHT", vec![nightly.id]),
        ("y_r", vec![weekly.id]),
        ("%", vec![]),
        ("y-", vec![nightly.id]),
    ] {
        let filter = WorkflowFilter { named_like: Some(part.to_owned()), ..WorkflowFilter::default() };
        assert_eq!(workflows(&world, filter).await, expected, "{part}");
    }
}

pub async fn workflows_are_found_by_what_their_schedules_are(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (active, paused, none) = (workflow(&world, "a", &[]).await, workflow(&world, "b", &[]).await, workflow(&world, "c", &[]).await);
    let failing = schedule(&world, &active, "first", 1).await;
    schedule(&world, &active, "second", 900).await;
    let schedule = schedule(&world, &paused, "first", 900).await;
    world.set_active(&schedule, false).await;
    fail(&world, &failing).await;
    for (filter, expected) in [
        (WorkflowFilter { is_active: Some(true), ..WorkflowFilter::default() }, vec![active.id]),
        (WorkflowFilter { is_active: Some(false), ..WorkflowFilter::default() }, vec![paused.id, none.id]),
        (WorkflowFilter { is_failing: Some(true), ..WorkflowFilter::default() }, vec![active.id]),
        (WorkflowFilter { is_failing: Some(false), ..WorkflowFilter::default() }, vec![paused.id, none.id]),
    ] {
        assert_eq!(workflows(&world, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn workflows_are_ordered_as_asked_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut made = Vec::new();
    for name in ["b", "Z", "a-1", "a.1", "a"] {
        made.push(workflow(&world, name, &[]).await);
    }
    let id = |number: usize| made[number].id;
    let by_name = [id(1), id(4), id(2), id(3), id(0)];
    let order = |order| WorkflowFilter { order, ..WorkflowFilter::default() };
    assert_eq!(workflows(&world, order(WorkflowOrder::Name(None))).await, by_name);
    let after = WorkflowOrder::Name(Some(("a".to_owned(), id(4))));
    assert_eq!(workflows(&world, order(after)).await, by_name[2..]);
    let newest = [id(4), id(3), id(2), id(1), id(0)];
    assert_eq!(workflows(&world, order(WorkflowOrder::Newest(None))).await, newest);
    assert_eq!(workflows(&world, order(WorkflowOrder::Newest(Some(id(3))))).await, newest[2..]);
}

pub async fn schedules_are_found_by_name_tag_and_state(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (nightly, weekly) = (workflow(&world, "nightly", &["red"]).await, workflow(&world, "weekly", &["blue"]).await);
    let first = schedule(&world, &nightly, "Berlin", 1).await;
    let second = schedule(&world, &weekly, "night-shift", 900).await;
    fail(&world, &first).await;
    let all = ScheduleFilter::default();
    for (filter, expected) in [
        (ScheduleFilter { named_like: Some("NIGHT".to_owned()), ..all.clone() }, vec![first.id, second.id]),
        (ScheduleFilter { named_like: Some("berl".to_owned()), ..all.clone() }, vec![first.id]),
        (ScheduleFilter { named_like: Some("_".to_owned()), ..all.clone() }, vec![]),
        (ScheduleFilter { tag: Some("blue".to_owned()), ..all.clone() }, vec![second.id]),
        (ScheduleFilter { is_failing: Some(true), ..all.clone() }, vec![first.id]),
        (ScheduleFilter { is_failing: Some(false), ..all.clone() }, vec![second.id]),
        (ScheduleFilter { is_failing: Some(true), tag: Some("blue".to_owned()), ..all }, vec![]),
    ] {
        assert_eq!(schedules(&world, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn schedules_are_found_by_their_next_run(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let (soon, later) = (schedule(&world, &workflow, "soon", 100).await, schedule(&world, &workflow, "later", 200).await);
    let paused = schedule(&world, &workflow, "paused", 100).await;
    world.set_active(&paused, false).await;
    let all = ScheduleFilter::default();
    for (filter, expected) in [
        (ScheduleFilter { next_run_from: Some(due(&soon)), ..all.clone() }, vec![soon.id, later.id]),
        (ScheduleFilter { next_run_before: Some(due(&later)), ..all.clone() }, vec![soon.id]),
        (
            ScheduleFilter { next_run_from: Some(due(&later)), next_run_before: Some(due(&later).plus(SECOND)), ..all.clone() },
            vec![later.id],
        ),
        (ScheduleFilter { next_run_from: Some(due(&later).plus(SECOND)), ..all }, vec![]),
    ] {
        assert_eq!(schedules(&world, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn schedules_are_ordered_as_asked_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (one, other) = (workflow(&world, "one", &[]).await, workflow(&world, "other", &[]).await);
    let late = schedule(&world, &one, "b", 900).await;
    let soon = schedule(&world, &one, "a", 300).await;
    let middle = schedule(&world, &other, "b", 600).await;
    let paused = schedule(&world, &other, "a", 100).await;
    world.set_active(&paused, false).await;
    let order = |order| ScheduleFilter { order, ..ScheduleFilter::default() };
    let next = [soon.id, middle.id, late.id];
    assert_eq!(schedules(&world, order(ScheduleOrder::NextRun(None))).await, next);
    assert_eq!(schedules(&world, order(ScheduleOrder::NextRun(Some((due(&soon), soon.id))))).await, next[1..]);
    let by_name = [soon.id, paused.id, late.id, middle.id];
    assert_eq!(schedules(&world, order(ScheduleOrder::Name(None))).await, by_name);
    assert_eq!(schedules(&world, order(ScheduleOrder::Name(Some(("b".to_owned(), late.id))))).await, by_name[3..]);
    let newest = [paused.id, middle.id, soon.id, late.id];
    assert_eq!(schedules(&world, order(ScheduleOrder::Newest(None))).await, newest);
    assert_eq!(schedules(&world, order(ScheduleOrder::Newest(Some(middle.id)))).await, newest[2..]);
}

/// A fire moves its schedule to the end of the order; the next page begins where the last one ended all the same.
pub async fn pages_by_next_run_go_on_where_they_ended_though_schedules_fire(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let (first, second, third) = (
        schedule(&world, &workflow, "1", 2).await,
        schedule(&world, &workflow, "2", 100).await,
        schedule(&world, &workflow, "3", 200).await,
    );
    let read = (due(&first), first.id);
    world.reach(due(&first)).await;
    world.fire_due(&first).await;
    let rest = ScheduleFilter { order: ScheduleOrder::NextRun(Some(read)), ..ScheduleFilter::default() };
    assert_eq!(schedules(&world, rest).await, [second.id, third.id, first.id]);
}
