//! `belfry run …`

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use belfry_core::run::RunState;

use super::PageArguments;

#[derive(Subcommand)]
pub enum RunVerb {
    /// List them, newest planned time first
    #[command(
        alias = "ls",
        after_help = "Examples:
  belfry run list --workflow nightly --state failed,worker_lost
  belfry run list --since 24h --all --output jsonl"
    )]
    List(ListRuns),
    /// Show one with the results and logs of its nodes
    #[command(
        alias = "show",
        after_help = "Examples:
  belfry run get 01a211ee-ea80-89cb-b58b-dec6a3a34fc2
  belfry run get nightly                          # the newest one of this workflow"
    )]
    Get {
        /// Its id, or its workflow's name for the newest one
        run: String,
    },
    /// Show what its nodes logged, and why it failed
    #[command(after_help = "Examples:
  belfry run logs 01a211ee-ea80-89cb-b58b-dec6a3a34fc2
  belfry run logs nightly --node fetch -f         # of the newest run of this workflow")]
    Logs(Logs),
    /// Follow one until it ends: each node as it begins and ends, and what the run waits for
    ///
    /// Ends with exit code 0 when the run has succeeded, else with 1.
    #[command(after_help = "Examples:
  belfry run watch 01a211ee-ea80-89cb-b58b-dec6a3a34fc2
  belfry run watch nightly                        # the newest one of this workflow")]
    Watch {
        /// Its id, or its workflow's name for the newest one
        run: String,
    },
    /// Run it once more: the same input and nominal time, the workflow as it stands now
    #[command(after_help = "Example:
  belfry run rerun 01a211ee-ea80-89cb-b58b-dec6a3a34fc2 --watch")]
    Rerun {
        /// Its id
        run: String,
        /// Follow the new run until it ends
        #[arg(long)]
        watch: bool,
    },
    /// Cancel one: at once when it has not started, else as soon as its worker hears of it
    #[command(after_help = "Example:
  belfry run cancel 01a211ee-ea80-89cb-b58b-dec6a3a34fc2")]
    Cancel {
        /// Its id
        run: String,
    },
}

#[derive(Args)]
pub struct ListRuns {
    /// Only those of this workflow, by its name or id
    #[arg(long)]
    pub workflow: Option<String>,
    /// Only those of this schedule: its id, WORKFLOW or WORKFLOW/NAME
    #[arg(long)]
    pub schedule: Option<String>,
    /// Only those in this state; may be repeated, or several separated by commas
    #[arg(long, value_delimiter = ',', value_parser = states())]
    pub state: Vec<String>,
    /// Only those planned at this instant or later, or within so much time until now, such as 24h
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only those planned before this instant, or longer ago than this, such as 1h
    #[arg(long, value_name = "TIME")]
    pub before: Option<String>,
    #[command(flatten)]
    pub page: PageArguments,
}

#[derive(Args)]
pub struct Logs {
    /// Its id, or its workflow's name for the newest one
    pub run: String,
    /// Only this one's
    #[arg(long)]
    pub node: Option<String>,
    /// Go on until the run ends
    #[arg(short, long)]
    pub follow: bool,
}

fn states() -> PossibleValuesParser {
    PossibleValuesParser::new(RunState::ALL.iter().map(|state| state.as_str()))
}
