//! What is run, rendered: the program, where, with what environment and input.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use belfry_core::node::CommandParameters;
use belfry_core::ports::ClaimedRun;
use serde_json::Value;
use tokio::process::Command;

use crate::settings::CommandSettings;
use crate::template::{MAX_RENDERED_BYTES, Renderer, TemplateError};

const SHELL: &str = "/bin/sh";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    pub program: String,
    arguments: Vec<String>,
    pub cwd: String,
    environment: BTreeMap<String, String>,
    pub stdin: Vec<u8>,
}

impl Invocation {
    pub fn render(
        parameters: &CommandParameters,
        renderer: &Renderer,
        settings: &CommandSettings,
        claimed: &ClaimedRun,
        node_id: &str,
    ) -> Result<Invocation, String> {
        let mut rendering = Rendering { renderer, room: MAX_RENDERED_BYTES };
        let (program, arguments) = rendering.program(parameters)?;
        let cwd = match &parameters.cwd {
            Some(cwd) => rendering.folder(cwd)?,
            None => settings.environment.get("HOME").cloned().unwrap_or_else(|| "/".to_owned()),
        };
        let mut environment = settings.environment.clone();
        for (name, template) in &parameters.env {
            environment.insert(name.clone(), rendering.text(template)?);
        }
        environment.extend(of_the_run(claimed, node_id));
        let stdin = parameters.stdin.as_ref().map_or(Ok(Vec::new()), |stdin| rendering.stdin(stdin))?;
        Ok(Invocation { program, arguments, cwd, environment, stdin })
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.cwd).env_clear().envs(&self.environment);
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Where programs are looked for.
    pub fn path(&self) -> &str {
        self.environment.get("PATH").map_or("", String::as_str)
    }
}

/// What a command is told of its run; what there is none of is not set.
fn of_the_run(claimed: &ClaimedRun, node_id: &str) -> impl Iterator<Item = (String, String)> {
    let run = &claimed.run;
    let told = [
        ("BELFRY_RUN_ID", Some(run.id.to_string())),
        ("BELFRY_NODE_ID", Some(node_id.to_owned())),
        ("BELFRY_WORKFLOW", Some(run.workflow_name.clone())),
        ("BELFRY_ATTEMPT", Some(run.attempt.to_string())),
        ("BELFRY_IDEMPOTENCY_KEY", Some(format!("{}/{node_id}", run.id))),
        ("BELFRY_NOMINAL_TIME", run.nominal_time.map(|at| at.to_string())),
        ("BELFRY_PREVIOUS_NOMINAL_TIME", claimed.previous_nominal_time.map(|at| at.to_string())),
        ("BELFRY_NEXT_NOMINAL_TIME", claimed.next_nominal_time.map(|at| at.to_string())),
    ];
    told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}

/// All templates of one command share one room.
struct Rendering<'a> {
    renderer: &'a Renderer,
    room: usize,
}

impl Rendering<'_> {
    fn program(&mut self, parameters: &CommandParameters) -> Result<(String, Vec<String>), String> {
        match (parameters.argv.split_first(), &parameters.shell) {
            (Some((program, arguments)), None) => {
                let program = self.text(program)?;
                if program.is_empty() {
                    return Err("the first of `argv` is empty, and names no program".to_owned());
                }
                let arguments = arguments.iter().map(|argument| self.text(argument)).collect::<Result<_, _>>()?;
                Ok((program, arguments))
            }
            // The second `sh` is the name by which the shell speaks of itself.
            (None, Some(shell)) => Ok((SHELL.to_owned(), vec!["-c".to_owned(), shell.clone(), "sh".to_owned()])),
            _ => Err("exactly one of `argv` and `shell` says what is run".to_owned()),
        }
    }

    fn folder(&mut self, template: &str) -> Result<String, String> {
        let folder = self.text(template)?;
        if Path::new(&folder).is_absolute() { Ok(folder) } else { Err(format!("`cwd` is `{folder}`, which is no absolute path")) }
    }

    fn stdin(&mut self, stdin: &Value) -> Result<Vec<u8>, String> {
        let text = match stdin {
            Value::String(template) => return self.text(template).map(String::into_bytes),
            json => self.renderer.value(json).map_err(|error| error.to_string())?.to_string(),
        };
        self.within_room(text).map(String::into_bytes)
    }

    fn text(&mut self, template: &str) -> Result<String, String> {
        let text = self.renderer.text(template).map_err(|error| error.to_string())?;
        self.within_room(text)
    }

    fn within_room(&mut self, text: String) -> Result<String, String> {
        self.room = self.room.checked_sub(text.len()).ok_or_else(|| TemplateError::TooLarge.to_string())?;
        Ok(text)
    }
}
