//! The README's walk with curl and with the client, run as it is written.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::client::page::path_with_belfry;
use crate::server::{Server, eventually};

/// The shell blocks of a section, in order.
fn shell_of(section: &str) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let section = readme.split("\n## ").find(|text| text.starts_with(section)).unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn the_walk_from_nothing_to_a_scheduled_run_works_as_written() {
    let server = Server::start();
    eventually("the server to be ready", || server.belfry(&["doctor"]).status.success().then_some(()));
    let url = fs::read_to_string(server.folder.path().join("url")).unwrap();
    let walk = shell_of("From nothing to a scheduled run").replace("http://127.0.0.1:7420", url.trim());
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &walk])
        .env("BELFRY_DATA_DIR", server.folder.path())
        .env("PATH", path_with_belfry())
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(!said.contains("belfry.dev/problems"), "a step was refused:\n{said}");
    for seen in [
        r#"["2026-03-28T01:30:00Z","2026-03-29T01:00:00Z","2026-03-30T00:30:00Z"]"#,
        "hello you from run",
        r#""state":"succeeded""#,
        r#""reason":"paused""#,
        "workflow hello created",
        "greet  succeeded after",
    ] {
        assert!(said.contains(seen), "{seen} was not seen in:\n{said}");
    }
    let left = server.json(&["workflow", "list"]);
    assert_eq!(left["items"], serde_json::json!([]));
}
