//! `belfry doctor`, beside one process on SQLite and beside a deployment on PostgreSQL and RabbitMQ.

use std::process::{Command, Output};

use serde_json::Value;

use super::complaint;
use crate::cluster::deployment::{Broker, Deployment};
use crate::server::{Server, belfry, eventually};

/// Name, state and remedy of each check.
fn checks(output: &Output) -> Vec<(String, String, String)> {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", complaint(output)));
    let text = |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().unwrap().iter();
    checks.map(|check| (text(check, "name"), text(check, "state"), text(check, "remedy"))).collect()
}

fn names_of(checks: &[(String, String, String)], state: &str) -> Vec<String> {
    checks.iter().filter(|(_, is, _)| is == state).map(|(name, ..)| name.clone()).collect()
}

#[test]
fn a_server_in_one_process_is_well_until_it_is_stopped() {
    let server = Server::start();
    server.apply("tick", serde_json::json!({"every": "PT1S"}));
    eventually("the server to be ready", || server.belfry(&["doctor"]).status.success().then_some(()));
    let output = server.belfry(&["doctor", "--json"]);
    let found = checks(&output);
    assert_eq!(output.status.code(), Some(0), "{found:?}");
    assert_eq!(names_of(&found, "ok"), ["database", "clock", "api", "key", "version", "members", "backlog"], "{found:?}");
    let (_, folder) = server.stop();
    let output = belfry(folder.path()).args(["doctor", "--json"]).output().unwrap();
    let found = checks(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((names_of(&found, "ok"), names_of(&found, "failed")), (vec!["database".into(), "clock".into()], vec!["api".into()]));
    assert_eq!(found.last().unwrap().2, "belfry up");
    assert!(complaint(&output).contains("1 of 3 checks failed"), "{}", complaint(&output));
}

#[test]
fn where_there_is_nothing_it_says_how_to_begin_and_a_wrong_key_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = belfry(folder.path()).args(["doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("failed   database") && said.contains("type: belfry up"), "{said}");
    let server = Server::start();
    eventually("the server to be ready", || server.belfry(&["doctor"]).status.success().then_some(()));
    let output = server.belfry(&["doctor", "--json", "--api-key", "belfry_wrong"]);
    let found = checks(&output);
    assert_eq!(names_of(&found, "failed"), ["key"]);
    assert!(found.iter().any(|(name, _, remedy)| name == "key" && remedy.contains("belfry key create")), "{found:?}");
    std::fs::write(folder.path().join("belfry.toml"), "[worker]\nconcurency = 1\n").unwrap();
    let output = belfry(folder.path()).args(["doctor", "--json"]).output().unwrap();
    assert_eq!(names_of(&checks(&output), "failed"), ["settings"]);
}

/// Needs `python3`, without packages.
#[test]
fn a_clock_that_went_back_behind_the_database_is_told() {
    let server = Server::start();
    server.apply("tick", serde_json::json!({"every": "PT1S"}));
    let (_, folder) = server.stop();
    let ahead =
        "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute('UPDATE store_clock SET last_now = last_now + 3600000')";
    assert!(Command::new("python3").args(["-c", ahead]).arg(folder.path().join("belfry.db")).status().unwrap().success());
    let found = checks(&belfry(folder.path()).args(["doctor", "--json"]).output().unwrap());
    assert!(names_of(&found, "failed").contains(&"clock".to_owned()), "{found:?}");
}

#[test]
fn every_part_of_a_deployment_is_looked_at_and_what_is_missing_has_its_remedy() {
    let mut deployment = Deployment::start(Broker::RabbitMq);
    let doctor = |deployment: &Deployment, more: &[(&str, &str)]| {
        let mut command = belfry(deployment.folder());
        command.args(["doctor", "--json"]).envs(deployment.for_programs()).envs(more.iter().copied());
        let output = command.output().unwrap();
        (output.status.code(), checks(&output))
    };
    // Nobody fires, nobody works.
    let (code, found) = doctor(&deployment, &[]);
    assert_eq!((code, names_of(&found, "failed")), (Some(1), vec!["members".to_owned()]), "{found:?}");
    assert!(found.iter().any(|(name, _, remedy)| name == "members" && remedy.starts_with("belfry daemon")), "{found:?}");
    assert!(found.iter().any(|(name, _, remedy)| name == "processes" && remedy.starts_with("belfry worker")), "{found:?}");
    deployment.add_worker("default", &[]);
    deployment.add_daemon(&[]);
    deployment.add_daemon(&[]);
    let (code, found) = eventually("all to be well", || {
        Some(doctor(&deployment, &[])).filter(|(_, found)| found.iter().all(|(_, state, _)| state == "ok"))
    });
    assert_eq!(code, Some(0));
    let all = ["database", "clock", "members", "versions", "backlog", "broker", "dead", "topology", "api", "key"];
    assert_eq!(names_of(&found, "ok"), all);
    // A queue that nobody consumes, another queue type than what stands, a broker and a database that are not there.
    let (_, found) = doctor(&deployment, &[("BELFRY_BROKER_QUEUE_TYPE", "classic")]);
    assert!(names_of(&found, "failed").iter().any(|name| name == "broker" || name == "topology"), "{found:?}");
    let (code, found) = doctor(&deployment, &[("BELFRY_BROKER_URL", "amqp://belfry:secret@127.0.0.1:1/%2f")]);
    assert_eq!((code, names_of(&found, "failed")), (Some(1), vec!["broker".to_owned()]), "{found:?}");
    let (code, found) = doctor(&deployment, &[("BELFRY_DATABASE_URL", "postgresql://belfry:secret@127.0.0.1:1/belfry")]);
    assert_eq!((code, names_of(&found, "failed")), (Some(1), vec!["database".to_owned()]), "{found:?}");
}

#[test]
fn a_database_without_its_schema_is_to_be_migrated() {
    let postgres = crate::cluster::servers::Server::postgres();
    let folder = tempfile::tempdir().unwrap();
    let output = belfry(folder.path()).args(["doctor", "--json"]).env("BELFRY_DATABASE_URL", &postgres.url).output().unwrap();
    let found = checks(&output);
    assert_eq!(found[0], ("database".to_owned(), "failed".to_owned(), "belfry migrate".to_owned()), "{found:?}");
}
