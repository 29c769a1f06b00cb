//! Firing: the one compare-and-set that records a run.

use belfry_core::ids::RunId;
use belfry_core::ports::{Fire, FireBatch, FireCode, FireResult, NewRun, ScheduleEdit, StoreError};
use belfry_core::run::{Run, RunKind, RunReason, RunResult, RunState};
use belfry_core::schedule::{Cursor, Outcome, OutcomeReason, ScheduleContent, ScheduledWorkflow};
use jiff::SignedDuration;
use serde_json::json;

use super::Backend;
use super::world::{SECOND, World, due, edit_of, every, told};

fn missed(code: FireCode, id: belfry_core::ids::ScheduleId) -> FireResult {
    FireResult { id, code, runs: vec![], conflicts: 0 }
}

pub async fn a_due_fire_records_its_run_and_moves_the_cursor(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let workflow = world.workflow().await;
    let content = ScheduleContent { input: json!({"a": [1, null]}), ..world.every_ten_seconds().await };
    let schedule = world.schedule_of(&workflow, content).await;
    let nominal = due(&schedule);
    world.reach(nominal).await;
    let answer = world.fire(Some(world.publisher().await), vec![world.decided(&schedule).await]).await;
    let id = RunId::scheduled(schedule.id, nominal);
    assert_eq!(answer.results, [FireResult { id: schedule.id, code: FireCode::Moved, runs: vec![id], conflicts: 0 }]);
    let run = Run {
        id,
        workflow_id: workflow.id,
        workflow_name: workflow.name.clone(),
        workflow_version: 1,
        schedule_id: Some(schedule.id),
        kind: RunKind::Scheduled,
        rerun_of: None,
        reason: RunReason::Due,
        nominal_time: Some(nominal),
        planned_at: nominal,
        due_at: nominal,
        state: RunState::Pending,
        queue: workflow.queue.clone(),
        delivery: workflow.delivery,
        input: json!({"a": [1, null]}),
        attempt: 0,
        claim_epoch: 0,
        claimed_by: None,
        claim_until: None,
        cancel_requested_at: None,
        publish_seq: 1,
        publish_error: None,
        created_at: answer.store_now,
        queued_at: None,
        started_at: None,
        finished_at: None,
        error: None,
        progress: None,
        result: RunResult::default(),
        nodes: vec![],
    };
    assert_eq!(world.run(id).await, run);
    let moved = ScheduledWorkflow {
        cursor: Cursor::at(Some(nominal.plus(SignedDuration::from_secs(10)))),
        run_count: 1,
        last_run_at: Some(answer.store_now),
        ..schedule.clone()
    };
    assert_eq!(world.read(&schedule).await, moved);
}

pub async fn a_fire_carries_many_runs_and_outcomes(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.schedule().await;
    let first = due(&schedule);
    let nominal = |place: i64| first.plus(SignedDuration::from_secs(10 * place));
    world.reach(nominal(5)).await;
    let run =
        |place, reason| NewRun { id: RunId::scheduled(schedule.id, nominal(place)), nominal: nominal(place), due: nominal(place), reason };
    let fire = Fire {
        runs: vec![run(2, RunReason::Due), run(5, RunReason::CatchUp)],
        outcomes: vec![
            Outcome { from: nominal(0), to: nominal(1), reason: OutcomeReason::Missed },
            Outcome { from: nominal(3), to: nominal(4), reason: OutcomeReason::Missed },
        ],
        next: Cursor::at(None),
        ..world.decided(&schedule).await
    };
    let result = world.fire(None, vec![fire]).await.results.remove(0);
    assert_eq!(result.runs.len(), 2);
    let runs: Vec<_> = world.runs_of(&schedule).await.iter().map(|run| (run.planned_at, run.reason)).collect();
    assert_eq!(runs, [(nominal(5), RunReason::CatchUp), (nominal(2), RunReason::Due)]);
    let outcomes = world.outcomes(&schedule).await;
    assert_eq!(told(&outcomes), [(nominal(3), nominal(4), "missed", 1), (nominal(0), nominal(1), "missed", 1)]);
    let after = world.read(&schedule).await;
    assert_eq!((after.cursor, after.run_count), (Cursor::default(), 2));
}

pub async fn a_repeated_batch_is_gone(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let fire = world.decided(&schedule).await;
    assert_eq!(world.fire(None, vec![fire.clone()]).await.results[0].code, FireCode::Moved);
    let after = world.read(&schedule).await;
    assert_eq!(world.fire(None, vec![fire]).await.results, [missed(FireCode::Gone, schedule.id)]);
    assert_eq!(world.read(&schedule).await, after);
    assert_eq!(world.runs_of(&schedule).await.len(), 1);
}

pub async fn a_fire_is_gone_when_its_schedule_stands_elsewhere(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let fire = world.decided(&schedule).await;
    for other in [
        Fire { revision: fire.revision + 1, ..fire.clone() },
        Fire { revision: fire.revision - 1, ..fire.clone() },
        Fire { nominal: fire.nominal.minus(SECOND), ..fire.clone() },
        Fire { nominal: fire.nominal.plus(SECOND), ..fire.clone() },
        Fire { id: world.schedule_id().await, ..fire.clone() },
    ] {
        let id = other.id;
        assert_eq!(world.fire(None, vec![other]).await.results, [missed(FireCode::Gone, id)]);
    }
    assert_eq!(world.read(&schedule).await, schedule);
    assert_eq!(world.fire(None, vec![fire]).await.results[0].code, FireCode::Moved);
}

pub async fn a_fire_is_gone_when_its_schedule_cannot_fire(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (paused, deleted, failed) = (world.schedule().await, world.schedule().await, world.schedule().await);
    world.reach(due(&failed)).await;
    let fires = [world.decided(&paused).await, world.decided(&deleted).await, world.decided(&failed).await];
    let paused = world.set_active(&paused, false).await;
    world.workflows.delete_schedule(deleted.id, None).await.unwrap();
    let left = Cursor { nominal: Some(fires[2].nominal), due: None };
    let failure = Fire { next: left, runs: vec![], failure: Some("no".to_owned()), ..fires[2].clone() };
    world.fire(None, vec![failure]).await;
    // As they stand now, but that they are not to be fired.
    let now_paused = Fire { revision: 2, nominal: paused.cursor.nominal.unwrap(), ..fires[0].clone() };
    world.reach(now_paused.nominal).await;
    let now_paused = Fire { decided_at: world.now().await, ..now_paused };
    let now_deleted = Fire { revision: 2, ..fires[1].clone() };
    for fire in [now_paused, fires[1].clone(), now_deleted, fires[2].clone()] {
        let id = fire.id;
        assert_eq!(world.fire(None, vec![fire]).await.results, [missed(FireCode::Gone, id)]);
    }
    for schedule in [paused, deleted, failed] {
        assert_eq!(world.runs_of(&schedule).await, []);
    }
}

pub async fn a_fire_ahead_of_the_stores_clock_is_early(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let due_now = world.due_schedule().await;
    let fire = world.decided(&due_now).await;
    let ahead = Fire { decided_at: fire.decided_at.plus(SignedDuration::from_hours(1)), ..fire.clone() };
    assert_eq!(world.fire(None, vec![ahead]).await.results, [missed(FireCode::Early, due_now.id)]);
    // Decided before it was due, though it is due by now.
    let before = Fire { decided_at: fire.nominal.minus(SignedDuration::from_millis(1)), ..fire.clone() };
    assert_eq!(world.fire(None, vec![before]).await.results, [missed(FireCode::Early, due_now.id)]);
    assert_eq!(world.read(&due_now).await, due_now);
    let at_its_instant = Fire { decided_at: fire.nominal, ..fire };
    assert_eq!(world.fire(None, vec![at_its_instant]).await.results[0].code, FireCode::Moved);
}

pub async fn a_batch_answers_each_fire_in_order(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (first, second, third, fourth) = (world.schedule().await, world.schedule().await, world.schedule().await, world.schedule().await);
    world.reach(due(&fourth)).await;
    let mut fires = Vec::new();
    for schedule in [&fourth, &second, &third, &first] {
        fires.push(world.decided(schedule).await);
    }
    fires[1].revision = 7;
    fires[2].decided_at = fires[2].decided_at.plus(SignedDuration::from_hours(1));
    let results = world.fire(None, fires).await.results;
    let codes: Vec<_> = results.iter().map(|result| (result.id, result.code)).collect();
    let expected = [(fourth.id, FireCode::Moved), (second.id, FireCode::Gone), (third.id, FireCode::Early), (first.id, FireCode::Moved)];
    assert_eq!(codes, expected);
    let run = |schedule: &ScheduledWorkflow| vec![RunId::scheduled(schedule.id, due(schedule))];
    assert_eq!((&results[0].runs, &results[3].runs), (&run(&fourth), &run(&first)));
}

pub async fn a_refused_fire_leaves_nothing_of_its_batch(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (good, bad) = (world.schedule().await, world.schedule().await);
    world.reach(due(&bad)).await;
    let mut refused = world.decided(&bad).await;
    refused.outcomes = vec![Outcome { from: refused.nominal, to: refused.nominal.minus(SECOND), reason: OutcomeReason::Missed }];
    let fires = vec![world.decided(&good).await, refused];
    let answer = world.schedules.fire(FireBatch { publisher: None, fires: fires.clone() }).await;
    assert!(matches!(answer, Err(StoreError::Data(_))), "{answer:?}");
    for schedule in [&good, &bad] {
        assert_eq!(&world.read(schedule).await, schedule);
        assert_eq!((world.runs_of(schedule).await, world.outcomes(schedule).await), (vec![], vec![]));
    }
    assert_eq!(world.fire(None, fires[..1].to_vec()).await.results[0].code, FireCode::Moved);
    // What would not be written is not refused either.
    let gone = vec![Fire { revision: 2, ..fires[1].clone() }];
    assert_eq!(world.fire(None, gone).await.results, [missed(FireCode::Gone, bad.id)]);
}

pub async fn a_run_whose_row_stands_is_counted_and_not_inserted(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let (schedule, stands) = world.scheduled_run().await;
    let before = world.run(stands).await;
    let moved = world.read(&schedule).await;
    world.reach(due(&moved)).await;
    let mut fire = world.decided(&moved).await;
    let new = fire.runs[0].id;
    fire.runs.insert(0, NewRun { id: stands, nominal: before.planned_at, due: before.due_at, reason: RunReason::CatchUp });
    let result = world.fire(None, vec![fire]).await.results.remove(0);
    assert_eq!(result, FireResult { id: schedule.id, code: FireCode::Moved, runs: vec![new], conflicts: 1 });
    assert_eq!(world.run(stands).await, before);
    assert_eq!(world.read(&schedule).await.run_count, 2);
}

pub async fn a_failed_decision_is_shown_and_leaves_the_due_index(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let fire = world.decided(&schedule).await;
    let range = Outcome { from: fire.nominal, to: fire.decided_at, reason: OutcomeReason::FailedToDecide };
    let next = Cursor::failed(fire.decided_at);
    let failure = Fire { next, runs: vec![], outcomes: vec![range], failure: Some("no such zone".to_owned()), ..fire.clone() };
    assert_eq!(world.fire(None, vec![failure]).await.results[0].code, FireCode::Moved);
    let failed = ScheduledWorkflow { cursor: next, failure_count: 1, last_error: Some("no such zone".to_owned()), ..schedule.clone() };
    assert_eq!(world.read(&schedule).await, failed);
    assert_eq!(told(&world.outcomes(&schedule).await), [(fire.nominal, fire.decided_at, "failed_to_decide", 1)]);
    // The others go on, and so does this one once its author puts it right.
    let edit = ScheduleEdit { content: Some(every(5, world.now().await)), ..edit_of(&schedule) };
    let edited = world.workflows.edit_schedule(edit).await.unwrap();
    assert_eq!((edited.failure_count, edited.last_error), (0, None));
}

pub async fn of_two_daemons_one_fires(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let schedule = world.due_schedule().await;
    let fire = world.decided(&schedule).await;
    let batch = || FireBatch { publisher: None, fires: vec![fire.clone()] };
    let (one, other) = tokio::join!(world.schedules.fire(batch()), world.schedules.fire(batch()));
    let mut codes = [one.unwrap().results[0].code, other.unwrap().results[0].code];
    codes.sort_by_key(|code| *code != FireCode::Moved);
    assert_eq!(codes[0], FireCode::Moved);
    assert!(matches!(codes[1], FireCode::Gone | FireCode::Locked), "{codes:?}");
    assert_eq!(world.read(&schedule).await.run_count, 1);
}
