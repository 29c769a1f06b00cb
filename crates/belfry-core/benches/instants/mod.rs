//! What both benchmarks ask after: instants in turn, through two years, in milliseconds.

/// 2026-01-01T00:00:00Z, and a step of no rhythm: 4096 of them go through two years.
pub const START: i64 = 1_767_225_600_000;
const STEP: i64 = 15_413_377;
const ROUNDS: i64 = 4096;

pub fn instants() -> impl FnMut() -> i64 {
    let mut turn = 0;
    move || {
        turn = (turn + 1) % ROUNDS;
        START + turn * STEP
    }
}
