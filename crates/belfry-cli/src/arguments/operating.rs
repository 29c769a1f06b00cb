//! What operators type, and those who move in: `doctor`, `import`, `why`, `completion`, `man`, `config`, `migrate`, `openapi`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use clap_complete::Shell;

pub(super) const DOCTOR: &str = "Examples:
  belfry doctor                                 the `belfry up` on this data folder
  BELFRY_DATABASE_URL=postgresql://belfry@db.example/belfry belfry doctor --json";

pub(super) const CONFIG: &str = "Example:
  belfry config > belfry.toml";

pub(super) const MIGRATE: &str = "Example:
  BELFRY_DATABASE_URL=postgresql://belfry@db.example/belfry belfry migrate";

pub(super) const OPENAPI: &str = "Example:
  belfry openapi > openapi.json";

pub(super) const COMPLETION: &str = "Examples:
  belfry completion bash > ~/.local/share/bash-completion/completions/belfry
  belfry completion zsh > ~/.zfunc/_belfry                # a folder of $fpath
  belfry completion fish > ~/.config/fish/completions/belfry.fish";

pub(super) const MAN: &str = "Examples:
  belfry man | man -l -
  belfry man --dir ~/.local/share/man/man1";

pub(super) const WHY: &str = "Examples:
  belfry why nightly 2026-11-25T02:00             # in the schedule's zone
  belfry why nightly 15m                          # ago
  belfry why nightly/weekends 2026-11-28T08:00:00Z --json";

/// What is asked of the ledger.
#[derive(Args)]
pub struct Why {
    /// A schedule's id, WORKFLOW for its `default` one, or WORKFLOW/NAME
    pub schedule: String,
    /// An instant, one without an offset in the schedule's zone; or so long ago, such as 5m
    pub time: String,
}

#[derive(Subcommand)]
pub enum ImportVerb {
    /// Show what each line of a crontab becomes, and what cannot be expressed; with --apply, make it so
    ///
    /// Each line becomes a workflow with one `command` node, named after its command, so that importing the file again
    /// updates it. Ends with exit code 1 when a line cannot be expressed; the others are applied all the same.
    #[command(after_help = "Examples:
  crontab -l | belfry import crontab -
  belfry import crontab my.crontab --timezone Europe/Berlin --queue commands --apply
  belfry import crontab /etc/crontab --system --user root")]
    Crontab(Crontab),
}

#[derive(Args)]
pub struct Crontab {
    /// `-` for standard input
    pub file: PathBuf,
    /// Create the workflows, or update those that an earlier import made
    #[arg(long)]
    pub apply: bool,
    /// The zone that its times are in, unless a line CRON_TZ or TZ says otherwise; the host's when absent, as cron has it
    #[arg(long)]
    pub timezone: Option<String>,
    /// Which queue the runs go through; when absent, `default` for new workflows, and the others stay in theirs
    #[arg(long)]
    pub queue: Option<String>,
    /// It is a system's, as /etc/crontab: the sixth column is a user
    #[arg(long)]
    pub system: bool,
    /// The user that the workers run as: lines of other users cannot be expressed. Who types this, when absent
    #[arg(long, requires = "system")]
    pub user: Option<String>,
    /// What to fire of what was missed; cron itself fires nothing
    #[arg(long, default_value = "none", value_parser = PossibleValuesParser::new(["last", "all", "none"]))]
    pub catch_up: String,
}

#[derive(Args)]
pub struct Completion {
    pub shell: Shell,
}

#[derive(Args)]
pub struct Man {
    /// Write a page for each verb into this folder
    #[arg(long)]
    pub dir: Option<PathBuf>,
}
