//! What becomes of connections: limits, losses, and verbs that are dropped half-way.

use std::time::Duration;

use belfry_core::ids::{KeyId, MemberId, ScheduleId};
use belfry_core::ports::{KeyStore, NewKey, PublishLease, ScheduleStore, StoreError, WorkflowStore};
use belfry_core::time::UnixMillis;
use belfry_postgres::{Database, OpenError, Settings};
use jiff::SignedDuration;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::server::TestDatabase;

/// A pool of one connection: what becomes of that is seen by the next verb.
async fn connect(database: &TestDatabase) -> Database {
    Database::connect(&database.address(), &Settings { connections: 1, ..Settings::default() }).await.unwrap()
}

/// The server processes of the store's connections.
async fn processes(admin: &Client) -> Vec<i32> {
    let statement = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'belfry'";
    admin.query(statement, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_verb_that_is_dropped_half_way_takes_its_connection_along() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    let before = processes(database.admin()).await;
    // Held by this lock, the verb is in the middle of its statement when it is dropped.
    database.admin().batch_execute("BEGIN; LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let key = KeyId(Uuid::from_u128(1));
    {
        let mut verb = store.create_key(NewKey::full(key, "held".to_owned(), [1; 32]));
        let waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'api_keys'::regclass AND NOT granted";
        loop {
            tokio::select! {
                biased;
                done = &mut verb => panic!("the lock does not hold the verb: {done:?}"),
                row = database.admin().query_one(waiting, &[]) => if row.unwrap().get::<_, i64>(0) == 1 { break },
            }
        }
    }
    database.admin().batch_execute("COMMIT").await.unwrap();
    ScheduleStore::now(&store).await.unwrap();
    let after = processes(database.admin()).await;
    assert!(after.iter().any(|process| !before.contains(process)), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_its_connection_whole() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    let before = processes(database.admin()).await;
    let missing = store.delete_schedule(ScheduleId(Uuid::from_u128(1)), None).await;
    assert_eq!(missing, Err(StoreError::NotFound("schedule")));
    let state = "SELECT state FROM pg_stat_activity WHERE pid = $1";
    assert_eq!(database.admin().query_one(state, &[&before[0]]).await.unwrap().get::<_, &str>(0), "idle");
    WorkflowStore::now(&store).await.unwrap();
    assert_eq!(processes(database.admin()).await, before);
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    let before = processes(database.admin()).await;
    database.admin().query("SELECT pg_terminate_backend($1, 5000)", &[&before[0]]).await.unwrap();
    // Whether this one finds the end or a new connection is the network's to say; nothing was written either way.
    let read = ScheduleStore::now(&store).await;
    assert!(matches!(read, Ok(_) | Err(StoreError::Unavailable(_))), "{read:?}");
    ScheduleStore::now(&store).await.unwrap();
    assert_ne!(processes(database.admin()).await, before);
}

#[tokio::test]
async fn a_write_whose_connection_is_lost_is_in_doubt() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    let process = processes(database.admin()).await[0];
    database.admin().batch_execute("BEGIN; LOCK TABLE workflow_runs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let publisher = PublishLease { member: MemberId(Uuid::from_u128(1)), lease: SignedDuration::from_secs(15) };
    let sweep = store.sweep(publisher, &[], 10);
    let end = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted";
        while database.admin().query_one(waiting, &[&process]).await.unwrap().get::<_, i64>(0) == 0 {}
        database.admin().query("SELECT pg_terminate_backend($1, 5000)", &[&process]).await.unwrap();
    };
    let (swept, ()) = tokio::join!(sweep, end);
    assert!(matches!(swept, Err(StoreError::InDoubt(_))), "{swept:?}");
}

#[tokio::test]
async fn a_lock_is_waited_for_a_second_and_condemns_nobody() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    database.admin().batch_execute("BEGIN; LOCK TABLE workflow_runs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let reaped = store.reap(UnixMillis::EPOCH, 10).await;
    assert!(matches!(&reaped, Err(StoreError::Unavailable(text)) if text.contains("55P03")), "{reaped:?}");
}

#[tokio::test]
async fn a_statement_is_waited_for_five_seconds() {
    let database = TestDatabase::migrated().await;
    // Beside those that its address asks for.
    let address = format!("{}?options=-c%20lock_timeout%3D7s", database.address());
    let own = Database::connect(&address, &Settings { connections: 1, ..Settings::default() }).await.unwrap().store();
    database.admin().batch_execute("BEGIN; LOCK TABLE workflow_runs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // With an own lock_timeout, the limit of a statement is what ends the wait.
    let reaped = own.reap(UnixMillis::EPOCH, 10).await;
    assert!(matches!(&reaped, Err(StoreError::Unavailable(text)) if text.contains("57014")), "{reaped:?}");
}

#[tokio::test]
async fn a_commit_that_the_server_warns_of_is_in_doubt_and_the_next_one_is_not() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    // At the commit, as when the wait for a standby was cancelled.
    let warn = "
        CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE WARNING 'canceling wait for synchronous replication';
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER warned AFTER INSERT ON api_keys DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.name = 'warned') EXECUTE FUNCTION warn()";
    database.admin().batch_execute(warn).await.unwrap();
    let (warned, sound) = (KeyId(Uuid::from_u128(1)), KeyId(Uuid::from_u128(2)));
    let answer = store.create_key(NewKey::full(warned, "warned".to_owned(), [1; 32])).await;
    assert!(matches!(&answer, Err(StoreError::InDoubt(text)) if text.contains("canceling wait")), "{answer:?}");
    store.create_key(NewKey::full(sound, "sound".to_owned(), [2; 32])).await.unwrap();
    assert_eq!(store.keys().await.unwrap().iter().map(|key| key.id).collect::<Vec<_>>(), [warned, sound]);
}

#[tokio::test]
async fn a_pool_that_stops_answering_is_replaced() {
    let database = TestDatabase::migrated().await;
    // No limit ends the wait for this lock, and the one connection waits for it.
    let address = format!("{}?options=-c%20lock_timeout%3D0%20-c%20statement_timeout%3D0", database.address());
    let settings = Settings { connections: 1, connect_timeout: Duration::from_secs(2), ..Settings::default() };
    let store = Database::connect(&address, &settings).await.unwrap().store();
    database.admin().batch_execute("BEGIN; LOCK TABLE workflow_runs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut held = store.reap(UnixMillis::EPOCH, 10);
    let mut refused = 0;
    let answered = loop {
        tokio::select! {
            biased;
            held = &mut held => panic!("the lock does not hold the verb: {held:?}"),
            now = ScheduleStore::now(&store) => match now {
                Err(StoreError::Unavailable(_)) => refused += 1,
                answered => break answered,
            },
        }
    };
    assert!(answered.is_ok(), "{answered:?}");
    assert_eq!(refused, 2);
}

#[tokio::test]
async fn every_connection_has_its_limits_and_keeps_what_the_address_asks_for() {
    let database = TestDatabase::migrated().await;
    let setting = "SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')";
    let table = format!("CREATE TABLE seen AS {setting} AS limits WITH NO DATA");
    database.admin().batch_execute(&table).await.unwrap();
    let note = format!(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO seen {setting};
             RETURN NULL;
         END $$;
         CREATE TRIGGER noted AFTER INSERT ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION note()"
    );
    database.admin().batch_execute(&note).await.unwrap();
    connect(&database).await.store().create_key(NewKey::full(KeyId(Uuid::from_u128(1)), "plain".to_owned(), [1; 32])).await.unwrap();
    let address = format!("{}?options=-c%20lock_timeout%3D7s", database.address());
    let own = Database::connect(&address, &Settings::default()).await.unwrap().store();
    own.create_key(NewKey::full(KeyId(Uuid::from_u128(2)), "own".to_owned(), [2; 32])).await.unwrap();
    let seen = database.admin().query("SELECT limits FROM seen", &[]).await.unwrap();
    assert_eq!(seen.iter().map(|row| row.get(0)).collect::<Vec<&str>>(), ["5s 1s", "5s 7s"]);
}

#[tokio::test]
async fn the_clock_is_the_servers_in_whole_milliseconds() {
    let database = TestDatabase::migrated().await;
    let store = connect(&database).await.store();
    let clock = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let before: i64 = database.admin().query_one(clock, &[]).await.unwrap().get(0);
    let now = ScheduleStore::now(&store).await.unwrap().get();
    let after: i64 = database.admin().query_one(clock, &[]).await.unwrap().get(0);
    assert!(before <= now && now <= after, "{before} {now} {after}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let connected = Database::connect("postgresql://nobody@%2Fnonexistent/none", &Settings::default()).await;
    assert!(matches!(connected.err(), Some(OpenError::Unreachable(_))));
    let connected = Database::connect("mysql://host/none", &Settings::default()).await;
    assert!(matches!(connected.err(), Some(OpenError::Address(_))));
}
