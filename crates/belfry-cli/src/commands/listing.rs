//! Lists, page by page.

use serde_json::{Value, json};

use crate::arguments::{Output, PageArguments};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, Column, line};
use crate::progress::StatusLine;

/// The most that a page holds.
const LARGEST_PAGE: u16 = 200;

/// What is asked of a list, in the API's words.
pub type Query = Vec<(&'static str, String)>;

/// The page that was asked for, or all of them as one.
pub async fn fetch(client: &Client, path: &str, query: Query, page: &PageArguments) -> Result<Value, Failure> {
    if !page.all {
        return client.get(path, &of_page(query, page.limit, page.cursor.clone())).await;
    }
    let mut all = Vec::new();
    each_page(client, path, query, |items| all.extend(items)).await?;
    Ok(json!({ "items": all, "next_cursor": null }))
}

/// Prints what was asked for; with `--all` and one object a line, each page as it comes.
pub async fn show(
    client: &Client,
    path: &str,
    query: Query,
    page: &PageArguments,
    columns: &[Column],
    format: Output,
) -> Result<(), Failure> {
    if page.all && format == Output::Jsonl {
        return each_page(client, path, query, |items| items.iter().for_each(|item| line!("{item}"))).await;
    }
    output::list(&fetch(client, path, query, page).await?, columns, format);
    Ok(())
}

async fn each_page(client: &Client, path: &str, query: Query, mut take: impl FnMut(Vec<Value>)) -> Result<(), Failure> {
    let mut status = StatusLine::new();
    let mut count = 0;
    let mut pages = pages(client, path, query);
    while let Some(items) = pages.next().await? {
        count += items.len();
        status.clear();
        take(items);
        status.show(&format!("{count} read so far …"));
    }
    Ok(())
}

/// All of a list, page after page.
pub fn pages<'a>(client: &'a Client, path: &'a str, query: Query) -> Pages<'a> {
    Pages { client, path, query, cursor: Some(None) }
}

/// Keyset pages: what is added meanwhile neither doubles an item nor hides one.
pub struct Pages<'a> {
    client: &'a Client,
    path: &'a str,
    query: Query,
    /// Where the next one begins; none is left without one.
    cursor: Option<Option<String>>,
}

impl Pages<'_> {
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let mut answer = self.client.get(self.path, &of_page(self.query.clone(), LARGEST_PAGE, cursor)).await?;
        self.cursor = answer["next_cursor"].as_str().map(|next| Some(next.to_owned()));
        Ok(Some(answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default()))
    }
}

fn of_page(mut query: Query, limit: u16, cursor: Option<String>) -> Query {
    query.push(("limit", limit.to_string()));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    query
}
