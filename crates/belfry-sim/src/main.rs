//! Simulates seeds, and shows what breaks.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use belfry_sim::{Figures, Mutation, Options, Scenario, execute, scenarios, shrink};
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
    /// How many seeds at once.
    #[arg(long, default_value_t = cores())]
    threads: usize,
    /// Says how far it is after each so many seeds; 0 says nothing.
    #[arg(long, default_value_t = 1_000)]
    progress: u64,
    /// Ends with the figures as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Shows every effect.
    #[arg(long)]
    log: bool,
    /// Takes this term out of the store's compare-and-sets, to see that it is missed. May be given several times.
    #[arg(long, value_parser = mutation)]
    mutation: Vec<Mutation>,
    /// Leaves failing scenarios as long as they are.
    #[arg(long)]
    no_shrink: bool,
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn mutation(name: &str) -> Result<Mutation, String> {
    let known = Mutation::ALL.iter().find(|known| format!("{known:?}") == name);
    known.copied().ok_or_else(|| format!("there is {:?}", Mutation::ALL))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let figures = match (&arguments.scenario, arguments.seed) {
        (Some(wanted), _) => {
            let mut figures = Figures::default();
            for (name, scenario) in scenarios::named().into_iter().filter(|(name, _)| name == wanted) {
                figures.add(&simulate(&format!("scenario {name}"), &scenario, &arguments));
            }
            figures
        }
        (None, Some(seed)) => simulate(&format!("seed {seed}"), &Scenario::of(seed), &arguments),
        (None, None) => simulate_seeds(&arguments),
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&figures).expect("numbers by name are JSON"));
    } else {
        print!("{figures}");
    }
    if figures.failed == 0 && figures.scenarios > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// On several threads, each of which takes the next seed: a seed itself knows one thread only.
fn simulate_seeds(arguments: &Arguments) -> Figures {
    let end = arguments.from + arguments.seeds;
    let next = AtomicU64::new(arguments.from);
    let figures = Mutex::new(Figures::default());
    thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let of_seed = simulate(&format!("seed {seed}"), &Scenario::of(seed), arguments);
                    let mut figures = figures.lock().expect("nothing panics while it is held");
                    figures.add(&of_seed);
                    if arguments.progress > 0 && figures.scenarios.is_multiple_of(arguments.progress) {
                        let from = (seed + 1).saturating_sub(arguments.threads as u64).max(arguments.from);
                        eprintln!("{} of {} seeds, {} failed; to go on: --from {from}", figures.scenarios, arguments.seeds, figures.failed);
                    }
                }
            });
        }
    });
    figures.into_inner().expect("nothing panics while it is held")
}

/// Tells of a violation, with the command that shows it again and the fewest steps that were found to lead to it.
fn simulate(name: &str, scenario: &Scenario, arguments: &Arguments) -> Figures {
    let options = Options { keep_log: arguments.log, mutations: arguments.mutation.clone() };
    let ended = execute(scenario, &options);
    let mut told: Vec<String> = ended.log;
    if let Some(violation) = ended.violation {
        told.push(format!("{name} breaks {}: {}", violation.invariant, violation.detail));
        told.push(format!("again: cargo run -p belfry-sim --release -- --{name} --log"));
        if !arguments.no_shrink {
            told.extend(shrunk(scenario, &options));
        }
    }
    if !told.is_empty() {
        println!("{}", told.join("\n"));
    }
    ended.figures
}

fn shrunk(scenario: &Scenario, options: &Options) -> Vec<String> {
    let small = shrink(scenario, options);
    let mut told = vec![format!("shrunk to {} steps (seed {}, {:?}):", small.steps.len(), small.seed, small.kind)];
    told.extend(small.steps.iter().map(|step| format!("    {step:?},")));
    let violation = execute(&small, options).violation;
    told.extend(violation.map(|violation| format!("which breaks {}: {}", violation.invariant, violation.detail)));
    told
}
