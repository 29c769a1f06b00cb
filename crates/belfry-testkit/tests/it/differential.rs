//! The comparison agrees with the model about itself, and sees a store that differs.

use std::sync::Arc;

use async_trait::async_trait;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::differential;
use belfry_testkit::reference::ReferenceStore;
use belfry_testkit::stores::{Backend, Stores};
use jiff::SignedDuration;

use crate::stores::Reference;

#[test]
fn the_model_is_what_it_is() {
    differential::stores(Reference);
}

/// A store whose workers write to another one.
struct Split(ManualClock);

#[async_trait]
impl Backend for Split {
    async fn fresh(&self) -> Stores {
        let reference = Reference(self.0.clone());
        Stores { runs: reference.fresh().await.runs, ..reference.fresh().await }
    }

    async fn advance(&self, by: SignedDuration) {
        self.0.advance(by);
    }
}

#[test]
#[should_panic(expected = "`runs` differs")]
fn a_store_that_forgets_its_runs_is_found() {
    differential::stores(Split);
}

/// A store whose clock is a millisecond behind.
struct Behind(ManualClock);

#[async_trait]
impl Backend for Behind {
    async fn fresh(&self) -> Stores {
        let late = ManualClock::default();
        late.set(belfry_core::ports::WallClock::now(&self.0).minus(SignedDuration::from_millis(1)));
        Stores::of(ReferenceStore::new(Arc::new(late)))
    }

    async fn advance(&self, by: SignedDuration) {
        self.0.advance(by);
    }
}

#[test]
#[should_panic(expected = "`create_workflow` differs")]
fn a_store_with_another_clock_is_found() {
    differential::stores(Behind);
}
