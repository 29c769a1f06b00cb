//! Runs that an edit records before they are due, as jitter makes them.

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Backlog, Claim, ClaimAnswer, ScheduleEdit};
use belfry_core::run::RunState;
use belfry_core::schedule::{Cursor, ScheduleContent, ScheduledWorkflow};
use belfry_core::shards::Shards;
use jiff::SignedDuration;

use super::Backend;
use super::world::{SECOND, World, due, edit_of, every, told};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Every hour, due up to an hour later: its next occurrence has begun, and is due in more than a minute.
async fn begun(world: &World<'_>) -> ScheduledWorkflow {
    loop {
        let content = ScheduleContent { jitter: HOUR, ..every(3600, world.now().await) };
        let schedule = world.schedule_of(&world.workflow().await, content).await;
        let Cursor { nominal: Some(nominal), due: Some(due) } = schedule.cursor else { panic!("it has a next occurrence") };
        assert_eq!(schedule.content.due_of(schedule.id, nominal), Ok(due));
        world.reach(nominal).await;
        if due.since(world.now().await) > SECOND * 60 {
            return schedule;
        }
    }
}

async fn recorded_ahead(world: &World<'_>) -> (ScheduledWorkflow, RunId) {
    let schedule = begun(world).await;
    let edit = ScheduleEdit { name: Some("renamed".to_owned()), ..edit_of(&schedule) };
    world.workflows.edit_schedule(edit).await.unwrap();
    let runs = world.runs_of(&schedule).await;
    assert_eq!(runs.iter().map(|run| (run.nominal_time, run.due_at)).collect::<Vec<_>>(), [(schedule.cursor.nominal, due(&schedule))]);
    (schedule, runs[0].id)
}

pub async fn a_jittered_occurrence_fires_at_its_due_time(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = begun(&world).await;
    assert_eq!(world.schedules.look(Shards::ALL, world.now().await, None, 10).await.unwrap().keys, []);
    world.reach(due(&schedule)).await;
    world.fire_due(&schedule).await;
    let runs = world.runs_of(&schedule).await;
    assert_eq!(runs.iter().map(|run| (run.nominal_time, run.due_at)).collect::<Vec<_>>(), [(schedule.cursor.nominal, due(&schedule))]);
}

pub async fn what_an_edit_records_ahead_is_swept_when_it_is_due(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, run) = recorded_ahead(&world).await;
    assert_eq!(world.sweep(10).await, []);
    assert_eq!(world.schedules.backlog().await, Ok(Backlog::default()), "it is no backlog before it is due");
    world.reach(due(&schedule)).await;
    assert_eq!(world.schedules.backlog().await, Ok(Backlog { pending: 1, oldest: Some(due(&schedule)) }));
    assert_eq!(world.sweep(10).await.iter().map(|swept| swept.id).collect::<Vec<_>>(), [run]);
}

pub async fn what_an_edit_records_ahead_is_claimed_by_nobody_before_it_is_due(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, run) = recorded_ahead(&world).await;
    let queue = world.run(run).await.queue;
    let claim = Claim { run_id: run, token: ClaimToken(world.run_id().await.0), worker: "early".to_owned() };
    assert_eq!(world.runs.claim(claim.clone()).await, Ok(ClaimAnswer::Refused(Some(RunState::Pending))));
    assert_eq!(world.polls.claim_oldest(queue.clone(), claim.token, "early".to_owned()).await, Ok(None));
    world.reach(due(&schedule)).await;
    let claimed = world.polls.claim_oldest(queue, claim.token, "in time".to_owned()).await.unwrap();
    assert_eq!(claimed.map(|claimed| claimed.run.id), Some(run));
}

pub async fn what_an_edit_records_ahead_ends_with_its_schedule(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, run) = recorded_ahead(&world).await;
    world.workflows.delete_schedule(schedule.id, None).await.unwrap();
    assert_eq!(world.run(run).await.state, RunState::Cancelled);
}

pub async fn a_pause_between_nominal_and_due_time_records_the_occurrence(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = begun(&world).await;
    world.set_active(&schedule, false).await;
    let nominal = schedule.cursor.nominal.unwrap();
    assert_eq!(told(&world.outcomes(&schedule).await), [(nominal, nominal, "paused", 1)]);
    assert_eq!(world.runs_of(&schedule).await, []);
}
