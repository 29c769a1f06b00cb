//! The `http` node: one request, bounded in size, sent only where [`NetworkPolicy`] lets it.
//!
//! The guard stands where addresses are dialled: in the resolver for names, and before each hop for addresses that are
//! written in the URL, since the client does not resolve those. Redirects are followed by hand for the same reason. No
//! proxy is taken from the environment: behind one, the guard would judge the proxy's address.

mod guard;
mod request;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use belfry_core::node::HttpParameters;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde_json::{Map, Value, json};

use self::guard::{GuardedResolver, Lookup};
pub(crate) use self::request::Request;
use crate::network::{NetworkPolicy, Refused};
use crate::node::Outcome;
use crate::template::Renderer;

/// The most of an answer's body that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The most redirects that are followed, whatever the parameters say.
const MAX_REDIRECTS: u8 = 10;

pub(crate) struct HttpClient {
    policy: Arc<NetworkPolicy>,
    lookup: Lookup,
    /// Made at its first use: a worker whose runs have no `http` node needs neither a TLS provider nor root certificates.
    client: OnceLock<Result<Client, String>>,
}

impl HttpClient {
    pub fn new(policy: NetworkPolicy) -> HttpClient {
        HttpClient::with_lookup(policy, guard::lookup_of_the_host())
    }

    fn with_lookup(policy: NetworkPolicy, lookup: Lookup) -> HttpClient {
        HttpClient { policy: Arc::new(policy), lookup, client: OnceLock::new() }
    }

    /// The request that `parameters` describe. `idempotency_key` is the same for every attempt.
    pub fn request(&self, parameters: &HttpParameters, renderer: &Renderer, idempotency_key: &str) -> Result<Request, String> {
        Request::render(parameters, renderer, idempotency_key)
    }

    pub async fn send(&self, mut request: Request, parameters: &HttpParameters) -> Outcome {
        let mut log = Vec::new();
        let failed = match self.follow(&mut request, parameters, &mut log).await {
            Ok(response) => match read(response, &mut log).await {
                Ok(answer) => return judged(answer, parameters, log),
                Err(error) => Outcome::failed(error),
            },
            Err(Failure::Refused(reason)) => Outcome::hopeless(reason),
            Err(Failure::Other(reason)) => Outcome::failed(reason),
        };
        Outcome { log, ..failed }
    }

    /// The last answer of the chain of redirects that may be followed.
    async fn follow(&self, request: &mut Request, parameters: &HttpParameters, log: &mut Vec<String>) -> Result<Response, Failure> {
        let mut hops_left = parameters.follow_redirects.min(MAX_REDIRECTS);
        loop {
            let response = self.hop(request).await?;
            log.push(format!("{} {}: {}", request.method, without_secrets(&request.url), response.status()));
            let Some(target) = redirect_target(&response).filter(|_| hops_left > 0 && !is_success(response.status(), parameters)) else {
                return Ok(response);
            };
            hops_left -= 1;
            request.redirect(response.status(), &target?)?;
        }
    }

    async fn hop(&self, request: &Request) -> Result<Response, Failure> {
        guard::check_literal(&self.policy, &request.url).map_err(|refused| Failure::Refused(refused.to_string()))?;
        let client = self.client.get_or_init(|| self.client()).as_ref().map_err(Clone::clone)?;
        let mut builder = client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        builder.send().await.map_err(|error| {
            let told = |reason| format!("{} {}: {reason}", request.method, without_secrets(&request.url));
            match refusal(&error) {
                Some(refused) => Failure::Refused(told(refused)),
                None => Failure::Other(told(reason(error))),
            }
        })
    }

    fn client(&self) -> Result<Client, String> {
        Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .user_agent(concat!("belfry/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(GuardedResolver::new(Arc::clone(&self.policy), Arc::clone(&self.lookup)))
            .build()
            .map_err(|error| format!("the http client could not be made: {}", reason(error)))
    }
}

/// Why there is no answer.
enum Failure {
    /// By the network policy, which will say the same next time.
    Refused(String),
    Other(String),
}

impl From<String> for Failure {
    fn from(reason: String) -> Failure {
        Failure::Other(reason)
    }
}

/// Where `response` redirects to, if it does.
fn redirect_target(response: &Response) -> Option<Result<Url, String>> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response.headers().get(LOCATION).filter(|_| redirects)?;
    let text = String::from_utf8_lossy(location.as_bytes());
    Some(response.url().join(&text).map_err(|error| format!("it redirects to `{text}`, which is no address: {error}")))
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn read(mut response: Response, log: &mut Vec<String>) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| format!("reading the answer failed: {}", reason(error)))? {
        let room = MAX_BODY_BYTES - bytes.len();
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            log.push(format!("the answer is longer than {MAX_BODY_BYTES} bytes; the rest was not read"));
            break;
        }
    }
    Ok(Answer { status: response.status(), headers: response.headers().clone(), body: parsed(&bytes) })
}

/// JSON as what it is, everything else as text. A body says better than its `content-type` whether it is JSON.
fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn judged(answer: Answer, parameters: &HttpParameters, log: Vec<String>) -> Outcome {
    let error = (!is_success(answer.status, parameters)).then(|| format!("the answer's status is {}", answer.status));
    let output = json!({ "status": answer.status.as_u16(), "headers": fields(&answer.headers), "body": answer.body });
    Outcome { output, log, error, hopeless: false }
}

fn is_success(status: StatusCode, parameters: &HttpParameters) -> bool {
    if parameters.success_status.is_empty() { status.is_success() } else { parameters.success_status.contains(&status.as_u16()) }
}

/// A header that came several times has its values joined, as RFC 9110 lets a recipient do.
fn fields(headers: &HeaderMap) -> Map<String, Value> {
    let joined = |name| {
        let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        Value::String(values.join(", "))
    };
    headers.keys().map(|name| (name.as_str().to_owned(), joined(name))).collect()
}

/// Queries and user names often carry secrets, and logs are read by more people than parameters are.
fn without_secrets(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// The guard's own words, when it is what `error` comes from; they say all by themselves.
fn refusal(error: &reqwest::Error) -> Option<String> {
    std::iter::successors(error.source(), |&error| error.source()).find_map(guard::refusal)
}

/// The innermost reasons are the ones that tell something.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut inner: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = inner {
        texts.push(error.to_string());
        inner = error.source();
    }
    texts.dedup();
    texts.join(": ")
}
