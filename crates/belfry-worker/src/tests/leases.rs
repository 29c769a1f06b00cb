use super::*;
use crate::fake::Fault;

/// Far more than a test lets happen.
const FOR_EVER: usize = 100;

#[tokio::test(start_paused = true)]
async fn the_claim_is_renewed_every_fifteen_seconds() {
    let bench = Bench::new();
    bench.run(json!({"nodes": [wait("w", "PT61S")]})).await;
    assert_eq!(bench.store.calls().iter().filter(|call| *call == "heartbeat").count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_fails_is_tried_again_and_the_work_goes_on() {
    let bench = Bench::new();
    bench.store.fail("heartbeat", [Fault::Unavailable, Fault::AnswerLost, Fault::Silent]);
    assert_eq!(bench.run(json!({"nodes": [wait("w", "PT2M")]})).await.state, RunState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn work_is_killed_when_the_last_successful_heartbeat_was_sent_45_seconds_ago() {
    let bench = Bench::new();
    // Heartbeats at 15 and 30 arrive, then the store is gone: dead from 75 on.
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT76S"), wait("v", "PT74S")]}));
    let worker = bench.start();
    bench.pass(seconds(31)).await;
    bench.store.fail("heartbeat", vec![Fault::Unavailable; FOR_EVER]);
    bench.pass(seconds(200)).await;
    assert_eq!(states(&bench.store.row(id)), ["w waiting", "v succeeded"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_45_seconds_begin_when_a_heartbeat_is_sent_and_not_when_it_is_answered() {
    let bench = Bench::new();
    // The heartbeat of 15 s is answered at 25 s and is the last: dead from 60 on.
    bench.store.fail("heartbeat", [Fault::Late]);
    bench.store.fail("heartbeat", vec![Fault::Unavailable; FOR_EVER]);
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT61S"), wait("v", "PT59S")]}));
    let worker = bench.start();
    bench.pass(seconds(200)).await;
    assert_eq!(states(&bench.store.row(id)), ["w waiting", "v succeeded"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn before_the_first_heartbeat_the_45_seconds_begin_when_the_token_was_first_sent() {
    let bench = Bench::new();
    // The first sending is answered by nobody for 5 s, the second at once: dead from 45 on, not from 50.
    bench.store.fail("claim", [Fault::Silent]);
    bench.store.fail("heartbeat", vec![Fault::Unavailable; FOR_EVER]);
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT41S"), wait("v", "PT39S")]}));
    let worker = bench.start();
    bench.pass(seconds(200)).await;
    assert_eq!(states(&bench.store.row(id)), ["w waiting", "v succeeded"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_suspended_past_its_claim_does_nothing_more_for_the_run() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT5S"), log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    let before = bench.store.calls();
    bench.clock.suspend(seconds(46));
    bench.pass(seconds(100)).await;
    assert_eq!(bench.store.calls(), before);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_suspend_that_the_claim_outlives_changes_nothing() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT20S")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    bench.clock.suspend(seconds(40));
    assert_eq!(bench.store.ended(id).await.state, RunState::Succeeded);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_claim_drops_everything() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1M"), log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    bench.store.reap(id);
    bench.pass(seconds(200)).await;
    assert_eq!(bench.store.calls(), ["claim", "record w waiting", "heartbeat"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_stale_drops_everything_too() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT10S"), log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    bench.store.reap(id);
    bench.pass(seconds(14)).await;
    assert_eq!(bench.store.calls(), ["claim", "record w waiting", "record w succeeded"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn writes_whose_answer_was_lost_are_sent_again_until_they_are_answered() {
    let bench = Bench::new();
    bench.store.fail("record", [Fault::AnswerLost, Fault::Unavailable, Fault::Unavailable]);
    bench.store.fail("finish", [Fault::AnswerLost, Fault::Unavailable]);
    let id = bench.queued(1, json!({"nodes": [log("a")]}));
    let worker = bench.start();
    bench.store.until_called("finish").await;
    worker.stop().await;
    let run = bench.store.row(id);
    assert_eq!((run.state, states(&run)), (RunState::Succeeded, vec!["a succeeded".to_owned()]));
    assert_eq!(bench.store.calls(), [&["claim"][..], &["record a running"; 4], &["record a succeeded"], &["finish succeeded"; 3]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_result_that_the_store_refuses_becomes_a_failure_that_says_so() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1S"), log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    bench.store.fail("record", [Fault::Refused]);
    let run = bench.store.ended(id).await;
    assert_eq!((run.state, &node(&run, "w").output), (RunState::Failed, &Value::Null));
    let error = run.error.as_deref();
    assert_eq!(error, Some("node `w` failed: what the node produced was not kept: the store refused the data: as ordered"));
    worker.stop().await;
}
