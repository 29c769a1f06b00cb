//! Each node for itself: its name, its type, its parameters, its limits.

mod command;

use std::collections::HashMap;

use belfry_core::definition::Node;
use belfry_core::node::{
    COMMAND, CONDITION, ConditionParameters, HttpParameters, KINDS, LogParameters, SetParameters, TRIGGER, TriggerParameters,
    WaitParameters,
};
use belfry_core::schedule::{DEFAULT_SCHEDULE, ScheduleContent};
use belfry_core::violation::Violations;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Indexed;
use crate::read::{one_of, perhaps, read_partly};
use crate::triggers::{Reading, ScheduleDraft, parse_schedule};

const MAX_ID: usize = 64;
const MAX_ATTEMPTS: u32 = 20;
const LONGEST_TIMEOUT: SignedDuration = SignedDuration::from_hours(24);
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const MAX_REDIRECTS: u8 = 10;

/// Checks each node, and answers the schedule of the trigger node.
pub(super) fn check(
    nodes: &Indexed<Node>,
    reading: Reading<'_>,
    standing: Option<&ScheduleContent>,
    violations: &mut Violations,
) -> Option<ScheduleDraft> {
    check_unique(nodes, violations);
    let mut schedule = None;
    for (index, node) in nodes {
        let mut faults = Violations::default();
        check_id(&node.id, &mut faults);
        check_limits(node, &mut faults);
        let of_node = check_parameters(node, reading, standing, &mut faults);
        schedule = schedule.or(of_node);
        violations.append_under(&format!("/nodes/{index}"), faults);
    }
    schedule
}

fn check_unique(nodes: &Indexed<Node>, violations: &mut Violations) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut trigger: Option<&str> = None;
    for (index, node) in nodes {
        if let Some(first) = seen.get(node.id.as_str()) {
            let detail = format!("`{}` is the id of `/nodes/{first}` too", node.id);
            violations.add(format!("/nodes/{index}/id"), Some(json!(node.id)), detail, "an id of its own");
        } else {
            seen.insert(&node.id, *index);
        }
        if node.kind == TRIGGER
            && let Some(first) = trigger.replace(&node.id)
        {
            let detail = format!("`{first}` is a trigger too, and there is one at most");
            violations.add(
                format!("/nodes/{index}/type"),
                Some(json!(TRIGGER)),
                detail,
                "one trigger; several times go into its schedule's `specs`",
            );
        }
    }
}

/// Templates say `nodes.<id>.output`, where a `-` would subtract and a digit would begin a number.
fn check_id(id: &str, violations: &mut Violations) {
    let ok = id.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && id.len() <= MAX_ID;
    if !ok {
        let instead = id.replace('-', "_");
        let detail = match id.contains('-') {
            true => format!("`{id}` has a `-`, which subtracts in templates (`nodes.{id}.output`); write `{instead}`"),
            false => format!("`{id}` is no id of a node"),
        };
        let expected = format!("1 to {MAX_ID} letters, digits and `_`, not beginning with a digit");
        violations.add("/id", Some(json!(id)), detail, expected);
    }
}

fn check_limits(node: &Node, violations: &mut Violations) {
    if let Some(timeout) = node.timeout.filter(|timeout| !within(*timeout, LONGEST_TIMEOUT)) {
        violations.add("/timeout", Some(json!(timeout.to_string())), "it is out of range", "more than zero, at most PT24H");
    }
    let Some(retry) = &node.retry else { return };
    if !(1..=MAX_ATTEMPTS).contains(&retry.attempts) {
        let expected = format!("1 to {MAX_ATTEMPTS}, the first attempt included");
        violations.add("/retry/attempts", Some(json!(retry.attempts)), "it is out of range", expected);
    }
    for (pointer, pause) in [("/retry/backoff", retry.backoff), ("/retry/max_backoff", retry.max_backoff)] {
        if pause > LONGEST_TIMEOUT {
            violations.add(pointer, Some(json!(pause.to_string())), "it is out of range", "at most PT24H");
        }
    }
}

fn within(length: SignedDuration, longest: SignedDuration) -> bool {
    length > SignedDuration::ZERO && length <= longest
}

fn check_parameters(
    node: &Node,
    reading: Reading<'_>,
    standing: Option<&ScheduleContent>,
    violations: &mut Violations,
) -> Option<ScheduleDraft> {
    let mut faults = Violations::default();
    let mut schedule = None;
    match node.kind.as_str() {
        TRIGGER => schedule = trigger(node, reading, standing, &mut faults),
        "http" => http(node, &mut faults),
        "log" => drop(parameters::<LogParameters>(node, &mut faults)),
        "set" => drop(parameters::<SetParameters>(node, &mut faults)),
        CONDITION => condition(node, &mut faults),
        "wait" => wait(node, &mut faults),
        COMMAND => command::check(node, &mut faults),
        unknown => {
            let detail = format!("`{unknown}` is no type of a node{}", perhaps(unknown, &KINDS));
            violations.add("/type", Some(json!(unknown)), detail, one_of(&KINDS));
        }
    }
    violations.append_under("/parameters", faults);
    schedule
}

fn parameters<T: DeserializeOwned>(node: &Node, violations: &mut Violations) -> Option<T> {
    let (parameters, faults) = read_partly::<T>(&node.parameters, &[]);
    violations.append_under("", faults);
    parameters
}

fn trigger(node: &Node, reading: Reading<'_>, standing: Option<&ScheduleContent>, violations: &mut Violations) -> Option<ScheduleDraft> {
    let schedule = parameters::<TriggerParameters>(node, violations)?.schedule?;
    let mut faults = Violations::default();
    let draft = parse_schedule(&schedule, reading, standing).map_err(|others| faults = others).ok();
    if let Some(name) = draft.as_ref().and_then(|draft| draft.name.as_deref()).filter(|name| *name != DEFAULT_SCHEDULE) {
        let detail = format!("a trigger node has the workflow's `default` schedule, not `{name}`");
        faults.add("/name", Some(json!(name)), detail, "`default`, or nothing");
    }
    violations.append_under("/schedule", faults);
    draft
}

fn http(node: &Node, violations: &mut Violations) {
    let Some(http) = parameters::<HttpParameters>(node, violations) else { return };
    if !METHODS.contains(&http.method.as_str()) {
        let detail = format!("`{}` is no method{}", http.method, perhaps(&http.method, &METHODS));
        violations.add("/method", Some(json!(http.method)), detail, one_of(&METHODS));
    }
    let lower = http.url.to_ascii_lowercase();
    // A template may make the scheme; then the worker judges what it renders to.
    if !lower.starts_with('{') && !["http://", "https://"].iter().any(|scheme| lower.starts_with(scheme)) {
        let detail = format!("`{}` is no address of http or https", http.url);
        violations.add("/url", Some(json!(http.url)), detail, "a template that begins with http:// or https://");
    }
    for (index, status) in http.success_status.iter().enumerate().filter(|(_, status)| !(100..=599).contains(*status)) {
        violations.add(format!("/success_status/{index}"), Some(json!(status)), "it is no status of HTTP", "100 to 599");
    }
    if http.follow_redirects > MAX_REDIRECTS {
        violations.add("/follow_redirects", Some(json!(http.follow_redirects)), "it is out of range", "0 to 10");
    }
}

fn condition(node: &Node, violations: &mut Violations) {
    let Some(condition) = parameters::<ConditionParameters>(node, violations) else { return };
    let expression = condition.expression.trim();
    if expression.is_empty() || expression.starts_with("{{") {
        let expected = "an expression without braces, such as `nodes.fetch.output.status == 200`";
        let detail = if expression.is_empty() { "it is empty" } else { "an expression stands without `{{` and `}}`" };
        violations.add("/expression", Some(json!(condition.expression)), detail, expected);
    }
}

fn wait(node: &Node, violations: &mut Violations) {
    let Some(wait) = parameters::<WaitParameters>(node, violations) else { return };
    let given = ["for", "until"].map(|field| node.parameters.get(field).is_some_and(Value::is_string));
    if given == [true, true] || given == [false, false] {
        let detail = if given[0] { "`for` and `until` are given together" } else { "neither `for` nor `until` is given" };
        violations.add("", None, detail, "exactly one of `for` and `until`");
    }
    if wait.length.is_some_and(|length| length.0 == SignedDuration::ZERO) {
        violations.add("/for", Some(node.parameters["for"].clone()), "it is zero", "a duration of more than zero");
    }
}
