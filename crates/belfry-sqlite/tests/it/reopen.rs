use std::sync::Arc;

use belfry_core::ids::{KeyId, MemberId, RunId};
use belfry_core::ports::{
    Fire, FireBatch, FireCode, Ids, KeyStore, NewKey, NewManualRun, NewRun, PublishLease, RunFilter, RunStore, ScheduleStore, StoreError,
    WorkflowStore,
};
use belfry_core::run::{RunReason, RunState};
use belfry_core::schedule::Cursor;
use belfry_sqlite::{Database, OpenError, Standing};
use jiff::SignedDuration;
use serde_json::json;

use crate::file::File;

#[tokio::test]
async fn a_reopened_file_has_everything_that_was_answered() {
    let file = File::new();
    let database = file.open();
    let store = database.store();
    let workflow = file.workflow(&store, "kept").await;
    let schedule = file.schedule(&store, &workflow).await;
    let id = RunId(file.ids.v7(file.now()));
    let run = store.start_run(NewManualRun::now(id, workflow.id, json!({"b": [2]}), None)).await.unwrap();
    database.close().await;

    let store = file.open().store();
    assert_eq!(store.workflow(workflow.id).await, Ok(workflow));
    assert_eq!(store.schedule(schedule.id).await, Ok(schedule));
    assert_eq!(store.run(run.id).await, Ok(run));
}

#[tokio::test]
async fn a_closed_store_refuses_and_says_so() {
    let file = File::new();
    let database = file.open();
    let store = database.store();
    database.close().await;
    let closed = StoreError::Unavailable("it was closed".to_owned());
    let publisher = PublishLease { member: MemberId(file.ids.v7(file.now())), lease: SignedDuration::ZERO };
    assert_eq!(store.sweep(publisher, &[], 1).await, Err(closed.clone()));
    assert_eq!(store.keys().await, Err(closed));
}

#[tokio::test]
async fn the_clock_does_not_go_back_while_open_nor_over_a_reopening() {
    let file = File::new();
    let database = file.open();
    let written_at = file.workflow(&database.store(), "first").await.created_at;
    file.clock.set(written_at.minus(SignedDuration::from_hours(2)));
    assert_eq!(ScheduleStore::now(&database.store()).await, Ok(written_at));
    database.close().await;

    let store = file.open().store();
    assert_eq!(ScheduleStore::now(&store).await, Ok(written_at));
    assert_eq!(file.workflow(&store, "second").await.created_at, written_at);
    file.clock.set(written_at.plus(SignedDuration::from_secs(1)));
    assert_eq!(ScheduleStore::now(&store).await, Ok(written_at.plus(SignedDuration::from_secs(1))));
}

#[tokio::test]
async fn opening_again_migrates_nothing_again() {
    let file = File::new();
    file.open().close().await;
    let history = || {
        let connection = rusqlite::Connection::open(file.path()).unwrap();
        connection
            .query_row("SELECT count(*), max(version) FROM refinery_schema_history", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    let once: (i64, i64) = history();
    file.open().close().await;
    assert_eq!(history(), once);
}

#[tokio::test]
async fn a_schema_newer_than_the_binary_is_refused_by_its_version() {
    let file = File::new();
    file.open().close().await;
    let connection = rusqlite::Connection::open(file.path()).unwrap();
    connection
        .execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'later', '2027-01-01T00:00:00Z', '1')",
            [],
        )
        .unwrap();
    let refused = Database::open(&file.path(), Arc::new(file.clock.clone())).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused}");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_verb_whole() {
    let file = File::new();
    let database = file.open();
    let store = database.store();
    let workflow = file.workflow(&store, "left").await;
    let start = || store.start_run(NewManualRun::now(RunId(file.ids.v7(file.now())), workflow.id, json!({}), None));
    for _ in 0..20 {
        // Polled once, so that the verb is on its way, and dropped.
        let mut started = Box::pin(start());
        let waker = std::task::Waker::noop();
        let _ = started.as_mut().poll(&mut std::task::Context::from_waker(waker));
    }
    start().await.unwrap();
    let runs = store.runs(RunFilter { limit: 200, ..RunFilter::default() }).await.unwrap().items;
    assert_eq!(runs.len(), 21);
    assert!(runs.iter().all(|run| run.state == RunState::Pending));
}

#[tokio::test]
async fn a_verb_that_fails_takes_nothing_from_those_it_shares_a_commit_with() {
    let file = File::new();
    let database = file.open();
    let store = database.store();
    let (id, other) = (KeyId(file.ids.v7(file.now())), KeyId(file.ids.v7(file.now())));
    let make = |id, number| store.create_key(NewKey::full(id, "shared".to_owned(), [number; 32]));
    let (first, again, another) = tokio::join!(make(id, 1), make(id, 2), make(other, 3));
    assert!(first.is_ok() && another.is_ok());
    assert!(matches!(again, Err(StoreError::Data(_))), "{again:?}");
    assert_eq!(store.keys().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_refused_fire_leaves_nothing_of_its_batch() {
    let file = File::new();
    let database = file.open();
    let store = database.store();
    let workflow = file.workflow(&store, "batch").await;
    let schedule = file.schedule(&store, &workflow).await;
    file.clock.advance(SignedDuration::from_mins(2));
    let nominal = schedule.cursor.nominal.unwrap();
    let run = NewRun { id: RunId::scheduled(schedule.id, nominal), nominal, due: nominal, reason: RunReason::Due };
    let fire = Fire {
        id: schedule.id,
        revision: 1,
        nominal,
        decided_at: nominal,
        next: Cursor::at(schedule.content.next_after(nominal).unwrap()),
        runs: vec![run],
        outcomes: Vec::new(),
        failure: None,
    };
    let backwards = belfry_core::schedule::Outcome {
        from: nominal,
        to: nominal.minus(SignedDuration::from_secs(1)),
        reason: belfry_core::schedule::OutcomeReason::Missed,
    };
    let refused = store.fire(FireBatch { publisher: None, fires: vec![Fire { outcomes: vec![backwards], ..fire.clone() }] }).await;
    assert!(matches!(refused, Err(StoreError::Data(_))), "{refused:?}");
    assert_eq!(store.schedule(schedule.id).await.unwrap(), schedule);
    assert_eq!(store.run(run.id).await, Err(StoreError::NotFound("run")));
    let fired = store.fire(FireBatch { publisher: None, fires: vec![fire] }).await.unwrap();
    assert_eq!((fired.results[0].code, &fired.results[0].runs), (FireCode::Moved, &vec![run.id]));
}

#[tokio::test]
async fn what_stands_in_a_file_is_told_beside_whoever_has_it_open() {
    let file = File::new();
    assert!(Standing::of(&file.path()).is_err(), "a look makes no file");
    let database = file.open();
    file.workflow(&database.store(), "w").await;
    let standing = Standing::of(&file.path()).unwrap();
    assert_eq!((standing.version, standing.last_now), (standing.known, file.now()));
    database.close().await;
    assert_eq!(Standing::of(&file.path()).unwrap(), standing);
}
