//! Against servers on this host, which the policy of the tests allows.

mod forms;
mod names;
mod redirects;
mod refusals;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap as Headers, Method as Verb, StatusCode as Status, Uri};
use axum::response::{IntoResponse, Response as Reply};
use serde_json::json;

use super::*;
use crate::fake::claimed;

type Answering = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

/// A server that remembers what it was asked.
struct Server {
    base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    method: Verb,
    path: String,
    headers: Headers,
    body: String,
}

impl Server {
    /// `answer` is given the path and query of each request.
    async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
        Server::start_at("127.0.0.1:0", answer).await
    }

    async fn start_at(address: &str, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Server {
        // Another test may have been first; the provider is one for the process.
        drop(rustls::crypto::ring::default_provider().install_default());
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(serve).with_state((Arc::new(answer) as Answering, Arc::clone(&seen)));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { base, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn last(&self) -> Seen {
        self.seen().pop().expect("it was asked")
    }
}

async fn serve(
    State((answer, seen)): State<(Answering, Arc<Mutex<Vec<Seen>>>)>,
    method: Verb,
    uri: Uri,
    headers: Headers,
    body: Bytes,
) -> Reply {
    let path = uri.to_string();
    let reply = answer(&path);
    seen.lock().unwrap().push(Seen { method, path, headers, body: String::from_utf8(body.to_vec()).unwrap() });
    reply
}

fn client_that_allows(networks: &[&str]) -> HttpClient {
    HttpClient::new(policy_that_allows(networks))
}

fn policy_that_allows(networks: &[&str]) -> NetworkPolicy {
    NetworkPolicy { allow: networks.iter().map(|network| network.parse().unwrap()).collect() }
}

async fn send_by(client: &HttpClient, parameters: Value) -> Outcome {
    let parameters: HttpParameters = serde_json::from_value(parameters).unwrap();
    let renderer = Renderer::new(&claimed(json!({"who": "Bob", "n": 7})), [].into_iter());
    match client.request(&parameters, &renderer, "run-1/node-1") {
        Ok(request) => client.send(request, &parameters).await,
        Err(error) => Outcome::hopeless(error),
    }
}

async fn send(parameters: Value) -> Outcome {
    send_by(&client_that_allows(&["127.0.0.0/8"]), parameters).await
}

fn text(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_output_is_status_headers_and_a_body_parsed_when_it_is_json() {
    for (content_type, sent, body) in [
        ("application/json", r#"{"a": [1, true]}"#, json!({"a": [1, true]})),
        ("text/plain", r#"{"a": 1}"#, json!({"a": 1})),
        ("application/json", "not json", json!("not json")),
        ("text/html", "<p>", json!("<p>")),
        ("text/plain", "", json!("")),
    ] {
        let server = Server::start(move |_| ([("content-type", content_type), ("x-of", "theirs")], sent).into_response()).await;
        let outcome = send(json!({"url": server.base})).await;
        assert_eq!(outcome.error, None);
        assert_eq!((&outcome.output["status"], &outcome.output["body"]), (&json!(200), &body), "{sent}");
        assert_eq!(outcome.output["headers"]["x-of"], json!("theirs"));
        assert_eq!(outcome.log, [format!("GET {}/: 200 OK", server.base)]);
    }
}

#[tokio::test]
async fn address_headers_and_body_are_templates_and_json_keeps_its_types() {
    let server = Server::start(|_| "ok".into_response()).await;
    let url = format!("{}/to/{{{{ input.who }}}}?n={{{{ input.n }}}}", server.base);
    let body = json!({"n": "{{ input.n }}", "deep": ["for {{ input.who }}", null]});
    let headers = json!({"X-For": "{{ input.who }}"});
    let outcome = send(json!({"method": "post", "url": url, "headers": headers, "body": body})).await;
    assert_eq!(outcome.error, None);
    let seen = server.last();
    assert_eq!((seen.method, seen.path.as_str(), seen.body.as_str()), (Verb::POST, "/to/Bob?n=7", r#"{"deep":["for Bob",null],"n":7}"#));
    assert_eq!(text(&seen.headers, "content-type").as_deref(), Some("application/json"));
    assert_eq!(text(&seen.headers, "x-for").as_deref(), Some("Bob"));
    // The log is read by more people than the query is meant for.
    assert_eq!(outcome.log, [format!("POST {}/to/Bob: 200 OK", server.base)]);
}

#[tokio::test]
async fn a_text_is_sent_as_it_is() {
    let server = Server::start(|_| "ok".into_response()).await;
    send(json!({"method": "PUT", "url": server.base, "body": "n={{ input.n }}", "headers": {"content-type": "text/csv"}})).await;
    let seen = server.last();
    assert_eq!((seen.body.as_str(), text(&seen.headers, "content-type").as_deref()), ("n=7", Some("text/csv")));
}

#[tokio::test]
async fn each_request_has_the_key_of_its_node_unless_its_author_set_another() {
    let server = Server::start(|_| "ok".into_response()).await;
    send(json!({"url": server.base})).await;
    assert_eq!(text(&server.last().headers, "idempotency-key").as_deref(), Some("run-1/node-1"));
    send(json!({"url": server.base, "headers": {"Idempotency-Key": "mine"}})).await;
    assert_eq!(text(&server.last().headers, "idempotency-key").as_deref(), Some("mine"));
    assert_eq!(server.last().headers.get_all("idempotency-key").iter().count(), 1);
}

#[tokio::test]
async fn a_status_that_is_no_success_fails_the_attempt_and_its_answer_is_kept() {
    let server = Server::start(|_| (Status::SERVICE_UNAVAILABLE, "later").into_response()).await;
    let outcome = send(json!({"url": server.base})).await;
    assert_eq!(outcome.error.as_deref(), Some("the answer's status is 503 Service Unavailable"));
    assert_eq!((&outcome.output["status"], &outcome.output["body"]), (&json!(503), &json!("later")));
    assert_eq!(send(json!({"url": server.base, "success_status": [200, 503]})).await.error, None);
}

#[tokio::test]
async fn only_the_statuses_that_are_named_are_a_success() {
    let server = Server::start(|_| "ok".into_response()).await;
    let outcome = send(json!({"url": server.base, "success_status": [204]})).await;
    assert_eq!(outcome.error.as_deref(), Some("the answer's status is 200 OK"));
}

#[tokio::test]
async fn of_a_long_answer_a_mebibyte_is_read_and_the_log_says_so() {
    let server = Server::start(|_| "x".repeat(3 * MAX_BODY_BYTES).into_response()).await;
    let outcome = send(json!({"url": server.base})).await;
    assert_eq!(outcome.output["body"].as_str().map(str::len), Some(MAX_BODY_BYTES));
    assert_eq!(outcome.log[1], "the answer is longer than 1048576 bytes; the rest was not read");
}

#[tokio::test]
async fn what_cannot_be_sent_fails_with_what_would_be_right_and_shows_no_secret() {
    for (parameters, part) in [
        (json!({"url": "not an address"}), "`not an address` is no address"),
        (json!({"url": "ftp://127.0.0.1/"}), "`ftp:` is not requested"),
        (json!({"url": "file:///etc/passwd"}), "`file:` is not requested"),
        (json!({"url": "http://127.0.0.1/", "method": "G ET"}), "`G ET` is no method"),
        (json!({"url": "http://127.0.0.1/", "method": "CONNECT"}), "`CONNECT` is no method"),
        (json!({"url": "http://127.0.0.1/", "headers": {"a b": "x"}}), "`a b` is no name of a header"),
        (json!({"url": "http://127.0.0.1/", "headers": {"Content-Length": "5"}}), "belongs to the connection"),
        (json!({"url": "http://127.0.0.1/", "headers": {"x-key": "se\ncret"}}), "the value of the header `x-key`"),
        (json!({"url": "http://127.0.0.1/{{ nothing }}"}), "the template"),
    ] {
        let error = send(parameters).await.error.unwrap();
        assert!(error.contains(part) && !error.contains("cret"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_that_says_so_without_the_query() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = send(json!({"url": format!("http://user:pass@{address}/x?token=secret")})).await;
    assert!(!outcome.hopeless, "it may be there later");
    let error = outcome.error.unwrap();
    assert!(error.starts_with(&format!("GET http://{address}/x: ")) && error.contains("refused"), "{error}");
    assert!(!error.contains("secret") && !error.contains("pass"), "{error}");
}
