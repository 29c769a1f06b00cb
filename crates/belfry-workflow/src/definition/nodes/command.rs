//! The `command` node: what can be told before a worker runs it. Whether a worker may is its operator's to say.

#[cfg(test)]
mod tests;

use belfry_core::definition::Node;
use belfry_core::node::CommandParameters;
use belfry_core::violation::{Violations, escape};
use serde_json::{Value, json};

use super::parameters;
use crate::definition::templates::names_a_root;

/// More than people write, and few enough for every system's limit on what a program is started with.
const MAX_ARGUMENTS: usize = 1_000;
const MAX_VARIABLES: usize = 200;
/// What the worker tells a command of its run.
const RESERVED: &str = "BELFRY_";

pub(super) fn check(node: &Node, violations: &mut Violations) {
    let Some(command) = parameters::<CommandParameters>(node, violations) else { return };
    check_program(node, &command, violations);
    // A template may make all of it; then the worker judges what it renders to.
    if let Some(cwd) = command.cwd.as_deref().filter(|cwd| !cwd.starts_with(['/', '{'])) {
        violations.add("/cwd", Some(json!(cwd)), format!("`{cwd}` is no absolute path"), "a template that begins with /");
    }
    if command.env.len() > MAX_VARIABLES {
        violations.add("/env", None, format!("it has {} variables", command.env.len()), format!("at most {MAX_VARIABLES}"));
    }
    for name in command.env.keys() {
        check_variable(name, violations);
    }
}

/// As sent: an `argv` that could not be read is told already, and is not missing too.
fn check_program(node: &Node, command: &CommandParameters, violations: &mut Violations) {
    let given = ["argv", "shell"].map(|field| node.parameters.get(field).is_some_and(|value| !value.is_null()));
    match given {
        [true, true] => violations.add("", None, "`argv` and `shell` are given together", ONE_OF_BOTH),
        [false, false] => violations.add("", None, "neither `argv` nor `shell` is given", ONE_OF_BOTH),
        [true, false] => check_argv(node, &command.argv, violations),
        [false, true] => command.shell.iter().for_each(|shell| check_shell(shell, violations)),
    }
}

const ONE_OF_BOTH: &str = "exactly one of `argv`, a list such as [\"pg_dump\", \"shop\"], and `shell`, a text for /bin/sh";

fn check_argv(node: &Node, argv: &[String], violations: &mut Violations) {
    let is_empty = node.parameters["argv"].as_array().is_some_and(Vec::is_empty);
    if is_empty || argv.first().is_some_and(String::is_empty) {
        violations.add("/argv", Some(node.parameters["argv"].clone()), "it names no program", "the program and its arguments");
    }
    if argv.len() > MAX_ARGUMENTS {
        violations.add("/argv", None, format!("it has {} items", argv.len()), format!("at most {MAX_ARGUMENTS}"));
    }
    for (index, argument) in argv.iter().enumerate().filter(|(_, argument)| argument.contains('\0')) {
        violations.add(format!("/argv/{index}"), Some(json!(argument)), "it has a NUL", "text without NUL");
    }
}

fn check_shell(shell: &str, violations: &mut Violations) {
    if shell.trim().is_empty() {
        violations.add("/shell", Some(json!(shell)), "it is empty", "what /bin/sh shall execute");
    }
    if shell.contains('\0') {
        violations.add("/shell", Some(json!(shell)), "it has a NUL", "text without NUL");
    }
    // The braces of other programs (`docker ps --format '{{.ID}}'`) are theirs; only what looks meant for here is told.
    if names_a_root(shell) {
        let detail = "it has a template, and the text of a shell is none: what is put into it would become part of its program";
        let expected = "the value as a variable: \"env\": {\"NAME\": \"{{ input.name }}\"}, and \"$NAME\" in the shell";
        violations.add("/shell", Some(json!(shell)), detail, expected);
    }
}

fn check_variable(name: &str, violations: &mut Violations) {
    let pointer = format!("/env/{}", escape(name));
    let value = Some(Value::from(name));
    if name.is_empty() || name.contains(['=', '\0']) {
        violations.add(pointer, value, format!("`{name}` is no name of a variable"), "a name without `=`");
    } else if name.starts_with(RESERVED) {
        let detail = format!("`{name}` begins with {RESERVED}, as what the worker itself tells of the run");
        violations.add(pointer, value, detail, "another name");
    }
}
