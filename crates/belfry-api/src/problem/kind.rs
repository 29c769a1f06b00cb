//! The kinds of problems: what programs tell them apart by. `docs/errors.md` has a section for each.

use axum::http::StatusCode;

/// Where the types of problems live. The addresses are names first: programs compare them and need not fetch them.
const TYPES: &str = "https://belfry.dev/problems/";

/// One row a kind: its status, the last part of its type, its title, and a detail as an example.
macro_rules! kinds {
    ($($kind:ident = $status:ident, $slug:literal, $title:literal, $example:literal;)+) => {
        /// What kind of problem it is. A kind, once published, keeps its type, its status and its title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($kind),+
        }

        impl Kind {
            pub(crate) const ALL: &'static [Kind] = &[$(Kind::$kind),+];

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Kind::$kind => StatusCode::$status),+ }
            }

            pub(crate) fn slug(self) -> &'static str {
                match self { $(Kind::$kind => $slug),+ }
            }

            pub(crate) fn uri(self) -> String {
                format!("{TYPES}{}", self.slug())
            }

            pub(crate) fn title(self) -> &'static str {
                match self { $(Kind::$kind => $title),+ }
            }

            /// A detail that it may have, for the document.
            pub(crate) fn example(self) -> &'static str {
                match self { $(Kind::$kind => $example),+ }
            }
        }
    };
}

kinds! {
    MalformedJson = BAD_REQUEST, "malformed-json", "The body cannot be read",
        "the body is not acceptable JSON: expected `,` or `}` at line 3 column 5; correct it there";
    InvalidQuery = BAD_REQUEST, "invalid-query", "A query parameter is not accepted",
        "/query/limti: there is no such query parameter here (expected: `limit`; known are cursor, limit)";
    InvalidPath = BAD_REQUEST, "invalid-path", "A part of the path is not accepted",
        "/path/id: it cannot be read (expected: an id as answered, such as 01938a5e-7c00-7000-8000-000000000001)";
    InvalidHeader = BAD_REQUEST, "invalid-header", "A header is not accepted",
        "/header/If-Match: it is not one entity tag in double quotes (expected: the ETag of an answer, such as \"3\", or *)";
    Unauthorized = UNAUTHORIZED, "unauthorized", "An API key is needed",
        "the API key is unknown, expired or revoked; make one with `belfry key create NAME` and set BELFRY_API_KEY to it";
    InsufficientScope = FORBIDDEN, "insufficient-scope", "The API key may not do this",
        "this needs a key with the scope `write`, and the key has `read`";
    CrossOrigin = FORBIDDEN, "cross-origin", "Another site's page may not do this",
        "the request comes from a page of another site; send it from a program, or from a page of this host";
    ForeignHost = FORBIDDEN, "foreign-host", "The host is not this computer",
        "without keys only this computer is served; ask localhost, 127.0.0.1 or [::1]";
    NotFound = NOT_FOUND, "not-found", "There is no such object",
        "there is no such workflow: it was deleted or never made; a list shows what there is";
    NoSuchPath = NOT_FOUND, "no-such-path", "There is no such path",
        "there is no path `/workflow`; the nearest is /workflows; /openapi.json lists them all";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The path has no such method",
        "this path has no PUT; the Allow header of the answer lists what it has";
    Conflict = CONFLICT, "conflict", "The request contradicts what stands",
        "a living workflow has the name `nightly-report`; choose another name, or edit that workflow";
    OwnedByDefinition = CONFLICT, "owned-by-definition", "The workflow's definition owns the schedule",
        "the schedule belongs to node `start` of its workflow's definition; edit it there. Pausing and resuming work here";
    DirectDefaultStands = CONFLICT, "direct-default-stands", "A directly made default schedule stands",
        "node `start` has a schedule, but a directly made one named `default` stands; delete that one first, or leave `schedule` out of the node";
    RunNotClaimable = CONFLICT, "run-not-claimable", "The run is not to be claimed",
        "the run is `running`: another worker has it; acknowledge its message and drop it";
    RunHandedOff = CONFLICT, "run-handed-off", "The run is its consumer's and never claimed",
        "the run's delivery is `handoff`: whoever has its message executes it and reports nothing; a consumer that claims must not consume this queue";
    ClaimStale = CONFLICT, "claim-stale", "The claim is lost",
        "the claim of this epoch is lost or was given back, and the run is `pending` now; drop the work, nothing more of it is recorded";
    IdempotencyInProgress = CONFLICT, "idempotency-in-progress", "The first request of this key is not done",
        "a request with this Idempotency-Key is being carried out; send it again in a moment, and it gets the first one's answer";
    Stale = PRECONDITION_FAILED, "stale", "The object has changed",
        "the object is at revision 4 now; read it again and make the change anew, with If-Match: \"4\"";
    BodyTooLarge = PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large",
        "the body is larger than 1048576 bytes (1 MiB); send less, or keep the bulk elsewhere and send its address";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body's content type is not accepted",
        "the content type is `text/plain`; send the body with Content-Type: application/json";
    Invalid = UNPROCESSABLE_ENTITY, "invalid", "The request is not valid",
        "/descripton: `descripton` is not known; perhaps `description` (expected: one of `name`, `description`, `definition`, `tags`, `queue`, `delivery`)";
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The Idempotency-Key stands for another request",
        "this Idempotency-Key came with another request within the last 24 hours; send each request with a key of its own";
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "Too many requests",
        "this key sends more than 100 requests a second; send the request again after the Retry-After of the answer, in seconds";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Belfry failed",
        "this is a fault of Belfry; its log names it under the answer's x-request-id. Look at what stands before sending the request again";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Belfry cannot do this at the moment",
        "the store is unavailable: no connection; look at what stands, then send the request again";
    NotReady = SERVICE_UNAVAILABLE, "not-ready", "Belfry is not ready",
        "not ready: the database cannot be reached";
    Timeout = SERVICE_UNAVAILABLE, "timeout", "The request took too long",
        "the request took longer than 40 s and was given up; look at what stands before sending it again";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_section_in_the_page_of_errors_with_its_status() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md")).unwrap();
        let sections = page.split("\n## ").skip(1).map(|section| {
            let (slug, text) = section.split_once("\n\n").unwrap();
            (slug.to_owned(), text[..3].parse().unwrap())
        });
        let kinds = Kind::ALL.iter().map(|kind| (kind.slug().to_owned(), kind.status().as_u16()));
        assert_eq!(sections.collect::<Vec<(String, u16)>>(), kinds.collect::<Vec<_>>());
    }
}
