//! Every operation of the API has a verb.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root_file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
}

/// The table of docs/cli.md: operation and verb, or for whom else it is.
fn table() -> BTreeMap<String, String> {
    let page = root_file("docs/cli.md");
    let (_, table) = page.split_once("## Every operation of the API").unwrap();
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        Some((cells.next()?, cells.next()?))
    };
    table.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect()
}

fn operations() -> Vec<String> {
    let document: Value = serde_json::from_str(&root_file("openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    operations.filter_map(|operation| operation["operationId"].as_str().map(str::to_owned)).collect()
}

#[test]
fn every_operation_has_a_verb_or_is_for_programs() {
    let table = table();
    let operations = operations();
    assert!(operations.len() >= 44, "{operations:?}");
    for operation in &operations {
        assert!(table.contains_key(operation), "docs/cli.md has no verb for the operation {operation}");
    }
    for operation in table.keys() {
        assert!(operations.contains(operation), "docs/cli.md names the operation {operation}, which the API does not have");
    }
}

#[test]
fn every_verb_of_the_table_is_one() {
    for (operation, verb) in table() {
        let Some(words) = verb.strip_prefix("belfry ") else {
            assert!(verb.starts_with("for programs"), "{operation}: {verb}");
            continue;
        };
        let (flags, words): (Vec<&str>, Vec<&str>) = words.split(' ').partition(|word| word.starts_with("--"));
        let output = Command::new(env!("CARGO_BIN_EXE_belfry")).args(&words).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let usage = format!("Usage: belfry {}", words.join(" "));
        assert!(output.status.success() && help.contains(&usage), "{operation}: `belfry {words:?}` is no verb: {help}");
        for flag in flags {
            assert!(help.contains(flag), "{operation}: `belfry {words:?}` has no {flag}");
        }
    }
}
