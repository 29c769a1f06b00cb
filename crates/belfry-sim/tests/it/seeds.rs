use belfry_sim::{Options, Scenario, execute, shrink};

/// In several tests, so that they run beside each other.
fn hold(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let scenario = Scenario::of(seed);
        if let Some(violation) = execute(&scenario, &Options::default()).violation {
            let small = shrink(&scenario, &Options::default());
            panic!(
                "seed {seed} breaks {}: {}\nagain: cargo run -p belfry-sim --release -- --seed {seed} --log\nshrunk: {small:#?}",
                violation.invariant, violation.detail
            );
        }
    }
}

#[test]
fn the_invariants_hold_over_random_histories() {
    hold(0..250);
}

#[test]
fn the_invariants_hold_over_more_random_histories() {
    hold(250..500);
}

#[test]
fn the_invariants_hold_over_further_random_histories() {
    hold(500..750);
}

#[test]
fn the_invariants_hold_over_yet_other_random_histories() {
    hold(750..1_000);
}
