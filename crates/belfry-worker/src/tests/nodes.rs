use belfry_core::run::MAX_OUTPUT_BYTES;

use super::*;
use crate::fake::Fault;

#[tokio::test(start_paused = true)]
async fn each_type_of_node_has_the_output_that_it_promises() {
    let bench = Bench::new();
    let run = bench
        .run(json!({
            "nodes": [
                {"id": "t", "type": "trigger", "parameters": {"schedule": {"cron": "0 9 * * *"}}},
                {"id": "say", "type": "log", "parameters": {"message": "hello {{ input.who }}", "level": "warn"}},
                {"id": "keep", "type": "set", "parameters": {"values": {"n": "{{ 1 + 1 }}", "said": "{{ nodes.say.output.message }}!"}}},
                {"id": "ask", "type": "condition", "parameters": {"expression": "nodes.keep.output.n > 2"}},
                {"id": "rest", "type": "wait", "parameters": {"until": "2026-11-25T10:00:00+01:00"}}
            ],
            "edges": [edge("t", "say"), edge("say", "keep"), edge("keep", "ask"), edge("ask", "rest")]
        }))
        .await;
    let outputs: Vec<_> = run.nodes.iter().map(|node| (node.node_id.as_str(), node.output.clone())).collect();
    assert_eq!(
        outputs,
        [
            ("t", json!({"who": "Bob"})),
            ("say", json!({"message": "hello Bob"})),
            ("keep", json!({"n": 2, "said": "hello Bob!"})),
            ("ask", json!({"result": false})),
            ("rest", json!({"until": "2026-11-25T09:00:00Z"})),
        ]
    );
    assert_eq!(node(&run, "say").log, "warn: hello Bob\n");
}

#[tokio::test(start_paused = true)]
async fn waits_and_records_go_by_the_clock_of_the_store() {
    let bench = Bench::new();
    let until = json!({"id": "until", "type": "wait", "parameters": {"until": "{{ run.nominal_time[:11] }}11:30:00Z"}});
    let run = bench.run(json!({"nodes": [wait("for", "PT30M"), until]})).await;
    assert_eq!(bench.clock.store_now().to_string(), "2026-11-25T11:30:00Z");
    for (id, began, ended) in
        [("for", "2026-11-25T09:00:00Z", "2026-11-25T09:30:00Z"), ("until", "2026-11-25T09:00:00Z", "2026-11-25T11:30:00Z")]
    {
        let node = node(&run, id);
        let shown = [Some(node.started_at), node.finished_at, node.wait_until].map(|at| at.unwrap().to_string());
        assert_eq!(shown, [began, ended, ended], "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_outlasts_the_default_time_limit_and_not_its_own() {
    let bench = Bench::new();
    assert_eq!(bench.run(json!({"nodes": [wait("w", "PT20M")]})).await.state, RunState::Succeeded);
    let bench = Bench::new();
    let limited = json!({"id": "w", "type": "wait", "parameters": {"for": "PT20M"}, "timeout": "PT1M"});
    let run = bench.run(json!({"nodes": [limited]})).await;
    assert_eq!(run.error.as_deref(), Some("node `w` failed: it took longer than its time limit of 1m"));
    assert_eq!(bench.clock.since_start().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_repeated_after_pauses_that_double_and_each_is_logged() {
    let bench = Bench::new();
    let bad = slow("bad", json!({"attempts": 4, "backoff": "PT10S", "max_backoff": "PT30S"}));
    let run = bench.run(json!({"nodes": [bad]})).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(bench.clock.since_start().as_secs(), 4 + 10 + 20 + 30);
    let bad = node(&run, "bad");
    assert_eq!((bad.attempts, bad.log.lines().count()), (4, 3));
    assert!(bad.log.starts_with("attempt 1 failed: it took longer"), "{}", bad.log);
    let records: Vec<String> = bench.store.calls().into_iter().filter(|call| call.starts_with("record")).collect();
    // Of each attempt, and of each pause.
    assert_eq!(records, [&["record bad waiting"; 7][..], &["record bad failed"]].concat());
}

#[tokio::test(start_paused = true)]
async fn what_would_fail_in_the_same_way_again_is_not_repeated() {
    for (kind, parameters, reason) in [
        ("log", json!({"message": "{{ nothing }}"}), "the template `{{ nothing }}` fails"),
        ("log", json!({"message": "{{"}), "the template `{{` fails"),
        ("set", json!({"values": {"x": "{{ nothing }}"}}), "the template"),
        ("condition", json!({"expression": "nothing > 1"}), "the template `nothing > 1` fails"),
        ("condition", json!({"expres": "true"}), "its parameters cannot be read"),
        ("wait", json!({"until": "{{ nothing }}"}), "the template"),
        ("wait", json!({"until": "tomorrow"}), "`tomorrow` is no instant"),
        ("http", json!({"url": "http://{{ nothing }}"}), "the template"),
        ("http", json!({"url": "ftp://example.org"}), "`ftp:` is not requested"),
    ] {
        let bench = Bench::new();
        let bad = json!({"id": "bad", "type": kind, "parameters": parameters, "retry": {"attempts": 5, "backoff": "PT1H"}});
        let run = bench.run(json!({"nodes": [bad]})).await;
        let bad = node(&run, "bad");
        assert_eq!((run.state, bad.attempts, bad.log.as_str()), (RunState::Failed, 1, ""), "{kind}: {reason}");
        assert!(bad.error.as_deref().unwrap().contains(reason), "{bad:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_ran_out_of_time_counts_as_failed() {
    let bench = Bench::new();
    let limited =
        json!({"id": "w", "type": "wait", "parameters": {"for": "PT5M"}, "timeout": "PT1M", "retry": {"attempts": 3, "backoff": "PT1S"}});
    let run = bench.run(json!({"nodes": [limited]})).await;
    assert_eq!((run.state, node(&run, "w").attempts), (RunState::Failed, 3));
    assert_eq!(bench.clock.since_start().as_secs(), 60 + 1 + 60 + 2 + 60);
}

#[tokio::test(start_paused = true)]
async fn a_large_output_is_kept_in_its_beginning_and_later_nodes_see_what_is_kept() {
    let bench = Bench::new();
    let big = json!({"id": "big", "type": "set", "parameters": {"values": {"text": "{{ 'x' * 100000 }}"}}});
    let next = json!({"id": "next", "type": "condition", "parameters": {"expression": "nodes.big.output is string"}});
    let run = bench.run(json!({"nodes": [big, next], "edges": [edge("big", "next")]})).await;
    let big = node(&run, "big");
    assert!(big.output_truncated && big.output.to_string().len() <= MAX_OUTPUT_BYTES);
    assert!(big.output.as_str().unwrap().starts_with(r#"{"text":"xxx"#));
    assert_eq!(node(&run, "next").output, json!({"result": true}));
}

#[tokio::test(start_paused = true)]
async fn parameters_that_cannot_be_read_fail_their_node() {
    let bench = Bench::new();
    let run = bench.run(json!({"nodes": [{"id": "a", "type": "log", "parameters": {"mesage": "x"}}]})).await;
    let error = run.error.as_deref().unwrap();
    assert!(error.starts_with("node `a` failed: its parameters cannot be read: unknown field `mesage`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_end_or_with_two_or_with_none_that_is_an_instant_fails() {
    for parameters in [json!({}), json!({"for": "PT1S", "until": "2026-11-25T09:00:00Z"}), json!({"until": "tomorrow"})] {
        let bench = Bench::new();
        let run = bench.run(json!({"nodes": [{"id": "w", "type": "wait", "parameters": parameters}]})).await;
        assert_eq!((run.state, node(&run, "w").attempts), (RunState::Failed, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_length_is_waited_in_full_also_when_the_answer_of_the_claim_was_late() {
    let bench = Bench::new();
    // The claim stands at 0 s, its answer comes at 5 s: until the first heartbeat the store's clock seems 5 s behind.
    bench.store.fail("claim", [Fault::SilentlyDone]);
    let run = bench.run(json!({"nodes": [wait("w", "PT1M")]})).await;
    assert_eq!(run.state, RunState::Succeeded);
    assert_eq!(bench.clock.since_start(), SignedDuration::from_millis(65_100));
}

#[tokio::test(start_paused = true)]
async fn an_instant_is_waited_for_by_the_clock_of_the_store_as_the_heartbeats_correct_it() {
    let bench = Bench::new();
    bench.store.fail("claim", [Fault::SilentlyDone]);
    let until = json!({"id": "w", "type": "wait", "parameters": {"until": "2026-11-25T09:01:00Z"}});
    assert_eq!(bench.run(json!({"nodes": [until]})).await.state, RunState::Succeeded);
    assert_eq!(bench.clock.store_now().to_string(), "2026-11-25T09:01:00Z");
}
