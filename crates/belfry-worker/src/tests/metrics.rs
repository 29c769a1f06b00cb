use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::*;

/// What a scrape shows, without its comments and the worker's prefix.
fn scraped(metrics: &WorkerMetrics) -> Vec<String> {
    let (mut registry, mut shown) = (Registry::default(), String::new());
    metrics.register(&mut registry);
    text::encode(&mut shown, &registry).unwrap();
    shown.lines().filter_map(|line| line.strip_prefix("belfry_worker_")).map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn the_numbers_tell_what_became_of_each_run() {
    let bench = Bench::new();
    let mut over = queued_run(1, Value::Null);
    over.state = RunState::Cancelled;
    bench.queued_as(over, json!({"nodes": []}));
    let (well, badly) = (bench.queued(2, json!({"nodes": [log("a")]})), bench.queued(3, json!({"nodes": [failing("a")]})));
    let worker = bench.start();
    bench.store.ended(well).await;
    bench.store.ended(badly).await;
    let waiting = bench.queued(4, json!({"nodes": [wait("w", "PT1H")]}));
    bench.store.until(waiting, |run| states(run) == ["w waiting"]).await;
    let metrics = worker.metrics.clone();
    assert_eq!(metrics.in_progress.get(), 1);
    worker.stop().await;
    let mut shown = scraped(&metrics);
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            "claims_lost_total 0",
            "concurrency 16",
            "deliveries_refused_total 1",
            "queue_failures_total 0",
            "runs_claimed_total 3",
            "runs_ended_total{state=\"failed\"} 1",
            "runs_ended_total{state=\"succeeded\"} 1",
            "runs_given_back_total 1",
            "runs_in_progress 0",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_lost_is_counted_as_that() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1H")]}));
    let worker = bench.start();
    bench.store.until(id, |run| states(run) == ["w waiting"]).await;
    bench.clock.suspend(seconds(45));
    bench.pass(seconds(2)).await;
    assert_eq!((worker.metrics.lost.get(), worker.metrics.in_progress.get()), (1, 0));
    worker.stop().await;
}
