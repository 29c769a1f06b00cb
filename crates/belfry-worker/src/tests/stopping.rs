use belfry_core::run::NodeState;

use super::*;
use crate::fake::Fault;

#[tokio::test(start_paused = true)]
async fn a_stopping_worker_takes_nothing_new_and_lets_its_runs_end() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [log("a"), log("next")], "edges": [edge("a", "next")]}));
    bench.store.fail("record", [Fault::Late, Fault::Late]);
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    worker.shutdown.cancel();
    let late = bench.queued(2, json!({"nodes": []}));
    worker.stop().await;
    assert_eq!(bench.store.row(id).state, RunState::Succeeded);
    assert_eq!((bench.store.row(late).state, bench.queue.ready()), (RunState::Queued, vec![late]));
}

#[tokio::test(start_paused = true)]
async fn what_has_not_ended_by_the_drain_limit_is_given_back_and_gone_on_with() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [log("a"), log("b")], "edges": [edge("a", "b")]}));
    // `a` takes 20.2 s; that `b` runs is answered at 30.2 s.
    bench.store.fail("record", [Fault::Late, Fault::Unavailable, Fault::Late, Fault::Late]);
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    worker.stop().await;
    assert_eq!(bench.clock.since_start(), SignedDuration::from_millis(30_200));
    let run = bench.store.row(id);
    assert_eq!((run.state, run.attempt, states(&run)), (RunState::Pending, 0, vec!["a succeeded".to_owned(), "b running".to_owned()]));
    bench.queue.ring(id);
    let other = bench.start();
    assert_eq!(states(&bench.store.ended(id).await), ["a succeeded", "b succeeded"]);
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_merely_waits_is_given_back_at_once_and_waits_on_elsewhere() {
    for (waiting, until) in [(wait("w", "PT60S"), 60), (slow("w", json!({"attempts": 2, "backoff": "PT58S"})), 1 + 58 + 1)] {
        let bench = Bench::new();
        let id = bench.queued(1, json!({"nodes": [log("a"), waiting], "edges": [edge("a", "w")]}));
        let worker = bench.start();
        bench.pass(seconds(2)).await;
        worker.stop().await;
        assert_eq!(bench.clock.since_start().as_secs(), 2);
        let run = bench.store.row(id);
        assert_eq!((run.state, run.attempt, states(&run)), (RunState::Pending, 0, vec!["a succeeded".to_owned(), "w waiting".to_owned()]));
        bench.queue.ring(id);
        let other = bench.start();
        bench.store.ended(id).await;
        // A pause between two attempts begins anew.
        assert!([until, until + 1].contains(&bench.clock.since_start().as_secs()));
        other.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_of_which_something_else_runs_is_given_back_when_that_has_ended() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1H"), log("a")]}));
    bench.store.fail("record", [Fault::Late, Fault::Late, Fault::Late]);
    let worker = bench.start();
    bench.store.until(id, |run| run.nodes.len() == 2).await;
    worker.stop().await;
    assert_eq!(bench.clock.since_start().as_secs(), 20);
    assert_eq!(states(&bench.store.row(id)), ["w waiting", "a succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_being_written_at_the_drain_limit_is_written() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [log("a"), log("next")], "edges": [edge("a", "next")]}));
    // The write begins at 10 s and succeeds at the ninth time, 21.2 s later.
    bench.store.fail("record", [Fault::Late]);
    bench.store.fail("record", vec![Fault::Unavailable; 8]);
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    worker.stop().await;
    let run = bench.store.row(id);
    assert_eq!((run.state, states(&run)), (RunState::Pending, vec!["a succeeded".to_owned()]));
    assert_eq!(bench.clock.since_start(), SignedDuration::from_millis(31_200));
}

#[tokio::test(start_paused = true)]
async fn a_stopping_worker_gives_back_messages_that_it_has_not_claimed() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": []}));
    bench.store.fail("claim", [Fault::Unavailable]);
    let worker = bench.start();
    bench.store.until_called("claim").await;
    worker.stop().await;
    assert_eq!((bench.queue.given_back(), bench.queue.acknowledged()), (vec![id], vec![]));
}

#[tokio::test(start_paused = true)]
async fn stopping_is_bounded_also_when_the_store_never_answers() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT10H")]}));
    bench.store.fail("release", [Fault::Silent]);
    bench.store.fail("heartbeat", vec![Fault::Silent; 100]);
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    worker.stop().await;
    assert_eq!(bench.clock.since_start().as_secs(), 45);
    assert_eq!(node(&bench.store.row(id), "w").state, NodeState::Waiting);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_outweighs_a_drain() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [log("a"), log("next")], "edges": [edge("a", "next")]}));
    bench.store.fail("record", vec![Fault::Late; 4]);
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    belfry_core::ports::RunStore::cancel(&*bench.store, id).await.unwrap();
    worker.stop().await;
    // Seen by the heartbeat at 15 s, before `next` begins.
    let run = bench.store.row(id);
    assert_eq!((run.state, states(&run)), (RunState::Cancelled, vec!["a succeeded".to_owned()]));
    assert_eq!(bench.store.calls().last().map(String::as_str), Some("finish cancelled"));
}
