//! Editing, pausing and resuming a schedule.

use belfry_core::ports::{Conflict, FireCode, ScheduleEdit, StoreError};
use belfry_core::schedule::{Cursor, ScheduleContent, ScheduledWorkflow};
use belfry_core::shards::Shards;
use belfry_core::spec::{At, Spec};
use jiff::SignedDuration;
use serde_json::json;

use super::Backend;
use super::world::{World, assert_between, content, due, edit_of, every, told};

fn tens(count: i64) -> SignedDuration {
    SignedDuration::from_secs(10 * count)
}

pub async fn an_edit_fires_what_was_due_under_the_old_spec(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let old = ScheduleContent { input: json!("old"), ..world.every_ten_seconds().await };
    let schedule = world.schedule_of(&workflow, old).await;
    let first = due(&schedule);
    world.reach(first.plus(tens(1))).await;
    let new = ScheduleContent { input: json!("new"), ..every(3600, world.now().await) };
    let before = world.now().await;
    let edited = world.workflows.edit_schedule(ScheduleEdit { content: Some(new), ..edit_of(&schedule) }).await.unwrap();
    let runs = world.runs_of(&schedule).await;
    let seen: Vec<_> = runs.iter().map(|run| (run.planned_at, run.input.clone(), run.publish_seq)).collect();
    assert_eq!(seen, [(first.plus(tens(1)), json!("old"), 1), (first, json!("old"), 1)]);
    assert_between(before, runs[0].created_at, world.now().await);
    assert_eq!((edited.run_count, edited.last_run_at), (2, Some(runs[0].created_at)));
    assert_eq!(world.sweep(10).await.len(), 2, "nobody publishes them but the sweep");
}

pub async fn an_edit_plans_from_its_own_instant(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let now = world.now().await;
    // Began long ago: nothing of what would have been is made up for.
    let new = every(10, now.minus(SignedDuration::from_hours(5)));
    let edit = ScheduleEdit { name: Some("renamed".to_owned()), content: Some(new.clone()), ..edit_of(&schedule) };
    let edited = world.workflows.edit_schedule(edit).await.unwrap();
    assert_between(now, edited.updated_at, world.now().await);
    let expected = ScheduledWorkflow {
        name: "renamed".to_owned(),
        revision: 2,
        cursor: Cursor::at(new.next_after(edited.updated_at).unwrap()),
        content: new,
        updated_at: edited.updated_at,
        ..schedule.clone()
    };
    assert_eq!((&edited, &world.read(&schedule).await), (&expected, &expected));
    assert_eq!((world.runs_of(&schedule).await, world.outcomes(&schedule).await), (vec![], vec![]));
    let over = content(Spec::at(At::Instant(now)));
    let edited = world.workflows.edit_schedule(ScheduleEdit { content: Some(over), ..edit_of(&schedule) }).await.unwrap();
    assert_eq!((edited.revision, edited.cursor), (3, Cursor::default()));
}

pub async fn an_edit_that_changes_nothing_raises_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let same = ScheduleEdit {
        id: schedule.id,
        expected: Some(1),
        name: Some(schedule.name.clone()),
        content: Some(schedule.content.clone()),
        is_active: Some(true),
    };
    for edit in [same, edit_of(&schedule)] {
        assert_eq!(world.workflows.edit_schedule(edit).await.as_ref(), Ok(&schedule));
    }
    assert_eq!(world.read(&schedule).await, schedule);
    assert_eq!(world.runs_of(&schedule).await, []);
}

pub async fn an_edit_of_another_revision_is_stale(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    for expected in [0, 2] {
        let edit = ScheduleEdit { expected: Some(expected), is_active: Some(false), ..edit_of(&schedule) };
        assert_eq!(world.workflows.edit_schedule(edit).await, Err(StoreError::Stale { current: 1 }));
    }
    assert_eq!(world.read(&schedule).await, schedule);
    assert_eq!(world.outcomes(&schedule).await, []);
    let edit = ScheduleEdit { expected: Some(1), is_active: Some(false), ..edit_of(&schedule) };
    assert_eq!(world.workflows.edit_schedule(edit).await.map(|edited| edited.revision), Ok(2));
}

pub async fn a_decision_on_the_old_revision_cannot_fire(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let fire = world.decided(&schedule).await;
    let edit = ScheduleEdit { name: Some("renamed".to_owned()), ..edit_of(&schedule) };
    world.workflows.edit_schedule(edit).await.unwrap();
    let runs = world.runs_of(&schedule).await;
    assert_eq!(world.fire(None, vec![fire]).await.results[0].code, FireCode::Gone);
    assert_eq!((runs.len(), world.runs_of(&schedule).await), (1, runs));
}

pub async fn a_pause_records_what_was_due(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let first = due(&schedule);
    world.reach(first.plus(tens(2))).await;
    let before = world.now().await;
    let paused = world.set_active(&schedule, false).await;
    let outcomes = world.outcomes(&schedule).await;
    assert_eq!(told(&outcomes), [(first, first.plus(tens(2)), "paused", 1)]);
    assert_between(before, outcomes[0].recorded_at, world.now().await);
    assert_eq!(world.runs_of(&schedule).await, []);
    let cursor = Cursor::at(Some(first.plus(tens(3))));
    assert_eq!(paused, ScheduledWorkflow { is_active: false, revision: 2, cursor, updated_at: paused.updated_at, ..schedule });
}

pub async fn while_paused_nothing_is_written_and_a_resume_writes_the_range(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let first = due(&schedule);
    let paused = world.set_active(&schedule, false).await;
    world.reach(first.plus(tens(3))).await;
    assert_eq!(world.schedules.look(Shards::ALL, world.now().await, None, 10).await.unwrap().keys, []);
    assert_eq!((world.read(&schedule).await, world.outcomes(&schedule).await), (paused, vec![]));
    let resumed = world.set_active(&schedule, true).await;
    assert_eq!((resumed.is_active, resumed.revision), (true, 3));
    assert_eq!(resumed.cursor, Cursor::at(Some(first.plus(tens(4)))));
    assert_eq!(told(&world.outcomes(&schedule).await), [(first, first.plus(tens(3)), "paused", 2)]);
    assert_eq!(world.runs_of(&schedule).await, []);
}

pub async fn an_edit_while_paused_writes_the_range_and_stays_paused(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let first = due(&schedule);
    world.set_active(&schedule, false).await;
    world.reach(first).await;
    let start = world.now().await;
    let edit = ScheduleEdit { content: Some(every(7, start)), ..edit_of(&schedule) };
    let edited = world.workflows.edit_schedule(edit).await.unwrap();
    assert_eq!((edited.is_active, edited.cursor.nominal), (false, Some(start.plus(SignedDuration::from_secs(7)))));
    assert_eq!(told(&world.outcomes(&schedule).await), [(first, first, "paused", 2)]);
}

pub async fn an_edit_of_a_failed_schedule_brings_it_back(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let mut fire = world.decided(&schedule).await;
    let left = Cursor::failed(fire.decided_at);
    (fire.runs, fire.next, fire.failure) = (vec![], left, Some("no".to_owned()));
    world.fire(None, vec![fire]).await;
    world.advance(tens(2)).await;
    let edit = ScheduleEdit { content: Some(every(5, world.now().await)), ..edit_of(&schedule) };
    let edited = world.workflows.edit_schedule(edit).await.unwrap();
    assert_eq!((edited.failure_count, edited.last_error.as_deref(), edited.cursor.due.is_some()), (0, None, true));
    let range = (left.nominal.unwrap(), edited.updated_at, "failed_to_decide", 1);
    assert_eq!(told(&world.outcomes(&schedule).await), [range]);
    assert_eq!(world.runs_of(&schedule).await, []);
}

pub async fn an_edit_past_ten_thousand_rows_is_refused_whole(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule_of(&world.workflow().await, every(1, world.now().await)).await;
    world.advance(SignedDuration::from_secs(10_100)).await;
    let edit = ScheduleEdit { name: Some("renamed".to_owned()), ..edit_of(&schedule) };
    assert_eq!(world.workflows.edit_schedule(edit).await, Err(Conflict::StillCatchingUp.into()));
    assert_eq!(world.read(&schedule).await, schedule);
    assert_eq!((world.runs_of(&schedule).await, world.outcomes(&schedule).await), (vec![], vec![]));
    assert_eq!(world.set_active(&schedule, false).await.revision, 2, "a pause records one range, and is never refused");
}

pub async fn a_name_is_had_by_one_living_schedule_of_a_workflow(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (workflow, other) = (world.workflow().await, world.workflow().await);
    let content = world.every_ten_seconds().await;
    let schedule = world.schedule_of(&workflow, content.clone()).await;
    let mut twin = world.new_schedule(&workflow, content.clone()).await;
    twin.name.clone_from(&schedule.name);
    let taken = || Err(Conflict::ScheduleName(schedule.name.clone()).into());
    assert_eq!(world.workflows.create_schedule(twin.clone()).await, taken());
    let second = world.schedule_of(&workflow, content.clone()).await;
    let rename = ScheduleEdit { name: Some(schedule.name.clone()), ..edit_of(&second) };
    assert_eq!(world.workflows.edit_schedule(rename.clone()).await, taken());
    assert_eq!(world.read(&second).await, second);
    let mut elsewhere = world.new_schedule(&other, content).await;
    elsewhere.name.clone_from(&schedule.name);
    assert!(world.workflows.create_schedule(elsewhere).await.is_ok());
    world.workflows.delete_schedule(schedule.id, None).await.unwrap();
    assert_eq!(world.workflows.edit_schedule(rename).await.map(|edited| edited.name), Ok(schedule.name.clone()));
}

pub async fn what_is_not_there_cannot_be_edited(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let deleted = world.schedule().await;
    world.workflows.delete_schedule(deleted.id, None).await.unwrap();
    let unknown = ScheduledWorkflow { id: world.schedule_id().await, ..deleted.clone() };
    for schedule in [&deleted, &unknown] {
        let edit = ScheduleEdit { is_active: Some(false), ..edit_of(schedule) };
        assert_eq!(world.workflows.edit_schedule(edit).await, Err(StoreError::NotFound("schedule")));
        assert_eq!(world.workflows.delete_schedule(schedule.id, None).await, Err(StoreError::NotFound("schedule")));
    }
    let gone = world.workflows.workflow(deleted.workflow_id).await.unwrap();
    world.workflows.delete_workflow(gone.id, None).await.unwrap();
    let orphan = world.new_schedule(&gone, world.every_ten_seconds().await).await;
    assert_eq!(world.workflows.create_schedule(orphan).await, Err(StoreError::NotFound("workflow")));
}
