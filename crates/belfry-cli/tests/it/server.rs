//! A real `belfry up` in a folder of its own, and the real client.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub struct Server {
    child: Child,
    pub folder: TempDir,
}

/// Longer than anything here takes on a slow machine; only a fault waits for it.
const PATIENCE: Duration = Duration::from_secs(90);

impl Server {
    pub fn start() -> Server {
        Server::start_on(tempfile::tempdir().unwrap())
    }

    /// Starts on a folder, and waits until it listens.
    pub fn start_on(folder: TempDir) -> Server {
        let mut child = up(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        loop {
            let Some(Ok(line)) = lines.next() else { panic!("belfry up ended: {said:#?}") };
            let listens = line.contains("belfry listens on");
            said.push(line);
            if listens {
                break;
            }
        }
        // Read on, or the server would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, folder }
    }

    /// `kill -9`; the folder is left as it is.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// SIGTERM; answers whether it ended well.
    pub fn stop(mut self) -> (bool, TempDir) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = self.child.wait().unwrap().success();
        (ended, std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap()))
    }

    pub fn belfry(&self, arguments: &[&str]) -> Output {
        belfry(self.folder.path()).args(arguments).output().unwrap()
    }

    /// The answer of a command that must succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.belfry(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "belfry {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Creates a workflow that logs a line, on a schedule.
    pub fn apply(&self, name: &str, schedule: Value) -> Value {
        let definition = serde_json::json!({
            "nodes": [
                {"id": "start", "type": "trigger", "parameters": {"schedule": schedule}},
                {"id": "say", "type": "log", "parameters": {"message": "planned for {{ run.nominal_time | default('no time') }}"}}
            ],
            "edges": [{"from": "start", "to": "say"}]
        });
        let file = self.folder.path().join(format!("{name}.json"));
        std::fs::write(&file, serde_json::json!({ "name": name, "definition": definition }).to_string()).unwrap();
        self.json(&["workflow", "apply", "-f", file.to_str().unwrap()])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn belfry(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_belfry"));
    command.env_remove("BELFRY_URL").env_remove("BELFRY_API_KEY").env("BELFRY_DATA_DIR", folder).stdin(Stdio::null());
    command
}

pub fn up(folder: &Path) -> Command {
    let mut command = belfry(folder);
    command.args(["up", "--listen", "127.0.0.1:0"]).stdout(Stdio::null());
    command
}

/// Asks until there is an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    const STEP: Duration = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(waited < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(STEP);
        waited += STEP;
    }
}
