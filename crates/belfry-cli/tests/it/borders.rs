//! The borders between the crates: what each must never depend on, and that the scheduler does background work only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const DRIVERS: [&str; 4] = ["rusqlite", "tokio-postgres", "sqlx", "deadpool"];

/// A crate, the crates of ours that it uses, and what it must never depend on besides the drivers and other people's wires.
struct Border {
    name: &'static str,
    uses: &'static [&'static str],
    never: &'static [&'static str],
    may_use_drivers: bool,
}

const BORDERS: [Border; 10] = [
    Border { name: "belfry-core", uses: &[], never: &["tokio", "axum", "lapin"], may_use_drivers: false },
    Border { name: "belfry-workflow", uses: &["belfry-core"], never: &["tokio", "axum", "lapin"], may_use_drivers: false },
    Border { name: "belfry-scheduler", uses: &["belfry-core"], never: &["axum", "lapin", "utoipa", "reqwest"], may_use_drivers: false },
    Border { name: "belfry-worker", uses: &["belfry-core"], never: &["axum", "lapin"], may_use_drivers: false },
    Border { name: "belfry-api", uses: &["belfry-core", "belfry-workflow"], never: &["lapin", "reqwest"], may_use_drivers: false },
    Border { name: "belfry-sqlite", uses: &["belfry-core"], never: &["axum", "lapin", "tokio-postgres"], may_use_drivers: true },
    Border { name: "belfry-postgres", uses: &["belfry-core"], never: &["axum", "lapin", "rusqlite"], may_use_drivers: true },
    Border { name: "belfry-rabbitmq", uses: &["belfry-core"], never: &["axum"], may_use_drivers: false },
    Border {
        name: "belfry-sim",
        uses: &["belfry-core", "belfry-scheduler", "belfry-testkit", "belfry-worker", "belfry-workflow"],
        never: &["axum", "lapin"],
        may_use_drivers: false,
    },
    Border { name: "belfry-testkit", uses: &["belfry-core"], never: &["axum", "lapin"], may_use_drivers: false },
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every package that `name` is built from, itself included.
fn tree(name: &str) -> BTreeSet<String> {
    let listed = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "cargo tree -p {name}: {}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout).unwrap().lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn every_crate_keeps_its_border() {
    for border in &BORDERS {
        let tree = tree(border.name);
        let ours: BTreeSet<&str> =
            tree.iter().map(String::as_str).filter(|name| name.starts_with("belfry-") && *name != border.name).collect();
        assert_eq!(ours, border.uses.iter().copied().collect(), "{} uses other crates of ours than it may", border.name);
        let drivers = DRIVERS.iter().filter(|_| !border.may_use_drivers);
        for never in border.never.iter().chain(drivers) {
            assert!(!tree.contains(*never), "{} must never depend on {never}", border.name);
        }
    }
}

#[test]
fn every_crate_has_a_border() {
    let known: BTreeSet<String> = BORDERS.iter().map(|border| border.name.to_owned()).chain(["belfry-cli".to_owned()]).collect();
    let there: BTreeSet<String> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, known);
}

/// The lines of the scheduler's sources.
fn scheduler_lines() -> Vec<(PathBuf, String)> {
    crate::tidy::sources(&root().join("crates/belfry-scheduler/src"))
        .into_iter()
        .flat_map(|file| fs::read_to_string(&file).unwrap().lines().map(|line| (file.clone(), line.to_owned())).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_scheduler_has_no_route_no_schema_and_no_user_facing_verb() {
    let schema = ["Serialize", "Deserialize", "ToSchema", "Router", "Request", "Response"];
    let user_verbs = ["create", "update", "edit", "delete", "pause", "resume", "put", "patch", "list", "get_schedule", "preview"];
    for (file, line) in scheduler_lines() {
        let at = format!("{}: {line}", file.display());
        assert!(!schema.iter().any(|word| line.contains(word)), "a schema or a route in the scheduler: {at}");
        let verb = line.split("fn ").nth(1).unwrap_or_default();
        assert!(!user_verbs.iter().any(|user| verb.starts_with(user)), "a user's verb in the scheduler: {at}");
    }
}

#[test]
fn the_words_of_the_design_stand_where_they_belong() {
    for (path, words) in [
        ("crates/belfry-core/src/schedule.rs", "pub struct ScheduledWorkflow "),
        ("crates/belfry-scheduler/src/service.rs", "pub struct ScheduledWorkflowService "),
        ("crates/belfry-scheduler/src/lib.rs", "pub mod daemon;"),
        ("crates/belfry-workflow/src/lib.rs", "pub mod triggers;"),
    ] {
        assert!(fs::read_to_string(root().join(path)).unwrap().contains(words), "{path} lacks `{words}`");
    }
    let triggers: String = crate::tidy::sources(&root().join("crates/belfry-workflow/src/triggers"))
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    assert!(triggers.contains("pub struct ScheduleTriggerService"), "ScheduleTriggerService is not in belfry-workflow's triggers");
}
