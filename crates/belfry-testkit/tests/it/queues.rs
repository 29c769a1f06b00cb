//! The queue's laws, on the reference queue.

use std::sync::Arc;

use async_trait::async_trait;
use belfry_core::ports::Queue;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::queues::Backend;
use belfry_testkit::reference::ReferenceQueue;
use jiff::SignedDuration;

struct Reference(ManualClock);

#[async_trait]
impl Backend for Reference {
    async fn fresh(&self) -> Arc<dyn Queue> {
        Arc::new(ReferenceQueue::new(Arc::new(self.0.clone())))
    }

    async fn advance(&self, by: SignedDuration) {
        self.0.advance(by);
    }
}

belfry_testkit::queue_suite!(Reference);
