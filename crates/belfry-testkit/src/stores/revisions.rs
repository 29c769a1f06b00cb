//! What schedules were.

use belfry_core::ports::{ScheduleEdit, StoreError};

use super::Backend;
use super::world::{SECOND, World, edit_of, every, write_of};

pub async fn every_write_leaves_what_the_schedule_was(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let made = world.schedule_of(&workflow, world.every_ten_seconds().await).await;
    let paused = world.set_active(&made, false).await;
    let content = every(20, world.now().await);
    let edit = ScheduleEdit { name: Some("renamed".to_owned()), content: Some(content), ..edit_of(&paused) };
    let edited = world.workflows.edit_schedule(edit).await.unwrap();
    let other_queue = belfry_core::ports::WorkflowWrite { queue: super::world::queue("others"), ..write_of(&workflow) };
    world.workflows.update_workflow(other_queue).await.unwrap();
    let last = world.read(&edited).await;

    let kept = world.revisions.revisions(made.id, None, 10).await.unwrap().items;
    let facts: Vec<_> =
        kept.iter().map(|kept| (kept.revision, kept.name.as_deref(), kept.is_active, kept.workflow.queue.as_str())).collect();
    let (first, new) = (Some(made.name.as_str()), Some("renamed"));
    assert_eq!(
        facts,
        [
            (4, new, Some(false), "others"),
            (3, new, Some(false), "reports"),
            (2, first, Some(false), "reports"),
            (1, first, Some(true), "reports")
        ]
    );
    assert_eq!([&kept[0].content, &kept[1].content, &kept[2].content], [&last.content, &edited.content, &made.content]);
    assert_eq!((kept[0].created_at, kept[3].created_at), (last.updated_at, made.created_at));
}

pub async fn revisions_are_listed_newest_first_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut schedule = world.schedule().await;
    for turn in 0..4 {
        world.advance(SECOND).await;
        schedule = world.set_active(&schedule, turn % 2 == 1).await;
    }
    let numbers = async |before, limit| {
        let page = world.revisions.revisions(schedule.id, before, limit).await.unwrap();
        (page.items.iter().map(|kept| kept.revision).collect::<Vec<_>>(), page.more)
    };
    assert_eq!(numbers(None, 2).await, (vec![5, 4], true));
    assert_eq!(numbers(Some(4), 3).await, (vec![3, 2, 1], false));
    assert_eq!(numbers(Some(1), 3).await, (vec![], false));
}

pub async fn a_deleted_schedule_keeps_its_revisions(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    world.workflows.delete_schedule(schedule.id, None).await.unwrap();
    let kept = world.revisions.revisions(schedule.id, None, 10).await.unwrap().items;
    assert_eq!(kept.last().map(|kept| (kept.revision, &kept.content)), Some((1, &schedule.content)));
    let unknown = world.schedule_id().await;
    assert_eq!(world.revisions.revisions(unknown, None, 10).await, Err(StoreError::NotFound("schedule")));
}
