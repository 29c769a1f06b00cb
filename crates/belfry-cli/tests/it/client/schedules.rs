//! Schedules with everything that they can have, their revisions, and how they and workflows are found.

use serde_json::{Value, json};

use super::{complaint, printed};
use crate::server::{Server, belfry};

fn with_a_workflow() -> Server {
    let server = Server::start();
    super::apply_nodes(&server, "w", &[json!({"id": "start", "type": "trigger"})]);
    server
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn a_schedule_is_set_with_everything_that_it_can_have() {
    let server = with_a_workflow();
    let set = server.json(&[
        "schedule",
        "set",
        "w",
        "--name",
        "full",
        "--spec",
        r#"{"cron": "0 9 * * MON"}"#,
        "--spec",
        r#"{"rrule": "FREQ=MONTHLY;BYDAY=-1FR", "start": "2026-01-01T18:00:00Z"}"#,
        "--timezone",
        "Europe/Berlin",
        "--exclude",
        "12-25,easter",
        "--exclude",
        r#"{"cron": "0 9 1 * *"}"#,
        "--gap",
        "skip",
        "--fold",
        "both",
        "--dom-dow",
        "and",
        "--start-at",
        "2026-01-01T00:00:00Z",
        "--end-at",
        "2099-01-01T00:00:00Z",
        "--jitter",
        "5m",
        "--input",
        r#"{"a": 1}"#,
        "--catch-up",
        "all",
        "--catch-up-window",
        "2h",
        "--missed-after",
        "5m",
        "--paused",
    ]);
    for (field, value) in [
        ("name", json!("full")),
        ("timezone", json!("Europe/Berlin")),
        ("gap", json!("skip")),
        ("fold", json!("both")),
        ("dom_dow", json!("and")),
        ("start_at", json!("2026-01-01T00:00:00Z")),
        ("end_at", json!("2099-01-01T00:00:00Z")),
        ("jitter", json!("PT5M")),
        ("input", json!({"a": 1})),
        ("catch_up", json!("all")),
        ("catch_up_window", json!("PT2H")),
        ("missed_after", json!("PT5M")),
        ("is_active", json!(false)),
    ] {
        assert_eq!(set[field], value, "{field}");
    }
    assert_eq!((set["specs"].as_array().unwrap().len(), set["exclude"].as_array().unwrap().len()), (2, 2));
}

#[test]
fn what_was_read_is_set_as_it_is_and_flags_replace_what_stands() {
    let server = with_a_workflow();
    let specs = [r#"{"cron": "0 9 * * MON"}"#, r#"{"every": "PT6H"}"#];
    let set = server.json(&["schedule", "set", "w", "--spec", specs[0], "--spec", specs[1], "--exclude", "12-25", "--jitter", "5m"]);
    let file = server.folder.path().join("schedule.json");
    std::fs::write(&file, set.to_string()).unwrap();
    let again = server.json(&["schedule", "set", "w", "--file", file.to_str().unwrap()]);
    assert_eq!(again["revision"], set["revision"]);
    let changed = server.json(&["schedule", "set", "w", "--cron", "0 0 9 ? * 2", "--dialect", "quartz", "--unset", "jitter,exclude"]);
    assert_eq!((&changed["cron"], &changed["specs"], &changed["jitter"]), (&json!("0 0 9 ? * 2"), &Value::Null, &json!("PT0S")));
    assert_eq!(changed["exclude"], Value::Null);
}

#[test]
fn what_is_set_wrong_is_named_with_what_would_be_right() {
    let server = with_a_workflow();
    for (arguments, code, said) in [
        (&["--cron", "61 * * * *"][..], 2, "/cron"),
        (&["--cron", "@daily", "--every", "1h"], 2, "cannot be used with"),
        (&["--spec", "{"], 2, "--spec is no JSON"),
        (&["--gap", "jump"], 2, "skip"),
        (&["--every", "1h", "--exclude", "12-32"], 2, "/exclude/0"),
        (&[], 2, "nothing to set"),
        (&["--croon", "@daily"], 2, "--cron"),
    ] {
        let refused = server.belfry(&[&["schedule", "set", "w"], arguments].concat());
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
        assert!(complaint(&refused).contains(said), "{arguments:?}: {}", complaint(&refused));
    }
}

#[test]
fn names_that_are_none_are_answered_with_the_nearest() {
    let server = with_a_workflow();
    server.apply("nightly", json!({"cron": "@daily"}));
    for (arguments, said) in [
        (&["workflow", "get", "nigthly"][..], "did you mean `nightly`?"),
        (&["schedule", "get", "nightly/defualt"], "did you mean `default`?"),
        (&["run", "list", "--workflow", "nightl"], "did you mean `nightly`?"),
        (&["schedule", "get", "w"], "no schedule named `default`"),
    ] {
        let refused = server.belfry(arguments);
        assert_eq!(refused.status.code(), Some(3), "{arguments:?}");
        assert!(complaint(&refused).contains(said), "{arguments:?}: {}", complaint(&refused));
    }
    let refused = server.belfry(&["schedul", "lst"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(complaint(&refused).contains("'schedule'"), "{}", complaint(&refused));
}

#[test]
fn a_schedule_tells_what_it_was_and_what_changed() {
    let server = with_a_workflow();
    let said = printed(&server, &["schedule", "set", "w", "--cron", "0 2 * * *"]);
    assert!(said.starts_with("schedule w/default is set: at 02:00 every day (UTC); next 2") && said.lines().count() == 1, "{said}");
    let got = printed(&server, &["schedule", "get", "w"]);
    let fields: Vec<&str> = got.lines().take(4).map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(fields, ["name", "description", "state", "next_times"], "{got}");
    let id = server.json(&["schedule", "set", "w", "--cron", "0 3 * * *"])["id"].as_str().unwrap().to_owned();
    printed(&server, &["schedule", "set", "w", "--catch-up", "none"]);
    let revisions = server.json(&["schedule", "revisions", "w"]);
    let numbers: Vec<_> = revisions["items"].as_array().unwrap().iter().map(|kept| kept["revision"].as_i64().unwrap()).collect();
    assert_eq!(numbers.len(), 3);
    assert!(printed(&server, &["schedule", "diff", "w"]).contains("+ /schedule/catch_up  \"none\""));
    let (newest, oldest) = (numbers[0].to_string(), numbers[2].to_string());
    let said = printed(&server, &["schedule", "diff", "w", &newest, "--against", &oldest]);
    assert!(said.contains("- /schedule/cron  \"0 2 * * *\"\n+ /schedule/cron  \"0 3 * * *\""), "{said}");
    assert_eq!(server.belfry(&["schedule", "diff", "w", "999"]).status.code(), Some(3));
    // Of a deleted one, by its id, it is kept.
    printed(&server, &["schedule", "delete", "w"]);
    assert_eq!(server.json(&["schedule", "revisions", &id])["items"].as_array().unwrap().len(), 3);
}

#[test]
fn workflows_and_schedules_are_found_and_sorted() {
    let server = Server::start();
    server.apply("beta", json!({"cron": "0 0 1 1 *"}));
    server.apply("alpha", json!({"every": "1h"}));
    server.apply("gamma", json!({"every": "30m", "is_active": false}));
    printed(&server, &["workflow", "set", "beta", "--tags", "ops, reports"]);
    let workflows = |arguments: &[&str]| server.json(&[&["workflow", "list"], arguments].concat());
    assert_eq!(names(&workflows(&[])), ["beta", "alpha", "gamma"]);
    assert_eq!(names(&workflows(&["--sort", "name", "--all"])), ["alpha", "beta", "gamma"]);
    assert_eq!(names(&workflows(&["--sort=-created"])), ["gamma", "alpha", "beta"]);
    assert_eq!(names(&workflows(&["--search", "LPH"])), ["alpha"]);
    assert_eq!(names(&workflows(&["--tag", "reports"])), ["beta"]);
    assert_eq!(names(&workflows(&["--active=false"])), ["gamma"]);
    assert_eq!(names(&workflows(&["--failing"])), Vec::<&str>::new());
    let schedules = |arguments: &[&str]| printed(&server, &[&["schedule", "list"], arguments].concat());
    let within = schedules(&["--next-before", "2h", "--sort", "next_run"]);
    assert!(within.contains("alpha") && !within.contains("beta") && !within.contains("gamma"), "{within}");
    let later = schedules(&["--next-from", "2h"]);
    assert!(later.contains("beta") && !later.contains("alpha"), "{later}");
    assert!(schedules(&["--active=false"]).contains("paused"));
    assert!(schedules(&["--search", "gam"]).contains("every 30 minutes"));
}

#[test]
fn a_workflow_is_changed_in_what_is_given() {
    let server = with_a_workflow();
    let definition = server.folder.path().join("definition.json");
    std::fs::write(&definition, json!({"nodes": [{"id": "other", "type": "trigger"}]}).to_string()).unwrap();
    let file = definition.to_str().unwrap();
    let changed = server.json(&["workflow", "set", "w", "--rename", "v", "--description", "d", "--queue", "q", "--definition", file]);
    assert_eq!((&changed["name"], &changed["description"], &changed["queue"]), (&json!("v"), &json!("d"), &json!("q")));
    assert_eq!(changed["version"], 2);
    assert_eq!(server.json(&["workflow", "get", "v", "--version", "1"])["definition"]["nodes"][0]["id"], "start");
    assert_eq!(server.json(&["workflow", "versions", "v"])["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.belfry(&["workflow", "set", "v"]).status.code(), Some(2));
    // The file may stand by itself.
    let whole = server.folder.path().join("whole.json");
    std::fs::write(&whole, server.json(&["workflow", "get", "v"]).to_string()).unwrap();
    assert!(printed(&server, &["workflow", "apply", whole.to_str().unwrap()]).starts_with("workflow v unchanged"));
    assert_eq!(server.belfry(&["workflow", "apply"]).status.code(), Some(2));
}

#[test]
fn a_preview_takes_what_a_schedule_takes_and_needs_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let preview = |arguments: &[&str]| {
        let output =
            belfry(folder.path()).args(["schedule", "preview", "--json", "--after", "2026-12-23T00:00:00Z"]).args(arguments).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned(), complaint(&output))
    };
    let times = |arguments: &[&str]| serde_json::from_str::<Value>(&preview(arguments).1).unwrap();
    assert_eq!(
        times(&["--cron", "0 9 * * *", "--exclude", "2026-12-24..2026-12-26", "--count", "2"]),
        json!(["2026-12-23T09:00:00Z", "2026-12-27T09:00:00Z"])
    );
    assert_eq!(
        times(&["--spec", r#"{"cron": "0 9 * * *"}"#, "--spec", r#"{"at": "2026-12-23T08:00:00Z"}"#, "--count", "2"]),
        json!(["2026-12-23T08:00:00Z", "2026-12-23T09:00:00Z"])
    );
    assert_eq!(times(&["--cron", "0 9 * * *", "--end-at", "2026-12-23T10:00:00Z", "--count", "9"]), json!(["2026-12-23T09:00:00Z"]));
    // Bounds as people type them.
    assert_eq!(
        times(&["--cron", "0 9 * * *", "--timezone", "Europe/Berlin", "--start-at", "2026-12-25", "--count", "1"]),
        json!(["2026-12-25T08:00:00Z"])
    );
    assert_eq!(
        times(&["--cron", "0 9 * * *", "--previous", "1", "--count", "1"]),
        json!([
            {"time": "2026-12-22T09:00:00Z", "local": "2026-12-22T09:00:00+00:00", "previous": true},
            {"time": "2026-12-23T09:00:00Z", "local": "2026-12-23T09:00:00+00:00"}
        ])
    );
    let (code, _, said) = preview(&["--cron", "0 9 * * *", "--jitter", "5m", "--count", "1"]);
    assert!(code == Some(0) && said.contains("the schedule's id"), "{said}");
    let (code, _, said) = preview(&["--cron", "0 9 * * *", "--exclude", r#"{"holidays": "US"}"#]);
    assert!(code == Some(2) && said.contains("asks no server and knows no stored calendars"), "{said}");
    let (code, _, said) = preview(&["--cron", "0 9 * * *", "--exclude", r#"{"dates": ["13-45"]}"#]);
    assert_eq!(code, Some(2));
    assert!(said.contains("/exclude/0"), "{said}");
}
