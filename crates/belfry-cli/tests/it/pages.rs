//! What docs/{api,cli,deploy,errors,messages,workers,workflows}.md tell to type and to set, done as it is written. The requests that they show
//! are sent by the tests of `belfry-api`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::server::{Server, belfry, eventually};

const PAGES: [&str; 7] = ["api", "cli", "deploy", "errors", "messages", "workers", "workflows"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(format!("docs/{name}.md"))).unwrap()
}

fn blocks(page: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    page.split(opening.as_str()).skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// What stands in the text as code.
fn spans(page: &str) -> Vec<String> {
    let text: String = page.split("```").step_by(2).collect();
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn of_the_folder(server: &Server, name: &str) -> String {
    fs::read_to_string(server.folder.path().join(name)).unwrap().trim().to_owned()
}

fn apply(server: &Server, workflow: &Value) {
    let file = server.folder.path().join("workflow.json");
    fs::write(&file, workflow.to_string()).unwrap();
    server.json(&["workflow", "apply", "-f", file.to_str().unwrap()]);
}

/// A run of the workflow, once it has ended.
fn ended(server: &Server, workflow: &str) -> Value {
    let run = server.json(&["workflow", "run", workflow]);
    eventually("the run to end", || {
        Some(server.json(&["run", "get", run["id"].as_str().unwrap()])).filter(|run| run["finished_at"].is_string())
    })
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_command_of_the_api_page_lists_workflows() {
    let blocks = blocks(&page("api"), "sh");
    assert_eq!(blocks.len(), 1);
    let server = Server::start();
    server.apply("hello", json!({"every": "1h"}));
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &blocks[0]]).env("BELFRY", of_the_folder(&server, "url"));
    let output = command.env("BELFRY_API_KEY", of_the_folder(&server, "api-key")).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["items"][0]["name"], "hello", "{answer}");
}

/// The second block is that of a worker over HTTP: the key and the address are the only words that are not taken as they are.
#[test]
fn the_commands_of_the_workers_page_execute_runs() {
    let blocks = blocks(&page("workers"), "sh");
    assert_eq!(blocks.len(), 2);
    // The first is that of Belfry's own worker, which needs a database.
    let own: Vec<&str> = blocks[0].split_whitespace().skip(1).collect();
    let refused = belfry(&std::env::temp_dir()).args(own).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && said.contains("BELFRY_DATABASE_URL"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("belfry.toml"), "[worker]\nqueues = \"default\"\n").unwrap();
    let server = Server::start_on(folder);
    let definition = json!({"nodes": [{"id": "start", "type": "trigger"}]});
    apply(&server, &json!({"name": "invoices", "queue": "billing", "definition": definition}));
    let (url, key) = (of_the_folder(&server, "url"), of_the_folder(&server, "api-key"));
    let script = blocks[1].replace("http://127.0.0.1:7420", &url).replace("belfry_…", &key).replace("python3 ", "exec python3 -B ");
    let _worker = Ended(Command::new("bash").args(["-euc", &script]).current_dir(root()).spawn().unwrap());
    let run = ended(&server, "invoices");
    assert_eq!((&run["state"], &run["attempt"]), (&json!("succeeded"), &json!(1)));
}

#[test]
fn the_settings_of_the_workers_page_allow_commands() {
    let blocks = blocks(&page("workers"), "toml");
    assert_eq!(blocks.len(), 1);
    let workflow =
        json!({"name": "commands", "definition": {"nodes": [{"id": "dump", "type": "command", "parameters": {"argv": ["true"]}}]}});
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("belfry.toml"), &blocks[0]).unwrap();
    for (server, state) in [(Server::start_on(folder), "succeeded"), (Server::start(), "failed")] {
        apply(&server, &workflow);
        assert_eq!(ended(&server, "commands")["state"], state);
    }
}

#[test]
fn every_command_that_a_page_shows_is_known() {
    let mut seen = 0;
    for name in PAGES {
        let text = page(name);
        let lines = blocks(&text, "sh").iter().flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect::<Vec<_>>();
        for command in spans(&text).into_iter().chain(lines).filter(|code| code.starts_with("belfry ")) {
            let words: Vec<&str> = command.split(" | ").next().unwrap().split_whitespace().skip(1).collect();
            let verbs = words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-'));
            let output = belfry(&std::env::temp_dir()).args(verbs).arg("--help").output().unwrap();
            let help = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "docs/{name}.md: {command}");
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag.split('=').next().unwrap()), "docs/{name}.md: {command}: {flag}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen}");
}

/// `section.name`, and the same as a variable of the environment.
#[test]
fn every_setting_that_a_page_names_is_one() {
    let sample = String::from_utf8(belfry(&std::env::temp_dir()).arg("config").output().unwrap().stdout).unwrap();
    let section = |name: &str| sample.split("\n[").find_map(|section| section.strip_prefix(&format!("{name}]"))).map(str::to_owned);
    let mut seen = 0;
    for name in PAGES {
        for code in spans(&page(name)) {
            let (setting, value) = code.split_once([' ', '=']).unwrap_or((&code, ""));
            if let Some((of, field)) = setting.split_once('.').filter(|(_, field)| *field != "py")
                && let Some(section) = section(of)
            {
                assert!(section.contains(&format!("#{field} =")), "docs/{name}.md: `{code}` is no setting");
                seen += 1;
            } else if setting.starts_with("BELFRY_WORKER_") || setting.starts_with("BELFRY_API_L") {
                assert!(sample.contains(&format!("`{setting}`")), "docs/{name}.md: `{code}` is no variable ({value})");
                seen += 1;
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}
