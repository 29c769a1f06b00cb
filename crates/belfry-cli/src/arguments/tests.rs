//! Laws of all that may be typed.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Arguments;

/// Each verb with its words, such as `workflow apply`.
fn verbs() -> Vec<(String, Command)> {
    fn walk(words: &str, command: &Command, verbs: &mut Vec<(String, Command)>) {
        let mut leads_on = false;
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            leads_on = true;
            walk(format!("{words} {}", inner.get_name()).trim(), inner, verbs);
        }
        if !leads_on {
            verbs.push((words.to_owned(), command.clone()));
        }
    }
    let mut verbs = Vec::new();
    walk("", &Arguments::command(), &mut verbs);
    verbs
}

#[test]
fn the_tree_is_sound() {
    Arguments::command().debug_assert();
    assert!(verbs().len() >= 40, "{} verbs were found", verbs().len());
}

#[test]
fn every_verb_says_what_it_does_and_shows_an_example() {
    for (words, verb) in verbs() {
        assert!(verb.get_about().is_some(), "{words} does not say what it does");
        let after = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let shows = after.starts_with("Example") && after.contains("belfry ");
        assert!(shows, "`belfry {words} --help` shows no example: {after}");
        assert!(after.contains(&format!("belfry {words}")), "the example of {words} shows another verb: {after}");
        // A line that is wrapped cannot be copied.
        assert!(after.lines().all(|line| line.chars().count() <= 100), "an example of {words} is wider than the help: {after}");
    }
}

#[test]
fn every_flag_says_what_it_is_for() {
    for (words, verb) in verbs() {
        for argument in verb.get_arguments().filter(|argument| !argument.is_positional()) {
            let name = argument.get_id();
            let is_plain = ["limit", "description", "count", "schedules", "help", "version"].contains(&name.as_str());
            assert!(is_plain || argument.get_help().is_some(), "{words} --{name} does not say what it is for");
        }
    }
}

#[test]
fn the_page_names_every_verb() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md")).unwrap();
    for (words, _) in verbs() {
        assert!(page.contains(&format!("belfry {words}")), "docs/cli.md does not name `belfry {words}`");
    }
}
