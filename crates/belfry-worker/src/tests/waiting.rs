//! Runs that merely wait hold no slot.

use super::*;
use crate::fake::Fault;

fn for_one() -> WorkerSettings {
    WorkerSettings { concurrency: 1, ..settings() }
}

#[tokio::test(start_paused = true)]
async fn runs_that_merely_wait_stop_no_other() {
    for waiting in [wait("w", "PT5M"), slow("w", json!({"attempts": 2, "backoff": "PT5M", "max_backoff": "PT5M"}))] {
        let bench = Bench::new();
        let ids: Vec<RunId> = (1..=20).map(|number| bench.queued(number, json!({"nodes": [waiting]}))).collect();
        let worker = bench.start();
        bench.pass(seconds(10)).await;
        let other = bench.queued(21, json!({"nodes": [log("a")]}));
        bench.store.ended(other).await;
        assert_eq!(bench.clock.since_start().as_secs(), 10);
        for id in ids {
            bench.store.ended(id).await;
        }
        // All of them waited at the same time.
        assert!((300..=303).contains(&bench.clock.since_start().as_secs()));
        worker.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_something_beside_a_wait_holds_its_slot() {
    let bench = Bench::new();
    // Its three writes take ten seconds each, two of them one after the other.
    let busy = bench.queued(1, json!({"nodes": [wait("w", "PT5M"), log("a")]}));
    bench.store.fail("record", vec![Fault::Late; 3]);
    let worker = bench.start_with(for_one());
    bench.store.until(busy, |run| run.nodes.len() == 2).await;
    let other = bench.queued(2, json!({"nodes": [log("a")]}));
    bench.store.ended(other).await;
    assert_eq!(bench.clock.since_start().as_secs(), 20);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_wakes_waits_for_a_slot_and_keeps_its_claim_meanwhile() {
    let bench = Bench::new();
    let waking = bench.queued(1, json!({"nodes": [wait("w", "PT10S"), log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start_with(for_one());
    bench.pass(seconds(5)).await;
    // Busy from 5 s to 95 s.
    let chain = json!({"nodes": [log("a"), log("b"), log("c"), log("d"), log("e")],
        "edges": [edge("a", "b"), edge("b", "c"), edge("c", "d"), edge("d", "e")]});
    let busy = bench.queued(2, chain);
    bench.store.fail("record", vec![Fault::Late; 9]);
    bench.pass(seconds(1)).await;
    let late = bench.queued(3, json!({"nodes": [log("a")]}));
    let ended = bench.store.ended(waking).await;
    assert_eq!((ended.state, ended.attempt, bench.clock.since_start().as_secs()), (RunState::Succeeded, 1, 95));
    assert_eq!(bench.store.row(busy).state, RunState::Succeeded);
    bench.store.ended(late).await;
    // It comes before what was not yet received.
    let calls = bench.store.calls();
    let last = |call: &str| calls.iter().rposition(|made| made == call).unwrap();
    assert!(last("record next succeeded") < last("claim"), "{calls:?}");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_nodes_wake_together_goes_on_in_one_slot() {
    let bench = Bench::new();
    let (waits, next) = (["u", "v", "w"], ["a", "b", "c"]);
    let nodes: Vec<Value> = waits.iter().map(|id| wait(id, "PT10S")).chain(next.iter().map(|id| log(id))).collect();
    let edges: Vec<Value> = waits.iter().zip(next).map(|(from, to)| edge(from, to)).collect();
    let definition = json!({"nodes": nodes, "edges": edges});
    let ids = [1, 2].map(|number| bench.queued(number, definition.clone()));
    let worker = bench.start_with(for_one());
    for id in ids {
        assert_eq!(bench.store.ended(id).await.state, RunState::Succeeded);
    }
    assert_eq!(bench.clock.since_start().as_secs(), 10);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn beyond_a_hundred_waiting_runs_for_each_slot_they_count_and_none_is_stuck() {
    let bench = Bench::new();
    let short = bench.queued(1, json!({"nodes": [wait("w", "PT1M"), log("next")], "edges": [edge("w", "next")]}));
    let long: Vec<RunId> = (2..=102).map(|number| bench.queued(number, json!({"nodes": [wait("w", "PT10H")]}))).collect();
    let worker = bench.start_with(for_one());
    bench.pass(seconds(30)).await;
    assert_eq!(bench.queue.ready(), long[100..]);
    bench.store.ended(short).await;
    assert_eq!(bench.clock.since_start().as_secs(), 60);
    bench.pass(seconds(5)).await;
    assert_eq!(bench.queue.ready(), []);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_waiting_run_that_is_cancelled_needs_no_slot_to_end() {
    let bench = Bench::new();
    let waiting = bench.queued(1, json!({"nodes": [wait("w", "PT10H")]}));
    let worker = bench.start_with(for_one());
    bench.pass(seconds(1)).await;
    bench.store.fail("record", vec![Fault::Late; 2]);
    let busy = bench.queued(2, json!({"nodes": [log("a")]}));
    bench.store.until(busy, |run| !run.nodes.is_empty()).await;
    belfry_core::ports::RunStore::cancel(&*bench.store, waiting).await.unwrap();
    assert_eq!(bench.store.ended(waiting).await.state, RunState::Cancelled);
    assert_eq!((bench.clock.since_start().as_secs(), bench.store.row(busy).state), (15, RunState::Running));
    worker.stop().await;
}
