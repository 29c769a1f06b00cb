//! A deployment of its own: PostgreSQL, a broker or none, an API, and as many daemons and workers as a scenario wants.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;

use super::api::{Call, Http};
use super::judge::{Rules, Verdict, judge};
use super::lateness::{Phase, table};
use super::ledger::{Ledger, Run};
use super::processes::{Process, clean, free_address};
use super::servers::Server;
use super::witness::Witness;
use crate::server::eventually;

/// Dropped in this order: the processes first, then what they stand on.
pub struct Deployment {
    pub daemons: Vec<Daemon>,
    pub workers: Vec<Process>,
    pub api: Process,
    pub postgres: Server,
    pub broker: Option<Server>,
    pub http: Http,
    pub witness: Witness,
    pub phases: Vec<Phase>,
    /// Schedules whose lateness is shown in a table of their own.
    pub apart: Vec<String>,
    /// See [`Rules`].
    pub workers_lost_until: Option<i64>,
    url: String,
    key: String,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

pub struct Daemon {
    pub process: Process,
    /// Where it serves its metrics.
    address: String,
    /// What its processes had counted before they ended.
    before: Counted,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub fired: u64,
    /// Messages that were taken for lost.
    pub redriven: u64,
    pub conflicts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broker {
    RabbitMq,
    /// The queue in PostgreSQL.
    Embedded,
}

/// What a part of the program prints when it listens.
const LISTENS: &str = "belfry listens on ";

impl Deployment {
    /// Servers, schema, first key and API; daemons and workers are for the scenario to add.
    pub fn start(broker: Broker) -> Deployment {
        let postgres = Server::postgres();
        let broker = (broker == Broker::RabbitMq).then(Server::rabbitmq);
        let folder = tempfile::Builder::new().prefix("cluster-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap().keep();
        let mut environment = vec![("BELFRY_DATABASE_URL".to_owned(), postgres.url.clone())];
        environment.extend(broker.iter().map(|broker| ("BELFRY_BROKER_URL".to_owned(), broker.url.clone())));
        let once = |arguments: &[&str]| {
            let output = clean(&folder).args(arguments).envs(environment.iter().cloned()).output().unwrap();
            assert!(output.status.success(), "belfry {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        once(&["migrate"]);
        let printed = once(&["key", "create", "harness"]);
        let key = printed.split_whitespace().find(|word| word.starts_with("belfry_")).expect("no key was printed").to_owned();
        let mut api = Process::start("api", &folder, &["api", "--listen", "127.0.0.1:0"], &environment);
        let url = eventually("the API's address", || {
            api.check();
            said(&api.log(), LISTENS)
        });
        Deployment {
            daemons: Vec::new(),
            workers: Vec::new(),
            api,
            postgres,
            broker,
            http: Http::new(),
            witness: Witness::start(),
            phases: Vec::new(),
            apart: Vec::new(),
            workers_lost_until: None,
            url,
            key,
            folder,
            environment,
        }
    }

    /// With these daemons and workers, none of them special.
    pub fn of(broker: Broker, daemons: usize, workers: usize) -> Deployment {
        let mut deployment = Deployment::start(broker);
        (0..workers).for_each(|_| deployment.add_worker("default", &[]));
        (0..daemons).for_each(|_| deployment.add_daemon(&[]));
        deployment
    }

    /// Adds a daemon, and waits until it is ready.
    pub fn add_daemon(&mut self, more: &[(&str, &str)]) {
        let (name, address) = (format!("daemon-{}", self.daemons.len() + 1), free_address());
        let process = Process::start(&name, &self.folder, &["daemon", "--metrics-listen", &address], &self.with(more));
        self.daemons.push(Daemon { process, address, before: Counted::default() });
        self.wait_until_daemons_are_ready();
    }

    pub fn add_worker(&mut self, queues: &str, more: &[(&str, &str)]) {
        let name = format!("worker-{}", self.workers.len() + 1);
        // Deliveries that it refuses are logged for those who look closely.
        let own = [
            ("BELFRY_WORKER_NAME", name.as_str()),
            ("BELFRY_WORKER_ALLOW_NETWORKS", "127.0.0.0/8"),
            ("BELFRY_LOG", "info,belfry_worker=debug"),
        ];
        let with = [&own, more].concat();
        let arguments = ["worker", "--queues", queues, "--metrics-listen", &free_address()];
        self.workers.push(Process::start(&name, &self.folder, &arguments, &self.with(&with)));
    }

    fn with(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.environment.iter().cloned().chain(more).collect()
    }

    /// How programs that are not Belfry's find the API and the broker.
    pub fn for_programs(&self) -> Vec<(String, String)> {
        self.with(&[("BELFRY_URL", &self.url), ("BELFRY_API_KEY", &self.key)])
    }

    pub fn wait_until_daemons_are_ready(&mut self) {
        for daemon in &mut self.daemons {
            let ready = format!("http://{}/readyz", daemon.address);
            eventually(&format!("{} to be ready", daemon.process.name), || {
                daemon.process.check();
                self.http.call(get(&ready)).filter(|(status, _)| *status == 200)
            });
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A call to the API.
    pub fn to_api(&self, method: Method, path: &str, body: Option<Value>) -> Call {
        Call { method, url: format!("{}{path}", self.url), key: Some(self.key.clone()), body }
    }

    /// The answer of a call that must succeed.
    pub fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.http.all(vec![self.to_api(method, path, body)]).remove(0)
    }

    /// Runs a part of the scenario; the table has a line for it.
    pub fn phase<T>(&mut self, name: &str, part: impl FnOnce(&mut Deployment) -> T) -> T {
        let from = self.postgres.now();
        let done = part(self);
        self.phases.push(Phase { name: name.to_owned(), from, to: self.postgres.now() });
        done
    }

    /// Waits until nothing is due that has no row, and nothing recorded that is not published.
    pub fn wait_until_on_time(&mut self) {
        self.check_processes();
        let behind = "SELECT id, next_run_at FROM scheduled_workflows
                      WHERE is_active AND deleted_at IS NULL AND next_run_at < store_now() - interval '1 second' LIMIT 5";
        self.postgres.wait_for_none("what is due to be fired", behind);
        let unpublished = "SELECT id, created_at, publish_at, publish_failures, publish_error FROM workflow_runs
                           WHERE state = 'pending' AND created_at < store_now() - interval '2 seconds' LIMIT 5";
        self.postgres.wait_for_none("what is recorded to be published", unpublished);
    }

    /// Fails when any process has ended by itself.
    pub fn check_processes(&mut self) {
        let daemons = self.daemons.iter_mut().map(|daemon| &mut daemon.process);
        daemons.chain(&mut self.workers).chain([&mut self.api]).for_each(Process::check);
    }

    /// Everything is healed. Waits until all that is due by now is decided and has ended, then judges it, and prints how late
    /// it was.
    pub fn conclude(&mut self, title: &str) -> (Ledger, Verdict) {
        let until = self.postgres.now();
        self.check_processes();
        self.wait_until_ended(until);
        self.check_processes();
        let ledger = Ledger::read(&self.postgres, self.witness.seen());
        let verdict = judge(&ledger, &Rules { until, workers_lost_until: self.workers_lost_until });
        let counted: Vec<Counted> = self.daemons.iter().map(|daemon| daemon.counted(&self.http)).collect();
        println!("\n{title}\n{}", self.summary(&ledger, &verdict));
        println!("daemons counted {counted:?}");
        verdict.must_be_clean();
        assert!(verdict.occurrences > 0, "nothing was due: nothing is proved");
        assert!(counted.iter().all(|counted| counted.conflicts == 0), "the second wall was touched: {counted:?}");
        (ledger, verdict)
    }

    fn summary(&self, ledger: &Ledger, verdict: &Verdict) -> String {
        let (apart, runs): (Vec<Run>, Vec<Run>) = ledger.runs.iter().cloned().partition(|run| self.apart.contains(&run.schedule));
        let mut summary = table(&runs, &self.phases);
        if !apart.is_empty() {
            summary.push_str(&format!("\napart from these\n{}", table(&apart, &self.phases)));
        }
        let Verdict { occurrences, runs, recorded, claimed_again, witnessed, .. } = verdict;
        let (schedules, refused) = (ledger.schedules.len(), self.refused_deliveries());
        let rows = format!("{schedules} schedules, {occurrences} occurrences, {runs} runs, recorded without one {recorded:?}");
        let again = format!("{claimed_again} runs claimed again, {refused} deliveries refused, {witnessed} starts witnessed");
        format!("{summary}\n{rows}\n{again}")
    }

    fn wait_until_ended(&self, until: i64) {
        let undecided = format!(
            "SELECT id, next_nominal_at, next_run_at, last_error FROM scheduled_workflows
             WHERE is_active AND deleted_at IS NULL AND next_nominal_at <= to_timestamp({until} / 1000.0) LIMIT 5"
        );
        self.postgres.wait_for_none("what is due to be decided", &undecided);
        let live = format!(
            "SELECT id, state, queue, attempt, created_at, queued_at, claim_until, publish_at, publish_seq, publish_error
             FROM workflow_runs
             WHERE state IN ('pending', 'queued', 'running') AND planned_at <= to_timestamp({until} / 1000.0) LIMIT 5"
        );
        self.postgres.wait_for_none("every run to end", &live);
    }

    /// Messages whose run was not to be claimed any more: delivered twice, as a rule.
    pub fn refused_deliveries(&self) -> usize {
        self.workers.iter().map(|worker| worker.log().matches("and not to be claimed").count()).sum()
    }
}

impl Daemon {
    /// Since the scenario began, whichever of its processes counted it; what a killed one counted last is not known.
    pub fn counted(&self, http: &Http) -> Counted {
        let now = if self.process.runs() { self.scrape(http) } else { Counted::default() };
        let before = self.before;
        Counted { fired: before.fired + now.fired, redriven: before.redriven + now.redriven, conflicts: before.conflicts + now.conflicts }
    }

    /// To be called before its process ends.
    pub fn remember(&mut self, http: &Http) {
        self.before = self.counted(http);
    }

    fn scrape(&self, http: &Http) -> Counted {
        let (status, text) = http.call(get(&format!("http://{}/metrics", self.address))).unwrap();
        assert_eq!(status, 200, "{text}");
        let count = |name: &str| said(&text, &format!("belfry_scheduler_{name}_total ")).unwrap().parse().unwrap();
        Counted { fired: count("runs_fired"), redriven: count("runs_redriven"), conflicts: count("conflicts") }
    }
}

impl Drop for Deployment {
    /// A scenario that failed leaves the logs of its processes and its rows, and says where; so does one that is asked to.
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("BELFRY_SOAK_KEEP").is_some() {
            let processes = self.daemons.iter().map(|daemon| &daemon.process).chain(&self.workers).chain([&self.api]);
            processes.for_each(|process| eprintln!("--- {} ends with\n{}", process.name, process.tail()));
            for table in ["scheduled_workflows", "schedule_revisions", "workflow_runs", "occurrence_outcomes"] {
                if let Some(rows) = self.postgres.dump(table) {
                    let _ = std::fs::write(self.folder.join(format!("{table}.jsonl")), rows);
                }
            }
            eprintln!("--- whole logs and the rows are in {}", self.folder.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

pub fn get(url: &str) -> Call {
    Call { method: Method::GET, url: url.to_owned(), key: None, body: None }
}

/// The word that follows `words` in a text.
fn said(text: &str, words: &str) -> Option<String> {
    let rest = &text[text.find(words)? + words.len()..];
    // Whole: a line that is still being written has no end.
    rest.contains('\n').then(|| rest.split([' ', ',', '\n']).next().unwrap_or_default().to_owned())
}
