//! Databases for tests: each is a copy of one that was migrated once, and is dropped when its test ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

use belfry_core::time::UnixMillis;
use belfry_postgres::{Database, Settings};
use tokio_postgres::{Client, NoTls};

/// The clock of a database that a test moves by hand: the store asks no other.
const MANUAL_CLOCK: &str = "
    CREATE TABLE manual_clock (now timestamptz NOT NULL);
    INSERT INTO manual_clock VALUES ('2026-01-01 00:00:00+00');
    CREATE OR REPLACE FUNCTION store_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT now FROM manual_clock)";

static MADE: AtomicU32 = AtomicU32::new(0);

pub struct TestDatabase {
    name: String,
    admin: Client,
}

impl TestDatabase {
    /// With the schema, on the server's own clock.
    pub async fn migrated() -> TestDatabase {
        TestDatabase::copy_of(&template("real", None).await).await
    }

    /// With the schema, on a clock that stands at `now`.
    pub async fn on_manual_clock(now: UnixMillis) -> TestDatabase {
        let database = TestDatabase::copy_of(&template("manual", Some(MANUAL_CLOCK)).await).await;
        database.set_clock(now).await;
        database
    }

    /// Without anything in it.
    pub async fn empty() -> TestDatabase {
        TestDatabase::copy_of("template1").await
    }

    async fn copy_of(template: &str) -> TestDatabase {
        let name = format!("belfry_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        // What a process of the same number may have left.
        let server = client(&server()).await;
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
        server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await.unwrap();
        let admin = client(&address(&name)).await;
        TestDatabase { name, admin }
    }

    pub async fn connect(&self) -> Database {
        Database::connect(&address(&self.name), &Settings::default()).await.unwrap()
    }

    pub fn address(&self) -> String {
        address(&self.name)
    }

    /// A connection beside the store's.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    pub async fn set_clock(&self, now: UnixMillis) {
        self.admin.execute("UPDATE manual_clock SET now = $1", &[&now.to_timestamp()]).await.unwrap();
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A runtime of its own: the test's may be the one that is dropping this.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { client(&server()).await.batch_execute(&statement).await.unwrap() });
        });
        if dropped.join().is_err() {
            eprintln!("the database {} was not dropped", self.name);
        }
    }
}

/// The name of a migrated database of that kind, made by whoever comes first, in whichever process.
async fn template(kind: &str, more: Option<&str>) -> String {
    let mut hasher = DefaultHasher::new();
    (include_str!("../../migrations/V1__belfry.sql"), include_str!("../../migrations/V2__members_and_queue.sql"), more).hash(&mut hasher);
    let name = format!("belfry_template_{kind}_{:x}", hasher.finish());
    let server = client(&server()).await;
    // Until this connection ends.
    server.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    if server.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.unwrap().is_none() {
        let unfinished = format!("{name}_unfinished");
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await.unwrap();
        server.batch_execute(&format!("CREATE DATABASE {unfinished}")).await.unwrap();
        let database = Database::connect(&address(&unfinished), &Settings::default()).await.unwrap();
        database.migrate().await.unwrap();
        database.close();
        if let Some(more) = more {
            client(&address(&unfinished)).await.batch_execute(more).await.unwrap();
        }
        // Connections end a moment after they are closed, and one that is left would refuse this.
        let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
        server.query(end, &[&unfinished]).await.unwrap();
        server.batch_execute(&format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await.unwrap();
    }
    name
}

fn server() -> String {
    std::env::var("BELFRY_TEST_POSTGRES")
        .expect("BELFRY_TEST_POSTGRES does not name a PostgreSQL server for tests: run scripts/test, which starts one and says so")
}

/// That of another database of the server.
fn address(database: &str) -> String {
    let server = server();
    let (host, _) = server.rsplit_once('/').expect("the address of the server ends in a database's name");
    format!("{host}/{database}")
}

async fn client(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
