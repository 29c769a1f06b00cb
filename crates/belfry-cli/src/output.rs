//! How answers are printed: tables for people, JSON for programs.

use std::fmt;
use std::io::{ErrorKind, Write};

use comfy_table::{ContentArrangement, Table, presets};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::arguments::Output;

/// Prints a line. Whoever read the output may have gone (`belfry run list | head -n 1`): then there is nobody left to print for.
macro_rules! line {
    ($($text:tt)*) => { $crate::output::print_line(format_args!($($text)*)) };
}
pub(crate) use line;

pub fn print_line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(anstream::stdout(), "{text}") {
        let code = if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
        std::process::exit(code);
    }
}

/// One column: its heading, and what it shows of an object.
pub type Column = (&'static str, fn(&Value) -> String);

/// A list as the API answers it.
pub fn list(answer: &Value, columns: &[Column], output: Output) {
    let items = answer.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match output {
        Output::Json => json(answer),
        Output::Jsonl => items.iter().for_each(|item| line!("{item}")),
        Output::Table => {
            table(items, columns);
            if let Some(cursor) = answer.get("next_cursor").and_then(Value::as_str) {
                anstream::eprintln!("(there are more: --all, or the next page with --cursor {cursor})");
            }
        }
    }
}

/// One object: its fields one a line, or as JSON.
pub fn object(answer: &Value, output: Output) {
    ordered(answer, &[], output);
}

/// One object, with these fields before the others where people read it.
pub fn ordered(answer: &Value, first: &[&str], output: Output) {
    match (output, answer.as_object()) {
        (Output::Table, Some(fields)) => {
            let width = fields.keys().map(String::len).max().unwrap_or(0);
            let place = |name: &String| first.iter().position(|field| field == name).unwrap_or(first.len());
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            fields.sort_by_key(|(name, _)| place(name));
            for (name, value) in fields {
                line!("{name:width$}  {}", shown(name, value));
            }
        }
        (Output::Jsonl, _) => line!("{answer}"),
        _ => json(answer),
    }
}

pub fn json(answer: &Value) {
    line!("{answer:#}");
}

fn table(items: &[Value], columns: &[Column]) {
    if items.is_empty() {
        anstream::eprintln!("(none)");
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for item in items {
        table.add_row(columns.iter().map(|(_, cell)| cell(item)));
    }
    line!("{table}");
}

/// The text of a field; empty when it is absent.
pub fn text(item: &Value, field: &str) -> String {
    item.get(field).map(plain).unwrap_or_default()
}

/// An instant in the host's zone, which is named; empty when it is absent.
pub fn local(item: &Value, field: &str) -> String {
    item.get(field).and_then(Value::as_str).map(local_time).unwrap_or_default()
}

pub fn local_time(instant: &str) -> String {
    match instant.parse::<jiff::Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => instant.to_owned(),
    }
}

fn shown(name: &str, value: &Value) -> String {
    match value {
        Value::String(instant) if name.ends_with("_at") || name.ends_with("_time") => local_time(instant),
        Value::Array(items) if name.ends_with("_times") && items.iter().all(Value::is_string) => {
            items.iter().map(|at| local_time(&plain(at))).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) if items.iter().all(Value::is_string) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Array(_) | Value::Object(_) => format!("{value:#}"),
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
