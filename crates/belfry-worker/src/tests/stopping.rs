use belfry_core::run::NodeState;

use super::*;
use crate::fake::Fault;

#[tokio::test(start_paused = true)]
async fn a_stopping_worker_takes_nothing_new_and_lets_its_runs_end() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT29S"), log("next")], "edges": [edge("w", "next")]}));
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
    let definition = json!({"nodes": [log("a"), wait("w", "PT31S"), log("next")], "edges": [edge("a", "w"), edge("w", "next")]});
    let id = bench.queued(1, definition);
    let worker = bench.start();
    bench.store.until(id, |run| run.nodes.len() == 2).await;
    worker.stop().await;
    assert_eq!(bench.clock.since_start().as_secs(), 30);
    let run = bench.store.row(id);
    assert_eq!((run.state, run.attempt, states(&run)), (RunState::Pending, 0, vec!["a succeeded".to_owned(), "w waiting".to_owned()]));
    bench.queue.ring(id);
    let other = bench.start();
    assert_eq!(states(&bench.store.ended(id).await), ["a succeeded", "w succeeded", "next succeeded"]);
    assert_eq!(bench.clock.since_start().as_secs(), 31);
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_being_written_at_the_drain_limit_is_written() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT29S"), log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    // The write begins at 29 s and succeeds at the fifth time, 3 s later.
    bench.store.fail("record", vec![Fault::Unavailable; 4]);
    worker.stop().await;
    let run = bench.store.row(id);
    assert_eq!((run.state, states(&run)), (RunState::Pending, vec!["w succeeded".to_owned()]));
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
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT10H")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    belfry_core::ports::RunStore::cancel(&*bench.store, id).await.unwrap();
    worker.stop().await;
    assert_eq!(bench.store.row(id).state, RunState::Cancelled);
}
