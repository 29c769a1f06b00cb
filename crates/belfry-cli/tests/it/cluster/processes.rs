//! Processes of the built `belfry`, their logs in files.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::servers::signal;
use crate::server::{belfry, eventually};

pub struct Process {
    pub name: String,
    child: Child,
    log: PathBuf,
    /// How to start it again.
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: PathBuf,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Runs,
    Frozen,
    Ended,
}

impl Process {
    /// `folder` is its data folder, and where its log goes.
    pub fn start(name: &str, folder: &Path, arguments: &[&str], environment: &[(String, String)]) -> Process {
        let log = folder.join(format!("{name}.log"));
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let child = spawn(folder, &log, &arguments, environment);
        let environment = environment.to_vec();
        Process { name: name.to_owned(), child, log, arguments, environment, folder: folder.to_owned(), state: State::Runs }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.state = State::Ended;
    }

    /// The same command, on the same log.
    pub fn start_again(&mut self) {
        assert!(self.state == State::Ended, "{} has not ended", self.name);
        self.child = spawn(&self.folder, &self.log, &self.arguments, &self.environment);
        self.state = State::Runs;
    }

    pub fn freeze(&mut self) {
        signal("STOP", &self.child.id().to_string());
        self.state = State::Frozen;
    }

    pub fn thaw(&mut self) {
        signal("CONT", &self.child.id().to_string());
        self.state = State::Runs;
    }

    /// SIGTERM; it must end well.
    pub fn stop(&mut self) {
        signal("TERM", &self.child.id().to_string());
        let status = eventually(&format!("{} to end at SIGTERM", self.name), || self.child.try_wait().unwrap());
        self.state = State::Ended;
        assert!(status.success(), "{} ended with {status}:\n{}", self.name, self.tail());
    }

    pub fn runs(&self) -> bool {
        self.state == State::Runs
    }

    /// Fails when it has ended by itself.
    pub fn check(&mut self) {
        if self.state == State::Runs
            && let Some(status) = self.child.try_wait().unwrap()
        {
            panic!("{} ended by itself with {status}:\n{}", self.name, self.tail());
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The last lines of its log that are no routine.
    pub fn tail(&self) -> String {
        const LINES: usize = 20;
        let log = self.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.contains(" INFO ") && !line.contains(" DEBUG ")).collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL ends a frozen one too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, log: &Path, arguments: &[String], environment: &[(String, String)]) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    let mut command = clean(folder);
    command.args(arguments).envs(environment.iter().cloned());
    command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap()
}

/// Without what the caller's environment would set.
pub fn clean(folder: &Path) -> Command {
    let mut command = belfry(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BELFRY_") && name != "BELFRY_DATA_DIR") {
        command.env_remove(name);
    }
    command
}

/// An address that nobody listens on just now.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
