//! `command` nodes in a run, with real processes. Real time passes, except where a test says otherwise; what is asserted does
//! not depend on how much.

mod bounds;
mod killing;

use std::collections::BTreeMap;
use std::path::PathBuf;

use belfry_core::run::NodeState;
use tempfile::TempDir;

use super::*;
use crate::CommandSettings;

/// A folder for what commands leave, which is their HOME.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn settings(&self) -> WorkerSettings {
        let environment = [("PATH", std::env::var("PATH").unwrap()), ("HOME", self.path("").display().to_string())];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.trim_end_matches('/').to_owned()));
        WorkerSettings { commands: Some(CommandSettings { environment: environment.collect() }), ..settings() }
    }
}

fn command(parameters: Value) -> Value {
    json!({"id": "c", "type": "command", "parameters": parameters})
}

fn shell(text: &str) -> Value {
    command(json!({ "shell": text }))
}

/// The end of a run of this one node.
async fn run_node(node: Value) -> Run {
    let (bench, home) = (Bench::new(), Home::new());
    let id = bench.queued(1, json!({ "nodes": [node] }));
    let worker = bench.start_with(home.settings());
    let run = bench.store.ended(id).await;
    worker.stop().await;
    run
}

async fn stdout_of(parameters: Value) -> Value {
    let run = run_node(command(parameters)).await;
    assert_eq!(run.error, None);
    node(&run, "c").output["stdout"].clone()
}

#[tokio::test]
async fn arguments_are_templates_that_no_shell_reads() {
    let argv = json!({"argv": ["printf", "%s|", "{{ input.who }}", "$HOME *", "; exit 3", "", "{{ [1, 2] }}"]});
    assert_eq!(stdout_of(argv).await, json!("Bob|$HOME *|; exit 3||[1,2]|"));
}

#[tokio::test]
async fn the_text_of_a_shell_stays_as_it_is_and_gets_values_as_variables() {
    let parameters = json!({"shell": "echo \"$WHO\" | tr a-z A-Z; echo '{{.ID}}'", "env": {"WHO": "{{ input.who }}; exit 3"}});
    assert_eq!(stdout_of(parameters).await, json!("BOB; EXIT 3\n{{.ID}}"));
}

#[tokio::test]
async fn the_output_is_json_when_it_is_and_else_text_without_the_line_breaks_at_its_end() {
    for (printed, seen) in [
        (r#"{"a": [1, true]}"#, json!({"a": [1, true]})),
        ("42\\n", json!(42)),
        ("0042\\n", json!("0042")),
        ("two\\nlines\\n\\n", json!("two\nlines")),
        ("", json!("")),
        ("\\377", json!("\u{fffd}")),
    ] {
        assert_eq!(stdout_of(json!({"argv": ["printf", printed]})).await, seen, "{printed}");
    }
}

#[tokio::test]
async fn the_environment_has_what_was_asked_what_is_told_of_the_run_and_nothing_of_the_workers() {
    let (bench, home) = (Bench::new(), Home::new());
    let parameters = json!({"argv": ["env"], "env": {"WHO": "{{ input.who }}", "BELFRY_RUN_ID": "forged"}});
    let id = bench.queued(1, json!({ "nodes": [command(parameters)] }));
    let worker = bench.start_with(home.settings());
    let run = bench.store.ended(id).await;
    worker.stop().await;
    let lines = node(&run, "c").output["stdout"].as_str().unwrap().to_owned();
    let seen: BTreeMap<&str, &str> = lines.lines().map(|line| line.split_once('=').unwrap()).collect();
    let (id, path, folder) = (run.id.to_string(), std::env::var("PATH").unwrap(), home.path("").display().to_string());
    let key = format!("{id}/c");
    let expected = [
        ("PATH", path.as_str()),
        ("HOME", folder.trim_end_matches('/')),
        ("WHO", "Bob"),
        ("BELFRY_RUN_ID", &id),
        ("BELFRY_NODE_ID", "c"),
        ("BELFRY_WORKFLOW", "nightly"),
        ("BELFRY_ATTEMPT", "1"),
        ("BELFRY_IDEMPOTENCY_KEY", &key),
        ("BELFRY_NOMINAL_TIME", "2026-11-25T09:00:00Z"),
    ];
    assert_eq!(seen, BTreeMap::from(expected));
}

#[tokio::test]
async fn it_runs_at_home_unless_another_folder_is_named() {
    assert_eq!(stdout_of(json!({"shell": "[ \"$PWD\" = \"$HOME\" ] && echo home"})).await, json!("home"));
    assert_eq!(stdout_of(json!({"argv": ["pwd"], "cwd": "/{{ 'usr' }}"})).await, json!("/usr"));
}

#[tokio::test]
async fn its_input_is_text_or_json_and_empty_when_there_is_none() {
    assert_eq!(stdout_of(json!({"argv": ["cat"], "stdin": "for {{ input.who }}"})).await, json!("for Bob"));
    assert_eq!(stdout_of(json!({"argv": ["cat"], "stdin": {"who": "{{ input.who }}"}})).await, json!({"who": "Bob"}));
    assert_eq!(stdout_of(json!({"argv": ["cat"]})).await, json!(""));
}

#[tokio::test]
async fn input_that_is_not_read_holds_nothing_up() {
    assert_eq!(stdout_of(json!({"argv": ["echo", "done"], "stdin": "{{ 'x' * 500000 }}"})).await, json!("done"));
}

#[tokio::test]
async fn exit_code_0_is_success_unless_others_are_named() {
    for (code, named, error) in [
        (0, json!([]), None),
        (3, json!([]), Some("node `c` failed: the command's exit code is 3")),
        (3, json!([0, 3]), None),
        (255, json!([255]), None),
        (0, json!([1]), Some("node `c` failed: the command's exit code is 0")),
    ] {
        let text = format!("echo said; exit {code}");
        let run = run_node(command(json!({"shell": text, "success_codes": named}))).await;
        let output = json!({"exit_code": code, "signal": null, "stdout": "said", "stdout_truncated": false});
        assert_eq!((run.error.as_deref(), &node(&run, "c").output), (error, &output), "{code} {named}");
    }
}

#[tokio::test]
async fn a_signal_that_killed_it_is_told() {
    let run = run_node(shell("echo begun; kill -SEGV $$")).await;
    assert_eq!(run.error.as_deref(), Some("node `c` failed: the command was killed by signal 11 (SIGSEGV)"));
    let output = json!({"exit_code": null, "signal": 11, "stdout": "begun", "stdout_truncated": false});
    assert_eq!(node(&run, "c").output, output);
}

#[tokio::test]
async fn a_command_that_fails_is_repeated_as_its_node_asks() {
    let mut node_of = shell("echo x >> tries; [ $(wc -l < tries) -eq 3 ]");
    node_of["retry"] = json!({"attempts": 5, "backoff": "PT0.01S"});
    let run = run_node(node_of).await;
    assert_eq!((run.state, node(&run, "c").attempts), (RunState::Succeeded, 3));
}

#[tokio::test]
async fn what_cannot_be_begun_says_what_is_missing_and_is_not_repeated() {
    for (parameters, reason) in [
        (json!({"argv": ["no-such-program"]}), "there is no program `no-such-program` in PATH, which is `/"),
        (json!({"argv": ["/no/such/program"]}), "there is no program `/no/such/program` on the worker's host"),
        (json!({"argv": ["/etc/passwd"]}), "`/etc/passwd` could not be run: Permission denied"),
        (json!({"argv": ["true"], "cwd": "/no/such/folder"}), "there is no folder `/no/such/folder` on the worker's host"),
        (json!({"argv": ["true"], "cwd": "{{ 'srv' }}"}), "`cwd` is `srv`, which is no absolute path"),
        (json!({"argv": ["{{ '' }}"]}), "the first of `argv` is empty"),
        (json!({"argv": ["true", "{{ input.nothing }}"]}), "the template `{{ input.nothing }}` fails"),
        (json!({"argv": ["true", "{{ 'x' * 600000 }}"]}), "`true` could not be run: Argument list too long"),
        (json!({"argv": ["true", "{{ 'x' * 600000 }}", "{{ 'x' * 600000 }}"]}), "what is rendered is larger than 1048576 bytes"),
    ] {
        let mut node_of = command(parameters.clone());
        node_of["retry"] = json!({"attempts": 3, "backoff": "PT0.01S"});
        let run = run_node(node_of).await;
        let error = node(&run, "c").error.clone().unwrap();
        assert!(error.starts_with(reason), "{error}");
        assert_eq!(node(&run, "c").attempts, 1, "{parameters}");
    }
}

#[tokio::test]
async fn where_commands_are_switched_off_the_node_fails_at_once_and_says_who_can_switch_them_on() {
    let (bench, home) = (Bench::new(), Home::new());
    let mut touching = command(json!({"argv": ["touch", home.path("ran").display().to_string()]}));
    touching["retry"] = json!({"attempts": 3});
    let run = bench.run(json!({"nodes": [touching]})).await;
    let error = "node `c` failed: `command` nodes are switched off in worker `w1`; its operator can switch them on with \
                 worker.commands = true (BELFRY_WORKER_COMMANDS)";
    assert_eq!((run.state, run.error.as_deref(), node(&run, "c").attempts), (RunState::Failed, Some(error), 1));
    assert!(!home.path("ran").exists());
}

#[tokio::test]
async fn what_it_says_on_standard_error_is_in_the_log_while_it_runs() {
    let (bench, home) = (Bench::new(), Home::new());
    let id = bench.queued(1, json!({ "nodes": [shell("echo begun >&2; until [ -e go ]; do sleep 0.05; done; printf 'ended' >&2")] }));
    let worker = bench.start_with(home.settings());
    let run = bench.store.until(id, |run| run.nodes.iter().any(|node| node.log == "begun\n")).await;
    assert_eq!(node(&run, "c").state, NodeState::Running);
    std::fs::write(home.path("go"), "").unwrap();
    let run = bench.store.ended(id).await;
    assert_eq!((run.state, node(&run, "c").log.as_str()), (RunState::Succeeded, "begun\nended\n"));
    worker.stop().await;
}
