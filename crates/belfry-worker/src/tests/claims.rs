use belfry_core::workflow::Delivery;

use super::*;
use crate::fake::Fault;

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_was_lost_is_sent_again_with_the_same_token() {
    let bench = Bench::new();
    bench.store.fail("claim", [Fault::AnswerLost, Fault::Unavailable, Fault::Silent]);
    let run = bench.run(json!({"nodes": [log("a")]})).await;
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 1));
    let tokens = bench.store.tokens();
    assert_eq!((tokens.len(), tokens[0]), (2, tokens[1]));
    assert_eq!(bench.queue.acknowledged(), [run.id]);
}

#[tokio::test(start_paused = true)]
async fn each_claim_has_a_token_of_its_own() {
    let bench = Bench::new();
    let ids = [bench.queued(1, json!({"nodes": []})), bench.queued(2, json!({"nodes": []}))];
    let worker = bench.start();
    for id in ids {
        bench.store.ended(id).await;
    }
    let tokens = bench.store.tokens();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_store_does_not_answer_a_message_goes_back_and_is_not_acknowledged() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [log("a")]}));
    bench.store.fail("claim", vec![Fault::Unavailable; 6]);
    let worker = bench.start();
    bench.store.ended(id).await;
    assert_eq!((bench.queue.given_back(), bench.queue.acknowledged()), (vec![id], vec![id]));
    assert_eq!(bench.store.calls().iter().filter(|call| *call == "claim").count(), 7);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_run_that_is_not_to_be_had_is_acknowledged_and_dropped() {
    let bench = Bench::new();
    let mut ended = queued_run(1, Value::Null);
    ended.state = RunState::Cancelled;
    let ended = bench.queued_as(ended, json!({"nodes": [log("a")]}));
    let unknown = queued_run(2, Value::Null).id;
    bench.queue.ring(unknown);
    let last = bench.queued(3, json!({"nodes": []}));
    let worker = bench.start();
    bench.store.ended(last).await;
    worker.stop().await;
    assert_eq!(bench.queue.acknowledged(), [ended, unknown, last]);
    assert_eq!(bench.store.calls(), ["claim", "claim", "claim", "finish succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn the_message_of_a_handoff_is_rejected_and_its_run_is_left_alone() {
    let bench = Bench::new();
    let mut handoff = queued_run(1, Value::Null);
    handoff.delivery = Delivery::Handoff;
    let handoff = bench.queued_as(handoff, json!({"nodes": [log("a")]}));
    let before = bench.store.row(handoff);
    let last = bench.queued(2, json!({"nodes": []}));
    let worker = bench.start();
    bench.store.ended(last).await;
    worker.stop().await;
    assert_eq!((bench.queue.rejected(), bench.queue.acknowledged()), (vec![handoff], vec![last]));
    assert_eq!(bench.store.row(handoff), before);
}

#[tokio::test(start_paused = true)]
async fn a_message_delivered_twice_starts_one_execution() {
    let bench = Bench::new();
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1M")]}));
    bench.queue.ring(id);
    let (one, other) = (bench.start(), bench.start());
    let run = bench.store.ended(id).await;
    one.stop().await;
    other.stop().await;
    assert_eq!((run.attempt, run.claim_epoch), (1, 1));
    assert_eq!(bench.queue.acknowledged(), [id, id]);
}

#[tokio::test(start_paused = true)]
async fn no_more_runs_than_the_concurrency_are_held_and_the_rest_stays_for_others() {
    let bench = Bench::new();
    let ids: Vec<RunId> = (1..=7).map(|number| bench.queued(number, json!({"nodes": [log("a")]}))).collect();
    // Each run makes two, of ten seconds.
    bench.store.fail("record", vec![Fault::Late; 14]);
    let worker = bench.start_with(WorkerSettings { concurrency: 3, ..settings() });
    bench.pass(seconds(15)).await;
    assert_eq!(bench.queue.ready(), ids[3..]);
    for id in &ids {
        bench.store.ended(*id).await;
    }
    assert_eq!(bench.store.most_running(), 3);
    assert_eq!(bench.clock.since_start().as_secs(), 60);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_breaks_is_consumed_anew() {
    let bench = Bench::new();
    bench.queue.fail(3);
    let run = bench.run(json!({"nodes": [log("a")]})).await;
    assert_eq!(run.state, RunState::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_could_not_be_acknowledged_comes_again_and_is_refused() {
    let bench = Bench::new();
    bench.store.fail("claim", [Fault::Unavailable]);
    let id = bench.queued(1, json!({"nodes": [wait("w", "PT1M")]}));
    bench.queue.fail_next_acknowledgement();
    let worker = bench.start();
    let run = bench.store.ended(id).await;
    worker.stop().await;
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 1));
    assert_eq!((bench.queue.acknowledged(), bench.queue.consumers()), (vec![id], 2));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_consumer_received_is_never_settled_through_a_later_one() {
    let bench = Bench::new();
    // The claim of the first message has no answer for 5 s; by then the acknowledgement of the second has failed.
    bench.store.fail("claim", [Fault::Silent]);
    let ids = [bench.queued(1, json!({"nodes": []})), bench.queued(2, json!({"nodes": []}))];
    bench.queue.fail_next_acknowledgement();
    let worker = bench.start();
    bench.pass(seconds(60)).await;
    assert_eq!(ids.map(|id| bench.store.row(id).state), [RunState::Succeeded; 2]);
    assert_eq!((bench.queue.consumers(), bench.queue.strays(), bench.queue.ready()), (2, 0, vec![]));
    worker.stop().await;
}
