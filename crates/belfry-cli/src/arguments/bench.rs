//! `belfry bench …`

use clap::{Args, Subcommand};
use jiff::SignedDuration;

use belfry_core::time::parse_duration;

pub(super) const EXAMPLES: &str = "Examples:
  belfry bench burst --schedules 10000          all due at one instant
  belfry bench steady --schedules 1000 --every 60s --for 2m
                                                due evenly over each minute, for two minutes
  belfry bench idle --schedules 100000          active, and none is due";

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
    #[command(after_help = EXAMPLES)]
    Burst {
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        schedules: u32,
    },
    /// Schedules are due evenly
    #[command(after_help = EXAMPLES)]
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
    #[command(after_help = EXAMPLES)]
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
