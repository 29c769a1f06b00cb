//! Members of one file: they live and die with the process that has it open.

use belfry_core::ids::{MemberId, RunId};
use belfry_core::ports::{
    Backlog, GiveBack, Ids, Member, NewManualRun, PublishLease, Queue, Reaped, Redrive, Redriven, ScheduleStore, WorkflowStore,
};
use belfry_core::workflow::QueueName;
use belfry_sqlite::SqliteStore;
use jiff::SignedDuration;
use serde_json::json;

use crate::file::File;

fn member(file: &File) -> Member {
    Member { id: MemberId(file.ids.v7(file.now())), is_draining: false, behind_since: None, progressed_at: None }
}

async fn sweep(store: &SqliteStore, member: Member, limit: usize) -> Vec<RunId> {
    let publisher = PublishLease { member: member.id, lease: SignedDuration::from_secs(15) };
    store.sweep(publisher, &[], limit).await.unwrap().runs.into_iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn a_member_of_one_handle_is_a_member_of_all() {
    let file = File::new();
    let database = file.open();
    let (one, other) = (member(&file), member(&file));
    assert!(database.store().beat(one).await.unwrap().joined);
    let membership = database.store().beat(other).await.unwrap();
    assert_eq!((membership.joined, membership.members), (true, vec![one, other]));
    assert!(!database.store().clone().beat(one).await.unwrap().joined);
}

#[tokio::test]
async fn what_was_held_when_the_process_died_is_for_the_sweep_at_once() {
    let file = File::new();
    let database = file.open();
    let store = database.store();
    let workflow = file.workflow(&store, "held").await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let id = RunId(file.ids.v7(file.now()));
        runs.push(store.start_run(NewManualRun::now(id, workflow.id, json!({}), None)).await.unwrap().id);
    }
    let died = member(&file);
    assert!(store.beat(died).await.unwrap().joined);
    assert_eq!(sweep(&store, died, 3).await, runs);
    let back = GiveBack { run_id: runs[1], publish_seq: 2, retry_in: SignedDuration::from_secs(60), error: "too large".to_owned() };
    assert_eq!(store.give_back(&[back]).await, Ok(1));
    database.close().await;

    let database = file.open();
    let store = database.store();
    let next = member(&file);
    let membership = store.beat(next).await.unwrap();
    assert_eq!((membership.joined, membership.members), (true, vec![next]));
    // What waits for itself, and not for its publisher, waits on.
    assert_eq!(sweep(&store, next, 3).await, [runs[0], runs[2]]);
}

#[tokio::test]
async fn who_only_lives_and_looks_writes_nothing() {
    let file = File::new();
    let database = file.open();
    let (store, queue) = (database.store(), database.queue());
    let watching = rusqlite::Connection::open(file.path()).unwrap();
    let version = || watching.query_row("SELECT data_version FROM pragma_data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = version();
    let (lives, silent) = (member(&file), member(&file));
    store.beat(silent).await.unwrap();
    for _ in 0..5 {
        store.beat(lives).await.unwrap();
        file.clock.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(store.bury(file.now()).await, Ok(1));
    assert_eq!(store.bury(file.now()).await, Ok(0));
    assert_eq!((store.overdue_queues().await, store.backlog().await), (Ok(vec![]), Ok(Backlog::default())));
    let redrive = Redrive { queue: QueueName::default(), nothing_ready: true, believed: file.now(), limit: 10 };
    assert_eq!(store.redrive(redrive).await, Ok(Redriven::default()));
    assert_eq!(store.reap(file.now(), 10).await, Ok(Reaped::default()));
    assert_eq!(queue.has_ready(&QueueName::default()).await, Ok(false));
    store.leave(lives.id).await.unwrap();
    assert_eq!(version(), before);
    file.workflow(&store, "a write is seen").await;
    assert_ne!(version(), before);
}
