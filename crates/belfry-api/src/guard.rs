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
use belfry_core::violation::{Violation, Violations, nearest};
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use crate::App;
use crate::extract::pairs;
use crate::problem::{Kind, Problem};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What each operation honours, by path and method.
pub(crate) struct Declared(HashMap<(String, Method), Honoured>);

#[derive(Default)]
struct Honoured {
    query: Vec<String>,
    if_match: bool,
}

impl Declared {
    pub(crate) fn of(document: &OpenApi) -> Declared {
        let operations = document.paths.paths.iter().flat_map(|(path, item)| {
            operations(item).into_iter().map(|(method, operation)| ((path.clone(), method), Honoured::of(operation)))
        });
        Declared(operations.collect())
    }

    fn honoured(&self, path: &str, method: &Method) -> Option<&Honoured> {
        // What answers GET answers HEAD.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(&(path.to_owned(), method.clone()))
    }
}

/// The operations of one path.
pub(crate) fn operations(item: &PathItem) -> Vec<(Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?))).collect()
}

impl Honoured {
    fn of(operation: &Operation) -> Honoured {
        let mut honoured = Honoured::default();
        for parameter in operation.parameters.iter().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            match parameter.parameter_in {
                ParameterIn::Query => honoured.query.push(parameter.name.clone()),
                ParameterIn::Header => honoured.if_match |= parameter.name.eq_ignore_ascii_case("if-match"),
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
    if headers.contains_key(IDEMPOTENCY_KEY) && method == Method::POST {
        let detail = "this version does not keep Idempotency-Key, and answering as if it did could run things twice; \
                      send the request without it, and after a lost answer look before sending it again";
        return Err(Problem::new(Kind::IdempotencyKeyUnsupported, detail));
    }
    Ok(())
}
