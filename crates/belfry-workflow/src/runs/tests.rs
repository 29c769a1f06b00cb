use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Claim, ClaimAnswer, Conflict, Finish, RunStore};
use belfry_core::run::{NodeResult, NodeState};
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::fixture::{Fixture, invalid, now, said};

async fn started(fixture: &Fixture) -> RunResponse {
    let workflow = fixture.workflow().await;
    fixture.workflows.run(workflow.id, &json!({"input": {"a": 1}})).await.unwrap()
}

/// Claims the run and answers the claim's epoch.
async fn claimed(fixture: &Fixture, run_id: RunId) -> i64 {
    let claim = Claim { run_id, token: ClaimToken(uuid::Uuid::nil()), worker: "worker-1".to_owned() };
    match fixture.store.claim(claim).await.unwrap() {
        ClaimAnswer::Claimed(run) => run.epoch,
        refused => panic!("it was to be had: {refused:?}"),
    }
}

#[tokio::test]
async fn a_run_is_answered_whole_with_its_nodes() {
    let fixture = Fixture::new();
    let run = started(&fixture).await;
    fixture.clock.advance(SignedDuration::from_secs(1));
    let epoch = claimed(&fixture, run.id).await;
    let result = NodeResult {
        node_id: "say".to_owned(),
        state: NodeState::Succeeded,
        output: json!({"message": "hello"}),
        output_truncated: false,
        log: "hello\n".to_owned(),
        error: None,
        attempts: 1,
        started_at: now(),
        finished_at: Some(now()),
        wait_until: None,
    };
    assert!(fixture.store.record_node(run.id, epoch, result).await.unwrap());
    fixture.store.finish(run.id, epoch, Finish::of(RunState::Succeeded, None)).await.unwrap();
    let (began, later) = ("2026-11-25T09:00:00Z", "2026-11-25T09:00:01Z");
    let nodes = json!([{
        "id": "say", "state": "succeeded", "output": {"message": "hello"}, "output_truncated": false, "log": "hello\n",
        "error": null, "attempts": 1, "started_at": began, "finished_at": began, "wait_until": null
    }]);
    let expected = json!({
        "id": run.id, "workflow_id": run.workflow_id, "workflow_name": "plain", "workflow_version": 1, "schedule_id": null,
        "kind": "manual",
        "rerun_of": null, "reason": "manual", "nominal_time": null, "planned_at": began, "due_at": began, "lateness_ms": 0,
        "state": "succeeded", "queue": "default", "delivery": "tracked", "input": {"a": 1}, "attempt": 1,
        "claimed_by": "worker-1", "cancel_requested_at": null, "publish_error": null, "created_at": began, "queued_at": null,
        "started_at": later, "finished_at": later, "error": null, "progress": null, "output": null, "output_truncated": false,
        "log": "", "nodes": nodes
    });
    assert_eq!(serde_json::to_value(fixture.runs.get(run.id).await.unwrap()).unwrap(), expected);
}

#[tokio::test]
async fn a_cancel_is_final_asked_or_too_late() {
    let fixture = Fixture::new();
    let run = started(&fixture).await;
    let ended = fixture.runs.cancel(run.id).await.unwrap();
    assert_eq!(ended.state, RunState::Cancelled);
    let again = fixture.runs.cancel(run.id).await.unwrap_err();
    assert_eq!(again, ServiceError::Conflict(Conflict::RunEnded(RunState::Cancelled)));

    let running = fixture.workflows.run(run.workflow_id, &json!({})).await.unwrap();
    claimed(&fixture, running.id).await;
    assert_eq!(fixture.runs.cancel(running.id).await.unwrap().state, RunState::Running);
    assert_eq!(fixture.runs.get(running.id).await.unwrap().cancel_requested_at, Some(now()));
    assert_eq!(fixture.runs.cancel(RunId(uuid::Uuid::nil())).await.unwrap_err(), ServiceError::NotFound("run"));
}

#[tokio::test]
async fn lists_are_newest_first_paged_and_filtered() {
    let fixture = Fixture::new();
    let oldest = started(&fixture).await;
    let mut ids = vec![oldest.id];
    for _ in 0..2 {
        fixture.pass(1);
        ids.insert(0, fixture.workflows.run(oldest.workflow_id, &json!({})).await.unwrap().id);
    }
    fixture.runs.cancel(ids[2]).await.unwrap();
    let listed = |list: &ListResponse<RunResponse>| list.items.iter().map(|run| run.id).collect::<Vec<_>>();
    let first = fixture.runs.list(ListRuns { limit: Some(2), ..ListRuns::default() }).await.unwrap();
    assert_eq!((listed(&first), first.next_cursor.clone()), (ids[..2].to_vec(), Some(ids[1].to_string())));
    let rest = fixture.runs.list(ListRuns { cursor: first.next_cursor, ..ListRuns::default() }).await.unwrap();
    assert_eq!((listed(&rest), rest.next_cursor), (ids[2..].to_vec(), None));

    let cancelled = ListRuns { state: vec!["cancelled".to_owned(), "failed".to_owned()], ..ListRuns::default() };
    assert_eq!(listed(&fixture.runs.list(cancelled).await.unwrap()), [ids[2]]);
    let between = ListRuns {
        workflow_id: Some(oldest.workflow_id.to_string()),
        planned_from: Some("2026-11-25T10:01:00+01:00".to_owned()),
        planned_before: Some("2026-11-25T09:02:00Z".to_owned()),
        ..ListRuns::default()
    };
    assert_eq!(listed(&fixture.runs.list(between).await.unwrap()), [ids[1]]);
}

#[tokio::test]
async fn parameters_of_a_list_are_checked() {
    let fixture = Fixture::new();
    let query = ListRuns {
        schedule_id: Some("x".to_owned()),
        state: vec!["runing".to_owned()],
        planned_from: Some("today".to_owned()),
        limit: Some(201),
        ..ListRuns::default()
    };
    let violations = invalid(fixture.runs.list(query).await);
    let expected = [
        ("/schedule_id", "`x` cannot be read"),
        ("/state", "`runing` is no state of a run; perhaps `running`"),
        ("/planned_from", "`today` is no instant"),
        ("/limit", "201 is out of range"),
    ];
    assert_eq!(said(&violations), expected);
    assert!(violations.0[1].expected.starts_with("one of pending, queued, running"), "{}", violations.0[1].expected);
}
