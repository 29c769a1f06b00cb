//! The OpenAPI document: what the routes register, and what holds for all of them.

use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

use crate::problem::{CONTENT, ProblemBody, ViolationBody};

const KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Belfry",
        description = "Workflows, their schedules and their runs. Errors are RFC 9457 problems with a stable `type`; unknown fields, \
                       parameters and preconditions are refused; lists are paged by `cursor` and `limit`; the ETag of an object \
                       is its revision, and `If-Match` is honoured where it is listed.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody, ViolationBody)),
    tags(
        (name = "workflows", description = "Named, versioned definitions"),
        (name = "schedules", description = "When workflows run"),
        (name = "runs", description = "Executions of workflows"),
        (name = "workers", description = "Executing runs outside Belfry"),
        (name = "keys", description = "API keys"),
        (name = "system", description = "Health, metrics and this document"),
    )
)]
struct Base;

/// What the routes are registered onto.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// Says of every operation that it needs a key.
pub(crate) fn keyed(document: &mut OpenApi) {
    if let Some(components) = &mut document.components {
        let scheme = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("belfry_…").build();
        components.add_security_scheme(KEY, SecurityScheme::Http(scheme));
    }
    each_operation(document, |operation| operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(KEY, [])]));
}

/// Says of every operation what its successes are called, and that all its other answers are problems.
pub(crate) fn with_answers(document: &mut OpenApi) {
    each_operation(document, |operation| {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response {
                response.description = described(status).to_owned();
            }
        }
        operation.responses.responses.insert("default".to_owned(), RefOr::T(problem()));
    });
}

/// OpenAPI 3.1 asks every response for a description; what is answered is said by its schema.
fn described(status: &str) -> &'static str {
    match status {
        "201" => "Made",
        "204" => "Done",
        _ => "As it stands",
    }
}

fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
    ResponseBuilder::new().description("A problem (RFC 9457)").content(CONTENT, content).build()
}

fn each_operation(document: &mut OpenApi, change: impl Fn(&mut Operation)) {
    for item in document.paths.paths.values_mut() {
        let PathItem { get, put, post, patch, delete, .. } = item;
        [get, put, post, patch, delete].into_iter().flatten().for_each(&change);
    }
}
