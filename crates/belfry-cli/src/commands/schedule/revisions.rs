//! What a schedule was, and what each write changed.

use serde_json::Value;

use super::super::listing::{self, Query};
use super::super::named::schedule_path;
use crate::arguments::{Output, PageArguments};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn list(client: &Client, schedule: &str, page: &PageArguments, format: Output) -> Result<(), Failure> {
    let path = format!("{}/revisions", schedule_path(client, schedule).await?);
    listing::show(client, &path, Query::new(), page, COLUMNS, format).await
}

const COLUMNS: &[output::Column] = &[
    ("REVISION", |item| text(item, "revision")),
    ("WRITTEN", |item| local(item, "created_at")),
    ("WORKFLOW VERSION", |item| text(&item["workflow"], "version")),
    ("CHANGED", |item| changes(item).map(|change| text(change, "pointer")).collect::<Vec<_>>().join(", ")),
];

pub async fn diff(client: &Client, schedule: &str, revision: Option<i64>, against: Option<i64>, format: Output) -> Result<(), Failure> {
    let path = format!("{}/revisions", schedule_path(client, schedule).await?);
    let kept = match revision {
        Some(revision) => {
            let against: Query = against.map(|against| ("against", against.to_string())).into_iter().collect();
            client.get(&format!("{path}/{revision}"), &against).await?
        }
        None => newest(client, schedule, &path).await?,
    };
    if format != Output::Table {
        output::object(&kept, format);
        return Ok(());
    }
    let other = against.map_or("the one before".to_owned(), |against| format!("revision {against}"));
    line!("revision {} of {schedule}, written {}, against {other}:", kept["revision"], local(&kept, "created_at"));
    changes(&kept).for_each(show);
    if changes(&kept).next().is_none() {
        anstream::eprintln!("(nothing differs: it is the first one, or was written with its workflow)");
    }
    Ok(())
}

async fn newest(client: &Client, schedule: &str, path: &str) -> Result<Value, Failure> {
    let mut listed = client.get(path, &[("limit", "1".to_owned())]).await?;
    let newest = listed["items"].get_mut(0).map(Value::take);
    newest.ok_or_else(|| Failure::NotFound(format!("no revision of {schedule} is kept")))
}

fn changes(revision: &Value) -> impl Iterator<Item = &Value> {
    revision["changes"].as_array().into_iter().flatten()
}

/// Red and green on a terminal, as people know it.
fn show(change: &Value) {
    let pointer = text(change, "pointer");
    if let Some(from) = change.get("from") {
        line!("\x1b[31m- {pointer}  {from}\x1b[0m");
    }
    if let Some(to) = change.get("to") {
        line!("\x1b[32m+ {pointer}  {to}\x1b[0m");
    }
}
