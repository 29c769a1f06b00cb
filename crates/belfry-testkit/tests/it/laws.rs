//! A law that no suite runs is a comment.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the suites are beside their tests")
}

/// The laws that a file states.
fn stated(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next().map(str::to_owned))
}

/// The laws that the macro of a file runs: the lines of it that are a name, or a group and a name, and a comma.
fn listed(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("macro_rules!"));
    let names = lines.take_while(|line| !line.starts_with("(@laws")).filter_map(|line| line.strip_suffix(','));
    names.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || "_: ".contains(c))).map(str::to_owned).collect()
}

#[test]
fn every_law_of_the_stores_is_run() {
    let mut laws = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/stores")).unwrap() {
        let path = entry.unwrap().path();
        let group = path.file_stem().unwrap().to_str().unwrap().to_owned();
        laws.extend(stated(&fs::read_to_string(&path).unwrap()).map(|law| format!("{group}: {law}")));
    }
    assert_eq!(listed(&read("src/stores.rs")), laws);
    assert!(laws.len() > 100, "the laws were looked for in the wrong place: {laws:?}");
}

#[test]
fn every_law_of_the_queues_is_run() {
    let text = read("src/queues.rs");
    let laws: BTreeSet<String> = stated(&text).collect();
    assert_eq!(listed(&text), laws);
    assert!(laws.len() > 10, "the laws were looked for in the wrong place: {laws:?}");
}
