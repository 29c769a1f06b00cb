//! What no route answers.

use axum::extract::State;
use axum::http::{Method, Uri};
use belfry_core::violation::nearest;

use crate::App;
use crate::problem::{Kind, Problem};

pub(crate) async fn no_such_path(State(app): State<App>, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    let near = nearest(&path, app.paths.iter().map(String::as_str)).map(|near| format!("; the nearest is {near}"));
    Problem::new(Kind::NoSuchPath, format!("there is no path `{path}`{}; /openapi.json lists them all", near.unwrap_or_default()))
}

/// The router adds `Allow`.
pub(crate) async fn no_such_method(method: Method) -> Problem {
    Problem::new(Kind::MethodNotAllowed, format!("this path has no {method}; the Allow header of the answer lists what it has"))
}
