//! `belfry calendar …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PageArguments;

#[derive(Subcommand)]
pub enum CalendarVerb {
    /// Make a calendar, or replace it; the schedules that it plans are planned anew
    ///
    /// Of an iCalendar file (`.ics`) only the holidays are replaced.
    #[command(after_help = "Examples:
  belfry calendar set DE -f germany.json
  belfry calendar set DE -f germany.ics
  belfry calendar get DE --json | belfry calendar set DE -f -      # unchanged")]
    Set(SetCalendar),
    /// Show one
    #[command(
        alias = "show",
        after_help = "Example:
  belfry calendar get DE --json"
    )]
    Get { calendar: String },
    /// List them
    #[command(
        alias = "ls",
        after_help = "Example:
  belfry calendar list --search DE"
    )]
    List {
        /// Only those whose name has this in it, in any case
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        page: PageArguments,
    },
    /// Show its holidays, and the days off that are worked on all the same
    #[command(after_help = "Examples:
  belfry calendar days DE --year 2027
  belfry calendar days DE --from 2026-12-01 --to 2027-01-31 --weekends")]
    Days(CalendarDays),
    /// What a calendar was, newest first
    #[command(after_help = "Example:
  belfry calendar revisions DE")]
    Revisions {
        calendar: String,
        #[command(flatten)]
        page: PageArguments,
    },
    /// Delete one that no schedule and no calendar uses
    #[command(
        alias = "rm",
        after_help = "Example:
  belfry calendar delete DE"
    )]
    Delete { calendar: String },
}

#[derive(Args)]
pub struct SetCalendar {
    /// 1 to 128 letters, digits, `_`, `.` and `-`
    pub calendar: String,
    /// A JSON document or an iCalendar file; `-` reads standard input
    #[arg(short, long)]
    pub file: PathBuf,
}

#[derive(Args)]
pub struct CalendarDays {
    pub calendar: String,
    /// All days of a year
    #[arg(long, conflicts_with_all = ["from", "to"], value_parser = clap::value_parser!(u16).range(1970..=2199), required_unless_present = "from")]
    pub year: Option<u16>,
    /// The first day, such as 2027-01-01
    #[arg(long)]
    pub from: Option<String>,
    /// The last day; a year from the first on when absent
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// Weekends too
    #[arg(long)]
    pub weekends: bool,
}
