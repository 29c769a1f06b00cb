//! `belfry workflow …`

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{ArgAction, Args, Subcommand};

use super::PageArguments;

#[derive(Subcommand)]
pub enum WorkflowVerb {
    /// Create the workflow of a file, or update the one of its name
    #[command(after_help = "Examples:
  belfry workflow apply -f nightly.json
  belfry workflow get nightly --json | belfry workflow apply -f -    # as it was read")]
    Apply {
        /// The same as `--file`
        #[arg(value_name = "FILE", required_unless_present = "file", conflicts_with = "file")]
        path: Option<PathBuf>,
        /// A JSON file with `name`, `definition` and so on; `-` for standard input
        #[arg(short, long)]
        file: Option<PathBuf>,
    },
    /// Change what is given of a workflow; the rest stays
    #[command(after_help = "Examples:
  belfry workflow set nightly --tags ops,reports
  belfry workflow set nightly --rename nightly-report --queue reports")]
    Set(SetWorkflow),
    /// List them, oldest first
    #[command(
        alias = "ls",
        after_help = "Examples:
  belfry workflow list --tag ops
  belfry workflow list --search report --failing --sort name --all"
    )]
    List(ListWorkflows),
    /// Show one, by name or id
    // `--version` is the workflow's here, and not the program's.
    #[command(
        disable_version_flag = true,
        alias = "show",
        after_help = "Examples:
  belfry workflow get nightly
  belfry workflow get nightly --version 1 --json"
    )]
    Get {
        workflow: String,
        /// Its definition as it was in this version
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        version: Option<i64>,
    },
    /// List the versions of its definition, newest first
    #[command(after_help = "Example:
  belfry workflow versions nightly")]
    Versions {
        workflow: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// Delete it and its schedules; runs that have not started are cancelled
    #[command(
        alias = "rm",
        after_help = "Example:
  belfry workflow delete nightly"
    )]
    Delete { workflow: String },
    /// Start a run now
    #[command(after_help = "Examples:
  belfry workflow run nightly --input '{\"who\": \"you\"}'
  belfry workflow run nightly --watch          # exit code 1 when it does not succeed")]
    Run {
        workflow: String,
        /// A JSON object
        #[arg(long)]
        input: Option<String>,
        /// The planned time that the run is to stand for
        #[arg(long)]
        nominal_time: Option<String>,
        /// Follow it until it ends
        #[arg(long)]
        watch: bool,
    },
}

#[derive(Args)]
pub struct SetWorkflow {
    /// Its name or id
    pub workflow: String,
    /// Its new name
    #[arg(long)]
    pub rename: Option<String>,
    #[arg(long)]
    pub description: Option<String>,
    /// A JSON file with its new definition; `-` for standard input
    #[arg(long)]
    pub definition: Option<PathBuf>,
    /// All of its tags, separated by commas; '' for none
    #[arg(long)]
    pub tags: Option<String>,
    /// Which queue its runs go through
    #[arg(long)]
    pub queue: Option<String>,
    /// What a message means: `tracked` runs are claimed and reported, those of `handoff` end with their message
    #[arg(long, value_parser = PossibleValuesParser::new(["tracked", "handoff"]))]
    pub delivery: Option<String>,
}

#[derive(Args)]
pub struct ListWorkflows {
    #[command(flatten)]
    pub finding: Finding,
    /// In which order
    #[arg(long, allow_hyphen_values = true, value_parser = PossibleValuesParser::new(["created", "-created", "name"]))]
    pub sort: Option<String>,
    #[command(flatten)]
    pub page: PageArguments,
}

/// What workflows and schedules are found by.
#[derive(Args)]
pub struct Finding {
    /// Only those whose name (or, of schedules, whose workflow's) has this in it, in any case
    #[arg(short = 'q', long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only those with this tag
    #[arg(long)]
    pub tag: Option<String>,
    /// Only those that are active; `--active=false`: only those that are not
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub active: Option<bool>,
    /// Only those that could not be planned or fired; `--failing=false`: only the others
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub failing: Option<bool>,
}
