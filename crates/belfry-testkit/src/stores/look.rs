//! Reading what is due.

use belfry_core::ports::{DueKey, DueSchedule, FireCode, WorkflowWrite};
use belfry_core::schedule::{Cursor, WorkflowFacts};
use belfry_core::shards::Shards;
use belfry_core::spec::{At, Spec};
use belfry_core::workflow::Delivery;
use jiff::SignedDuration;

use super::Backend;
use super::world::{SECOND, World, content, definition, due, every, queue, write_of};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

pub async fn a_look_is_ordered_by_due_time_and_then_by_id(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, start) = (world.workflow().await, world.now().await);
    let mut keys = Vec::new();
    for seconds in [30, 20, 40, 20] {
        let first = start.plus(SignedDuration::from_secs(seconds));
        let schedule = world.schedule_of(&workflow, every(60, first)).await;
        keys.push(DueKey { id: schedule.id, revision: 1, nominal: first, due: first });
    }
    let look = world.schedules.look(Shards::ALL, start.plus(HOUR), None, 10).await.unwrap();
    assert_eq!(look.keys, [keys[1], keys[3], keys[0], keys[2]]);
    assert!(start <= look.store_now && look.store_now <= world.now().await);
}

pub async fn a_look_reads_page_by_page(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, start) = (world.workflow().await, world.now().await);
    for seconds in [20, 20, 30, 20, 10] {
        world.schedule_of(&workflow, every(60, start.plus(SignedDuration::from_secs(seconds)))).await;
    }
    let all = world.schedules.look(Shards::ALL, start.plus(HOUR), None, 10).await.unwrap().keys;
    let mut pages = Vec::new();
    let mut after = None;
    for length in [2, 2, 1, 0] {
        let page = world.schedules.look(Shards::ALL, start.plus(HOUR), after, 2).await.unwrap().keys;
        assert_eq!(page.len(), length);
        after = page.last().copied().or(after);
        pages.extend(page);
    }
    assert_eq!(pages, all);
}

pub async fn a_look_ends_at_the_due_time_it_was_given(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let instant = due(&schedule);
    let before = world.schedules.look(Shards::ALL, instant.minus(SignedDuration::from_millis(1)), None, 10).await.unwrap();
    let at = world.schedules.look(Shards::ALL, instant, None, 10).await.unwrap();
    assert_eq!((before.keys, at.keys), (vec![], vec![DueKey::of(&schedule).unwrap()]));
}

pub async fn a_look_leaves_out_what_cannot_fire(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let paused = world.schedule().await;
    world.set_active(&paused, false).await;
    let deleted = world.schedule().await;
    world.workflows.delete_schedule(deleted.id, None).await.unwrap();
    let of_a_deleted_workflow = world.schedule().await;
    world.workflows.delete_workflow(of_a_deleted_workflow.workflow_id, None).await.unwrap();
    let once = content(Spec::at(At::Instant(world.now().await.plus(SECOND))));
    let ended = world.schedule_of(&world.workflow().await, once).await;
    world.reach(due(&ended)).await;
    world.fire_due(&ended).await;
    let failed = world.due_schedule().await;
    let mut fire = world.decided(&failed).await;
    (fire.runs, fire.next, fire.failure) = (vec![], Cursor::failed(fire.decided_at), Some("no".to_owned()));
    assert_eq!(world.fire(None, vec![fire]).await.results[0].code, FireCode::Moved);
    let stays = world.schedule().await;
    let look = world.schedules.look(Shards::ALL, world.now().await.plus(HOUR), None, 10).await.unwrap();
    assert_eq!(look.keys, [DueKey::of(&stays).unwrap()]);
}

/// Schedules that are due at several times, those of every second one's shards, and their keys in order.
async fn in_some_shards(world: &World<'_>) -> (Shards, Vec<DueKey>) {
    let (workflow, start) = (world.workflow().await, world.now().await);
    let (mut shards, mut keys) = (Shards::NONE, Vec::new());
    for seconds in [20, 20, 30, 20, 10, 40, 20, 30] {
        let schedule = world.schedule_of(&workflow, every(60, start.plus(SignedDuration::from_secs(seconds)))).await;
        if keys.len() % 2 == 0 {
            shards.insert(schedule.id.shard());
        }
        keys.push(DueKey::of(&schedule).unwrap());
    }
    keys.retain(|key| shards.has(key.id));
    keys.sort_unstable_by_key(DueKey::order);
    (shards, keys)
}

pub async fn a_look_reads_the_shards_it_was_given(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (shards, keys) = in_some_shards(&world).await;
    let due_by = world.now().await.plus(HOUR);
    assert_eq!(world.schedules.look(shards, due_by, None, 10).await.unwrap().keys, keys);
    assert_eq!(world.schedules.look(Shards::NONE, due_by, None, 10).await.unwrap().keys, []);
    assert_eq!(world.schedules.look(Shards::ALL, due_by, None, 10).await.unwrap().keys.len(), 8);
    let mut first = Shards::NONE;
    first.insert(keys[0].id.shard());
    assert!(world.schedules.look(first, due_by, None, 10).await.unwrap().keys.contains(&keys[0]));
}

pub async fn a_look_of_some_shards_reads_page_by_page(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (shards, keys) = in_some_shards(&world).await;
    let due_by = world.now().await.plus(HOUR);
    let mut pages = Vec::new();
    for _ in 0..keys.len() {
        let page = world.schedules.look(shards, due_by, pages.last().copied(), 1).await.unwrap().keys;
        assert_eq!(page.len(), 1);
        pages.extend(page);
    }
    assert_eq!(pages, keys);
    assert_eq!(world.schedules.look(shards, due_by, pages.last().copied(), 1).await.unwrap().keys, []);
}

pub async fn a_load_reads_schedule_and_workflow_at_one_revision(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let schedule = world.schedule_of(&workflow, world.every_ten_seconds().await).await;
    let facts = |version, name: &str, delivery| WorkflowFacts { name: workflow.name.clone(), version, queue: queue(name), delivery };
    let first = world.schedules.load(&[schedule.id]).await.unwrap();
    assert_eq!(first, [DueSchedule { schedule: schedule.clone(), workflow: facts(1, "reports", Delivery::Tracked) }]);
    let write = WorkflowWrite { definition: definition(2), queue: queue("others"), delivery: Delivery::Handoff, ..write_of(&workflow) };
    world.workflows.update_workflow(write).await.unwrap();
    let schedule = world.read(&schedule).await;
    let second = world.schedules.load(&[schedule.id]).await.unwrap();
    assert_eq!(schedule.revision, 2);
    assert_eq!(second, [DueSchedule { schedule, workflow: facts(2, "others", Delivery::Handoff) }]);
}

pub async fn a_load_leaves_out_what_is_not_there(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (stays, goes) = (world.schedule().await, world.schedule().await);
    world.workflows.delete_schedule(goes.id, None).await.unwrap();
    let loaded = world.schedules.load(&[goes.id, stays.id, world.schedule_id().await]).await.unwrap();
    assert_eq!(loaded.iter().map(|due| due.schedule.clone()).collect::<Vec<_>>(), [stays]);
}
