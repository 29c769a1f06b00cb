//! What becomes of old history: whole months go, and what lives keeps its month.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use belfry_core::ids::{ClaimToken, RunId};
use belfry_core::ports::{Claim, ClaimAnswer, RunStore, StoreError};
use belfry_core::run::{NodeResult, NodeState};
use belfry_core::time::UnixMillis;
use belfry_postgres::PostgresStore;
use jiff::SignedDuration;
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::server::TestDatabase;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn at(instant: &str) -> UnixMillis {
    UnixMillis::parse_exact(instant).unwrap()
}

/// A database that made its partitions from January to April, with what `runs` says, when it is the first of August.
async fn in_august(runs: &[(&str, &str)]) -> TestDatabase {
    let database = TestDatabase::on_manual_clock(at("2031-01-01T00:00:00Z")).await;
    let belfry = database.connect().await;
    // Those of the day on which the test runs.
    belfry.drop_history(SignedDuration::ZERO).await.unwrap();
    belfry.make_partitions().await.unwrap();
    for (number, (planned, state)) in (1_u128..).zip(runs) {
        write_run(&database, Uuid::from_u128(number), planned, state).await;
    }
    database.set_clock(at("2031-08-01T00:00:00Z")).await;
    database
}

/// With the result of a node.
async fn write_run(database: &TestDatabase, id: Uuid, planned: &str, state: &str) {
    let insert = "
        WITH run AS (
            INSERT INTO workflow_runs (id, planned_at, workflow_id, workflow_version, kind, reason, due_at, state, queue, delivery,
                                       publish_at, created_at)
            VALUES ($1, $2, $1, 1, 'manual', 'manual', $2, $3, 'default', 'tracked', $2, $2)
        )
        INSERT INTO run_nodes (run_planned_at, run_id, node_id, state, output, output_truncated, log, attempts, started_at)
        VALUES ($2, $1, 'node', 'succeeded', '{}', FALSE, '', 1, $2)";
    database.admin().execute(insert, &[&id, &at(planned).to_timestamp(), &state]).await.unwrap();
}

async fn partitions(database: &TestDatabase) -> Vec<String> {
    let statement = "
        SELECT inhrelid::regclass::text
        FROM pg_inherits
        WHERE inhparent IN ('workflow_runs'::regclass, 'run_nodes'::regclass)
        ORDER BY 1";
    database.admin().query(statement, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// With the default ones, which always stand.
fn standing(months: &[&str]) -> Vec<String> {
    let of = |table: &str| {
        let months: Vec<String> = months.iter().map(|month| format!("{table}_2031_{month}")).collect();
        [months, vec![format!("{table}_default")]].concat()
    };
    [of("run_nodes"), of("workflow_runs")].concat()
}

#[tokio::test]
async fn months_that_ended_before_then_go_with_their_nodes_and_the_others_stay() {
    let runs = [("2031-01-15T00:00:00Z", "succeeded"), ("2031-02-15T00:00:00Z", "failed"), ("2031-04-15T00:00:00Z", "cancelled")];
    let database = in_august(&runs).await;
    let belfry = database.connect().await;
    // The beginning of March, to the millisecond: February has ended by then, March has not.
    assert_eq!(belfry.drop_history(DAY * (31 + 30 + 31 + 30 + 31)).await, Ok(4));
    assert_eq!(partitions(&database).await, standing(&["03", "04"]));
    assert_eq!(belfry.drop_history(DAY * (31 + 30 + 31 + 30 + 31)).await, Ok(0));
    let left = "SELECT run_id::text FROM run_nodes";
    let left: Vec<String> = database.admin().query(left, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(left, [Uuid::from_u128(3).to_string()]);
}

#[tokio::test]
async fn a_month_that_has_a_live_run_stays_until_it_has_ended() {
    let live = ["pending", "queued", "running"];
    let runs: Vec<(&str, &str)> =
        ["2031-01-31T23:59:59.999Z", "2031-02-01T00:00:00Z", "2031-03-15T00:00:00Z"].into_iter().zip(live).collect();
    let database = in_august(&runs).await;
    let belfry = database.connect().await;
    assert_eq!(belfry.drop_history(DAY).await, Ok(2));
    assert_eq!(partitions(&database).await, standing(&["01", "02", "03"]));
    database.admin().execute("UPDATE workflow_runs SET state = 'worker_lost' WHERE state = 'running'", &[]).await.unwrap();
    assert_eq!(belfry.drop_history(DAY).await, Ok(2));
    assert_eq!(partitions(&database).await, standing(&["01", "02"]));
}

#[tokio::test]
async fn what_the_default_partition_holds_stays() {
    let database = in_august(&[("2030-06-15T00:00:00Z", "succeeded")]).await;
    assert_eq!(database.connect().await.drop_history(DAY).await, Ok(8));
    let left = database.admin().query_one("SELECT count(*) FROM workflow_runs_default", &[]).await.unwrap();
    assert_eq!((left.get::<_, i64>(0), partitions(&database).await), (1, standing(&[])));
}

#[tokio::test]
async fn of_two_processes_that_drop_the_same_months_neither_fails() {
    let database = in_august(&[("2031-01-15T00:00:00Z", "succeeded")]).await;
    let (one, other) = (database.connect().await, database.connect().await);
    let (one, other) = tokio::join!(one.drop_history(DAY), other.drop_history(DAY));
    assert_eq!(one.unwrap() + other.unwrap(), 8);
}

#[tokio::test]
async fn outcomes_that_were_recorded_before_then_go() {
    let database = in_august(&[]).await;
    let fill = "
        INSERT INTO occurrence_outcomes (schedule_id, revision, from_at, to_at, reason, recorded_at)
        SELECT gen_random_uuid(), 1, '2030-01-01', '2030-01-01', 'missed', at
        FROM (SELECT '2031-07-30T23:59:59.999Z'::timestamptz AS at FROM generate_series(1, 12000)
              UNION ALL VALUES ('2031-07-31T00:00:00Z'::timestamptz)) AS recorded";
    database.admin().execute(fill, &[]).await.unwrap();
    assert_eq!(database.connect().await.drop_history(DAY).await, Ok(8));
    let left: Vec<jiff::Timestamp> =
        database.admin().query("SELECT recorded_at FROM occurrence_outcomes", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["2031-07-31T00:00:00Z".parse().unwrap()]);
}

const RUN: RunId = RunId(Uuid::from_u128(1));

fn node() -> NodeResult {
    NodeResult {
        node_id: "node".to_owned(),
        state: NodeState::Succeeded,
        output: serde_json::json!({}),
        output_truncated: false,
        log: String::new(),
        error: None,
        attempts: 1,
        started_at: UnixMillis::EPOCH,
        finished_at: None,
        wait_until: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn months_go_while_workers_are_at_work_and_no_verb_of_theirs_fails() {
    let database = in_august(&[]).await;
    let belfry = database.connect().await;
    let (begun, is_done) = (Arc::new(Barrier::new(5)), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = (0..4).map(|_| tokio::spawn(work(belfry.store(), Arc::clone(&begun), Arc::clone(&is_done)))).collect();
    begun.wait().await;
    let dropped = database.connect().await.drop_history(DAY).await;
    is_done.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!((dropped, partitions(&database).await), (Ok(8), standing(&[])));
}

/// Verbs that come to the tables of runs and nodes, in one statement and in a transaction, again and again.
async fn work(store: PostgresStore, begun: Arc<Barrier>, is_done: Arc<AtomicBool>) {
    begun.wait().await;
    while !is_done.load(Ordering::Relaxed) {
        assert_eq!(store.record_node(RUN, 1, node()).await, Ok(false));
        let claim = Claim { run_id: RUN, token: ClaimToken(Uuid::from_u128(2)), worker: "worker".to_owned() };
        assert_eq!(store.claim(claim).await, Ok(ClaimAnswer::Refused(None)));
        assert_eq!(store.run(RUN).await, Err(StoreError::NotFound("run")));
    }
}

/// Otherwise whoever locks both tables, to drop a month, would be in each other's way with whoever writes a node.
#[tokio::test]
async fn who_writes_a_node_waits_for_the_runs_before_it_comes_to_their_nodes() {
    let database = TestDatabase::migrated().await;
    let store = database.connect().await.store();
    // Often enough that its plan is kept: a kept plan locks its tables in another order than a new one.
    for _ in 0..10 {
        assert_eq!(store.record_node(RUN, 1, node()).await, Ok(false));
    }
    database.admin().batch_execute("BEGIN; LOCK TABLE ONLY workflow_runs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut writing = store.record_node(RUN, 1, node());
    let waiting = "SELECT pid FROM pg_locks WHERE relation = 'workflow_runs'::regclass AND NOT granted";
    let process: i32 = loop {
        tokio::select! {
            biased;
            written = &mut writing => panic!("the lock does not hold the verb: {written:?}"),
            rows = database.admin().query(waiting, &[]) => if let Some(row) = rows.unwrap().first() { break row.get(0) },
        }
    };
    let held = "SELECT count(*) FROM pg_locks WHERE relation = 'run_nodes'::regclass AND pid = $1";
    assert_eq!(database.admin().query_one(held, &[&process]).await.unwrap().get::<_, i64>(0), 0);
}
