//! Simulates seeds, and shows what breaks.

use std::collections::BTreeMap;
use std::process::ExitCode;

use belfry_sim::{Mutation, Options, Scenario, execute, scenarios, shrink};
use clap::Parser;

/// Simulates Belfry: each seed is a scenario of its own, and the same seed is the same scenario.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this one.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Only this one of the named histories.
    #[arg(long, conflicts_with_all = ["seeds", "from", "seed"])]
    scenario: Option<String>,
    /// Shows every effect.
    #[arg(long)]
    log: bool,
    /// Takes this term out of the store's compare-and-sets, to see that it is missed.
    #[arg(long, value_parser = mutation)]
    mutation: Option<Mutation>,
    /// Leaves failing scenarios as long as they are.
    #[arg(long)]
    no_shrink: bool,
}

fn mutation(name: &str) -> Result<Mutation, String> {
    let known = Mutation::ALL.iter().find(|known| format!("{known:?}") == name);
    known.copied().ok_or_else(|| format!("there is {:?}", Mutation::ALL))
}

#[derive(Default)]
struct Totals {
    seeds: u64,
    millis: i64,
    runs: usize,
    faults: BTreeMap<&'static str, u64>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options { keep_log: arguments.log, mutation: arguments.mutation };
    let mut totals = Totals::default();
    let mut failed = 0;
    for (name, scenario) in chosen(&arguments) {
        let ended = execute(&scenario, &options);
        ended.log.iter().for_each(|line| println!("{line}"));
        totals.seeds += 1;
        totals.millis += ended.millis;
        totals.runs += ended.runs;
        ended.faults.into_iter().for_each(|(kind, count)| *totals.faults.entry(kind).or_default() += count);
        if let Some(violation) = ended.violation {
            failed += 1;
            println!("{name} breaks {}: {}", violation.invariant, violation.detail);
            println!("again: cargo run -p belfry-sim --release -- --{name} --log");
            if !arguments.no_shrink {
                show(&shrink(&scenario, &options), &options);
            }
        }
    }
    println!("{} seeds, {failed} failed; {} of virtual time, {} runs", totals.seeds, hours(totals.millis), totals.runs);
    println!("faults: {:?}", totals.faults);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is simulated, and the arguments that name it.
fn chosen(arguments: &Arguments) -> Box<dyn Iterator<Item = (String, Scenario)>> {
    if let Some(wanted) = arguments.scenario.clone() {
        let named = scenarios::named().into_iter().filter(move |(name, _)| *name == wanted);
        return Box::new(named.map(|(name, scenario)| (format!("scenario {name}"), scenario)));
    }
    let seeds = arguments.seed.map_or(arguments.from..arguments.from + arguments.seeds, |seed| seed..seed + 1);
    Box::new(seeds.map(|seed| (format!("seed {seed}"), Scenario::of(seed))))
}

fn show(scenario: &Scenario, options: &Options) {
    println!("shrunk to {} steps (seed {}, {:?}):", scenario.steps.len(), scenario.seed, scenario.kind);
    scenario.steps.iter().for_each(|step| println!("    {step:?},"));
    if let Some(violation) = execute(scenario, options).violation {
        println!("which breaks {}: {}", violation.invariant, violation.detail);
    }
}

fn hours(millis: i64) -> String {
    format!("{}.{} h", millis / 3_600_000, millis / 360_000 % 10)
}
