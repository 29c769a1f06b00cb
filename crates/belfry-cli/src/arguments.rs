//! What may be typed.

mod calendar;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use belfry_core::time::parse_duration;

pub use self::calendar::{CalendarDays, CalendarVerb, SetCalendar};

/// A workflow scheduler: schedules that fire on time, exactly once, with a reason for everything that did not.
#[derive(Parser)]
#[command(name = "belfry", version = version(), propagate_version = true, after_help = EXAMPLES, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

const EXAMPLES: &str = "Examples:
  belfry up --demo                              a server with three small workflows
  belfry workflow apply -f nightly.json         create it, or update it by its name
  belfry schedule set nightly --cron '0 2 * * *' --timezone Europe/Berlin
  belfry schedule preview --cron '*/15 9-17 * * MON-FRI' --timezone America/New_York
  belfry run watch 01a211ee-ea80-89cb-b58b-dec6a3a34fc2";

fn version() -> String {
    let tzdb = belfry_core::time::zone_data_version();
    format!("{} (zone data {tzdb})", env!("CARGO_PKG_VERSION"))
}

#[derive(Args, Clone)]
pub struct Global {
    /// The API's address; by default that of the `belfry up` on this data folder
    #[arg(long, global = true, help_heading = "Everywhere", env = "BELFRY_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// The API key; by default the first key of the data folder
    #[arg(long, global = true, help_heading = "Everywhere", env = "BELFRY_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Where the database, the first key and the lock are
    #[arg(long, global = true, help_heading = "Everywhere", env = "BELFRY_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// A settings file (TOML); by default `belfry.toml` in the data folder, if it is there. `belfry config` prints one
    #[arg(long, global = true, help_heading = "Everywhere", env = "BELFRY_CONFIG")]
    pub config: Option<PathBuf>,
    /// How answers are printed
    #[arg(long, global = true, help_heading = "Everywhere", value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Short for `--output json`
    #[arg(long, global = true, help_heading = "Everywhere", conflicts_with = "output")]
    pub json: bool,
}

impl Global {
    pub fn output(&self) -> Output {
        if self.json { Output::Json } else { self.output }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people: local times, aligned columns
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once, by the parser")]
pub enum Command {
    /// Run everything in one process: API, daemon and worker, on SQLite
    Up(Up),
    /// Serve the API, on the PostgreSQL database of the settings; any number of these may run
    #[command(after_help = PROCESSES)]
    Api(ApiArguments),
    /// Fire and publish what is due, on the PostgreSQL database of the settings; any number of these may run
    #[command(after_help = PROCESSES)]
    Daemon(DaemonArguments),
    /// Execute runs, on the PostgreSQL database of the settings; any number of these may run
    #[command(after_help = PROCESSES)]
    Worker(WorkerArguments),
    /// Workflows: what is run
    #[command(subcommand)]
    Workflow(WorkflowVerb),
    /// Schedules: when it is run
    #[command(subcommand)]
    Schedule(ScheduleVerb),
    /// Business calendars: the days on which nobody works, which schedules share
    #[command(subcommand)]
    Calendar(CalendarVerb),
    /// Runs: what became of it
    #[command(subcommand)]
    Run(RunVerb),
    /// API keys
    #[command(subcommand)]
    Key(KeyVerb),
    /// Measure how many schedules the deployment of the settings fires in a second, and how late
    #[command(after_help = BENCHMARKS)]
    Bench(Bench),
    /// Print the commented settings file with every default
    Config,
    /// Bring the database to this version's schema: PostgreSQL's, where one is set, else that of the data folder
    Migrate,
    /// Print the OpenAPI document
    Openapi,
}

const BENCHMARKS: &str = "Examples:
  belfry bench burst --schedules 10000          all due at one instant
  belfry bench steady --schedules 1000 --every 60s --for 2m
                                                due evenly over each minute, for two minutes";

#[derive(Args)]
pub struct Bench {
    #[command(subcommand)]
    pub shape: BenchShape,
    /// How many daemons are started
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub daemons: u8,
    /// Measure although the database holds other schedules
    #[arg(long, global = true)]
    pub anyway: bool,
}

#[derive(Subcommand)]
pub enum BenchShape {
    /// All schedules are due at one instant
    Burst {
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        schedules: u32,
    },
    /// Schedules are due evenly
    Steady {
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        schedules: u32,
        /// How often each of them is due
        #[arg(long, default_value = "60s", value_parser = length)]
        every: SignedDuration,
        /// How long it goes on
        #[arg(long = "for", default_value = "2m", value_parser = length)]
        length: SignedDuration,
    },
    /// Schedules are active, and none is due
    Idle {
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        schedules: u32,
        /// How long it is looked at
        #[arg(long = "for", default_value = "1m", value_parser = length)]
        length: SignedDuration,
    },
}

fn length(text: &str) -> Result<SignedDuration, String> {
    match parse_duration(text) {
        Ok(length) if length >= SignedDuration::from_secs(1) => Ok(length),
        Ok(_) => Err("it must be at least 1s".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[derive(Args)]
pub struct Up {
    /// The address that the API listens on
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Add three small workflows, and print each run with its lateness as it fires
    #[arg(long)]
    pub demo: bool,
    /// Serve the API without keys; accepted on a loopback address only
    #[arg(long)]
    pub no_auth: bool,
}

const PROCESSES: &str = "Example:
  export BELFRY_DATABASE_URL=postgresql://belfry:…@db.example/belfry
  export BELFRY_BROKER_URL=amqps://belfry:…@broker.example/%2f    # else the queue is in PostgreSQL
  belfry migrate
  belfry key create admin
  belfry api --listen 127.0.0.1:7420
  belfry daemon --metrics-listen 127.0.0.1:7421
  belfry worker --queues default,reports --metrics-listen 127.0.0.1:7422
All settings with their defaults: belfry config. Operating it: docs/deploy.md";

#[derive(Args)]
pub struct ApiArguments {
    /// The address that the API listens on
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Serve the API without keys; accepted on a loopback address only
    #[arg(long)]
    pub no_auth: bool,
}

#[derive(Args)]
pub struct DaemonArguments {
    /// Where to serve /healthz, /readyz and /metrics, without keys
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
}

#[derive(Args)]
pub struct WorkerArguments {
    /// Which queues to consume, separated by commas
    #[arg(long)]
    pub queues: Option<String>,
    /// Where to serve /healthz, /readyz and /metrics, without keys
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
}

#[derive(Subcommand)]
pub enum WorkflowVerb {
    /// Create the workflow of a file, or update the one of its name
    Apply {
        /// A JSON file with `name`, `definition` and so on; `-` for standard input
        #[arg(short, long)]
        file: PathBuf,
    },
    /// List them
    List {
        #[arg(long)]
        tag: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show one, by name or id
    Get { workflow: String },
    /// Delete it and its schedules; runs that have not started are cancelled
    Delete { workflow: String },
    /// Start a run now
    Run {
        workflow: String,
        /// A JSON object
        #[arg(long)]
        input: Option<String>,
        /// Follow it until it ends
        #[arg(long)]
        watch: bool,
    },
}

#[derive(Subcommand)]
pub enum ScheduleVerb {
    /// Create a schedule of a workflow, or change what is given of it; the rest stays
    Set(SetSchedule),
    /// Show one: a schedule's id, WORKFLOW for its `default` one, or WORKFLOW/NAME
    Get {
        schedule: String,
    },
    /// List them, all or those of one workflow
    List {
        #[arg(long)]
        workflow: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Fire nothing until it is resumed; what falls due meanwhile is recorded as paused
    Pause {
        schedule: String,
    },
    /// Go on from now
    Resume {
        schedule: String,
    },
    Delete {
        schedule: String,
    },
    /// What a schedule did not fire, and why
    Outcomes {
        schedule: String,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Compute the next times of a spec; needs no server
    Preview(Preview),
}

#[derive(Args)]
pub struct SetSchedule {
    /// The workflow's name or id
    pub workflow: String,
    /// Which of the workflow's schedules
    #[arg(long, default_value = "default")]
    pub name: String,
    #[command(flatten)]
    pub spec: SpecArguments,
    /// The first instant that may fire
    #[arg(long)]
    pub start_at: Option<String>,
    /// The last instant that may fire
    #[arg(long)]
    pub end_at: Option<String>,
    /// A JSON object, the input of its runs
    #[arg(long)]
    pub input: Option<String>,
    /// last, all or none: what to fire of what was missed
    #[arg(long)]
    pub catch_up: Option<String>,
    /// How old a missed time may be to be fired, such as PT1H
    #[arg(long)]
    pub catch_up_window: Option<String>,
    /// How late a time may be before it counts as missed, such as PT1M
    #[arg(long)]
    pub missed_after: Option<String>,
}

#[derive(Args)]
pub struct SpecArguments {
    /// Five fields, six with seconds first, or a macro such as @daily
    #[arg(long, group = "spec")]
    pub cron: Option<String>,
    /// A fixed length, such as PT15M or 15m
    #[arg(long, group = "spec")]
    pub every: Option<String>,
    /// One instant, or a local time of the zone
    #[arg(long, group = "spec")]
    pub at: Option<String>,
    /// Where `--every` is anchored
    #[arg(long, conflicts_with_all = ["cron", "at"])]
    pub start: Option<String>,
    /// An IANA time zone; UTC when absent
    #[arg(long)]
    pub timezone: Option<String>,
}

#[derive(Args)]
pub struct Preview {
    #[command(flatten)]
    pub spec: SpecArguments,
    /// An RFC 5545 rule; without DTSTART it counts from `--start`, else from `--after`
    #[arg(long, group = "spec")]
    pub rrule: Option<String>,
    /// Days as people name them, as JSON: '{"business_day": -1, "at": "18:00"}'
    #[arg(long, group = "spec")]
    pub calendar: Option<String>,
    /// How cron is read: standard or quartz
    #[arg(long)]
    pub dialect: Option<String>,
    /// A fixed time that is lost when clocks go forward: next, skip or shift
    #[arg(long)]
    pub gap: Option<String>,
    /// A fixed time that comes twice when clocks go back: first, second or both
    #[arg(long)]
    pub fold: Option<String>,
    /// A cron with both day fields restricted: or, and
    #[arg(long)]
    pub dom_dow: Option<String>,
    /// Times after this instant, exclusive; now when absent
    #[arg(long)]
    pub after: Option<String>,
    #[arg(long, default_value_t = 5)]
    pub count: usize,
    /// Read one JSON object a line from standard input, write one a line
    #[arg(long, conflicts_with_all = ["spec", "start", "timezone", "dialect", "gap", "fold", "dom_dow", "after", "count", "details"])]
    pub batch: bool,
    /// Also what touched each time: gap, fold, holiday or bound; as objects in JSON
    #[arg(long)]
    pub details: bool,
}

#[derive(Subcommand)]
pub enum RunVerb {
    /// List them, newest planned time first
    List {
        #[arg(long)]
        workflow: Option<String>,
        /// pending, queued, running, succeeded, failed, cancelled, worker_lost, delivered, unclaimed
        #[arg(long)]
        state: Vec<String>,
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Show one with the results and logs of its nodes
    Get { run: String },
    /// Follow one until it ends
    Watch { run: String },
    /// Cancel one: at once when it has not started, else as soon as its worker hears of it
    Cancel { run: String },
}

#[derive(Subcommand)]
pub enum KeyVerb {
    /// Make a key and show it, once
    Create {
        name: String,
    },
    List,
    /// Revoke a key by its id
    Revoke {
        id: String,
    },
}
