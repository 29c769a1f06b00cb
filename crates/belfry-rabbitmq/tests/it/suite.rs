use std::sync::Arc;

use async_trait::async_trait;
use belfry_core::ports::Queue;
use belfry_rabbitmq::Settings;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::queues::Backend;
use jiff::SignedDuration;

use crate::broker::{connect, name, settings};

struct Broker;

impl Broker {
    /// The broker waits by a clock of its own.
    fn new(_clock: ManualClock) -> Broker {
        Broker
    }
}

#[async_trait]
impl Backend for Broker {
    async fn fresh(&self) -> Arc<dyn Queue> {
        // What a consumer of no queue in particular consumes is a setting here.
        Arc::new(connect(&Settings { queues: vec![name("a"), name("made-afterwards")], ..settings() }))
    }

    async fn advance(&self, _by: SignedDuration) {}
}

belfry_testkit::queue_suite!(Broker::new);
