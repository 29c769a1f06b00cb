//! `belfry schedule …`

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::PageArguments;
use super::workflow::Finding;

#[derive(Subcommand)]
pub enum ScheduleVerb {
    /// Create a schedule of a workflow, or change what is given of it; the rest stays
    #[command(after_help = SET)]
    Set(SetSchedule),
    /// Show one: a schedule's id, WORKFLOW for its `default` one, or WORKFLOW/NAME
    #[command(
        alias = "show",
        after_help = "Examples:
  belfry schedule get nightly
  belfry schedule get nightly/weekends --json"
    )]
    Get { schedule: String },
    /// List them, all or those of one workflow
    #[command(
        alias = "ls",
        after_help = "Examples:
  belfry schedule list --workflow nightly
  belfry schedule list --sort next_run --next-before 2h          # what fires within two hours
  belfry schedule list --failing --all --output jsonl"
    )]
    List(ListSchedules),
    /// Fire nothing until it is resumed; what falls due meanwhile is recorded as paused
    #[command(after_help = "Example:
  belfry schedule pause nightly")]
    Pause { schedule: String },
    /// Go on from now
    #[command(after_help = "Example:
  belfry schedule resume nightly")]
    Resume { schedule: String },
    /// Delete it; its runs that have not started are cancelled
    #[command(
        alias = "rm",
        after_help = "Example:
  belfry schedule delete nightly/weekends"
    )]
    Delete { schedule: String },
    /// What a schedule did not fire, and why
    #[command(after_help = "Example:
  belfry schedule outcomes nightly")]
    Outcomes {
        schedule: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// What a schedule was, newest first, and what each write changed
    #[command(after_help = "Example:
  belfry schedule revisions nightly")]
    Revisions {
        schedule: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// What one write changed, or how two revisions differ
    #[command(after_help = "Examples:
  belfry schedule diff nightly                        # the last write
  belfry schedule diff nightly 3                      # what made revision 3
  belfry schedule diff nightly 5 --against 2")]
    Diff {
        schedule: String,
        /// Its number; the newest when absent
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        revision: Option<i64>,
        /// Compare with this one; the one before when absent
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..), requires = "revision")]
        against: Option<i64>,
    },
    /// Compute the next times of a spec; needs no server
    #[command(after_help = PREVIEW)]
    Preview(Preview),
}

const SET: &str = r#"Examples:
  belfry schedule set nightly --cron '0 2 * * *' --timezone Europe/Berlin
  belfry schedule set nightly --calendar '{"business_day": -1, "at": "18:00"}' --exclude 12-25
  belfry schedule set nightly --name weekends \
    --spec '{"cron": "0 8 * * SAT"}' --spec '{"cron": "0 10 * * SUN"}' --jitter 5m
  belfry schedule get nightly --json | belfry schedule set other --file -

  docs/schedules.md says what each field means"#;

const PREVIEW: &str = r#"Examples:
  belfry schedule preview --cron '*/15 9-17 * * MON-FRI' --timezone America/New_York
  belfry schedule preview --calendar '{"business_day": -1, "at": "18:00"}' --count 12 --details
  belfry schedule preview --batch < questions.jsonl"#;

#[derive(Args)]
pub struct SetSchedule {
    /// The workflow's name or id
    pub workflow: String,
    /// Which of the workflow's schedules
    #[arg(long, default_value = "default")]
    pub name: String,
    #[command(flatten)]
    pub spec: SpecArguments,
    /// A JSON object, the input of its runs
    #[arg(long, help_heading = "Policies")]
    pub input: Option<String>,
    /// What to fire of what was missed
    #[arg(long, help_heading = "Policies", value_parser = PossibleValuesParser::new(["last", "all", "none"]))]
    pub catch_up: Option<String>,
    /// How old a missed time may be to be fired, such as PT1H
    #[arg(long, help_heading = "Policies")]
    pub catch_up_window: Option<String>,
    /// How late a time may be before it counts as missed, such as PT1M
    #[arg(long, help_heading = "Policies")]
    pub missed_after: Option<String>,
    /// Fire nothing until it is resumed
    #[arg(long, help_heading = "Policies")]
    pub paused: bool,
    /// Give a field its default again; may be repeated
    #[arg(long, value_name = "FIELD", help_heading = "Policies", value_delimiter = ',',
          value_parser = PossibleValuesParser::new(UNSETTABLE))]
    pub unset: Vec<String>,
}

const UNSETTABLE: [&str; 14] = [
    "start",
    "dialect",
    "timezone",
    "exclude",
    "gap",
    "fold",
    "dom_dow",
    "start_at",
    "end_at",
    "jitter",
    "input",
    "catch_up",
    "catch_up_window",
    "missed_after",
];

/// When: what a schedule and a preview have in common.
#[derive(Args)]
pub struct SpecArguments {
    /// Five fields, six with seconds first, seven with the year last too, or a macro such as @daily
    #[arg(long, group = "one_spec", help_heading = "When")]
    pub cron: Option<String>,
    /// A fixed length, such as PT15M or 15m
    #[arg(long, group = "one_spec", help_heading = "When")]
    pub every: Option<String>,
    /// One instant, or a local time of the zone
    #[arg(long, group = "one_spec", help_heading = "When")]
    pub at: Option<String>,
    /// An RFC 5545 rule; without DTSTART it counts from `--start`, else from now (a preview: from `--after`)
    #[arg(long, group = "one_spec", help_heading = "When")]
    pub rrule: Option<String>,
    /// Days as people name them, as JSON: '{"business_day": -1, "at": "18:00"}'
    #[arg(long, value_name = "JSON", group = "one_spec", help_heading = "When")]
    pub calendar: Option<String>,
    /// One of several specs, as JSON: '{"cron": "0 9 * * MON"}'; may be repeated
    #[arg(long = "spec", value_name = "JSON", conflicts_with = "one_spec", help_heading = "When")]
    pub specs: Vec<String>,
    /// A JSON file with a schedule, `-` for standard input; flags outweigh it
    #[arg(long, help_heading = "When")]
    pub file: Option<PathBuf>,
    /// Where `--every`, or a rule without DTSTART, is anchored
    #[arg(long, conflicts_with_all = ["cron", "at", "calendar", "specs"], help_heading = "When")]
    pub start: Option<String>,
    /// How cron is read
    #[arg(long, value_parser = PossibleValuesParser::new(["standard", "quartz"]), help_heading = "When")]
    pub dialect: Option<String>,
    /// An IANA time zone; UTC when absent
    #[arg(long, help_heading = "When")]
    pub timezone: Option<String>,
    /// What to leave out: days such as 12-25 or easter-2, separated by commas, or JSON; may be repeated
    #[arg(long, value_name = "JSON", help_heading = "When")]
    pub exclude: Vec<String>,
    /// A fixed time that is lost when clocks go forward
    #[arg(long, value_parser = PossibleValuesParser::new(["next", "skip", "shift"]), help_heading = "When")]
    pub gap: Option<String>,
    /// A fixed time that comes twice when clocks go back
    #[arg(long, value_parser = PossibleValuesParser::new(["first", "second", "both"]), help_heading = "When")]
    pub fold: Option<String>,
    /// A cron with both day fields restricted
    #[arg(long, value_parser = PossibleValuesParser::new(["or", "and"]), help_heading = "When")]
    pub dom_dow: Option<String>,
    /// The first instant that may fire; a local time is of --timezone, else of this host's zone; or so long from now, such as 2h
    #[arg(long, help_heading = "When")]
    pub start_at: Option<String>,
    /// The last instant that may fire, read likewise
    #[arg(long, help_heading = "When")]
    pub end_at: Option<String>,
    /// Be late by up to this, such as PT5M: each time by a number of its own, always the same
    #[arg(long, value_name = "DURATION", help_heading = "When")]
    pub jitter: Option<String>,
}

#[derive(Args)]
pub struct Preview {
    #[command(flatten)]
    pub spec: SpecArguments,
    /// Times after this instant, exclusive, read as --start-at; now when absent
    #[arg(long)]
    pub after: Option<String>,
    #[arg(long, default_value_t = 5)]
    pub count: usize,
    /// Also so many of the times up to that instant, which come first
    #[arg(long, default_value_t = 0)]
    pub previous: usize,
    /// The zone in which local times are shown, where that is not the schedule's own
    #[arg(long)]
    pub display_timezone: Option<String>,
    /// Read one JSON object a line from standard input, write one a line
    #[arg(long, conflicts_with_all = ["SpecArguments", "after", "count", "previous", "display_timezone", "details"])]
    pub batch: bool,
    /// Also what touched each time: gap, fold, holiday or bound; as objects in JSON
    #[arg(long)]
    pub details: bool,
}

#[derive(Args)]
pub struct ListSchedules {
    /// Only those of this workflow, by its name or id
    #[arg(long)]
    pub workflow: Option<String>,
    /// Only those of this name
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub finding: Finding,
    /// Only those that are planned by this business calendar, be it through another one
    #[arg(long)]
    pub calendar: Option<String>,
    /// Only those that fire next at this instant or later; or so much later than now, such as 2h
    #[arg(long, value_name = "TIME")]
    pub next_from: Option<String>,
    /// Only those that fire next before this instant, or within so much time, such as 2h
    #[arg(long, value_name = "TIME")]
    pub next_before: Option<String>,
    /// In which order; `next_run` lists only those that fire again
    #[arg(long, allow_hyphen_values = true, value_parser = PossibleValuesParser::new(["created", "-created", "name", "next_run"]))]
    pub sort: Option<String>,
    #[command(flatten)]
    pub page: PageArguments,
}
