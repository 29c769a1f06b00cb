//! A store against the reference model: random histories of verbs, every answer and every list the same.
//!
//! A backend calls [`stores`] from a plain `#[test]`. It needs a store whose clock is the
//! [`ManualClock`] that it is made from: the two must agree to the millisecond.

mod calendars;
mod compare;
mod daemons;
mod pair;
mod steps;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use crate::clock::ManualClock;
use crate::reference::ReferenceStore;
use crate::stores::{Backend, Stores};
use pair::Pair;
use steps::Step;

/// The longest history.
const STEPS: usize = 120;
const CASES: u32 = 40;

/// Compares the stores of `make` with the reference model over random histories, and panics with the shortest history over
/// which they differ. `PROPTEST_CASES` says over how many, and `PROPTEST_RNG_SEED`, which a failure prints, over which.
pub fn stores<B: Backend>(make: impl Fn(ManualClock) -> B) {
    let defaults = Config::default();
    let seed = match defaults.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().build_hasher().finish(),
    };
    let cases = if defaults.cases == DEFAULT_CASES { CASES } else { defaults.cases };
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..defaults };
    match TestRunner::new(config).run(&vec(steps::step(), 1..STEPS), |steps| run(&make, &steps)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, steps)) => panic!("{reason}\nPROPTEST_RNG_SEED={seed}\nthe shortest such history: {steps:#?}"),
        Err(error) => panic!("{error}\nPROPTEST_RNG_SEED={seed}"),
    }
}

/// What proptest takes when nobody says otherwise.
const DEFAULT_CASES: u32 = 256;

fn run<B: Backend>(make: &impl Fn(ManualClock) -> B, steps: &[Step]) -> Result<(), TestCaseError> {
    let clock = ManualClock::default();
    let backend = make(clock.clone());
    let model = Stores::of(ReferenceStore::new(Arc::new(clock.clone())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let mut pair = Pair::new(&backend, model, backend.fresh().await, clock);
        pair.begin().await?;
        for step in steps {
            pair.take(step).await?;
            pair.compare_lists().await?;
        }
        pair.compare_all().await
    })
}
