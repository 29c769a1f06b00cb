//! The examples of the document: sent to the router, one after another, and compared with what it answered when they were
//! written. `BELFRY_WRITE_OPENAPI=1` writes them anew, and then `openapi.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::World;

const TOKEN: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c01";
const OTHER_TOKEN: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c02";

const REMEDY: &str = "run the tests of belfry-api with BELFRY_WRITE_OPENAPI=1, twice where examples change, and commit what they wrote";

/// In docs/api.md.
const HEADING: &str = "## Every operation\n\n";

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a committed file with what is made now, or writes it.
fn committed(path: &str, made: &Value) {
    let (path, made) = (in_crate(path), format!("{}\n", serde_json::to_string_pretty(made).unwrap()));
    if std::env::var_os("BELFRY_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = stands.lines().zip(made.lines()).position(|(stands, made)| stands != made);
    let place = differing.unwrap_or(stands.lines().count().min(made.lines().count())) + 1;
    assert!(stands == made, "{} differs at line {place}: {REMEDY}", path.display());
}

#[test]
fn the_committed_document_is_that_of_the_routes() {
    committed("../../openapi.json", &belfry_api::openapi());
}

/// The page has a table of all operations between its heading and the next.
#[test]
fn the_page_of_the_api_lists_every_operation_with_its_scope() {
    let path = in_crate("../../docs/api.md");
    let stands = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = stands.split_once(HEADING).unwrap();
    let after = rest.find("\n## ").map_or("", |next| &rest[next..]);
    let made = format!("{before}{HEADING}{}{after}", operations_table(&belfry_api::openapi()));
    if std::env::var_os("BELFRY_WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == made, "docs/api.md: {REMEDY}");
}

fn operations_table(document: &Value) -> String {
    let mut table = "| operation | needs | |\n|---|---|---|\n".to_owned();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation
                .pointer("/security/0/api_key/0")
                .and_then(Value::as_str)
                .map_or("no key".to_owned(), |scope| format!("`{scope}`"));
            table += &format!("| `{} {path}` | {scope} | {} |\n", method.to_uppercase(), operation["summary"].as_str().unwrap());
        }
    }
    table
}

#[tokio::test]
async fn every_operation_has_examples_and_they_are_answered_as_written() {
    let mut walk = Walk::new().await;
    workflows(&mut walk).await;
    schedules(&mut walk).await;
    calendars(&mut walk).await;
    runs(&mut walk).await;
    keys(&mut walk).await;
    system(&mut walk).await;
    ends(&mut walk).await;
    let shown: BTreeSet<&str> = walk.taken.iter().map(|example| example["operation"].as_str().unwrap()).collect();
    let all: BTreeSet<&str> = walk.operations.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(shown, all, "each operation has an example");
    committed("src/openapi/examples.json", &Value::from(walk.taken));
}

/// A day of one user.
struct Walk {
    world: World,
    /// Ids and methods.
    operations: Vec<(String, Method)>,
    taken: Vec<Value>,
}

impl Walk {
    async fn new() -> Walk {
        let document = belfry_api::openapi();
        let items = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
        let operations = items
            .map(|(method, operation)| (operation["operationId"].as_str().unwrap().to_owned(), method.to_uppercase().parse().unwrap()));
        Walk { world: World::new().await, operations: operations.collect(), taken: Vec::new() }
    }

    /// Sends it, keeps it as an example, and answers the body.
    async fn take(&mut self, operation: &str, summary: &str, path: &str, body: Option<Value>) -> Value {
        self.take_with(operation, summary, path, &[], body).await
    }

    async fn take_with(&mut self, operation: &str, summary: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Value {
        let (_, method) = self.operations.iter().find(|(id, _)| id == operation).unwrap_or_else(|| panic!("no operation {operation}"));
        let kind = match &body {
            Some(Value::String(_)) => "text/calendar",
            _ if *method == Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let text = body.as_ref().map(|body| body.as_str().map_or_else(|| body.to_string(), str::to_owned));
        let answer = self.world.send_as(method.clone(), path, text.as_ref().map(|text| (kind, text.as_bytes())), headers).await;
        assert!(answer.status.is_success(), "{operation}: {}", String::from_utf8_lossy(&answer.bytes));
        let shown = match answer.header("content-type") {
            // It has this example in it.
            _ if operation == "openapi_json" => Value::Null,
            Some("application/json") => answer.json(),
            Some(_) => Value::from(String::from_utf8(answer.bytes.clone()).unwrap()),
            None => Value::Null,
        };
        let headers: serde_json::Map<String, Value> = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        self.taken.push(json!({
            "operation": operation, "summary": summary, "path": path, "headers": headers, "body": body,
            "status": answer.status.as_u16(), "answer": shown.clone(),
        }));
        shown
    }

    fn pass(&self, minutes: i64) {
        self.world.clock.advance(SignedDuration::from_mins(minutes));
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn nightly() -> Value {
    json!({
        "name": "nightly-report",
        "description": "Fetches the figures of the day",
        "tags": ["reports"],
        "definition": {
            "nodes": [
                {"id": "start", "type": "trigger", "parameters": {"schedule": {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}}},
                {"id": "fetch", "type": "http", "parameters": {"url": "https://figures.example/day"}, "timeout": "PT30S",
                 "retry": {"attempts": 3}}
            ],
            "edges": [{"from": "start", "to": "fetch"}]
        }
    })
}

async fn workflows(walk: &mut Walk) {
    let made = walk.take("create_workflow", "With a schedule", "/workflows", Some(nightly())).await;
    let path = format!("/workflows/{}", text(&made, "id"));
    let handoff = json!({
        "name": "invoices", "queue": "billing", "delivery": "handoff",
        "definition": {"nodes": [{"id": "note", "type": "log", "parameters": {"message": "the consumer does it"}}]}
    });
    walk.take("create_workflow", "For consumers of another program", "/workflows", Some(handoff)).await;
    walk.take("list_workflows", "Those with a tag", "/workflows?tag=reports&limit=10", None).await;
    walk.take("get_workflow", "By id", &path, None).await;
    let mut whole = nightly();
    whole["description"] = json!("Fetches the figures of the day before");
    walk.take_with("replace_workflow", "Whole", &path, &[("If-Match", "\"1\"")], Some(whole)).await;
    walk.take_with("patch_workflow", "Its tags", &path, &[("If-Match", "\"2\"")], Some(json!({"tags": ["reports", "nightly"]}))).await;
    walk.take("list_workflow_versions", "Newest first", &format!("{path}/versions"), None).await;
    walk.take("get_workflow_version", "The first", &format!("{path}/versions/1"), None).await;
    walk.take("get_workflow_schedule", "That of its trigger node", &format!("{path}/schedule"), None).await;
}

async fn schedules(walk: &mut Walk) {
    let body = json!({"name": "cleanup", "definition": {"nodes": [{"id": "say", "type": "log", "parameters": {"message": "clean"}}]}});
    let made = walk.world.post("/workflows", &body).await.ok(201);
    let workflow = format!("/workflows/{}", text(&made, "id"));
    let default = format!("{workflow}/schedule");
    walk.take(
        "preview_schedule",
        "A night when clocks change",
        "/schedules/preview",
        Some(json!({
            "cron": "30 2 * * *", "timezone": "Europe/Berlin", "after": "2026-03-28T00:00:00Z", "count": 3
        })),
    )
    .await;
    walk.take("put_workflow_schedule", "Weekdays at nine", &default, Some(json!({"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"})))
        .await;
    walk.take("put_workflow_schedule", "Every fifteen minutes", &default, Some(json!({"every": "PT15M"}))).await;
    walk.take("patch_workflow_schedule", "Pause it", &default, Some(json!({"is_active": false}))).await;
    let own =
        json!({"name": "month-begin", "cron": "0 18 1 * *", "timezone": "America/New_York", "input": {"month": true}, "catch_up": "all"});
    let made = walk.take("create_workflow_schedule", "A further one", &format!("{workflow}/schedules"), Some(own)).await;
    let path = format!("/schedules/{}", text(&made, "id"));
    walk.take("list_workflow_schedules", "The active ones", &format!("{workflow}/schedules?is_active=true"), None).await;
    walk.take("list_schedules", "What fires next", "/schedules?sort=next_run&q=clean&limit=10", None).await;
    walk.take("get_schedule", "By id", &path, None).await;
    walk.take_with("patch_schedule", "Its time", &path, &[("If-Match", "\"1\"")], Some(json!({"cron": "*/10 * * * *", "timezone": "UTC"})))
        .await;
    walk.pass(10);
    walk.take("pause_schedule", "From now on", &format!("{path}/pause"), None).await;
    walk.pass(20);
    walk.take("resume_schedule", "From now on", &format!("{path}/resume"), None).await;
    walk.take("list_schedule_outcomes", "What a pause left out", &format!("{path}/outcomes"), None).await;
    walk.take("list_schedule_revisions", "Newest first", &format!("{path}/revisions"), None).await;
    walk.take("get_schedule_revision", "Against the first", &format!("{path}/revisions/3?against=1"), None).await;
    walk.take("delete_schedule", "By id", &path, None).await;
    walk.take("delete_workflow_schedule", "The default one", &default, None).await;
}

async fn calendars(walk: &mut Walk) {
    let germany = json!({"holidays": ["01-01", {"on": "easter-2", "label": "Good Friday"}, "10-03", "12-25", "12-26"]});
    walk.take("put_calendar", "Holidays", "/calendars/DE", Some(germany)).await;
    let plant = json!({"union": ["DE"], "holidays": [{"on": "12-24", "label": "Christmas Eve"}], "workdays": ["2026-12-19"]});
    walk.take("put_calendar", "On top of another", "/calendars/plant", Some(plant)).await;
    walk.take("list_calendars", "By name", "/calendars?q=pl&limit=10", None).await;
    walk.take("get_calendar", "By name", "/calendars/plant", None).await;
    let except = Some(json!({"except": ["2026-12-24"]}));
    walk.take_with("patch_calendar", "A day that is worked on", "/calendars/plant", &[("If-Match", "\"1\"")], except).await;
    let preview = json!({
        "calendar": {"business_day": -1, "business_calendar": "plant", "at": "18:00"},
        "timezone": "Europe/Berlin", "after": "2026-12-01T00:00:00Z", "count": 3
    });
    walk.take("preview_schedule", "Last business day", "/schedules/preview", Some(preview)).await;
    walk.take("list_calendar_days", "Christmas", "/calendars/plant/days?from=2026-12-19&to=2026-12-27", None).await;
    walk.take("list_calendar_revisions", "Newest first", "/calendars/plant/revisions", None).await;
    let file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261228\r\nSUMMARY:Boxing Day (substitute)\r\n\
                END:VEVENT\r\nBEGIN:VEVENT\r\nDTSTART:20261231T120000Z\r\nSUMMARY:Half a day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    walk.take("import_calendar", "All-day events", "/calendars/UK/import", Some(json!(file))).await;
    walk.take("delete_calendar", "By name", "/calendars/UK", None).await;
}

async fn runs(walk: &mut Walk) {
    let body = json!({"name": "import", "definition": {"nodes": [{"id": "say", "type": "log", "parameters": {"message": "import"}}]}});
    let made = walk.world.post("/workflows", &body).await.ok(201);
    let workflow = format!("/workflows/{}", text(&made, "id"));
    let run = {
        let once = [("Idempotency-Key", "4c2f6a1e-report-2026-11-25")];
        let body = json!({"input": {"region": "Zürich"}});
        walk.take_with("run_workflow", "With an input", &format!("{workflow}/run"), &once, Some(body)).await
    };
    let path = format!("/runs/{}", text(&run, "id"));
    walk.take("list_runs", "Those that have not ended", "/runs?state=pending,queued,running&limit=10", None).await;
    walk.take("list_workflow_runs", "Of one workflow", &format!("{workflow}/runs?limit=10"), None).await;
    let claim = json!({"token": TOKEN, "worker": "billing-1"});
    walk.take("claim_run", "By its message", &format!("{path}/claim"), Some(claim)).await;
    walk.take("heartbeat_run", "Every fifteen seconds", &format!("{path}/heartbeat"), Some(json!({"epoch": 1}))).await;
    let told = json!({"epoch": 1, "progress": "312 of 900 invoices"});
    walk.take("heartbeat_run", "With how far it is", &format!("{path}/heartbeat"), Some(told)).await;
    walk.take("release_run", "At shutdown", &format!("{path}/release"), Some(json!({"epoch": 1}))).await;
    for (operation, summary, body) in [
        ("complete_run", "It is done", json!({"epoch": 1, "output": {"invoices": 900}, "log": "900 invoices in 4 batches\n"})),
        ("fail_run", "With the reason", json!({"epoch": 1, "error": "the invoice has no address"})),
    ] {
        let run = walk.world.post(&format!("{workflow}/run"), &json!({})).await.ok(201);
        let path = format!("/runs/{}", text(&run, "id"));
        walk.world.post(&format!("{path}/claim"), &json!({"token": TOKEN, "worker": "billing-1"})).await.ok(200);
        let verb = operation.trim_end_matches("_run");
        walk.take(operation, summary, &format!("{path}/{verb}"), Some(body)).await;
        walk.take("get_run", summary, &path, None).await;
    }
    walk.take("cancel_run", "Before it started", &format!("{path}/cancel"), None).await;
    walk.take("rerun_run", "Once more", &format!("{path}/rerun"), None).await;
    let poll = json!({"token": OTHER_TOKEN, "worker": "billing-2", "wait": "PT2S"});
    walk.take("claim_from_queue", "Without a broker", "/queues/default/claim", Some(poll)).await;
}

async fn keys(walk: &mut Walk) {
    let made = {
        let body = json!({"name": "billing-worker", "scopes": ["read", "work"], "expires_at": "2027-11-25T00:00:00Z"});
        walk.take("create_key", "For a worker", "/keys", Some(body)).await
    };
    let path = format!("/keys/{}", text(&made, "id"));
    walk.take("list_keys", "All", "/keys", None).await;
    walk.take("get_key", "By id", &path, None).await;
    walk.take("revoke_key", "By id", &path, None).await;
}

async fn system(walk: &mut Walk) {
    for (operation, path) in [("healthz", "/healthz"), ("readyz", "/readyz"), ("metrics", "/metrics"), ("openapi_json", "/openapi.json")] {
        walk.take(operation, "As it is", path, None).await;
    }
}

/// What ends the life of the workflow that everything else is about.
async fn ends(walk: &mut Walk) {
    let listed = walk.world.get("/workflows?name=nightly-report").await.ok(200);
    let path = format!("/workflows/{}", text(&listed["items"][0], "id"));
    walk.take("delete_workflow", "By id", &path, None).await;
}
