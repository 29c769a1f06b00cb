//! The request of an `http` node, rendered, and as a redirect changes it.

use belfry_core::node::HttpParameters;
use reqwest::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE,
};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use crate::template::Renderer;

/// Repeated by every attempt and by a takeover, so that the other side can tell a repetition from a new request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Headers that belong to the connection: an author who sets them could only break the message's framing.
const OF_THE_CONNECTION: [HeaderName; 5] = [CONNECTION, CONTENT_LENGTH, TE, TRANSFER_ENCODING, UPGRADE];
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

impl Request {
    pub fn render(parameters: &HttpParameters, renderer: &Renderer, idempotency_key: &str) -> Result<Request, String> {
        let url = renderer.text(&parameters.url).map_err(|error| error.to_string())?;
        let mut request = Request { method: method(&parameters.method)?, url: address(&url)?, headers: HeaderMap::new(), body: None };
        for (name, template) in &parameters.headers {
            let value = renderer.text(template).map_err(|error| error.to_string())?;
            let (name, value) = header(name, &value)?;
            request.headers.insert(name, value);
        }
        if let Some(body) = &parameters.body {
            request.set_body(body, renderer)?;
        }
        let key = HeaderValue::from_str(idempotency_key).map_err(|_| format!("`{idempotency_key}` is no value of a header"))?;
        request.headers.entry(IDEMPOTENCY_KEY).or_insert(key);
        Ok(request)
    }

    fn set_body(&mut self, body: &Value, renderer: &Renderer) -> Result<(), String> {
        let rendered = match body {
            Value::String(template) => renderer.text(template).map(String::into_bytes),
            json => renderer.value(json).map(|json| json.to_string().into_bytes()),
        };
        self.body = Some(rendered.map_err(|error| error.to_string())?);
        if !body.is_string() {
            self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        Ok(())
    }

    /// Changes the request into that for `target`, as browsers do (the fetch standard, "HTTP-redirect fetch"): 303, and
    /// 301 and 302 of a POST, become a GET without body; at another origin credentials are left out.
    pub fn redirect(&mut self, status: StatusCode, target: &Url) -> Result<(), String> {
        let target = checked(target.clone())?;
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            for name in [CONTENT_TYPE, CONTENT_ENCODING] {
                self.headers.remove(name);
            }
        }
        if target.origin() != self.url.origin() {
            for name in CREDENTIALS {
                self.headers.remove(name);
            }
        }
        self.url = target;
        Ok(())
    }
}

fn method(text: &str) -> Result<Method, String> {
    let method = Method::from_bytes(text.to_ascii_uppercase().as_bytes()).ok();
    // These two speak to proxies and along the way, not to the resource.
    let usable = method.filter(|method| ![Method::CONNECT, Method::TRACE].contains(method));
    usable.ok_or_else(|| format!("`{text}` is no method that can be sent; write GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS"))
}

fn address(text: &str) -> Result<Url, String> {
    let url = text.trim().parse().map_err(|error| format!("`{text}` is no address: {error}; write https://…"))?;
    checked(url)
}

fn checked(url: Url) -> Result<Url, String> {
    let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
    if usable { Ok(url) } else { Err(format!("`{}:` is not requested; write http:// or https://", url.scheme())) }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of a header"))?;
    if OF_THE_CONNECTION.contains(&known) {
        return Err(format!("the header `{name}` belongs to the connection and cannot be set"));
    }
    // The value is not repeated: it may be a secret.
    let mut value =
        HeaderValue::from_str(value).map_err(|_| format!("the value of the header `{name}` has characters that it must not"))?;
    value.set_sensitive(CREDENTIALS.contains(&known));
    Ok((known, value))
}
