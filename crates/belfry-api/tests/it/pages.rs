//! What docs/{api,errors,messages,workers,workflows}.md show, sent as it stands there.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::world::{World, log};

const TOKEN: &str = "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c03";

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../../docs/{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The fenced blocks of a language, without the indentation of their place.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let (mut indent, mut is_open) = (0, false);
    for line in page.lines() {
        let text = line.trim_start();
        if is_open && text == "```" {
            is_open = false;
        } else if is_open {
            blocks.last_mut().unwrap().push_str(&format!("{}\n", line.get(indent..).unwrap_or_default()));
        } else if text == format!("```{language}") {
            (indent, is_open) = (line.len() - text.len(), true);
            blocks.push(String::new());
        }
    }
    blocks
}

/// The code inside the lines of a page, with the line it is in.
fn spans(page: &str) -> Vec<(&str, String)> {
    let mut spans = Vec::new();
    let mut is_fenced = false;
    for line in page.lines() {
        is_fenced ^= line.trim_start().starts_with("```");
        if !is_fenced {
            let inside = line.split('`').enumerate().filter(|(place, _)| place % 2 == 1);
            spans.extend(inside.map(|(_, code)| (line, code.to_owned())));
        }
    }
    spans
}

/// JSON as pages show it: `…` stands for what is left out.
fn shown(text: &str) -> Value {
    serde_json::from_str(&text.replace(", …}", "}")).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Whether `actual` is what a page shows: with `…` for any text, and any instant for another.
fn is_like(shown: &Value, actual: &Value) -> bool {
    match (shown, actual) {
        (Value::Object(shown), Value::Object(actual)) => {
            shown.iter().all(|(name, shown)| actual.get(name).is_some_and(|actual| is_like(shown, actual)))
        }
        (Value::Array(shown), Value::Array(actual)) => {
            shown.len() == actual.len() && shown.iter().zip(actual).all(|(shown, actual)| is_like(shown, actual))
        }
        (Value::String(shown), Value::String(actual)) if shown.contains('…') => {
            let (beginning, end) = shown.split_once('…').unwrap();
            actual.starts_with(beginning) && actual.ends_with(end)
        }
        (Value::String(shown), Value::String(actual)) if shown.parse::<Timestamp>().is_ok() => actual.parse::<Timestamp>().is_ok(),
        _ => shown == actual,
    }
}

/// A request as a page shows it, and its answer, where the page shows that too.
struct Exchange {
    method: Method,
    path: String,
    body: Value,
    answer: Option<(u16, Value)>,
}

impl Exchange {
    fn read(block: &str) -> Exchange {
        let (request, answer) = block.split_once("\n\n").unwrap_or((block, ""));
        let (line, body) = request.split_once('\n').unwrap();
        let (method, path) = line.split_once(' ').unwrap();
        let answer = answer.split_once(' ').map(|(status, body)| (status.parse().unwrap(), shown(body)));
        Exchange { method: method.parse().unwrap(), path: path.to_owned(), body: shown(body), answer }
    }

    /// Sends it, about a run for which it is right.
    async fn holds(&self) {
        let world = World::new().await;
        let run = scheduled(&world).await;
        let path = match self.path.rsplit_once('/').unwrap() {
            (path, "claim") if path.starts_with("/runs/") => format!("{run}/claim"),
            (path, verb) if path.starts_with("/runs/") => {
                world.post(&format!("{run}/claim"), &json!({"token": TOKEN, "worker": "billing-1"})).await.ok(200);
                format!("{run}/{verb}")
            }
            _ => self.path.clone(),
        };
        let answer = world.send(self.method.clone(), &path, Some(&self.body)).await;
        assert!(answer.status.is_success(), "{path} {}: {}", self.body, String::from_utf8_lossy(&answer.bytes));
        if let Some((status, shown)) = &self.answer {
            let actual = answer.ok(*status);
            assert!(is_like(shown, &actual), "{path}: the page shows\n{shown:#}\nand it is\n{actual:#}");
        }
    }
}

/// A run of the queue `billing` in the midst of a schedule; its path.
async fn scheduled(world: &World) -> String {
    let workflow = json!({"name": "invoices", "queue": "billing", "definition": {"nodes": [log()]}});
    let path = world.post("/workflows", &workflow).await.header("location").unwrap().to_owned();
    let daily = json!({"cron": "0 9 * * *", "input": {"region": "Zürich"}});
    world.send(Method::PUT, &format!("{path}/schedule"), Some(&daily)).await.ok(201);
    world.clock.advance(SignedDuration::from_hours(24));
    // An edit fires what is due.
    world.send(Method::PATCH, &format!("{path}/schedule"), Some(&json!({"cron": "0 8 * * *"}))).await.ok(200);
    format!("/runs/{}", world.get("/runs").await.ok(200)["items"][0]["id"].as_str().unwrap())
}

#[tokio::test]
async fn every_request_that_a_page_shows_is_answered_as_it_says() {
    for (name, count) in [("api", 2), ("messages", 2), ("workers", 1)] {
        let exchanges: Vec<Exchange> = blocks(&page(name), "http").iter().map(|block| Exchange::read(block)).collect();
        assert_eq!(exchanges.len(), count, "docs/{name}.md");
        for exchange in exchanges {
            exchange.holds().await;
        }
    }
}

/// What stands in the page's message is in the committed one, which a test of the core compares byte for byte.
#[test]
fn the_message_that_the_page_shows_is_the_committed_one() {
    let blocks = blocks(&page("messages"), "json");
    assert_eq!(blocks.len(), 1);
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../belfry-core/golden/dev.belfry.run.v1/scheduled.json");
    let committed = serde_json::from_str(&std::fs::read_to_string(committed).unwrap()).unwrap();
    assert!(is_like(&shown(&blocks[0]), &committed), "{committed:#}");
}

#[tokio::test]
async fn every_way_to_end_a_run_leaves_it_as_the_table_says() {
    let page = page("messages");
    let rows: Vec<&str> = page.lines().map(str::trim).filter(|line| line.starts_with("| `POST /runs/{id}/")).collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let code: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let (verb, body, state) = (code[0].rsplit_once('/').unwrap().1, shown(code[1]), code[2]);
        let exchange = Exchange { method: Method::POST, path: format!("/runs/{{id}}/{verb}"), body: body.clone(), answer: None };
        exchange.holds().await;
        let world = World::new().await;
        let run = scheduled(&world).await;
        world.post(&format!("{run}/claim"), &json!({"token": TOKEN, "worker": "billing-1"})).await.ok(200);
        world.post(&format!("{run}/{verb}"), &body).await;
        assert_eq!(world.get(&run).await.ok(200)["state"], state, "{row}");
    }
}

#[tokio::test]
async fn every_body_inside_the_text_of_a_page_is_accepted() {
    let mut count = 0;
    for name in ["messages", "workers", "api"] {
        for (line, code) in spans(&page(name)).into_iter().filter(|(_, code)| code.starts_with(r#"{"epoch""#)) {
            let verbs = ["complete", "fail", "release"];
            let named = verbs.iter().find(|verb| line.contains(&format!("POST /runs/{{id}}/{verb}")));
            let body = shown(&code);
            let verb = named.copied().unwrap_or(if body.get("progress").is_some() { "heartbeat" } else { "complete" });
            Exchange { method: Method::POST, path: format!("/runs/{{id}}/{verb}"), body, answer: None }.holds().await;
            count += 1;
        }
    }
    assert_eq!(count, 6);
}

#[tokio::test]
async fn the_problem_that_the_page_of_errors_shows_is_what_is_answered() {
    let blocks = blocks(&page("errors"), "json");
    assert_eq!(blocks.len(), 1);
    let world = World::new().await;
    let body = json!({"name": "report", "descripton": "Fetches the figures", "definition": {"nodes": [log()]}});
    let actual = world.post("/workflows", &body).await.problem(422, "invalid");
    assert!(is_like(&shown(&blocks[0]), &actual), "{actual:#}");
}

/// `409 `slug``, wherever a page says it, is in the page of errors with that status.
#[test]
fn every_problem_that_a_page_names_is_explained_with_that_status() {
    let errors = page("errors");
    let mut count = 0;
    for name in ["api", "messages", "workers", "workflows", "errors"] {
        let text = page(name);
        for (before, after) in text.match_indices(" `").map(|(place, _)| (&text[..place], &text[place + 2..])) {
            let status = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
            let (slug, _) = after.split_once('`').unwrap();
            if status.len() == 3 && slug.contains('-') {
                assert!(errors.contains(&format!("\n## {slug}\n\n{status}. ")), "docs/{name}.md: {status} `{slug}`");
                count += 1;
            }
        }
    }
    assert!(count >= 12, "{count}");
}

#[tokio::test]
async fn every_definition_that_a_page_shows_is_accepted() {
    let text = page("workflows");
    let mut bodies: Vec<Value> = Vec::new();
    for block in blocks(&text, "json") {
        let value = shown(&block);
        bodies.push(if value.get("definition").is_some() { value } else { of_node(value) });
    }
    assert_eq!(bodies.len(), 2);
    // Parameters of a `command` node, each in a sentence of its own.
    let parameters: Vec<Value> =
        spans(&text).iter().filter(|(_, code)| code.starts_with('"')).map(|(_, code)| shown(&format!("{{{code}}}"))).collect();
    assert_eq!(parameters.len(), 2);
    let merged = parameters.iter().flat_map(|parameters| parameters.as_object().unwrap().clone()).collect();
    bodies.push(of_node(json!({"id": "export", "type": "command", "parameters": Value::Object(merged)})));
    for body in bodies {
        let world = World::new().await;
        world.post("/workflows", &body).await.ok(201);
    }
}

fn of_node(node: Value) -> Value {
    json!({"name": "of-a-page", "definition": {"nodes": [node]}})
}
