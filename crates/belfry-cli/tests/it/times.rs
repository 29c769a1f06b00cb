//! The examples of docs/time.md, run as they are written.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A command and what the page says it prints.
struct Example {
    command: String,
    output: String,
}

fn examples() -> Vec<Example> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/time.md")).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines() {
            match (line.strip_prefix("$ "), examples.last_mut()) {
                (Some(command), _) => examples.push(Example { command: command.to_owned(), output: String::new() }),
                (None, Some(example)) => example.output += &format!("{line}\n"),
                (None, None) => panic!("`{line}` stands before the first command"),
            }
        }
    }
    examples
}

/// What it prints on both outputs, on a host whose zone is UTC.
fn printed(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_belfry"));
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        [program.parent().unwrap().to_owned().into_os_string()].into_iter().chain(std::env::split_paths(&others).map(OsString::from)),
    )
    .unwrap();
    let ran = Command::new("bash").args(["-c", &format!("{command} 2>&1")]).env("PATH", path).env("TZ", "UTC").output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn every_example_prints_what_its_page_says() {
    let examples = examples();
    assert!(examples.len() >= 30, "{} examples were found", examples.len());
    for Example { command, output } in examples {
        assert!(!output.is_empty(), "{command}: the page says nothing");
        assert_eq!(printed(&command), output, "{command}");
    }
}
