//! What an operation does not declare is refused.
//!
//! A parameter or a precondition that is passed over in silence is answered as if it had been honoured: `?dry_run=true`
//! would delete. The OpenAPI document is the list of what is honoured, so that what it says and what is done are one.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use belfry_core::ports::Scope;
use belfry_core::violation::{Violation, Violations, nearest};
use serde_json::Value;

use crate::App;
use crate::extract::{is_text, pairs};
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::problem::{Kind, Problem};

/// What each operation honours, by path and method.
pub(crate) struct Declared(HashMap<(String, Method), Honoured>);

#[derive(Default)]
struct Honoured {
    query: Vec<String>,
    if_match: bool,
    idempotency_key: bool,
    /// What its key must have; none where no key is needed.
    scope: Option<Scope>,
}

impl Declared {
    pub(crate) fn of(document: &Value) -> Declared {
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.filter_map(|(method, operation)| Some(((path.clone(), method_of(method)?), Honoured::of(operation))))
        });
        Declared(operations.collect())
    }

    pub(crate) fn scope(&self, path: &str, method: &Method) -> Option<Scope> {
        self.honoured(path, method)?.scope
    }

    fn honoured(&self, path: &str, method: &Method) -> Option<&Honoured> {
        // What answers GET answers HEAD.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(&(path.to_owned(), method.clone()))
    }
}

fn method_of(name: &str) -> Option<Method> {
    name.to_uppercase().parse().ok()
}

impl Honoured {
    fn of(operation: &Value) -> Honoured {
        let scope = operation.pointer("/security/0/api_key/0").and_then(Value::as_str).and_then(Scope::parse);
        let mut honoured = Honoured { scope, ..Honoured::default() };
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            match parameter["in"].as_str() {
                Some("query") => honoured.query.push(name.to_owned()),
                Some("header") => {
                    honoured.if_match |= name.eq_ignore_ascii_case("if-match");
                    honoured.idempotency_key |= name.eq_ignore_ascii_case("idempotency-key");
                }
                _ => {}
            }
        }
        honoured
    }
}

/// The middleware: on every route, after the key was checked.
pub(crate) async fn check(State(app): State<App>, path: MatchedPath, request: Request, next: Next) -> Result<Response, Problem> {
    // A method that the path does not have is refused by the router.
    if let Some(honoured) = app.declared.honoured(path.as_str(), request.method()) {
        query(request.uri(), &honoured.query)?;
        headers(request.method(), request.headers(), honoured)?;
    }
    Ok(next.run(request).await)
}

fn query(uri: &Uri, known: &[String]) -> Result<(), Problem> {
    if !is_text(uri) {
        let violation = Violation::new("/query", uri.query().map(Value::from), "it is not UTF-8, or has a NUL", "percent-encoded UTF-8");
        return Err(Problem::one(Kind::InvalidQuery, violation));
    }
    let mut violations = Violations::default();
    let given = pairs(uri);
    for (position, (name, value)) in given.iter().enumerate() {
        let pointer = || format!("/query/{}", belfry_core::violation::escape(&name.chars().take(100).collect::<String>()));
        let value = Some(Value::from(value.as_str()));
        if !known.contains(name) {
            violations.add(pointer(), value, "there is no such query parameter here", suggestion(name, known));
        } else if given[..position].iter().any(|(earlier, _)| earlier == name) {
            violations.add(pointer(), value, "it is given twice", "one value");
        }
        if violations.0.len() == MOST_NAMED {
            break;
        }
    }
    violations.or(()).map_err(|violations| Problem::of(Kind::InvalidQuery, violations))
}

/// So many mistakes are named; past them nobody reads on.
const MOST_NAMED: usize = 10;

fn suggestion(name: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "no query parameter".to_owned();
    }
    // Measuring the distance to a name of kilobytes would be work that anybody could order.
    let near = if name.len() <= 100 { nearest(name, known.iter().map(String::as_str)) } else { None };
    match near {
        Some(near) => format!("`{near}`; known are {}", known.join(", ")),
        None => known.join(", "),
    }
}

fn headers(method: &Method, headers: &HeaderMap, honoured: &Honoured) -> Result<(), Problem> {
    let refused = |name: &str, detail: &str, expected: &str| {
        Err(Problem::one(Kind::InvalidHeader, Violation::new(format!("/header/{name}"), None, detail, expected)))
    };
    if headers.contains_key(IF_MATCH) && !honoured.if_match {
        return refused("If-Match", "this operation has no precondition", "the request without If-Match");
    }
    if headers.contains_key(IF_NONE_MATCH) && !method.is_safe() {
        return refused("If-None-Match", "no write has this precondition", "the request without If-None-Match");
    }
    if headers.contains_key(IDEMPOTENCY_KEY) && method == Method::POST && !honoured.idempotency_key {
        let detail = "the answer has a secret, which is kept nowhere, so it cannot be given again";
        return refused("Idempotency-Key", detail, "the request without it; after a lost answer, a look at the list");
    }
    Ok(())
}
