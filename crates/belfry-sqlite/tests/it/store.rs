//! The laws of the store's ports, on files; and the store against the reference model.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use belfry_sqlite::Database;
use belfry_testkit::clock::ManualClock;
use belfry_testkit::stores::{Backend, Stores};
use jiff::SignedDuration;

struct Sqlite {
    clock: ManualClock,
    /// Removed when the test ends.
    folders: Mutex<Vec<tempfile::TempDir>>,
}

impl Sqlite {
    fn new(clock: ManualClock) -> Sqlite {
        Sqlite { clock, folders: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn fresh(&self) -> Stores {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("belfry.db"), Arc::new(self.clock.clone())).unwrap();
        self.folders.lock().unwrap().push(folder);
        Stores::of(database.store())
    }

    async fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }
}

belfry_testkit::store_suite!(Sqlite::new);

#[test]
fn random_histories_end_as_those_of_the_reference_model() {
    belfry_testkit::differential::stores(Sqlite::new);
}
