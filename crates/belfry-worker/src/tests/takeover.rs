use belfry_core::run::NodeState;

use super::*;
use crate::fake::node_result;

fn settled(id: &str, state: NodeState, output: Value) -> NodeResult {
    NodeResult { state, output, ..node_result(id) }
}

async fn taken_over(nodes: Vec<NodeResult>, definition: Value) -> (Bench, Run) {
    let bench = Bench::new();
    let mut run = queued_run(1, Value::Null);
    run.nodes = nodes;
    let id = bench.queued_as(run, definition);
    let worker = bench.start();
    let run = bench.store.ended(id).await;
    worker.stop().await;
    (bench, run)
}

#[tokio::test(start_paused = true)]
async fn what_has_settled_is_not_run_again_and_its_output_is_seen() {
    let choose = json!({"id": "choose", "type": "condition", "parameters": {"expression": "true"}});
    let say = json!({"id": "say", "type": "log", "parameters": {"message": "{{ nodes.choose.output.result }}"}});
    let earlier = vec![settled("choose", NodeState::Succeeded, json!({"result": false})), settled("no", NodeState::Skipped, Value::Null)];
    let edges = json!([edge_when("choose", "no", "true"), edge_when("choose", "say", "false")]);
    let (bench, run) = taken_over(earlier, json!({"nodes": [choose, log("no"), say], "edges": edges})).await;
    assert_eq!(bench.store.calls(), ["claim", "record say running", "record say succeeded", "finish succeeded"]);
    assert_eq!(node(&run, "say").output, json!({"message": "false"}));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_was_recorded_still_fails_the_run() {
    let mut bad = settled("bad", NodeState::Failed, Value::Null);
    bad.error = Some("no route".to_owned());
    let (bench, run) = taken_over(vec![bad], json!({"nodes": [log("bad"), log("other")]})).await;
    assert_eq!(run.error.as_deref(), Some("node `bad` failed: no route"));
    assert_eq!(bench.store.calls(), ["claim", "finish failed"]);
}

#[tokio::test(start_paused = true)]
async fn attempts_count_on_and_one_lost_half_way_does_not_take_away_the_next() {
    let bad = slow("bad", json!({"attempts": 3, "backoff": "PT1S"}));
    for (lost_in, attempts) in [(1, 3), (2, 3), (3, 4)] {
        let earlier = NodeResult { attempts: lost_in, ..node_result("bad") };
        let (_, run) = taken_over(vec![earlier], json!({"nodes": [bad]})).await;
        assert_eq!(node(&run, "bad").attempts, attempts, "lost in attempt {lost_in}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_attempts_is_kept_also_after_a_takeover() {
    let mut ok = log("a");
    ok["retry"] = json!({"attempts": 3, "backoff": "PT10S"});
    let earlier = NodeResult { attempts: 2, error: Some("no".to_owned()), ..settled("a", NodeState::Waiting, Value::Null) };
    let (bench, run) = taken_over(vec![earlier], json!({"nodes": [ok]})).await;
    assert_eq!((run.state, node(&run, "a").attempts, node(&run, "a").error.as_deref()), (RunState::Succeeded, 3, None));
    assert_eq!(bench.clock.since_start().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_wait_goes_on_until_its_stored_end_when_its_worker_dies() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1H")]}));
    let first = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    bench.pass(SignedDuration::from_mins(20)).await;
    first.kill().await;
    bench.pass(SignedDuration::from_mins(2)).await;
    bench.store.reap(id);
    bench.queue.ring(id);
    let second = bench.start();
    let run = bench.store.ended(id).await;
    assert_eq!((run.state, node(&run, "w").attempts), (RunState::Succeeded, 1));
    assert_eq!(bench.clock.store_now().to_string(), "2026-11-25T10:00:00Z");
    second.stop().await;
}
