//! Nothing happens to anybody.

use std::time::Duration;

use super::super::deployment::{Broker, Counted, Deployment};
use super::super::load::{Anchors, Load};

/// Both daemons share the work, and no message is sent twice.
pub fn steady(load: Load, length: Duration) {
    let mut deployment = Deployment::of(Broker::RabbitMq, 2, 2);
    load.make(&deployment, "default");
    deployment.phase(if load.phase == Anchors::Spread { "spread" } else { "together" }, |deployment| deployment.postgres.wait(length));
    let title = format!("steady: {load:?} for {length:?}");
    let (ledger, _) = deployment.conclude(&title);
    shared(&deployment);
    assert_eq!(deployment.refused_deliveries(), 0, "without a fault there is one message an attempt");
    assert!(ledger.outcomes.is_empty(), "without a fault every occurrence fires");
}

/// Each daemon fired: a tenth of an equal share at least.
pub fn shared(deployment: &Deployment) {
    let fired: Vec<u64> =
        deployment.daemons.iter().map(|daemon| daemon.counted(&deployment.http)).map(|Counted { fired, .. }| fired).collect();
    let least = fired.iter().sum::<u64>() / u64::try_from(fired.len()).unwrap() / 10;
    assert!(fired.iter().all(|fired| *fired > least), "not all daemons fire: {fired:?}");
}
