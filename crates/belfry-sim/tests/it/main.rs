//! Simulations, in debug: what a commit is held to. `cargo run -p belfry-sim --release` goes on for longer.

mod determinism;
mod mutations;
mod scenarios;
mod seeds;
