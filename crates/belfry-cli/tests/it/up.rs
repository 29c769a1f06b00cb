//! `belfry up` as a user sees it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::server::{Server, belfry, eventually, up};

fn runs(server: &Server, state: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["run", "list", "--limit", "200"];
    state.iter().for_each(|state| arguments.extend(["--state", state]));
    server.json(&arguments)["items"].as_array().unwrap().clone()
}

#[test]
fn a_scheduled_workflow_fires_and_its_run_succeeds() {
    let server = Server::start();
    server.apply("tick", json!({"every": "PT1S"}));
    let run = eventually("a run that succeeded", || runs(&server, &["succeeded"]).into_iter().next());
    let run = server.json(&["run", "get", run["id"].as_str().unwrap()]);
    assert_eq!((&run["kind"], &run["reason"], &run["attempt"]), (&json!("scheduled"), &json!("due"), &json!(1)));
    let nodes: Vec<_> = run["nodes"].as_array().unwrap().iter().map(|node| (&node["id"], &node["state"])).collect();
    assert_eq!(nodes, [(&json!("start"), &json!("succeeded")), (&json!("say"), &json!("succeeded"))]);
    assert!(run["nodes"][1]["log"].as_str().unwrap().contains(run["nominal_time"].as_str().unwrap()));
}

#[test]
fn a_manual_run_is_executed_and_watched_to_its_end() {
    let server = Server::start();
    server.apply("yearly", json!({"cron": "@yearly"}));
    let watched = server.belfry(&["workflow", "run", "yearly", "--input", "{\"a\": 1}", "--watch"]);
    assert!(watched.status.success(), "{}", String::from_utf8_lossy(&watched.stderr));
    assert_eq!(runs(&server, &["succeeded"])[0]["reason"], "manual");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();
    let second = up(server.folder.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("a belfry server runs on"));
}

/// The downtime is shorter than `missed_after`, so everything due meanwhile is late, and fires.
#[test]
fn killed_under_load_every_occurrence_has_one_row_and_every_run_ends() {
    let server = Server::start();
    (0..20).for_each(|n| drop(server.apply(&format!("load-{n}"), json!({"every": "PT1S"}))));
    eventually("runs under way", || (runs(&server, &[]).len() >= 60).then_some(()));
    let folder = server.kill();

    let server = Server::start_on(folder);
    let before = server.json(&["schedule", "list", "--limit", "200"]);
    eventually("more runs", || {
        let now = server.json(&["schedule", "list", "--limit", "200"]);
        let grown = |(now, then): (&Value, &Value)| now["run_count"].as_i64() >= then["run_count"].as_i64().map(|count| count + 3);
        now["items"].as_array().unwrap().iter().zip(before["items"].as_array().unwrap()).all(grown).then_some(())
    });
    for schedule in before["items"].as_array().unwrap() {
        server.json(&["schedule", "pause", schedule["id"].as_str().unwrap()]);
    }
    eventually("every run to end", || runs(&server, &["pending", "queued", "running"]).is_empty().then_some(()));
    for n in 0..20 {
        let listed = server.json(&["run", "list", "--limit", "200", "--workflow", &format!("load-{n}")]);
        assert_gapless(listed["items"].as_array().unwrap());
    }
}

/// One run each second, none twice, each succeeded.
fn assert_gapless(runs: &[Value]) {
    let mut by_time: BTreeMap<i64, usize> = BTreeMap::new();
    for run in runs {
        assert_eq!(run["state"], "succeeded", "{run:#}");
        let nominal: jiff::Timestamp = run["nominal_time"].as_str().unwrap().parse().unwrap();
        *by_time.entry(nominal.as_millisecond()).or_default() += 1;
    }
    let times: Vec<i64> = by_time.keys().copied().collect();
    assert!(by_time.values().all(|count| *count == 1), "an occurrence has two runs: {by_time:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 1_000), "an occurrence has no run: {times:?}");
}

#[test]
fn it_stops_on_a_signal_and_its_folder_can_be_used_again() {
    let server = Server::start();
    server.apply("tick", json!({"every": "PT1S"}));
    eventually("a run", || runs(&server, &[]).into_iter().next());
    let (ended_well, folder) = server.stop();
    assert!(ended_well);
    let server = Server::start_on(folder);
    assert_eq!(server.json(&["workflow", "list"])["items"][0]["name"], "tick");
}

#[test]
fn exit_codes_say_what_kind_of_failure_it_was() {
    let server = Server::start();
    let code = |arguments: &[&str]| server.belfry(arguments).status.code();
    assert_eq!(code(&["workflow", "get", "nothing"]), Some(3));
    assert_eq!(code(&["run", "get", "01a211ee-ea80-89cb-b58b-dec6a3a34fc2"]), Some(3));
    assert_eq!(code(&["--api-key", "belfry_wrong", "workflow", "list"]), Some(4));
    assert_eq!(code(&["workflow", "frobnicate"]), Some(2));
    assert_eq!(code(&["schedule", "preview", "--cron", "61 * * * *"]), Some(2));
}

#[test]
fn the_first_key_and_the_database_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start();
    for file in ["api-key", "belfry.db", "belfry.db-wal"] {
        let mode = std::fs::metadata(server.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let server = Server::start();
    let key = server.json(&["key", "create", "second"]);
    let with_key = |key: &Value| server.belfry(&["--api-key", key["secret"].as_str().unwrap(), "workflow", "list"]).status.code();
    assert_eq!(with_key(&key), Some(0));
    server.belfry(&["key", "revoke", key["id"].as_str().unwrap()]);
    assert_eq!(with_key(&key), Some(4));
    assert_eq!(server.json(&["key", "list"])["items"].as_array().unwrap().len(), 2);
}

#[test]
fn without_keys_only_loopback_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let refused = belfry(folder.path()).args(["up", "--no-auth", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn preview_needs_no_server_and_answers_bad_lines_in_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    let once = belfry(folder.path())
        .args(["schedule", "preview", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin"])
        .args(["--after", "2026-03-28T00:00:00Z", "--count", "2", "--json"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(once.stdout).unwrap().trim(), r#"["2026-03-28T01:30:00Z","2026-03-29T01:00:00Z"]"#);

    let lines = folder.path().join("lines");
    std::fs::write(
        &lines,
        concat!(
            r#"{"id": 1, "every": "PT1H", "start": "2026-01-01T00:00:00Z", "after": "2026-01-01T00:30:00Z", "count": 2}"#,
            "\nnot json\n",
            r#"{"id": "c", "rrule": "FREQ=OFTEN", "count": 1}"#,
            "\n",
            r#"{"id": 4, "at": "2026-01-01T00:00:00Z", "after": "2026-01-01T00:00:00Z", "count": 3}"#,
            "\n"
        ),
    )
    .unwrap();
    let batch =
        belfry(folder.path()).args(["schedule", "preview", "--batch"]).stdin(std::fs::File::open(&lines).unwrap()).output().unwrap();
    let answers: Vec<Value> = String::from_utf8(batch.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0], json!({"id": 1, "times": ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]}));
    assert!(answers[1]["error"].is_string() && answers[1]["id"].is_null());
    assert_eq!((&answers[2]["id"], answers[2]["error"].is_string()), (&json!("c"), true));
    assert_eq!(answers[3], json!({"id": 4, "times": []}));
}

#[test]
fn the_settings_it_prints_are_settings_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let printed = belfry(folder.path()).arg("config").output().unwrap().stdout;
    let file = folder.path().join("belfry.toml");
    let uncommented: String = String::from_utf8(printed)
        .unwrap()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            // A default stands as `#name = value`; prose has a space after its `#`.
            Some(setting) if !setting.starts_with(' ') && !setting.ends_with("=") => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert!(uncommented.contains("poll_interval = \"PT30S\""), "{uncommented}");
    std::fs::write(&file, uncommented).unwrap();
    let server = Server::start_on(folder);
    assert_eq!(server.json(&["workflow", "list"])["items"], json!([]));
}

#[test]
fn a_setting_that_is_wrong_or_unknown_is_named_and_nothing_starts() {
    for (settings, named) in [
        ("[scheduler]\npol_interval = \"5s\"\n", "pol_interval"),
        ("[scheduler]\npoll_interval = \"5 parsecs\"\n", "5 parsecs"),
        ("[scheduler]\npoll_interval = \"2m\"\n", "look_ahead"),
        ("[worker]\nallow_networks = \"10.0.0.0/99\"\n", "10.0.0.0/99"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("belfry.toml"), settings).unwrap();
        let refused = up(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(named), "{said}");
    }
}
