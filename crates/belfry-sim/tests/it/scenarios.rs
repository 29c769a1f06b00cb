use belfry_sim::{Options, execute, scenarios};

#[test]
fn every_named_history_ends_well() {
    for (name, scenario) in scenarios::named() {
        assert_eq!(execute(&scenario, &Options::default()).violation, None, "{name}");
    }
}
