//! The stores' laws, on the reference store.

use std::sync::Arc;

use async_trait::async_trait;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::reference::ReferenceStore;
use belfry_testkit::stores::{Backend, Stores};
use jiff::SignedDuration;

pub struct Reference(pub ManualClock);

#[async_trait]
impl Backend for Reference {
    async fn fresh(&self) -> Stores {
        Stores::of(ReferenceStore::new(Arc::new(self.0.clone())))
    }

    async fn advance(&self, by: SignedDuration) {
        self.0.advance(by);
    }
}

belfry_testkit::store_suite!(Reference);
