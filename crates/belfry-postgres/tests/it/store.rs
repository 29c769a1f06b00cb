//! The laws of the store's ports, on a server; and the store against the reference model.
//!
//! The function that is the store's clock reads a table here, so that laws which take hours take none.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use belfry_core::ports::WallClock;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::stores::{Backend, Stores};
use jiff::SignedDuration;

use crate::server::TestDatabase;

struct Postgres {
    clock: ManualClock,
    /// Dropped when the test ends.
    databases: Mutex<Vec<Arc<TestDatabase>>>,
}

impl Postgres {
    fn new(clock: ManualClock) -> Postgres {
        Postgres { clock, databases: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn fresh(&self) -> Stores {
        let database = TestDatabase::on_manual_clock(self.clock.now()).await;
        let store = database.connect().await.store();
        self.databases.lock().unwrap().push(Arc::new(database));
        Stores::of(store)
    }

    async fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        let databases = self.databases.lock().unwrap().clone();
        for database in databases {
            database.set_clock(self.clock.now()).await;
        }
    }
}

belfry_testkit::store_suite!(Postgres::new);

#[test]
fn random_histories_end_as_those_of_the_reference_model() {
    belfry_testkit::differential::stores(Postgres::new);
}
