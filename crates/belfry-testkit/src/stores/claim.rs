//! The worker's verbs: claim, heartbeat, node results, finish, release.

use belfry_core::ids::RunId;
use belfry_core::ports::{Beat, ClaimAnswer, ClaimedRun, Finish, FinishAnswer, GiveBack, Mark, ScheduleEdit, WorkflowWrite};
use belfry_core::run::{NodeResult, NodeState, Run, RunState};
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use serde_json::json;

use super::Backend;
use super::world::{SECOND, World, assert_between, definition, due, edit_of, every, write_of};

const CLAIM: SignedDuration = SignedDuration::from_secs(60);

fn finish(state: RunState) -> Finish {
    Finish::of(state, None)
}

#[track_caller]
fn assert_claim_ends(earlier: UnixMillis, until: UnixMillis, later: UnixMillis) {
    assert_between(earlier.plus(CLAIM), until, later.plus(CLAIM));
}

pub async fn a_claim_answers_all_that_a_worker_needs(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.queued_run().await;
    let queued = world.run(id).await;
    let before = world.now().await;
    let claimed = world.claim(id).await;
    let after = world.now().await;
    assert_claim_ends(before, claimed.claim_until, after);
    assert_between(before, claimed.run.started_at.unwrap(), after);
    let run = Run {
        state: RunState::Running,
        attempt: 1,
        claim_epoch: 1,
        claimed_by: Some("worker-1".to_owned()),
        claim_until: Some(claimed.claim_until),
        started_at: claimed.run.started_at,
        ..queued
    };
    let expected = ClaimedRun {
        run: run.clone(),
        definition: definition(1),
        previous_nominal_time: None,
        next_nominal_time: None,
        epoch: 1,
        claim_until: claimed.claim_until,
    };
    assert_eq!((claimed, world.run(id).await), (expected, run));
}

pub async fn a_pending_run_can_be_claimed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.pending_run().await;
    world.claim(id).await;
    let run = world.run(id).await;
    assert_eq!((run.state, run.queued_at), (RunState::Running, None));
    assert_eq!(world.schedules.mark(&[Mark { run_id: id, publish_seq: 1 }]).await, Ok(0));
    assert_eq!(world.sweep(10).await, []);
}

pub async fn a_claim_shows_the_occurrences_around(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let first = due(&schedule);
    let run = world.fire_due(&schedule).await[0];
    // The spec of today is not that of the run.
    let edit = ScheduleEdit { content: Some(every(3, world.now().await)), ..edit_of(&schedule) };
    world.workflows.edit_schedule(edit).await.unwrap();
    let claimed = world.claim(run).await;
    let around = (claimed.previous_nominal_time, claimed.run.nominal_time, claimed.next_nominal_time);
    let ten = SignedDuration::from_secs(10);
    // The interval is anchored ten seconds before the first occurrence that this schedule had.
    assert_eq!(around, (Some(first.minus(ten)), Some(first), Some(first.plus(ten))));
}

pub async fn a_claim_has_the_definition_of_its_version(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let old = world.manual_run_of(&workflow).await;
    let write = WorkflowWrite { definition: definition(2), ..write_of(&workflow) };
    let workflow = world.workflows.update_workflow(write).await.unwrap();
    let new = world.manual_run_of(&workflow).await;
    let (old, new) = (world.claim(old).await, world.claim(new).await);
    assert_eq!((old.run.workflow_version, old.definition), (1, definition(1)));
    assert_eq!((new.run.workflow_version, new.definition), (2, definition(2)));
}

pub async fn claim_is_exclusive_between_two_workers(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.queued_run().await;
    let (one, other) = (world.new_claim(run).await, world.new_claim(run).await);
    let (one, other) = tokio::join!(world.runs.claim(one), world.runs.claim(other));
    let (winner, loser) = match (one.unwrap(), other.unwrap()) {
        (winner @ ClaimAnswer::Claimed(_), loser) | (loser, winner) => (winner, loser),
    };
    assert!(matches!(winner, ClaimAnswer::Claimed(_)), "nobody has it");
    assert_eq!(loser, ClaimAnswer::Refused(Some(RunState::Running)));
    assert_eq!(world.run(run).await.attempt, 1);
}

pub async fn the_same_token_gets_the_same_answer(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claim = world.new_claim(world.queued_run().await).await;
    let first = world.runs.claim(claim.clone()).await.unwrap();
    assert!(matches!(first, ClaimAnswer::Claimed(_)));
    world.advance(SECOND).await;
    assert_eq!(world.runs.claim(claim).await, Ok(first));
}

pub async fn a_token_of_an_earlier_claim_is_refused(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.queued_run().await;
    let claim = world.new_claim(run).await;
    assert!(matches!(world.runs.claim(claim.clone()).await, Ok(ClaimAnswer::Claimed(_))));
    world.lose(run).await;
    let second = world.claim(run).await;
    assert_eq!(world.runs.claim(claim.clone()).await, Ok(ClaimAnswer::Refused(Some(RunState::Running))));
    world.runs.finish(run, second.epoch, finish(RunState::Succeeded)).await.unwrap();
    assert_eq!(world.runs.claim(claim).await, Ok(ClaimAnswer::Refused(Some(RunState::Succeeded))));
}

pub async fn what_is_not_to_be_had_is_refused(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let running = world.claimed_run().await.run.id;
    let ended = world.claimed_run().await;
    world.runs.finish(ended.run.id, ended.epoch, finish(RunState::Failed)).await.unwrap();
    let cancelled = world.queued_run().await;
    world.runs.cancel(cancelled).await.unwrap();
    let unknown = world.run_id().await;
    for (run, state) in [
        (running, Some(RunState::Running)),
        (ended.run.id, Some(RunState::Failed)),
        (cancelled, Some(RunState::Cancelled)),
        (unknown, None),
    ] {
        assert_eq!(world.runs.claim(world.new_claim(run).await).await, Ok(ClaimAnswer::Refused(state)));
    }
}

pub async fn a_handoff_is_never_claimed(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let run = world.manual_run_of(&world.handoff_workflow().await).await;
    assert_eq!(world.runs.claim(world.new_claim(run).await).await, Ok(ClaimAnswer::Handoff));
    world.schedules.mark(&[Mark { run_id: run, publish_seq: 1 }]).await.unwrap();
    assert_eq!(world.runs.claim(world.new_claim(run).await).await, Ok(ClaimAnswer::Handoff));
    assert_eq!(world.state(run).await, RunState::Delivered);
    let cancelled = world.manual_run_of(&world.handoff_workflow().await).await;
    world.runs.cancel(cancelled).await.unwrap();
    assert_eq!(world.runs.claim(world.new_claim(cancelled).await).await, Ok(ClaimAnswer::Handoff));
}

pub async fn a_claim_is_proof_of_publishing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.pending_run().await;
    let back = GiveBack { run_id: id, publish_seq: 1, retry_in: SECOND, error: "confirm lost".to_owned() };
    world.schedules.give_back(&[back]).await.unwrap();
    let claimed = world.claim(id).await;
    assert_eq!((claimed.run.publish_error, world.run(id).await.publish_error), (None, None));
    world.runs.release(id, claimed.epoch).await.unwrap();
    assert_eq!(world.sweep(10).await[0].publish_failures, 0);
}

pub async fn a_heartbeat_moves_the_claim(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    world.advance(SECOND).await;
    let before = world.now().await;
    let Beat::Alive { claim_until, cancel_requested: false } = world.runs.heartbeat(claimed.run.id, 1, None).await.unwrap() else {
        panic!("the claim stands, and no cancel was asked")
    };
    assert_claim_ends(before, claim_until, world.now().await);
    assert_eq!(world.run(claimed.run.id).await, Run { claim_until: Some(claim_until), ..claimed.run });
}

pub async fn a_heartbeat_of_another_claim_is_stale(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let (id, pending) = (claimed.run.id, world.pending_run().await);
    for (run, epoch) in [(id, 0), (id, 2), (pending, 0), (world.run_id().await, 1)] {
        assert_eq!(world.runs.heartbeat(run, epoch, None).await, Ok(Beat::Stale));
    }
    assert_eq!(world.run(id).await, claimed.run);
    world.runs.finish(id, 1, finish(RunState::Succeeded)).await.unwrap();
    assert_eq!(world.runs.heartbeat(id, 1, None).await, Ok(Beat::Stale));
}

pub async fn a_late_heartbeat_keeps_what_nobody_took(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    world.reach(claimed.claim_until.plus(SECOND)).await;
    let beat = world.runs.heartbeat(claimed.run.id, 1, None).await.unwrap();
    assert!(matches!(beat, Beat::Alive { .. }), "{beat:?}");
    assert_eq!(world.reap(10).await.unwrap().requeued, 0);
}

pub async fn a_node_is_written_again_in_its_place(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    let (second, first) = (world.node("b").await, world.node("a").await);
    for node in [&second, &first] {
        assert_eq!(world.runs.record_node(id, 1, node.clone()).await, Ok(true));
    }
    let ended = NodeResult {
        state: NodeState::Failed,
        output: json!({"status": 500, "headers": {"x": ["y"]}}),
        output_truncated: true,
        log: "one\ntwo".to_owned(),
        error: Some("it answered 500".to_owned()),
        attempts: 3,
        finished_at: Some(world.now().await),
        wait_until: Some(world.now().await),
        ..second
    };
    assert_eq!(world.runs.record_node(id, 1, ended.clone()).await, Ok(true));
    assert_eq!(world.run(id).await.nodes, [ended.clone(), first.clone()]);
    world.lose(id).await;
    assert_eq!(world.claim(id).await.run.nodes, [ended, first]);
}

pub async fn a_node_that_has_settled_stays_as_it_is(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    let begun = world.node("a").await;
    for state in [NodeState::Succeeded, NodeState::Failed, NodeState::Skipped] {
        let settled = NodeResult { node_id: state.to_string(), state, finished_at: Some(world.now().await), ..begun.clone() };
        assert_eq!(world.runs.record_node(id, 1, settled.clone()).await, Ok(true));
        let late = NodeResult { node_id: state.to_string(), log: "late".to_owned(), ..begun.clone() };
        assert_eq!(world.runs.record_node(id, 1, late).await, Ok(true));
        assert_eq!(world.run(id).await.nodes.last(), Some(&settled));
    }
}

pub async fn a_node_of_another_claim_is_not_written(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    let node = world.node("a").await;
    for (run, epoch) in [(id, 0), (id, 2), (world.pending_run().await, 0), (world.run_id().await, 1)] {
        assert_eq!(world.runs.record_node(run, epoch, node.clone()).await, Ok(false));
    }
    world.runs.finish(id, 1, finish(RunState::Succeeded)).await.unwrap();
    assert_eq!(world.runs.record_node(id, 1, node).await, Ok(false));
    assert_eq!(world.run(id).await.nodes, []);
}

pub async fn finishing_ends_the_run(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for state in [RunState::Succeeded, RunState::Failed, RunState::Cancelled] {
        let claimed = world.claimed_run().await;
        let id = claimed.run.id;
        let before = world.now().await;
        let end = Finish::of(state, Some("why".to_owned()));
        assert_eq!(world.runs.finish(id, 1, end).await, Ok(FinishAnswer::Recorded(state)));
        let run = world.run(id).await;
        assert_between(before, run.finished_at.unwrap(), world.now().await);
        let error = Some("why".to_owned());
        assert_eq!(run, Run { state, error, claim_until: None, finished_at: run.finished_at, ..claimed.run });
    }
}

pub async fn finishing_again_answers_what_stands(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.finish(id, 1, finish(RunState::Succeeded)).await.unwrap();
    let ended = world.run(id).await;
    world.advance(SECOND).await;
    for state in [RunState::Succeeded, RunState::Failed] {
        assert_eq!(world.runs.finish(id, 1, finish(state)).await, Ok(FinishAnswer::Recorded(RunState::Succeeded)));
    }
    assert_eq!(world.run(id).await, ended);
}

pub async fn finishing_another_claim_is_stale(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let id = claimed.run.id;
    let unknown: RunId = world.run_id().await;
    for (run, epoch) in [(id, 0), (id, 2), (world.pending_run().await, 0), (unknown, 1)] {
        assert_eq!(world.runs.finish(run, epoch, finish(RunState::Succeeded)).await, Ok(FinishAnswer::Stale));
    }
    assert_eq!(world.run(id).await, claimed.run);
    world.lose(id).await;
    assert_eq!(world.runs.finish(id, 1, finish(RunState::Succeeded)).await, Ok(FinishAnswer::Stale));
    world.claim(id).await;
    assert_eq!(world.runs.finish(id, 1, finish(RunState::Succeeded)).await, Ok(FinishAnswer::Stale));
    assert_eq!(world.state(id).await, RunState::Running);
}

pub async fn a_released_run_is_pending_again(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let id = claimed.run.id;
    assert_eq!(world.runs.release(id, 1).await, Ok(true));
    let released =
        Run { state: RunState::Pending, attempt: 0, claim_epoch: 2, claimed_by: None, claim_until: None, publish_seq: 2, ..claimed.run };
    assert_eq!(world.run(id).await, released);
    let swept = world.sweep(10).await;
    assert_eq!(swept.iter().map(|run| (run.id, run.publish_seq, run.attempt)).collect::<Vec<_>>(), [(id, 3, 1)]);
    let again = world.claim(id).await;
    assert_eq!((again.epoch, again.run.attempt, again.run.started_at), (3, 1, released.started_at));
}

pub async fn a_release_of_another_claim_does_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let id = claimed.run.id;
    for (run, epoch) in [(id, 0), (id, 2), (world.pending_run().await, 0), (world.run_id().await, 1)] {
        assert_eq!(world.runs.release(run, epoch).await, Ok(false));
    }
    assert_eq!(world.run(id).await, claimed.run);
    world.runs.release(id, 1).await.unwrap();
    assert_eq!(world.runs.release(id, 1).await, Ok(false));
}

pub async fn a_released_run_with_a_cancel_asked_ends(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.cancel(id).await.unwrap();
    assert_eq!(world.runs.release(id, 1).await, Ok(true));
    let run = world.run(id).await;
    assert_eq!((run.state, run.finished_at.is_some(), run.claim_until), (RunState::Cancelled, true, None));
    assert_eq!(world.sweep(10).await, []);
}
