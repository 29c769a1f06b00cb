use belfry_sim::{Options, Scenario, execute};

/// Without it no failure could be looked at twice. Where it breaks, look for a `select!` without `biased`, and for a map that
/// is not ordered.
#[test]
fn the_same_seed_writes_the_same_log() {
    let options = Options { keep_log: true, ..Options::default() };
    for seed in [2, 3, 4, 7, 8, 26] {
        let scenario = Scenario::of(seed);
        let (first, second) = (execute(&scenario, &options), execute(&scenario, &options));
        let differs = first.log.iter().zip(&second.log).find(|(first, second)| first != second);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first, second, "seed {seed}");
        assert!(first.log.len() > 100, "seed {seed} logs next to nothing");
    }
}
