//! What a job of a crontab becomes: a workflow with one `command` node, its schedule in the trigger node.

use serde_json::{Map, Value, json};

use belfry_core::spec::cron::Cron;
use belfry_core::time::UnixMillis;
use belfry_workflow::definition::validate;
use belfry_workflow::triggers::preview;

use super::crontab::Job;
use super::environment::Environment;
use crate::failure::violations_of;

/// Cron has no limit; a node's is this at most.
const TIMEOUT: &str = "PT24H";
/// What its workflows are found by.
pub const TAG: &str = "crontab";
const SHELL: &str = "/bin/sh";

/// What holds for every line of the file.
pub struct Terms {
    pub queue: Option<String>,
    /// The workers' one; lines of others are refused.
    pub user: Option<String>,
    pub catch_up: String,
}

/// A workflow that a line becomes.
pub struct Planned {
    pub name: String,
    /// As it is applied.
    pub workflow: Value,
    /// When it fires, as a sentence.
    pub sentence: String,
    pub next: Option<UnixMillis>,
    pub command: String,
    /// What differs, or may surprise.
    pub notes: Vec<String>,
}

/// Or why it cannot be expressed.
pub fn translate(job: &Job, name: String, environment: &Environment, terms: &Terms, now: UnixMillis) -> Result<Planned, String> {
    check_user(job, terms)?;
    check_fields(&job.when)?;
    let zone = environment.zone.as_ref().map_err(|error| format!("its zone is not known: {error}"))?;
    let mut schedule = json!({ "cron": job.when, "timezone": zone, "catch_up": terms.catch_up });
    if let Some(minutes) = environment.random_delay {
        schedule["jitter"] = json!(format!("PT{minutes}M"));
    }
    let workflow = workflow(&name, job, &schedule, environment, terms)?;
    let said = |violations| violations_of(&json!({ "violations": violations }));
    validate(&workflow["definition"], now, None).map_err(|violations| format!("a workflow cannot have it:{}", said(violations)))?;
    let mut asked = schedule;
    asked["count"] = json!(2);
    let times = preview(&asked, now).map_err(|violations| format!("its times cannot be planned:{}", said(violations)))?;
    let mut notes = notes(job, environment);
    notes.extend(times.warnings);
    Ok(Planned { name, workflow, sentence: times.description, next: times.times.first().copied(), command: job.command.clone(), notes })
}

fn check_user(job: &Job, terms: &Terms) -> Result<(), String> {
    match (&job.user, &terms.user) {
        (Some(of_line), Some(of_workers)) if of_line != of_workers => Err(format!(
            "it is for the user `{of_line}`, and the workers run as `{of_workers}`: a worker runs everything as its own user; import \
             these lines with --user {of_line} and a --queue that a worker of that user consumes"
        )),
        _ => Ok(()),
    }
}

fn check_fields(when: &str) -> Result<(), String> {
    if when.contains('~') {
        return Err("`~` is a time by chance, of some crons only: write a fixed one, and spread it by the schedule's `jitter`".to_owned());
    }
    Cron::parse(when).map(drop).map_err(|error| error.to_string())
}

fn workflow(name: &str, job: &Job, schedule: &Value, environment: &Environment, terms: &Terms) -> Result<Value, String> {
    let line = format!("crontab: {} {}", job.when, job.command);
    let description = if job.comment.is_empty() { line } else { format!("{}\n\n{line}", job.comment) };
    let mut workflow = json!({
        "name": name,
        "description": description,
        "tags": [TAG],
        "definition": {
            "nodes": [
                {"id": "schedule", "type": "trigger", "parameters": {"schedule": schedule}},
                {"id": "command", "type": "command", "timeout": TIMEOUT, "parameters": parameters(job, environment)?}
            ],
            "edges": [{"from": "schedule", "to": "command"}]
        }
    });
    if let Some(queue) = &terms.queue {
        workflow["queue"] = json!(queue);
    }
    Ok(workflow)
}

fn parameters(job: &Job, environment: &Environment) -> Result<Value, String> {
    let mut parameters = Map::new();
    let shell = environment.shell.as_deref().unwrap_or(SHELL);
    // The node's own shell takes the text as it stands, and refuses what looks like a template.
    if shell == SHELL && !job.command.contains("{{") {
        parameters.insert("shell".to_owned(), json!(job.command));
    } else {
        parameters.insert("argv".to_owned(), json!([literal(shell)?, "-c", literal(&job.command)?]));
    }
    if let Some(home) = &environment.home {
        parameters.insert("cwd".to_owned(), json!(literal(home)?));
    }
    let variables = environment.variables.iter().map(|(name, value)| Ok((name.clone(), json!(literal(value)?))));
    let variables = variables.collect::<Result<Map<_, _>, String>>()?;
    if !variables.is_empty() {
        parameters.insert("env".to_owned(), Value::Object(variables));
    }
    if let Some(input) = &job.stdin {
        parameters.insert("stdin".to_owned(), json!(raw(input)?));
    }
    Ok(Value::Object(parameters))
}

/// A text that a template renders to itself.
fn literal(text: &str) -> Result<String, String> {
    if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) { raw(text) } else { Ok(text.to_owned()) }
}

/// Keeps a line break at its end, too, which a template loses.
fn raw(text: &str) -> Result<String, String> {
    if text.contains("endraw") {
        return Err("`endraw` stands in it, which ends a template's literal text".to_owned());
    }
    Ok(format!("{{% raw %}}{text}{{% endraw %}}"))
}

/// Where this cron and the reader's may differ.
fn notes(job: &Job, environment: &Environment) -> Vec<String> {
    let fields: Vec<&str> = job.when.split(' ').collect();
    let mut notes = Vec::new();
    if job.stdin.is_some() {
        notes.push("what follows `%` is the command's standard input".to_owned());
    }
    if job.is_quiet {
        notes.push("the `-` before it is left out: every run is recorded".to_owned());
    }
    if let Some(shell) = environment.shell.as_deref().filter(|shell| *shell != SHELL) {
        notes.push(format!("run by {shell} -c"));
    }
    let open_step = |item: &&str| item.split_once('/').is_some_and(|(from, _)| !from.starts_with('*') && !from.contains('-'));
    for item in fields.iter().flat_map(|field| field.split(',')).filter(open_step) {
        notes.push(format!("`{item}` goes on to the field's end here; some crons refuse it"));
    }
    if let [_, _, day, _, weekday] = fields.as_slice() {
        for (step, other) in [(day, weekday), (weekday, day)] {
            if step.starts_with("*/") && !other.starts_with('*') {
                notes
                    .push(format!("`{step}` begins with `*`, so a day must match both day fields, as in Vixie's cron; others take either"));
            }
        }
    }
    notes
}
