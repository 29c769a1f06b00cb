//! Belfry's API, as this program calls it.

use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use crate::arguments::Global;
use crate::data_folder::DataFolder;
use crate::failure::{Failure, violations_of};
use crate::progress::while_waiting;

pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<String>,
}

/// An object, and the ETag under which it may be written.
pub struct Tagged {
    pub object: Value,
    pub etag: Option<String>,
}

impl Client {
    /// The server of `--url`, else the one that runs on the data folder.
    pub fn new(global: &Global) -> Result<Client, Failure> {
        let folder = DataFolder::of(global).ok();
        let base = global.url.clone().or_else(|| folder.as_ref()?.url()).ok_or_else(|| {
            Failure::WrongUse("no server is known; start one with `belfry up`, or name one with --url or BELFRY_URL".to_owned())
        })?;
        let key = global.api_key.clone().or_else(|| folder?.api_key());
        let http = prepare(&base).context("cannot prepare requests")?;
        Ok(Client { http, base: base.trim_end_matches('/').to_owned(), key })
    }

    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        Ok(self.tagged(path, query).await?.object)
    }

    pub async fn tagged(&self, path: &str, query: &[(&str, String)]) -> Result<Tagged, Failure> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    /// Whether the server is ready; its reason when it is not. Without the key, which may be wrong.
    pub async fn readiness(&self) -> Result<(), Failure> {
        self.send(self.http.get(format!("{}/readyz", self.base))).await.map(drop)
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        Ok(self.send(self.request(Method::POST, path).json(body)).await?.object)
    }

    /// Posts an iCalendar file.
    pub async fn post_calendar(&self, path: &str, file: String, etag: Option<&str>) -> Result<Value, Failure> {
        let request = self.request(Method::POST, path).header("content-type", "text/calendar").body(file);
        Ok(self.send(if_match(request, etag)).await?.object)
    }

    pub async fn put(&self, path: &str, body: &Value, etag: Option<&str>) -> Result<Value, Failure> {
        Ok(self.send(if_match(self.request(Method::PUT, path).json(body), etag)).await?.object)
    }

    pub async fn patch(&self, path: &str, body: &Value, etag: Option<&str>) -> Result<Value, Failure> {
        Ok(self.send(if_match(self.request(Method::PATCH, path).json(body), etag)).await?.object)
    }

    pub async fn delete(&self, path: &str, etag: Option<&str>) -> Result<(), Failure> {
        self.send(if_match(self.request(Method::DELETE, path), etag)).await.map(|_| ())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Tagged, Failure> {
        let response = while_waiting(&format!("waiting for {}", self.base), request.send()).await.map_err(|error| {
            let why = if error.is_timeout() { "it did not answer within 60 s".to_owned() } else { cause(&error) };
            Failure::Unreachable(format!("{} cannot be reached: {why}; is the server running? `belfry doctor` tells more", self.base))
        })?;
        let status = response.status();
        let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let object = body(response).await?;
        if status.is_success() { Ok(Tagged { object, etag }) } else { Err(failure(status, &object)) }
    }
}

/// The deepest one: what is above it repeats the address.
fn cause(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// Certificates are read only where they are needed: without TLS a host need not have any.
fn prepare(base: &str) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60));
    let is_encrypted = base.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    if is_encrypted { builder.build() } else { builder.tls_certs_only([]).build() }
}

fn if_match(request: RequestBuilder, etag: Option<&str>) -> RequestBuilder {
    match etag {
        Some(etag) => request.header("if-match", etag),
        None => request,
    }
}

async fn body(response: Response) -> Result<Value, Failure> {
    let text = response.text().await.context("the answer broke off")?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The problem that the API answered, for people, with the exit code for scripts.
fn failure(status: StatusCode, problem: &Value) -> Failure {
    let said = |field: &str| problem.get(field).and_then(Value::as_str);
    let violations = violations_of(problem);
    // With violations the detail only sums them up.
    let summary = if violations.is_empty() { said("detail").or_else(|| said("title")) } else { said("title") };
    let text = format!("{}{violations}", summary.map_or_else(|| format!("the server answered {status}"), str::to_owned));
    match status {
        StatusCode::NOT_FOUND => Failure::NotFound(text),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Failure::WrongUse(text),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::NoPermission(text),
        _ => Failure::Failed(anyhow::anyhow!(text)),
    }
}
