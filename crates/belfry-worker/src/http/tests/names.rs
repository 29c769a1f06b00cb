//! Names whose answers change, or are of several kinds.

use std::io;
use std::net::SocketAddr;

use futures_util::future::FutureExt;

use super::*;

/// A resolver that has one list of answers for each time that it is asked; the last one stays.
fn answering(policy: NetworkPolicy, answers: &[&[&str]]) -> HttpClient {
    let mut answers: Vec<Vec<SocketAddr>> =
        answers.iter().rev().map(|list| list.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()).collect();
    let answers = Mutex::new((answers.split_off(0), 0));
    let next = move |_| {
        let mut answers = answers.lock().unwrap();
        answers.1 += 1;
        let answer = if answers.0.len() > 1 { answers.0.pop().unwrap() } else { answers.0[0].clone() };
        async { Ok(answer) }.boxed()
    };
    HttpClient::with_lookup(policy, Arc::new(next))
}

/// Of a server at 127.0.0.2, whose connections are closed after each answer, by a name.
async fn server_by_name() -> (Server, String) {
    let closing = |path: &str| match path {
        "/again" => (Status::FOUND, [("location", "/"), ("connection", "close")]).into_response(),
        _ => ([("connection", "close")], "ok").into_response(),
    };
    let server = Server::start_at("127.0.0.2:0", closing).await;
    let url = server.base.replace("127.0.0.2", "rebinding.example");
    (server, url)
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_next_time_is_judged_again() {
    for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00:ec2::254", "0.0.0.0"] {
        let (server, url) = server_by_name().await;
        let client = answering(policy_that_allows(&["127.0.0.2"]), &[&["127.0.0.2"], &[inside]]);
        assert_eq!(send_by(&client, json!({"url": url})).await.error, None);
        let outcome = send_by(&client, json!({"url": url})).await;
        assert!(outcome.hopeless && outcome.error.as_deref().unwrap().contains("`rebinding.example`: "), "{:?}", outcome.error);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_between_two_hops_is_judged_again() {
    let (server, url) = server_by_name().await;
    let client = answering(policy_that_allows(&["127.0.0.2"]), &[&["127.0.0.2"], &["127.0.0.1"]]);
    let outcome = send_by(&client, json!({"url": format!("{url}/again"), "follow_redirects": 1})).await;
    assert!(outcome.error.unwrap().contains("`rebinding.example`: 127.0.0.1 is not dialled"));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_connection_is_dialled_at_the_answer_that_was_judged_and_not_at_a_later_one() {
    let (server, url) = server_by_name().await;
    // Were it asked once for the judgement and once for the dialling, the second answer would be dialled.
    let client = answering(policy_that_allows(&["127.0.0.2"]), &[&["127.0.0.2"], &["127.0.0.1"]]);
    assert_eq!(send_by(&client, json!({"url": url})).await.error, None);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn of_several_answers_only_those_that_are_allowed_are_dialled() {
    let (server, url) = server_by_name().await;
    let port = server.base.rsplit(':').next().unwrap();
    let beside = Server::start_at(&format!("127.0.0.3:{port}"), |_| "inside".into_response()).await;
    for answers in [["127.0.0.3", "127.0.0.2"], ["127.0.0.2", "127.0.0.3"]] {
        let client = answering(policy_that_allows(&["127.0.0.2"]), &[&answers]);
        assert_eq!(send_by(&client, json!({"url": url})).await.output["body"], json!("ok"));
    }
    let client = answering(NetworkPolicy::default(), &[&["127.0.0.3", "10.0.0.1", "::1"]]);
    assert!(send_by(&client, json!({"url": url})).await.error.unwrap().contains("`rebinding.example`: 127.0.0.3 is not dialled"));
    assert_eq!((server.seen().len(), beside.seen().len()), (2, 0));
}

#[tokio::test]
async fn a_name_that_is_not_found_may_be_found_later() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = HttpClient::with_lookup(NetworkPolicy::default(), Arc::new(|_| async { Err(io::Error::other("no such name")) }.boxed()));
    let outcome = send_by(&client, json!({"url": "http://nowhere.example/"})).await;
    assert!(!outcome.hopeless && outcome.error.as_deref().unwrap().ends_with("no such name"), "{:?}", outcome.error);
}
