//! `http` nodes in a run. These meet a real socket, so real time passes; what is asserted does not depend on how much.

use belfry_core::run::NodeState;
use tokio::net::TcpListener;

use super::*;

/// Takes connections and never answers.
async fn silent_server() -> (TcpListener, String) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (listener, url)
}

fn that_allows_this_host() -> WorkerSettings {
    let mut settings = settings();
    settings.network.allow.push("127.0.0.0/8".parse().unwrap());
    settings
}

#[tokio::test]
async fn a_server_that_never_answers_costs_its_attempts_their_time_limit() {
    let bench = Bench::new();
    let (_listener, url) = silent_server().await;
    let ask = json!({"id": "ask", "type": "http", "parameters": {"url": url}, "timeout": "PT0.02S", "retry": {"attempts": 2, "backoff": "PT0.01S"}});
    let id = bench.queued(1, json!({"nodes": [ask]}));
    let worker = bench.start_with(that_allows_this_host());
    let run = bench.store.ended(id).await;
    assert_eq!(run.error.as_deref(), Some("node `ask` failed: it took longer than its time limit of 20ms"));
    assert_eq!(node(&run, "ask").attempts, 2);
    worker.stop().await;
}

#[tokio::test]
async fn a_request_that_waits_for_its_answer_is_cut_by_a_drain_and_begun_again_by_the_next_worker() {
    let bench = Bench::new();
    let (listener, url) = silent_server().await;
    let id = bench.queued(1, json!({"nodes": [{"id": "ask", "type": "http", "parameters": {"url": url}}]}));
    let impatient = WorkerSettings { drain_limit: seconds(0), ..that_allows_this_host() };
    let worker = bench.start_with(impatient.clone());
    let first = listener.accept().await.unwrap();
    worker.stop().await;
    let run = bench.store.row(id);
    assert_eq!((run.state, node(&run, "ask").state), (RunState::Pending, NodeState::Running));
    bench.queue.ring(id);
    let other = bench.start_with(impatient);
    let second = listener.accept().await.unwrap();
    other.stop().await;
    assert_ne!(first.1, second.1);
    assert_eq!(node(&bench.store.row(id), "ask").attempts, 2);
}

#[tokio::test]
async fn by_default_this_host_is_not_reached_however_often_and_the_run_says_why() {
    let bench = Bench::new();
    let (_listener, url) = silent_server().await;
    let run = bench.run(json!({"nodes": [{"id": "ask", "type": "http", "parameters": {"url": url}, "retry": {"attempts": 3}}]})).await;
    assert_eq!(node(&run, "ask").attempts, 1);
    let error = run.error.unwrap();
    assert!(error.starts_with("node `ask` failed: 127.0.0.1 is not dialled") && error.contains("BELFRY_WORKER_ALLOW_NETWORKS"), "{error}");
}
