//! What may be typed.

mod bench;
mod calendar;
mod key;
mod operating;
mod processes;
mod run;
mod schedule;
#[cfg(test)]
mod tests;
mod workflow;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use bench::{Bench, BenchShape};
pub use calendar::{CalendarDays, CalendarVerb, SetCalendar};
pub use key::{CreateKey, KeyVerb};
pub use operating::{Completion, Crontab, ImportVerb, Man, Why};
pub use processes::{ApiArguments, DaemonArguments, Up, WorkerArguments};
pub use run::{ListRuns, Logs, RunVerb};
pub use schedule::{ListSchedules, Preview, ScheduleVerb, SetSchedule, SpecArguments};
pub use workflow::{ListWorkflows, SetWorkflow, WorkflowVerb};

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
  belfry run watch 01a211ee-ea80-89cb-b58b-dec6a3a34fc2
  belfry doctor                                 what is wrong, and what to type

Exit codes: 0 done, 1 failed, 2 wrong use, 3 not found, 4 no permission. All of it: docs/cli.md";

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
    #[command(after_help = processes::UP)]
    Up(Up),
    /// Serve the API, on the PostgreSQL database of the settings; any number of these may run
    #[command(after_help = processes::EXAMPLE)]
    Api(ApiArguments),
    /// Fire and publish what is due, on the PostgreSQL database of the settings; any number of these may run
    #[command(after_help = processes::EXAMPLE)]
    Daemon(DaemonArguments),
    /// Execute runs, on the PostgreSQL database of the settings; any number of these may run
    #[command(after_help = processes::EXAMPLE)]
    Worker(WorkerArguments),
    /// Workflows: what is run
    #[command(subcommand, alias = "workflows")]
    Workflow(WorkflowVerb),
    /// Schedules: when it is run
    #[command(subcommand, alias = "schedules")]
    Schedule(ScheduleVerb),
    /// Business calendars: the days on which nobody works, which schedules share
    #[command(subcommand, alias = "calendars")]
    Calendar(CalendarVerb),
    /// Runs: what became of it
    #[command(subcommand, alias = "runs")]
    Run(RunVerb),
    /// Say what became of a planned time of a schedule, or will, or why there is none
    #[command(after_help = operating::WHY)]
    Why(Why),
    /// API keys
    #[command(subcommand, alias = "keys")]
    Key(KeyVerb),
    /// Move over from another scheduler
    #[command(subcommand)]
    Import(ImportVerb),
    /// Look at every part of the deployment, and say what is wrong and what to type
    ///
    /// The parts are those of the settings: the PostgreSQL database and the broker where they are set, else the data folder of
    /// `belfry up`; and the API. Nothing is changed, but what every process does that connects to the broker: the exchange and
    /// the queue of dead letters are declared, and queues that are there are bound. Ends with exit code 1 when something has
    /// failed.
    #[command(after_help = operating::DOCTOR)]
    Doctor,
    /// Measure how many schedules the deployment of the settings fires in a second, and how late
    #[command(after_help = bench::EXAMPLES)]
    Bench(Bench),
    /// Print the commented settings file with every default
    #[command(after_help = operating::CONFIG)]
    Config,
    /// Bring the database to this version's schema: PostgreSQL's, where one is set, else that of the data folder
    #[command(after_help = operating::MIGRATE)]
    Migrate,
    /// Print the OpenAPI document
    #[command(after_help = operating::OPENAPI)]
    Openapi,
    /// Print what makes a shell complete verbs and flags
    #[command(after_help = operating::COMPLETION)]
    Completion(Completion),
    /// Print the manual page, or write one for each verb
    #[command(after_help = operating::MAN)]
    Man(Man),
}

/// Which part of a list.
#[derive(Args)]
pub struct PageArguments {
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub limit: u16,
    /// Go on after the page before, which said this
    #[arg(long)]
    pub cursor: Option<String>,
    /// All of them, page after page
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub all: bool,
}
