//! What one process cannot show: daemons and a user at the same rows at the same time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use belfry_core::decide::{Facts, decide};
use belfry_core::ids::{MemberId, RunId, ScheduleId, WorkflowId};
use belfry_core::ports::{
    DueKey, DueSchedule, Fire, FireBatch, FireCode, MEMBER_DEAD_AFTER, Mark, Member, NewSchedule, NewWorkflow, PublishLease, ScheduleEdit,
    ScheduleStore, StoreError, WorkflowStore,
};
use belfry_core::schedule::ScheduleContent;
use belfry_core::shards::Shards;
use belfry_core::spec::Spec;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::{Delivery, QueueName};
use belfry_postgres::PostgresStore;
use belfry_testkit::stores::every;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use crate::server::TestDatabase;

const SCHEDULES: u64 = 20;
/// Occurrences of each schedule.
const OCCURRENCES: i32 = 300;
const PERIOD: SignedDuration = SignedDuration::from_millis(10);
const DAEMONS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_daemons_and_an_editor_lose_and_double_nothing() {
    let database = TestDatabase::migrated().await;
    let store = database.connect().await.store();
    let start = ScheduleStore::now(&store).await.unwrap().plus(SignedDuration::from_millis(500));
    let schedules = make_schedules(&store, start).await;
    let is_done = Arc::new(AtomicBool::new(false));
    let editor = tokio::spawn(edit(store.clone(), schedules.clone(), Arc::clone(&is_done)));
    let daemons: Vec<_> = (1..=DAEMONS).map(|daemon| tokio::spawn(fire_all(store.clone(), daemon, start))).collect();
    for daemon in daemons {
        assert_ne!(daemon.await.unwrap(), 0, "a daemon met nobody");
    }
    is_done.store(true, Ordering::Relaxed);
    assert_ne!(editor.await.unwrap(), 0, "the editor met nobody");
    assert_all_fired_once(&database, &schedules, start).await;
}

/// Every schedule has one run for each occurrence, and its counter says so.
async fn assert_all_fired_once(database: &TestDatabase, schedules: &[ScheduleId], start: UnixMillis) {
    let statement = "
        SELECT schedule.id, schedule.run_count, array_agg(run.planned_at ORDER BY run.planned_at) AS planned
        FROM scheduled_workflows schedule
        JOIN workflow_runs run
          ON run.schedule_id = schedule.id
        GROUP BY schedule.id";
    let rows = database.admin().query(statement, &[]).await.unwrap();
    assert_eq!(rows.len(), schedules.len());
    let expected: Vec<_> = (0..OCCURRENCES).map(|number| start.plus(PERIOD * number).to_timestamp()).collect();
    for row in rows {
        let planned: Vec<jiff::Timestamp> = row.get("planned");
        assert_eq!((planned, row.get::<_, i64>("run_count")), (expected.clone(), i64::from(OCCURRENCES)));
    }
    let outcomes = database.admin().query_one("SELECT count(*) FROM occurrence_outcomes", &[]).await.unwrap();
    assert_eq!(outcomes.get::<_, i64>(0), 0);
}

async fn make_schedules(store: &PostgresStore, start: UnixMillis) -> Vec<ScheduleId> {
    let workflow = NewWorkflow {
        id: WorkflowId(Uuid::from_u128(1)),
        name: "busy".to_owned(),
        description: String::new(),
        definition: json!({"nodes": []}),
        tags: vec![],
        queue: QueueName::default(),
        delivery: Delivery::Tracked,
        trigger: None,
    };
    let workflow_id = store.create_workflow(workflow).await.unwrap().id;
    let content = ScheduleContent { end_at: Some(last(start)), specs: vec![Spec::every(PERIOD, start)], ..every(1, start) };
    let mut ids = Vec::new();
    for number in 0..SCHEDULES {
        let id = ScheduleId(Uuid::from_u128(u128::from(number) + 100));
        let new = NewSchedule { id, workflow_id, name: format!("s{number}"), content: content.clone(), is_active: true };
        ids.push(store.create_schedule(new).await.unwrap().id);
    }
    ids
}

fn last(start: UnixMillis) -> UnixMillis {
    start.plus(PERIOD * (OCCURRENCES - 1))
}

/// As a daemon does, without a pause: looks, loads, decides and fires, until the last occurrence is due and nothing is left.
async fn fire_all(store: PostgresStore, daemon: u64, start: UnixMillis) -> usize {
    let publisher = Some(PublishLease { member: MemberId(Uuid::from_u128(daemon.into())), lease: SignedDuration::from_secs(15) });
    let mut published = HashSet::new();
    loop {
        let now = ScheduleStore::now(&store).await.unwrap();
        let keys = store.look(Shards::ALL, now, None, 15).await.unwrap().keys;
        if keys.is_empty() && now > last(start) {
            return published.len();
        }
        let ids: Vec<_> = keys.iter().map(|key| key.id).collect();
        let fires: Vec<_> = store.load(&ids).await.unwrap().into_iter().filter_map(|due| decided(due, now)).collect();
        for result in store.fire(FireBatch { publisher, fires }).await.unwrap().results {
            assert_eq!(result.conflicts, 0, "the second wall was touched");
            assert!(result.code == FireCode::Moved || result.runs.is_empty());
            assert!(result.runs.into_iter().all(|run| published.insert(run)), "a run was answered twice");
        }
    }
}

fn decided(due: DueSchedule, now: UnixMillis) -> Option<Fire> {
    Some(Fire::of(DueKey::of(&due.schedule)?, decide(&due.schedule, Facts::default(), now)?, now))
}

/// Raises revisions without a pause; an edit fires by itself what is due, and the daemons' decisions on the old revision are void.
/// Answers how many it made.
async fn edit(store: PostgresStore, schedules: Vec<ScheduleId>, is_done: Arc<AtomicBool>) -> usize {
    let mut edits = 0;
    for (number, id) in schedules.iter().cycle().enumerate() {
        if is_done.load(Ordering::Relaxed) {
            break;
        }
        let name = Some(format!("renamed {number}"));
        match store.edit_schedule(ScheduleEdit { id: *id, expected: None, name, content: None, is_active: None }).await {
            Ok(_) => edits += 1,
            // It waited longer for a lock than the server lets it: nothing was written.
            Err(StoreError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    edits
}

/// Rounds, and the runs of each.
const BURIALS: u128 = 30;
const HELD: i32 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_member_marks_while_it_is_buried_is_queued_and_the_rest_is_swept_at_once() {
    let start = UnixMillis::parse_exact("2031-01-01T00:00:00Z").unwrap();
    let database = TestDatabase::on_manual_clock(start).await;
    let store = database.connect().await.store();
    make_schedules(&store, start).await;
    for round in 0..BURIALS {
        let member = MemberId(Uuid::from_u128(round + 1));
        let held = hold_runs(&database, member).await;
        store.beat(Member { id: member, is_draining: false, behind_since: None, progressed_at: None }).await.unwrap();
        let now = ScheduleStore::now(&store).await.unwrap().plus(MEMBER_DEAD_AFTER + SignedDuration::from_millis(1));
        database.set_clock(now).await;
        let mark = tokio::spawn(mark_all(store.clone(), held));
        assert_eq!(store.bury(now).await, Ok(1));
        let publisher = PublishLease { member: MemberId(Uuid::from_u128(999)), lease: SignedDuration::from_secs(15) };
        let mut swept = store.sweep(publisher, &[], 1_000).await.unwrap().runs.len();
        let marked = mark.await.unwrap();
        // What the first sweep passed over because it was being marked, and the mark came too late for.
        swept += store.sweep(publisher, &[], 1_000).await.unwrap().runs.len();
        assert_eq!(marked + swept, usize::try_from(HELD).unwrap(), "{marked} marked, {swept} swept");
        database.admin().execute("UPDATE workflow_runs SET state = 'succeeded'", &[]).await.unwrap();
    }
}

/// Pending, and published by `member`, whose lease lasts.
async fn hold_runs(database: &TestDatabase, member: MemberId) -> Vec<Mark> {
    let insert = "
        INSERT INTO workflow_runs (id, planned_at, workflow_id, workflow_version, kind, reason, due_at, state, queue, delivery,
                                   input, publisher, publish_at, created_at)
        SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad('', 20, '0'))::uuid, at,
               '00000000-0000-0000-0000-000000000001', 1, 'manual', 'manual', at, 'pending', 'default', 'tracked',
               '{}', $1, store_now() + interval '15 seconds', store_now()
        FROM (SELECT store_now() + number * interval '1 millisecond' AS at FROM generate_series(1, $2) AS number) planned
        RETURNING id";
    let rows = database.admin().query(insert, &[&member.0, &HELD]).await.unwrap();
    rows.iter().map(|row| Mark { run_id: RunId(row.get("id")), publish_seq: 1 }).collect()
}

/// In small batches, the youngest first: against the order in which everybody locks.
async fn mark_all(store: PostgresStore, held: Vec<Mark>) -> usize {
    let mut marked = 0;
    for batch in held.rchunks(7) {
        marked += store.mark(batch).await.unwrap();
    }
    marked
}
