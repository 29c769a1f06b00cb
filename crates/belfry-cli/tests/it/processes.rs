//! `belfry api`, `daemon` and `worker` as an operator meets them: what is missing or wrong is named, what is merely not there yet
//! is waited for, and keys need no API. What a whole deployment does is in `cluster`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cluster::servers::Server;
use crate::server::{belfry, eventually};

const ALL: [&str; 3] = ["api", "daemon", "worker"];

/// A process that runs, and what it said so far.
struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Running {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let mut command = belfry(folder.path());
        command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stderr.take().unwrap(), Arc::clone(&said));
        Running { child, said, folder }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Where it says that it listens.
    fn address(&self) -> String {
        eventually("an address", || {
            let said = self.said();
            let rest = said.lines().find_map(|line| line.split(" on http://").nth(1))?;
            Some(rest.split(',').next().unwrap_or_default().to_owned())
        })
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap().success());
    }

    fn ended(&mut self) -> ExitStatus {
        eventually("the process to end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(stderr: ChildStderr, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            said.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}

/// The whole answer, head and body.
fn get(address: &str, path: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// With a listener, whose address is free.
fn listening(process: &'static str) -> Vec<&'static str> {
    vec![process, if process == "api" { "--listen" } else { "--metrics-listen" }, "127.0.0.1:0"]
}

/// Where nothing listens: the port was free just now.
fn nowhere() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("postgresql://belfry:the-password@{address}/belfry")
}

#[test]
fn a_missing_database_is_named_with_its_variable_and_an_example() {
    for process in ALL {
        let folder = tempfile::tempdir().unwrap();
        let refused = belfry(folder.path()).arg(process).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        for part in ["database.url", "BELFRY_DATABASE_URL", "postgresql://"] {
            assert!(said.contains(part), "{process}: {said}");
        }
    }
}

#[test]
fn up_refuses_what_it_would_not_use_and_names_what_does() {
    let broker = "amqp://belfry:the-password@localhost/%2f";
    for (variable, url) in [("BELFRY_DATABASE_URL", nowhere().as_str()), ("BELFRY_BROKER_URL", broker)] {
        let folder = tempfile::tempdir().unwrap();
        let refused = belfry(folder.path()).arg("up").env(variable, url).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        for part in [variable, "belfry api", "belfry daemon", "belfry worker"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("the-password"), "{said}");
    }
}

#[test]
fn what_can_never_work_ends_the_process_at_once_and_no_password_is_shown() {
    let database = nowhere();
    let wrong = [
        ("BELFRY_WORKER_QUEUES", "reports,dead", "`dead`"),
        ("BELFRY_WORKER_CONCURRENCY", "0", "1 to 10000"),
        ("BELFRY_DATABASE_URL", "mysql://belfry:the-password@localhost/belfry", "database"),
        ("BELFRY_DATABASE_URL", "postgresql://belfry:the-password@localhost/belfry?sslmode=maybe", "sslmode=maybe"),
        ("BELFRY_DATABASE_ROOT_CERTIFICATES", "/nowhere/roots.pem", "/nowhere/roots.pem"),
        ("BELFRY_DATABASE_CONNECTIONS", "0", "database.connections"),
        ("BELFRY_BROKER_URL", "http://belfry:the-password@localhost", "amqp://"),
        ("BELFRY_BROKER_PREFIX", "a b", "a b"),
        ("BELFRY_BROKER_QUEUE_TYPE", "stream", "stream"),
        ("BELFRY_HISTORY_RETENTION", "never", "never"),
        ("BELFRY_SCHEDULER_METRICS_LISTEN", "localhost", "metrics_listen"),
    ];
    for (variable, value, named) in wrong {
        let folder = tempfile::tempdir().unwrap();
        let mut command = belfry(folder.path());
        command.arg(if variable.contains("WORKER") { "worker" } else { "daemon" });
        // With TLS, for which the certificates are read.
        command.env("BELFRY_DATABASE_URL", format!("{database}?sslmode=require"));
        command.env("BELFRY_BROKER_URL", "amqp://belfry:the-password@127.0.0.1:1/%2f").env(variable, value);
        let refused = command.output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{variable}={value}: {said}");
        assert!(said.contains(named), "{variable}={value}: {said}");
        assert!(!said.contains("the-password"), "{variable}={value}: {said}");
    }
}

#[test]
fn a_settings_file_that_cannot_be_read_does_not_show_the_password_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("belfry.toml");
    std::fs::write(&file, "[database]\nurl = postgresql://belfry:the-password@localhost/belfry\n").unwrap();
    let refused = belfry(folder.path()).arg("daemon").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("line 2") && !said.contains("the-password"), "{said}");
}

#[test]
fn a_database_that_is_not_there_yet_is_waited_for_alive_and_not_ready() {
    let database = nowhere();
    for process in ALL {
        let mut running = Running::start(&listening(process), &[("BELFRY_DATABASE_URL", &database)]);
        let address = running.address();
        let answer = eventually("the reason", || Some(get(&address, "/readyz")).filter(|answer| answer.contains("refused")));
        assert!(answer.starts_with("HTTP/1.1 503"), "{process}: {answer}");
        assert!(get(&address, "/healthz").starts_with("HTTP/1.1 200"), "{process}");
        if process != "api" {
            assert!(get(&address, "/metrics").contains("belfry_part_up{part=\"database\"} 0"), "{process}");
        }
        running.signal("TERM");
        assert!(running.ended().success(), "{process}: {}", running.said());
        let said = running.said();
        assert_eq!(said.matches("waiting for the database").count(), 1, "a change is logged once: {said}");
        assert!(!said.contains("the-password"), "{said}");
    }
}

#[test]
fn a_second_signal_ends_a_process_that_still_waits_for_its_runs() {
    // Whoever asks it waits for ever.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = Running::start(&["up", "--listen", "127.0.0.1:0"], &[("BELFRY_WORKER_ALLOW_NETWORKS", "127.0.0.0/8")]);
    let address = server.address();
    let client = |arguments: &[&str]| assert!(belfry(server.folder.path()).args(arguments).output().unwrap().status.success());
    let node = json!({"id": "ask", "type": "http", "parameters": {"url": format!("http://{}/", silent.local_addr().unwrap())}});
    let file = server.folder.path().join("slow.json");
    std::fs::write(&file, json!({"name": "slow", "definition": {"nodes": [node], "edges": []}}).to_string()).unwrap();
    client(&["workflow", "apply", "-f", file.to_str().unwrap()]);
    client(&["workflow", "run", "slow"]);
    let _asked = silent.accept().unwrap();
    server.signal("TERM");
    // While it drains it takes no connections any more.
    eventually("the drain to begin", || TcpStream::connect(&address).is_err().then_some(()));
    server.signal("INT");
    assert_eq!(server.ended().code(), Some(1), "{}", server.said());
}

#[test]
fn a_schema_that_is_not_this_versions_ends_each_process_and_names_what_mends_it() {
    let postgres = Server::postgres();
    for process in ALL {
        let mut running = Running::start(&listening(process), &[("BELFRY_DATABASE_URL", &postgres.url)]);
        assert_eq!(running.ended().code(), Some(1), "{process}");
        eventually("what it says", || running.said().contains("run `belfry migrate`").then_some(()));
    }
}

#[test]
fn processes_that_were_started_before_their_database_become_ready_with_it_and_only_while_it_answers() {
    let postgres = Server::postgres();
    let folder = tempfile::tempdir().unwrap();
    assert!(belfry(folder.path()).arg("migrate").env("BELFRY_DATABASE_URL", &postgres.url).status().unwrap().success());
    postgres.stop();
    let running: Vec<Running> =
        ALL.iter().map(|process| Running::start(&listening(process), &[("BELFRY_DATABASE_URL", &postgres.url)])).collect();
    let addresses: Vec<String> = running.iter().map(Running::address).collect();
    let all_answer = |path: &str, status: &str| {
        let wanted = format!("HTTP/1.1 {status}");
        addresses.iter().all(|address| get(address, path).starts_with(&wanted))
    };
    assert!(all_answer("/readyz", "503"));
    postgres.start_again();
    eventually("all to be ready", || all_answer("/readyz", "200").then_some(()));
    postgres.stop();
    eventually("all to be not ready", || all_answer("/readyz", "503").then_some(()));
    assert!(all_answer("/healthz", "200"));
    postgres.start_again();
    eventually("all to be ready again", || all_answer("/readyz", "200").then_some(()));
    for mut process in running {
        process.signal("TERM");
        assert!(process.ended().success(), "{}", process.said());
    }
}

#[test]
fn keys_are_made_listed_and_revoked_in_the_database_where_no_api_lets_one_in() {
    let postgres = Server::postgres();
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = belfry(folder.path());
        command.args(arguments).env("BELFRY_DATABASE_URL", &postgres.url);
        // Nobody listens there.
        command.env("BELFRY_URL", "http://127.0.0.1:1").output().unwrap()
    };
    let json = |arguments: &[&str]| -> Value {
        let output = run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert!(run(&["migrate"]).status.success());
    let made = json(&["key", "create", "first"]);
    let id = made["id"].as_str().unwrap();
    assert!(made["secret"].as_str().unwrap().starts_with("belfry_"));
    assert_eq!(json(&["key", "list"])["items"][0]["name"], "first");
    assert!(run(&["key", "revoke", id]).status.success());
    assert!(json(&["key", "list"])["items"][0]["revoked_at"].is_string());
    assert_eq!(run(&["key", "revoke", "01a211ee-ea80-89cb-b58b-dec6a3a34fc2"]).status.code(), Some(3));
    assert_eq!(run(&["key", "create", ""]).status.code(), Some(2));
}
