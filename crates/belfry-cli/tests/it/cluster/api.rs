//! Belfry's HTTP interfaces, over connections that are kept.

use std::sync::Arc;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

/// How many requests are under way at once.
const AT_ONCE: usize = 24;

pub struct Http {
    runtime: Runtime,
    client: Client,
}

/// One call: what is asked, and of where.
#[derive(Clone)]
pub struct Call {
    pub method: Method,
    pub url: String,
    pub key: Option<String>,
    pub body: Option<Value>,
}

impl Http {
    pub fn new() -> Http {
        // Whoever comes first in this process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = Client::builder().no_proxy().timeout(std::time::Duration::from_secs(30)).build().unwrap();
        Http { runtime, client }
    }

    /// The status and the answer; `None` when there was none.
    pub fn call(&self, call: Call) -> Option<(u16, String)> {
        self.runtime.block_on(send(self.client.clone(), call))
    }

    /// All of them, many at a time; each must succeed.
    pub fn all(&self, calls: Vec<Call>) -> Vec<Value> {
        let mut answers = vec![Value::Null; calls.len()];
        let calls = Arc::new(std::sync::Mutex::new(calls.into_iter().enumerate()));
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..AT_ONCE {
                tasks.spawn(work(self.client.clone(), Arc::clone(&calls)));
            }
            while let Some(done) = tasks.join_next().await {
                done.unwrap().into_iter().for_each(|(place, answer)| answers[place] = answer);
            }
        });
        answers
    }
}

type Places = std::iter::Enumerate<std::vec::IntoIter<Call>>;

async fn work(client: Client, calls: Arc<std::sync::Mutex<Places>>) -> Vec<(usize, Value)> {
    let mut answers = Vec::new();
    loop {
        let next = calls.lock().unwrap().next();
        let Some((place, call)) = next else { return answers };
        let asked = format!("{} {}", call.method, call.url);
        let (status, text) = send(client.clone(), call).await.unwrap_or_else(|| panic!("{asked} was not answered"));
        assert!((200..300).contains(&status), "{asked} was answered {status}: {text}");
        answers.push((place, serde_json::from_str(&text).unwrap_or(Value::Null)));
    }
}

async fn send(client: Client, call: Call) -> Option<(u16, String)> {
    let mut request = client.request(call.method, call.url);
    if let Some(key) = &call.key {
        request = request.bearer_auth(key);
    }
    if let Some(body) = &call.body {
        request = request.json(body);
    }
    let response = request.send().await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}
