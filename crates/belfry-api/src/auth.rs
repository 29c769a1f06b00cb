//! Who may speak to the API.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;
use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, Scope};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::App;
use crate::keys;
use crate::problem::{Kind, Problem};

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever sends `Authorization: Bearer` with a living key.
    Keys,
    /// Everybody (`--no-auth`). Only for a listener on a loopback address: requests that name another host are refused, so
    /// that a web page whose name was rebound to this computer cannot speak to it either.
    Open,
}

/// Whose request it is; `None` where everybody is let in.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) Option<ApiKey>);

impl Caller {
    /// All who need no key are one.
    pub(crate) fn id(&self) -> KeyId {
        self.0.as_ref().map_or(KeyId(Uuid::nil()), |key| key.id)
    }

    /// Refuses what the key's scopes do not have.
    fn check(&self, needed: Scope) -> Result<(), Problem> {
        match &self.0 {
            Some(key) if !key.scopes.has(needed) => Err(Problem::insufficient(needed, &key.scopes)),
            _ => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Infallible> {
        Ok(parts.extensions.get::<Caller>().cloned().expect("a route that asks for its caller is behind the check of keys"))
    }
}

/// The middleware: on every route but the open ones. The key is read from the store for each request, so that one that is
/// revoked opens nothing from then on.
pub(crate) async fn check(State(app): State<App>, path: MatchedPath, mut request: Request, next: Next) -> Result<Response, Problem> {
    let caller = match app.access {
        Access::Keys => Caller(Some(living_key(&app, request.headers()).await?)),
        Access::Open => {
            local_host(request.uri(), request.headers())?;
            Caller(None)
        }
    };
    app.limiter.count(caller.id())?;
    if let Some(needed) = app.declared.scope(path.as_str(), request.method()) {
        caller.check(needed)?;
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn living_key(app: &App, headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let hash = keys::hash(bearer(headers)?);
    let found = app.keys.living_key(hash).await?;
    // The store's comparison may stop at the first byte that differs; this one does not.
    match found.filter(|key| bool::from(key.hash.ct_eq(&hash))) {
        Some(key) => Ok(key),
        None => Err(Problem::unauthorized(UNKNOWN, r#"Bearer realm="belfry", error="invalid_token""#)),
    }
}

const UNKNOWN: &str = "the API key is unknown, expired or revoked; make one with `belfry key create NAME` and set BELFRY_API_KEY to it";
const MISSING: &str = "the request has no API key; send `Authorization: Bearer belfry_…` (the CLI reads BELFRY_API_KEY; `belfry key create NAME` makes a key)";
const UNREADABLE: &str = "the Authorization header is not one `Bearer belfry_…`; send the key in that form, once";

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = given.next() else {
        return Err(Problem::unauthorized(MISSING, r#"Bearer realm="belfry""#));
    };
    let token = first.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match (token, given.next()) {
        (Some((_, token)), None) => Ok(token.trim()),
        _ => Err(Problem::unauthorized(UNREADABLE, r#"Bearer realm="belfry", error="invalid_request""#)),
    }
}

fn local_host(uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let named = uri.authority().cloned().or_else(|| headers.get(HOST)?.to_str().ok()?.parse().ok());
    match named {
        Some(authority) if is_loopback(&authority) => Ok(()),
        // HTTP/1.0 and requests inside the process have no host; a browser always names one.
        None if !headers.contains_key(HOST) => Ok(()),
        _ => Err(Problem::new(Kind::ForeignHost, "without keys only this computer is served; ask localhost, 127.0.0.1 or [::1]")),
    }
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_scheme_is_read_without_case_and_one_header_only() {
        assert_eq!(bearer(&headers(&["bearer belfry_1"])).unwrap(), "belfry_1");
        assert_eq!(bearer(&headers(&["Bearer  belfry_1 "])).unwrap(), "belfry_1");
        for refused in [&[][..], &["belfry_1"], &["Basic belfry_1"], &["Bearer belfry_1", "Bearer belfry_1"]] {
            assert!(bearer(&headers(refused)).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn loopback_is_known_by_its_names_and_addresses() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.8.8.8", "[::1]:8080", "[::1]"] {
            assert!(is_loopback(&host.parse().unwrap()), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "0.0.0.0"] {
            assert!(!is_loopback(&host.parse().unwrap()), "{host}");
        }
    }
}
