//! What a worker outside Belfry says of its run as a whole: how far it is, and what it leaves when it ends it.

use belfry_core::ports::{Beat, Finish, FinishAnswer, RunFilter};
use belfry_core::run::{Run, RunResult, RunState};
use serde_json::{Value, json};

use super::Backend;
use super::world::{SECOND, World};

fn result() -> RunResult {
    RunResult { output: json!({"sent": 900, "to": ["ä\n\"", null]}), output_truncated: true, log: "one\ntwo\n".to_owned() }
}

fn said(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn listed(world: &World<'_>, run: &Run) -> Run {
    let filter = RunFilter { workflow_id: Some(run.workflow_id), limit: 10, ..RunFilter::default() };
    world.runs.runs(filter).await.unwrap().items.remove(0)
}

pub async fn a_heartbeat_says_how_far_the_run_is(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    for (says, stands) in [(None, None), (said("1 of 3"), said("1 of 3")), (None, said("1 of 3")), (said(""), said(""))] {
        assert!(matches!(world.runs.heartbeat(id, 1, says).await, Ok(Beat::Alive { .. })));
        let run = world.run(id).await;
        assert_eq!((&run.progress, &listed(&world, &run).await.progress), (&stands, &stands));
    }
}

pub async fn progress_of_another_claim_is_not_written(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let claimed = world.claimed_run().await;
    let (id, pending) = (claimed.run.id, world.pending_run().await);
    for (run, epoch) in [(id, 0), (id, 2), (pending, 0)] {
        assert_eq!(world.runs.heartbeat(run, epoch, said("late")).await, Ok(Beat::Stale));
    }
    assert_eq!((world.run(id).await, world.run(pending).await.progress), (claimed.run, None));
}

pub async fn progress_stays_until_another_claim_begins(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.heartbeat(id, 1, said("1 of 3")).await.unwrap();
    world.lose(id).await;
    assert_eq!(world.run(id).await.progress, said("1 of 3"));
    let again = world.claim(id).await;
    assert_eq!(again.run.progress, None);
    world.runs.heartbeat(id, again.epoch, said("2 of 3")).await.unwrap();
    world.runs.finish(id, again.epoch, Finish::of(RunState::Failed, None)).await.unwrap();
    assert_eq!(world.run(id).await.progress, said("2 of 3"));
}

pub async fn a_run_ends_with_its_result(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for state in [RunState::Succeeded, RunState::Failed, RunState::Cancelled] {
        let claimed = world.claimed_run().await;
        let end = Finish { result: result(), ..Finish::of(state, None) };
        assert_eq!(world.runs.finish(claimed.run.id, 1, end).await, Ok(FinishAnswer::Recorded(state)));
        let run = world.run(claimed.run.id).await;
        let expected = Run { state, claim_until: None, finished_at: run.finished_at, result: result(), ..claimed.run };
        assert_eq!(run, expected);
    }
}

pub async fn what_is_not_said_is_left_empty(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for left in [
        RunResult::default(),
        RunResult { output: json!(false), ..RunResult::default() },
        RunResult { output: json!("null"), ..RunResult::default() },
        RunResult { log: "x".to_owned(), ..RunResult::default() },
    ] {
        let id = world.claimed_run().await.run.id;
        world.runs.finish(id, 1, Finish { result: left.clone(), ..Finish::of(RunState::Succeeded, None) }).await.unwrap();
        assert_eq!(world.run(id).await.result, left);
    }
}

pub async fn runs_are_listed_without_their_results(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    world.runs.finish(id, 1, Finish { result: result(), ..Finish::of(RunState::Succeeded, None) }).await.unwrap();
    let run = world.run(id).await;
    assert_eq!(listed(&world, &run).await, Run { result: RunResult::default(), ..run });
}

pub async fn the_first_result_stands(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    let first = Finish { result: result(), ..Finish::of(RunState::Failed, said("why")) };
    world.runs.finish(id, 1, first).await.unwrap();
    let ended = world.run(id).await;
    world.advance(SECOND).await;
    let other = RunResult { output: Value::from("other"), output_truncated: false, log: "other".to_owned() };
    let again = Finish { result: other, ..Finish::of(RunState::Succeeded, None) };
    assert_eq!(world.runs.finish(id, 1, again).await, Ok(FinishAnswer::Recorded(RunState::Failed)));
    assert_eq!(world.run(id).await, ended);
}

pub async fn the_result_of_another_claim_is_not_written(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let id = world.claimed_run().await.run.id;
    let late = Finish { result: result(), ..Finish::of(RunState::Succeeded, None) };
    assert_eq!(world.runs.finish(id, 2, late.clone()).await, Ok(FinishAnswer::Stale));
    world.lose(id).await;
    world.claim(id).await;
    assert_eq!(world.runs.finish(id, 1, late).await, Ok(FinishAnswer::Stale));
    let run = world.run(id).await;
    assert_eq!((run.state, run.result), (RunState::Running, RunResult::default()));
}
