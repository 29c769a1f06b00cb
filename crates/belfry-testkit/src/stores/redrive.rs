//! Runs that nobody claims, and what waits to be published.

use belfry_core::ids::RunId;
use belfry_core::ports::{Backlog, ClaimAnswer, Finish, MAX_REDRIVES, Mark, REDRIVE_AFTER, Redrive, Redriven};
use belfry_core::run::{Run, RunState};
use belfry_core::workflow::QueueName;
use jiff::SignedDuration;

use super::Backend;
use super::world::{SECOND, World, assert_between, queue};

const NOTHING: Redriven = Redriven { requeued: 0, unclaimed: 0 };

fn requeued(count: usize) -> Redriven {
    Redriven { requeued: count, unclaimed: 0 }
}

/// The queue of the world's workflows.
fn reports() -> QueueName {
    queue("reports")
}

async fn mark(world: &World<'_>, run_id: RunId) {
    let publish_seq = world.run(run_id).await.publish_seq;
    assert_eq!(world.schedules.mark(&[Mark { run_id, publish_seq }]).await, Ok(1));
}

async fn overdue(world: &World<'_>) -> Vec<QueueName> {
    world.schedules.overdue_queues().await.unwrap()
}

/// Lets the interval of a queued run pass that was redriven so often in its attempt.
async fn pass_interval(world: &World<'_>, run: RunId, redrives: u32) {
    let queued_at = world.run(run).await.queued_at.expect("it is queued");
    world.reach(queued_at.plus(REDRIVE_AFTER * (1 << redrives))).await;
}

/// Queued, and for its first interval.
async fn overdue_run(world: &World<'_>) -> RunId {
    let run = world.queued_run().await;
    pass_interval(world, run, 0).await;
    run
}

/// Takes a queued run back so many times; it is queued again each time.
async fn redriven(world: &World<'_>, run: RunId, times: u32) {
    for redrives in 0..times {
        pass_interval(world, run, redrives).await;
        assert_eq!(world.redrive(true, 10).await, requeued(1), "after {redrives} redrives");
        mark(world, run).await;
    }
}

pub async fn a_run_is_overdue_after_its_interval_and_not_before(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.queued_run().await;
    world.advance(REDRIVE_AFTER - SignedDuration::from_secs(5)).await;
    assert_eq!((overdue(&world).await, world.redrive(true, 10).await), (vec![], NOTHING));
    assert_eq!(world.state(run).await, RunState::Queued);
    pass_interval(&world, run, 0).await;
    assert_eq!((overdue(&world).await, world.redrive(true, 10).await), (vec![reports()], requeued(1)));
    assert_eq!(overdue(&world).await, []);
}

pub async fn overdue_queues_are_named_once_in_order(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for name in ["zebra", "ant", "zebra", "bee", "ant"] {
        world.queued_run_in(name).await;
    }
    world.advance(REDRIVE_AFTER + SECOND).await;
    world.queued_run_in("cat").await;
    world.queued_run_in("bee").await;
    assert_eq!(overdue(&world).await, [queue("ant"), queue("bee"), queue("zebra")]);
}

pub async fn with_nothing_ready_all_that_is_overdue_in_the_queue_is_taken_back(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let lost = [world.queued_run().await, world.queued_run().await];
    let elsewhere = world.queued_run_in("others").await;
    world.advance(REDRIVE_AFTER + SECOND).await;
    let fresh = world.queued_run().await;
    assert_eq!(world.redrive(true, 10).await, requeued(2));
    for run in lost {
        assert_eq!(world.state(run).await, RunState::Pending);
    }
    assert_eq!([world.state(elsewhere).await, world.state(fresh).await], [RunState::Queued; 2]);
    assert_eq!(overdue(&world).await, [queue("others")]);
}

pub async fn the_longest_queued_are_taken_back_first_up_to_the_limit(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let runs = [world.pending_run().await, world.pending_run().await, world.pending_run().await];
    // Not in the order in which they were made.
    for run in [runs[1], runs[2], runs[0]] {
        mark(&world, run).await;
        world.advance(SECOND).await;
    }
    world.advance(REDRIVE_AFTER).await;
    assert_eq!(world.redrive(true, 2).await, requeued(2));
    let states = [world.state(runs[0]).await, world.state(runs[1]).await, world.state(runs[2]).await];
    assert_eq!(states, [RunState::Queued, RunState::Pending, RunState::Pending]);
    assert_eq!((world.redrive(true, 2).await, world.redrive(true, 2).await), (requeued(1), NOTHING));
}

pub async fn the_longest_queued_are_first_however_often_they_were_redriven(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let longest = world.queued_run().await;
    redriven(&world, longest, 1).await;
    world.advance(SignedDuration::from_secs(20)).await;
    let other = world.queued_run().await;
    pass_interval(&world, longest, 1).await;
    assert_eq!(world.redrive(true, 1).await, requeued(1));
    assert_eq!([world.state(longest).await, world.state(other).await], [RunState::Pending, RunState::Queued]);
    assert_eq!(world.redrive(true, 1).await, requeued(1));
}

pub async fn while_messages_are_ready_only_what_was_overtaken_is_taken_back(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let overtaken = world.queued_run().await;
    world.advance(SignedDuration::from_secs(20)).await;
    let behind = world.queued_run().await;
    world.advance(SignedDuration::from_secs(11)).await;
    let later = world.queued_run().await;
    let elsewhere = world.queued_run_in("others").await;
    world.advance(SignedDuration::from_secs(29)).await;
    let elsewhere = world.claim(elsewhere).await;
    // Two are overdue. Nothing of their queue that came after them has been claimed.
    assert_eq!((overdue(&world).await, world.redrive(false, 10).await), (vec![reports()], NOTHING));
    let later = world.claim(later).await;
    assert_eq!(world.redrive(false, 10).await, requeued(1));
    assert_eq!([world.state(overtaken).await, world.state(behind).await], [RunState::Pending, RunState::Queued]);
    for claimed in [later, elsewhere] {
        assert_eq!(world.run(claimed.run.id).await, claimed.run);
    }
}

pub async fn what_has_ended_overtakes_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let waits = overdue_run(&world).await;
    let claimed = world.claimed_run().await;
    world.runs.finish(claimed.run.id, claimed.epoch, Finish::of(RunState::Succeeded, None)).await.unwrap();
    assert_eq!(world.redrive(false, 10).await, NOTHING);
    world.claimed_run().await;
    assert_eq!(world.redrive(false, 10).await, requeued(1));
    assert_eq!(world.state(waits).await, RunState::Pending);
}

/// Its first message may be the one that was claimed, and that one overtook nobody.
pub async fn what_was_published_again_overtakes_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let twice = world.pending_run().await;
    let waits = overdue_run(&world).await;
    let swept = world.sweep(10).await;
    assert_eq!(swept.iter().map(|run| (run.id, run.publish_seq)).collect::<Vec<_>>(), [(twice, 2)]);
    assert_eq!(world.schedules.mark(&[Mark { run_id: twice, publish_seq: 2 }]).await, Ok(1));
    world.claim(twice).await;
    assert_eq!(world.redrive(false, 10).await, NOTHING);
    assert_eq!(world.state(waits).await, RunState::Queued);
}

pub async fn what_was_overtaken_is_left_for_its_interval(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.queued_run().await;
    redriven(&world, run, 1).await;
    world.advance(REDRIVE_AFTER + SECOND).await;
    world.claimed_run().await;
    // Overtaken, but its second interval is a minute.
    assert_eq!((overdue(&world).await, world.redrive(false, 10).await), (vec![], NOTHING));
    world.advance(REDRIVE_AFTER).await;
    assert_eq!(world.redrive(false, 10).await, requeued(1));
}

pub async fn what_was_taken_back_is_swept_and_its_old_mark_does_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let publisher = world.publisher().await;
    let schedule = world.due_schedule().await;
    let id = world.fire(Some(publisher), vec![world.decided(&schedule).await]).await.results[0].runs[0];
    mark(&world, id).await;
    let queued = world.run(id).await;
    pass_interval(&world, id, 0).await;
    assert_eq!(world.redrive(true, 10).await, requeued(1));
    assert_eq!(world.run(id).await, Run { state: RunState::Pending, publish_seq: 2, ..queued });
    assert_eq!(world.schedules.pending(publisher.member, &[id]).await, Ok(vec![]));
    assert_eq!(world.schedules.mark(&[Mark { run_id: id, publish_seq: 1 }]).await, Ok(0));
    let swept = world.sweep(10).await;
    assert_eq!(swept.iter().map(|run| (run.id, run.publish_seq, run.attempt)).collect::<Vec<_>>(), [(id, 3, 1)]);
    assert_eq!(world.schedules.mark(&[Mark { run_id: id, publish_seq: 2 }]).await, Ok(0));
    assert_eq!(world.schedules.mark(&[Mark { run_id: id, publish_seq: 3 }]).await, Ok(1));
}

pub async fn a_late_message_claims_what_was_taken_back(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = overdue_run(&world).await;
    assert_eq!(world.redrive(true, 10).await, requeued(1));
    let swept = world.sweep(10).await;
    let claimed = world.claim(run).await;
    assert_eq!(claimed.run.attempt, 1);
    assert_eq!(world.schedules.mark(&[Mark { run_id: run, publish_seq: swept[0].publish_seq }]).await, Ok(0));
    world.advance(REDRIVE_AFTER + SECOND).await;
    assert_eq!((overdue(&world).await, world.redrive(true, 10).await), (vec![], NOTHING));
    assert_eq!(world.run(run).await, claimed.run);
}

pub async fn each_redrive_doubles_the_interval(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.queued_run().await;
    for redrives in 0..MAX_REDRIVES {
        world.advance(REDRIVE_AFTER * (1 << redrives) - SignedDuration::from_secs(5)).await;
        assert_eq!((overdue(&world).await, world.redrive(true, 10).await), (vec![], NOTHING), "after {redrives} redrives");
        pass_interval(&world, run, redrives).await;
        assert_eq!((overdue(&world).await, world.redrive(true, 10).await), (vec![reports()], requeued(1)), "after {redrives} redrives");
        mark(&world, run).await;
    }
    world.advance(REDRIVE_AFTER * (1 << MAX_REDRIVES) - SignedDuration::from_secs(5)).await;
    assert_eq!((overdue(&world).await, world.redrive(true, 10).await), (vec![], NOTHING));
}

pub async fn a_run_that_is_lost_once_more_ends_as_unclaimed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.queued_run().await;
    redriven(&world, id, MAX_REDRIVES).await;
    let queued = world.run(id).await;
    pass_interval(&world, id, MAX_REDRIVES).await;
    assert_eq!(overdue(&world).await, [reports()]);
    let before = world.now().await;
    assert_eq!(world.redrive(true, 10).await, Redriven { requeued: 0, unclaimed: 1 });
    let run = world.run(id).await;
    assert_between(before, run.finished_at.unwrap(), world.now().await);
    let error = run.error.clone().expect("it says why it ended");
    assert!(error.contains("never claimed"), "{error}");
    assert_eq!(run, Run { state: RunState::Unclaimed, finished_at: run.finished_at, error: Some(error), ..queued });
    assert_eq!((world.sweep(10).await, overdue(&world).await), (vec![], vec![]));
    assert_eq!(world.runs.claim(world.new_claim(id).await).await, Ok(ClaimAnswer::Refused(Some(RunState::Unclaimed))));
}

pub async fn a_claim_begins_to_count_anew(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.queued_run().await;
    redriven(&world, run, MAX_REDRIVES).await;
    // By the message of an earlier publishing, which was only late.
    let claimed = world.claim(run).await;
    assert_eq!(world.runs.release(run, claimed.epoch).await, Ok(true));
    mark(&world, run).await;
    redriven(&world, run, 1).await;
    let claimed = world.claim(run).await;
    world.lose(run).await;
    assert_eq!(world.run(run).await.attempt, claimed.run.attempt);
    mark(&world, run).await;
    redriven(&world, run, MAX_REDRIVES).await;
}

pub async fn only_what_is_queued_is_taken_back(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let mut runs = vec![world.pending_run().await, world.claimed_run().await.run.id];
    let delivered = world.manual_run_of(&world.handoff_workflow().await).await;
    mark(&world, delivered).await;
    let cancelled = world.queued_run().await;
    world.runs.cancel(cancelled).await.unwrap();
    let finished = world.claimed_run().await.run.id;
    world.runs.finish(finished, 1, Finish::of(RunState::Failed, None)).await.unwrap();
    runs.extend([delivered, cancelled, finished]);
    let mut before = Vec::new();
    for run in &runs {
        before.push(world.run(*run).await);
    }
    world.advance(SignedDuration::from_hours(1)).await;
    for nothing_ready in [true, false] {
        assert_eq!((overdue(&world).await, world.redrive(nothing_ready, 10).await), (vec![], NOTHING));
    }
    for run in before {
        assert_eq!(world.run(run.id).await, run);
    }
}

pub async fn nothing_is_taken_back_by_a_clock_that_is_not_believed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = overdue_run(&world).await;
    let believed = world.disbelieved().await;
    let redrive = Redrive { queue: reports(), nothing_ready: true, believed, limit: 10 };
    assert_eq!(world.schedules.redrive(redrive).await, Ok(NOTHING));
    assert_eq!(world.state(run).await, RunState::Queued);
    assert_eq!(world.redrive(true, 10).await, requeued(1));
}

pub async fn the_backlog_counts_what_is_pending_and_names_the_oldest(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    assert_eq!(world.schedules.backlog().await, Ok(Backlog::default()));
    world.claimed_run().await;
    world.queued_run().await;
    assert_eq!(world.schedules.backlog().await, Ok(Backlog::default()));
    let mut recorded = Vec::new();
    for _ in 0..3 {
        recorded.push(world.pending_run().await);
        world.advance(SECOND).await;
    }
    // What somebody is publishing waits as well.
    world.sweep(1).await;
    let oldest = Some(world.run(recorded[0]).await.created_at);
    assert_eq!(world.schedules.backlog().await, Ok(Backlog { pending: 3, oldest }));
    mark(&world, recorded[0]).await;
    let oldest = Some(world.run(recorded[1]).await.created_at);
    assert_eq!(world.schedules.backlog().await, Ok(Backlog { pending: 2, oldest }));
}
