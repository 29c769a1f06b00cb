//! A PostgreSQL server and a RabbitMQ broker of one test alone, which may kill, freeze, stop and start them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// For what a fault delays by two minutes at most: a lost claim by one, a publication that failed by another.
const PATIENCE: Duration = Duration::from_secs(240);

/// A server that a script of `scripts/servers` has started: it ends, with all that belongs to it, at the end of its input.
pub struct Server {
    script: Child,
    pub url: String,
    control: String,
    frozen: bool,
}

impl Server {
    /// One that keeps what it acknowledged when it is killed.
    pub fn postgres() -> Server {
        Server::start("postgres", "BELFRY_TEST_POSTGRES")
    }

    pub fn rabbitmq() -> Server {
        Server::start("rabbitmq", "BELFRY_TEST_RABBITMQ")
    }

    fn start(name: &str, variable: &str) -> Server {
        let script = format!("{}/../../scripts/servers/{name}", env!("CARGO_MANIFEST_DIR"));
        let tell = format!("echo ${variable}; echo ${variable}_CONTROL; cat >/dev/null");
        let mut command = Command::new(&script);
        command.args(["sh", "-c", &tell]).env("BELFRY_TEST_POSTGRES_DURABLE", "yes");
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let mut line = || lines.next().unwrap_or_else(|| panic!("scripts/servers/{name} started no server")).unwrap();
        Server { url: line(), control: line(), script, frozen: false }
    }

    pub fn kill(&self) {
        signal("KILL", &self.pid());
    }

    /// SIGSTOP to all its processes, the first one first: it makes no more.
    pub fn freeze(&mut self) {
        self.frozen = true;
        signal("STOP", &self.pid());
        self.children().iter().for_each(|child| signal("STOP", child));
    }

    pub fn thaw(&mut self) {
        self.frozen = false;
        self.children().iter().for_each(|child| signal("CONT", child));
        signal("CONT", &self.pid());
    }

    fn children(&self) -> Vec<String> {
        let pid = self.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().map(str::to_owned).collect()
    }

    pub fn stop(&self) {
        self.control(&["stop"]);
    }

    pub fn start_again(&self) {
        self.control(&["start"]);
    }

    /// What `scripts/servers` says of it; it must succeed.
    pub fn control(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.control).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn pid(&self) -> String {
        self.control(&["pid"]).trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.frozen {
            self.thaw();
        }
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

pub fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), pid]).status().unwrap().success(), "no signal {name} for {pid}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads the database beside Belfry: what stands there is what is judged.
impl Server {
    /// The rows of a statement, their columns as text.
    pub fn rows(&self, statement: &str) -> Vec<Vec<String>> {
        lines(&self.control(&["sql", statement]))
    }

    /// The rows of a table as lines of JSON, if the server can still be asked.
    pub fn dump(&self, table: &str) -> Option<Vec<u8>> {
        let statement = format!("SELECT row_to_json(dumped) FROM {table} dumped");
        let output = Command::new(&self.control).args(["sql", &statement]).stdin(Stdio::null()).output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    /// The one number that a statement answers.
    pub fn number(&self, statement: &str) -> i64 {
        self.control(&["sql", statement]).trim().parse().unwrap()
    }

    /// The store's clock, in milliseconds.
    pub fn now(&self) -> i64 {
        self.number("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    }

    /// Returns when the store's clock has reached `at`.
    pub fn wait_until(&self, at: i64) {
        const SLICE: u64 = 1_000;
        while let Some(left) = u64::try_from(at - self.now()).ok().filter(|left| *left > 0) {
            std::thread::sleep(Duration::from_millis(left.min(SLICE)));
        }
    }

    pub fn wait(&self, length: Duration) {
        self.wait_until(self.now() + i64::try_from(length.as_millis()).unwrap());
    }

    /// Returns when the statement, which shows what is not done yet, shows nothing.
    pub fn wait_for_none(&self, what: &str, statement: &str) {
        const STEP: Duration = Duration::from_millis(200);
        let mut waited = Duration::ZERO;
        loop {
            let left = self.rows(statement);
            if left.is_empty() {
                return;
            }
            assert!(waited < PATIENCE, "waited {PATIENCE:?} for {what}; left are {left:#?}");
            std::thread::sleep(STEP);
            waited += STEP;
        }
    }
}

fn lines(output: &str) -> Vec<Vec<String>> {
    output.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}
