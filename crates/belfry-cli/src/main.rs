//! The `belfry` program: the server in one process (`up`) or in several (`api`, `daemon`, `worker`), and a client of its API.

mod arguments;
mod backends;
mod bench;
mod client;
mod commands;
mod data_folder;
mod edge;
mod failure;
mod logs;
mod output;
mod progress;
mod serving;
mod settings;
mod up;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    // One TLS provider for the whole process, before anything can need it: two in one binary panic at run time.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("belfry: a TLS provider was installed before ours");
        return ExitCode::from(1);
    }
    let arguments = Arguments::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => match runtime.block_on(run(arguments)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(),
        },
        Err(error) => Failure::Failed(anyhow::anyhow!("cannot start: {error}")).report(),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { command, global } = arguments;
    match command {
        Command::Up(up) => up::run(up, &global).await,
        Command::Api(arguments) => serving::api::run(arguments, &global).await,
        Command::Daemon(arguments) => serving::daemon::run(arguments, &global).await,
        Command::Worker(arguments) => serving::worker::run(arguments, &global).await,
        Command::Workflow(verb) => commands::workflow::run(verb, &global).await,
        Command::Schedule(verb) => commands::schedule::run(verb, &global).await,
        Command::Calendar(verb) => commands::calendar::run(verb, &global).await,
        Command::Run(verb) => commands::run::run(verb, &global).await,
        Command::Key(verb) => commands::key::run(verb, &global).await,
        Command::Why(why) => commands::why::run(why, &global).await,
        Command::Import(verb) => commands::import::run(verb, &global).await,
        Command::Doctor => commands::doctor::run(&global).await,
        Command::Bench(bench) => bench::run(bench, &global).await,
        Command::Config => commands::config(),
        Command::Migrate => commands::migrate(&global).await,
        Command::Openapi => commands::openapi(),
        Command::Completion(completion) => commands::shell::completion(&completion),
        Command::Man(man) => commands::shell::man(&man),
    }
}
