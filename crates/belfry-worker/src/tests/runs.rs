use super::*;

#[tokio::test(start_paused = true)]
async fn nodes_run_in_the_order_of_their_edges_and_branches_that_are_not_taken_are_skipped() {
    let bench = Bench::new();
    let choose = json!({"id": "choose", "type": "condition", "parameters": {"expression": "input.who == 'Bob'"}});
    let run = bench
        .run(json!({
            "nodes": [log("join"), log("no"), log("after-no"), log("yes"), choose, {"id": "t", "type": "trigger"}],
            "edges": [edge("t", "choose"), edge_when("choose", "yes", "true"), edge_when("choose", "no", "false"),
                edge("no", "after-no"), edge("yes", "join"), edge("after-no", "join")]
        }))
        .await;
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(states(&run), ["t succeeded", "choose succeeded", "no skipped", "after-no skipped", "yes succeeded", "join succeeded"]);
    assert_eq!(node(&run, "t").output, json!({"who": "Bob"}));
    assert_eq!(node(&run, "choose").output, json!({"result": true}));
    assert_eq!(node(&run, "no").attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn independent_nodes_run_at_the_same_time() {
    let bench = Bench::new();
    let run = bench.run(json!({"nodes": [wait("a", "PT1H"), wait("b", "PT1H"), wait("c", "PT1H")]})).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert!(bench.clock.since_start() < SignedDuration::from_mins(61));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_nothing_handles_fails_the_run_which_names_the_node_and_its_error() {
    let bench = Bench::new();
    let run = bench.run(json!({"nodes": [failing("bad"), log("next")], "edges": [edge("bad", "next")]})).await;
    assert_eq!(run.state, RunState::Failed);
    let error = run.error.as_deref().unwrap();
    assert!(error.starts_with("node `bad` failed: the template `{{ nothing }}` fails: "), "{error}");
    assert_eq!(states(&run), ["bad failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_edge_handles_a_failure_and_is_skipped_without_one() {
    let bench = Bench::new();
    let nodes = json!([failing("bad"), log("good"), log("alarm"), log("calm")]);
    let edges = json!([edge_when("bad", "alarm", "failure"), edge_when("good", "calm", "failure")]);
    let run = bench.run(json!({"nodes": nodes, "edges": edges})).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(states(&run), ["bad failed", "good succeeded", "calm skipped", "alarm succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn once_a_run_has_failed_nothing_begins_and_what_merely_waits_is_cut() {
    let bench = Bench::new();
    let bad = slow("bad", json!({"attempts": 2, "backoff": "PT10S"}));
    let long = slow("long", json!({"attempts": 2, "backoff": "PT1H", "max_backoff": "PT1H"}));
    let run = bench.run(json!({"nodes": [bad, wait("days", "PT72H"), long, log("after")], "edges": [edge("days", "after")]})).await;
    assert_eq!(states(&run), ["bad failed", "days failed", "long failed"]);
    assert_eq!(bench.clock.since_start().as_secs(), 1 + 10 + 1);
    assert_eq!(node(&run, "days").error.as_deref(), Some("it was waited for no longer, for the run had failed"));
    assert_eq!(node(&run, "long").attempts, 1);
    // Its own error stands.
    assert_eq!(node(&run, "long").error.as_deref(), Some("it took longer than its time limit of 1s"));
}

#[tokio::test(start_paused = true)]
async fn a_node_sees_what_it_waited_for_and_nothing_else() {
    let bench = Bench::new();
    let asks = |id: &str| json!({"id": id, "type": "set", "parameters": {"values": {"sees": "{{ nodes.a is defined }}"}}});
    let run = bench
        .run(json!({"nodes": [log("a"), wait("later", "PT1S"), asks("beside"), asks("behind")],
            "edges": [edge("later", "beside"), edge("later", "behind"), edge("a", "behind")]}))
        .await;
    assert_eq!((&node(&run, "beside").output, &node(&run, "behind").output), (&json!({"sees": false}), &json!({"sees": true})));
}

#[tokio::test(start_paused = true)]
async fn a_definition_whose_nodes_wait_for_each_other_fails_and_does_not_hang() {
    let bench = Bench::new();
    let run = bench.run(json!({"nodes": [log("a"), log("b")], "edges": [edge("a", "b"), edge("b", "a")]})).await;
    assert_eq!((run.state, run.error.as_deref()), (RunState::Failed, Some("some nodes wait for each other, so none can begin")));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_stops_its_nodes_at_the_next_heartbeat_and_never_retries_them() {
    let bench = Bench::new();
    let waits = json!({"id": "w", "type": "wait", "parameters": {"for": "PT10H"}, "retry": {"attempts": 5}});
    let id = bench.queued(1, json!({"nodes": [waits, log("next")], "edges": [edge("w", "next")]}));
    let worker = bench.start();
    bench.store.until(id, |run| !run.nodes.is_empty()).await;
    belfry_core::ports::RunStore::cancel(&*bench.store, id).await.unwrap();
    let run = bench.store.ended(id).await;
    assert_eq!((run.state, run.error.as_deref()), (RunState::Cancelled, None));
    assert_eq!(bench.clock.since_start().as_secs(), 15);
    let cut = node(&run, "w");
    assert_eq!((cut.attempts, cut.error.as_deref()), (1, Some("the run was cancelled")));
    assert_eq!(states(&run), ["w failed"]);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_needs_a_newer_worker_is_held_a_while_and_given_back_untouched() {
    for definition in
        [json!({"nodes": [log("a"), {"id": "b", "type": "telepathy"}]}), json!({"nodes": [log("a")], "edges": [], "moods": []})]
    {
        let bench = Bench::new();
        let id = bench.queued(1, definition);
        let worker = bench.start();
        let run = bench.store.until(id, |run| run.state == RunState::Pending).await;
        assert_eq!(bench.clock.since_start().as_secs(), 5);
        assert_eq!((run.nodes.len(), run.attempt), (0, 0));
        assert_eq!(bench.store.calls(), ["claim", "release"]);
        worker.stop().await;
    }
}
