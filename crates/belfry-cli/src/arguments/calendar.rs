//! `belfry calendar …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "Examples:
  belfry calendar set DE -f germany.json        holidays as JSON: {\"holidays\": [\"01-01\", \"easter-2\", \"12-25\"]}
  belfry calendar set DE -f germany.ics         holidays of an iCalendar file
  belfry calendar days DE --year 2027";

#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum CalendarVerb {
    /// Make a calendar, or replace it; the schedules that it plans are planned anew
    ///
    /// Of an iCalendar file (`.ics`) only the holidays are replaced.
    Set(SetCalendar),
    /// Show one
    Get { calendar: String },
    List {
        /// Only those whose name has this in it
        #[arg(long)]
        q: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Show its holidays, and the weekends on which people work
    Days(CalendarDays),
    /// Delete one that no schedule and no calendar uses
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
