//! Between the recorded run and the queue: publisher, sweep, mark, give back.

use belfry_core::ids::RunId;
use belfry_core::ports::{GiveBack, Mark, NewWorkflow, PendingRun};
use belfry_core::run::RunState;
use belfry_core::schedule::WorkflowFacts;
use jiff::SignedDuration;

use super::Backend;
use super::world::{LEASE, SECOND, World, assert_between, due, queue};

fn taken(runs: &[PendingRun]) -> Vec<(RunId, i64)> {
    runs.iter().map(|run| (run.id, run.publish_seq)).collect()
}

fn given_back(run_id: RunId, publish_seq: i64) -> GiveBack {
    GiveBack { run_id, publish_seq, retry_in: SignedDuration::from_secs(8), error: "returned".to_owned() }
}

pub async fn a_publisher_has_its_runs_for_its_lease(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (one, other) = (world.publisher().await, world.publisher().await);
    let schedule = world.due_schedule().await;
    let fired = world.fire(Some(one), vec![world.decided(&schedule).await]).await;
    let id = fired.results[0].runs[0];
    let ids = [world.run_id().await, id];
    assert_eq!(world.schedules.sweep(other, &[], 10).await.unwrap().runs, []);
    assert_eq!(taken(&world.schedules.pending(one.member, &ids).await.unwrap()), [(id, 1)]);
    assert_eq!(world.schedules.pending(other.member, &ids).await, Ok(vec![]));
    world.reach(fired.store_now.plus(LEASE)).await;
    assert_eq!(taken(&world.schedules.sweep(other, &[], 10).await.unwrap().runs), [(id, 2)]);
    assert_eq!(world.schedules.pending(one.member, &ids).await, Ok(vec![]));
    assert_eq!(taken(&world.schedules.pending(other.member, &ids).await.unwrap()), [(id, 2)]);
}

pub async fn without_a_publisher_a_run_is_for_the_sweep_at_once(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (_, run) = world.scheduled_run().await;
    assert_eq!(taken(&world.sweep(10).await), [(run, 2)]);
}

pub async fn a_swept_run_is_answered_whole(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, run) = world.scheduled_run().await;
    let workflow = world.workflows.workflow(schedule.workflow_id).await.unwrap();
    let before = world.now().await;
    let swept = world.schedules.sweep(world.publisher().await, &[], 10).await.unwrap();
    let expected = PendingRun {
        id: run,
        workflow_id: workflow.id,
        workflow: WorkflowFacts { name: workflow.name, version: 1, queue: workflow.queue, delivery: workflow.delivery },
        schedule_id: Some(schedule.id),
        nominal_time: schedule.cursor.nominal,
        due_at: run.planned_at(),
        input: "{}".into(),
        attempt: 1,
        publish_seq: 2,
        publish_failures: 0,
    };
    assert_eq!(swept.runs, [expected]);
    assert_between(before, swept.store_now, world.now().await);
}

pub async fn a_sweep_takes_the_oldest_first(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(world.manual_run_of(&workflow).await);
        world.advance(SECOND).await;
    }
    // The first one waits until after the others.
    assert_eq!(world.schedules.give_back(&[given_back(runs[0], 1)]).await, Ok(1));
    world.advance(SignedDuration::from_secs(8)).await;
    assert_eq!(taken(&world.sweep(2).await), [(runs[1], 2), (runs[2], 2)]);
    assert_eq!(taken(&world.sweep(2).await), [(runs[3], 2), (runs[0], 2)]);
    assert_eq!(taken(&world.sweep(2).await), []);
}

pub async fn a_sweep_raises_the_sequence_and_holds_the_run(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.pending_run().await;
    assert_eq!(taken(&world.sweep(10).await), [(run, 2)]);
    assert_eq!(world.run(run).await.publish_seq, 2);
    assert_eq!(world.sweep(10).await, []);
    world.advance(LEASE).await;
    assert_eq!(taken(&world.sweep(10).await), [(run, 3)]);
}

pub async fn a_sweep_leaves_out_the_queues_in_trouble(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let hanging = NewWorkflow { queue: queue("hanging"), ..world.new_workflow().await };
    let hanging = world.workflows.create_workflow(hanging).await.unwrap();
    let (left, sound) = (world.manual_run_of(&hanging).await, world.pending_run().await);
    let swept = world.schedules.sweep(world.publisher().await, &[queue("hanging"), queue("unknown")], 10).await.unwrap();
    assert_eq!(taken(&swept.runs), [(sound, 2)]);
    assert_eq!(taken(&world.sweep(10).await), [(left, 2)]);
}

pub async fn a_run_is_taken_by_one_of_two_sweeps(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(world.manual_run_of(&workflow).await);
    }
    let (one, other) = (world.publisher().await, world.publisher().await);
    let (first, second) = tokio::join!(world.schedules.sweep(one, &[], 8), world.schedules.sweep(other, &[], 8));
    let mut swept = taken(&first.unwrap().runs);
    swept.extend(taken(&second.unwrap().runs));
    // What one of them passed over because the other held it.
    swept.extend(taken(&world.sweep(8).await));
    swept.sort_unstable();
    runs.sort_unstable();
    assert_eq!(swept, runs.iter().map(|run| (*run, 2)).collect::<Vec<_>>());
}

pub async fn a_mark_queues_what_was_published(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (first, second) = (world.pending_run().await, world.pending_run().await);
    let marks = [Mark { run_id: first, publish_seq: 1 }, Mark { run_id: second, publish_seq: 1 }];
    let before = world.now().await;
    assert_eq!(world.schedules.mark(&marks).await, Ok(2));
    for id in [first, second] {
        let run = world.run(id).await;
        assert_eq!((run.state, run.publish_seq), (RunState::Queued, 1));
        assert_between(before, run.queued_at.unwrap(), world.now().await);
    }
    assert_eq!(world.schedules.mark(&marks).await, Ok(0));
    world.advance(LEASE).await;
    assert_eq!(world.sweep(10).await, []);
}

pub async fn a_mark_of_something_else_does_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let swept = world.pending_run().await;
    world.sweep(10).await;
    let claimed = world.claim(world.pending_run().await).await.run.id;
    let cancelled = world.pending_run().await;
    world.runs.cancel(cancelled).await.unwrap();
    let marks = [swept, claimed, cancelled, world.run_id().await].map(|run_id| Mark { run_id, publish_seq: 1 });
    let before = (world.run(swept).await, world.run(claimed).await, world.run(cancelled).await);
    assert_eq!(world.schedules.mark(&marks).await, Ok(0));
    assert_eq!((world.run(swept).await, world.run(claimed).await, world.run(cancelled).await), before);
    assert_eq!(world.schedules.mark(&[Mark { run_id: swept, publish_seq: 2 }]).await, Ok(1));
}

pub async fn a_confirmed_handoff_is_delivered(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.manual_run_of(&world.handoff_workflow().await).await;
    let mark = [Mark { run_id: id, publish_seq: 1 }];
    assert_eq!(world.schedules.mark(&mark).await, Ok(1));
    let run = world.run(id).await;
    assert_eq!(run.state, RunState::Delivered);
    assert_eq!(run.finished_at, run.queued_at);
    assert!(run.finished_at.is_some());
    world.advance(LEASE).await;
    assert_eq!((world.sweep(10).await, world.schedules.mark(&mark).await), (vec![], Ok(0)));
}

pub async fn what_is_given_back_is_shown_and_waits(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let publisher = world.publisher().await;
    let schedule = world.due_schedule().await;
    let id = world.fire(Some(publisher), vec![world.decided(&schedule).await]).await.results[0].runs[0];
    assert_eq!(world.schedules.give_back(&[given_back(id, 1)]).await, Ok(1));
    let run = world.run(id).await;
    assert_eq!((run.state, run.publish_seq, run.publish_error.as_deref()), (RunState::Pending, 1, Some("returned")));
    assert_eq!(world.schedules.pending(publisher.member, &[id]).await, Ok(vec![]));
    assert_eq!(world.sweep(10).await, []);
    world.advance(SignedDuration::from_secs(8)).await;
    let swept = world.sweep(10).await;
    assert_eq!((taken(&swept), swept[0].publish_failures), (vec![(id, 2)], 1));
    assert_eq!(world.schedules.give_back(&[given_back(id, 2)]).await, Ok(1));
    world.advance(SignedDuration::from_secs(8)).await;
    assert_eq!(world.sweep(10).await[0].publish_failures, 2);
}

pub async fn what_comes_back_to_pending_is_nobodys(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let publisher = world.publisher().await;
    let (released, lost) = (world.schedule().await, world.schedule().await);
    world.reach(due(&lost)).await;
    let fires = vec![world.decided(&released).await, world.decided(&lost).await];
    let results = world.fire(Some(publisher), fires).await.results;
    let [released, lost] = [results[0].runs[0], results[1].runs[0]];
    for run in [released, lost] {
        world.claim(run).await;
    }
    world.runs.release(released, 1).await.unwrap();
    world.lose(lost).await;
    assert_eq!([world.state(released).await, world.state(lost).await], [RunState::Pending; 2]);
    assert_eq!(world.schedules.pending(publisher.member, &[released, lost]).await, Ok(vec![]));
}

pub async fn giving_back_something_else_does_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let swept = world.pending_run().await;
    world.sweep(10).await;
    let queued = world.queued_run().await;
    let before = (world.run(swept).await, world.run(queued).await);
    let rows = [given_back(swept, 1), given_back(queued, 1), given_back(world.run_id().await, 1)];
    assert_eq!(world.schedules.give_back(&rows).await, Ok(0));
    assert_eq!((world.run(swept).await, world.run(queued).await), before);
}

pub async fn a_success_forgets_the_failures(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.pending_run().await;
    world.schedules.give_back(&[given_back(id, 1)]).await.unwrap();
    world.advance(SignedDuration::from_secs(8)).await;
    assert_eq!(world.sweep(10).await[0].publish_failures, 1);
    assert_eq!(world.schedules.mark(&[Mark { run_id: id, publish_seq: 2 }]).await, Ok(1));
    assert_eq!(world.run(id).await.publish_error, None);
    let claimed = world.claim(id).await;
    assert_eq!(world.runs.release(id, claimed.epoch).await, Ok(true));
    assert_eq!(world.sweep(10).await[0].publish_failures, 0);
}
