//! History and what merely waits grow; what the verbs of daemons and workers read does not.

use belfry_core::calendar::BusinessCalendar;
use belfry_core::ids::{MemberId, ScheduleId};
use belfry_core::ports::{
    CalendarStore, CalendarWrite, Consumer, Member, Message, PublishLease, Queue, Redrive, Redriven, ScheduleFilter, ScheduleStore,
    WorkflowStore,
};
use belfry_core::shards::Shards;
use belfry_core::workflow::QueueName;
use belfry_postgres::Database;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::server::TestDatabase;

/// Often enough that a plan is kept.
const ROUNDS: u128 = 8;

/// Less than the least of what is filled in.
const ONE_WALK: i64 = 5_000;

/// Runs that have ended, and as many that wait in two queues for their workers, none of them overdue, or to be published to
/// a queue that is in trouble.
const FILL: &str = "
    INSERT INTO workflow_runs (id, planned_at, workflow_id, workflow_version, kind, reason, due_at, state, queue, delivery,
                               publish_at, created_at, queued_at)
    SELECT gen_random_uuid(), now() - number * interval '1 millisecond', gen_random_uuid(), 1, 'manual', 'manual', now(),
           CASE WHEN number % 10 = 0 THEN 'pending' WHEN number % 2 = 0 THEN 'succeeded' ELSE 'queued' END,
           CASE WHEN number % 10 = 0 THEN 'trouble' WHEN number % 4 = 1 THEN 'a' ELSE 'b' END, 'tracked',
           now(), now(), now() + interval '1 hour'
    FROM generate_series(1, 100000) AS number;
    INSERT INTO queue_messages (queue, run_id)
    SELECT 'unconsumed', gen_random_uuid()
    FROM generate_series(1, 50000);
    ANALYZE workflow_runs;
    ANALYZE queue_messages";

/// Rows read by scans of whole tables, and entries read of indexes.
async fn read(database: &TestDatabase, tables: &str) -> (i64, i64) {
    let statement = "
        SELECT (SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE relname LIKE $1),
               (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE relname LIKE $1)";
    let row = database.admin().query_one(statement, &[&tables]).await.unwrap();
    (row.get(0), row.get(1))
}

/// What processes have read is counted when they have ended.
async fn end(database: &TestDatabase, belfry: Database) {
    belfry.close();
    let living = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'belfry'";
    while database.admin().query_one(living, &[]).await.unwrap().get::<_, i64>(0) > 0 {}
}

async fn filled() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    database.admin().batch_execute(FILL).await.unwrap();
    database.admin().query("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    database
}

fn queue(name: &str) -> QueueName {
    QueueName::parse(name).unwrap()
}

async fn one_round(belfry: &Database, round: u128) {
    let store = belfry.store();
    let member = MemberId(Uuid::from_u128(round + 1));
    let own = Member { id: member, is_draining: false, behind_since: None, progressed_at: None };
    let now = store.beat(own).await.unwrap().store_now;
    store.bury(now).await.unwrap();
    let mut shards = Shards::NONE;
    shards.insert(ScheduleId(Uuid::from_u128(round)).shard());
    assert_eq!(store.look(shards, now, None, 100).await.unwrap().keys, []);
    let publisher = PublishLease { member, lease: SignedDuration::from_secs(15) };
    assert_eq!(store.sweep(publisher, &[queue("trouble")], 100).await.unwrap().runs, []);
    // They have no workflow, and are not readable; but they are taken.
    assert_eq!(store.sweep(publisher, &[], 10).await.unwrap().runs, []);
    assert_eq!(store.overdue_queues().await, Ok(vec![]));
    for nothing_ready in [true, false] {
        let redrive = Redrive { queue: queue("a"), nothing_ready, believed: now, limit: 100 };
        assert_eq!(store.redrive(redrive).await, Ok(Redriven::default()));
    }
    store.reap(now, 100).await.unwrap();
    store.leave(member).await.unwrap();
}

#[tokio::test]
async fn the_verbs_of_a_daemon_read_neither_history_nor_what_waits_for_workers() {
    let database = filled().await;
    // One that is buried, in the first round.
    let dead =
        "INSERT INTO members (id, is_draining, beaten_at, joined) VALUES (gen_random_uuid(), FALSE, now() - interval '1 hour', TRUE)";
    database.admin().execute(dead, &[]).await.unwrap();
    let before = read(&database, "workflow_runs%").await;
    let belfry = database.connect().await;
    for round in 0..ROUNDS {
        one_round(&belfry, round).await;
    }
    end(&database, belfry).await;
    let after = read(&database, "workflow_runs%").await;
    assert_eq!(after.0, before.0, "tables were scanned");
    assert!(after.1 - before.1 < ONE_WALK, "{} entries of indexes were read", after.1 - before.1);
}

#[tokio::test]
async fn a_consumer_does_not_read_what_waits_in_queues_of_others() {
    let database = filled().await;
    let before = read(&database, "queue_messages").await;
    let belfry = database.connect().await;
    let (messages, own) = (belfry.queue(), queue("own"));
    let mut consumer: Box<dyn Consumer> = messages.consumer(vec![own.clone()]).await.unwrap();
    for round in 0..ROUNDS {
        let run_id = belfry_core::ids::RunId(Uuid::from_u128(round));
        messages.publish(&own, vec![Message { run_id, body: String::new() }]).await.unwrap();
        assert_eq!(messages.has_ready(&own).await, Ok(true));
        let delivered = consumer.receive(10, SignedDuration::ZERO).await.unwrap();
        assert_eq!(delivered.iter().map(|delivered| delivered.run_id).collect::<Vec<_>>(), [run_id]);
        consumer.acknowledge(&delivered[0]).await.unwrap();
    }
    drop(consumer);
    end(&database, belfry).await;
    let after = read(&database, "queue_messages").await;
    assert_eq!(after.0, before.0, "the table was scanned");
    assert!(after.1 - before.1 < ONE_WALK, "{} entries of indexes were read", after.1 - before.1);
}

/// Schedules that are planned by another calendar.
const OTHERS: &str = "
    INSERT INTO workflows (id, name, description, version, tags, queue, delivery, revision, created_at, updated_at)
    VALUES ('00000000-0000-0000-0000-000000000001', 'others', '', 1, '{}', 'default', 'tracked', 1, now(), now());
    INSERT INTO scheduled_workflows (id, workflow_id, name, origin, is_active, revision, shard, created_at, updated_at)
    SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'other-' || number, 'direct', TRUE, 1, number % 256, now(), now()
    FROM generate_series(1, 20000) AS number;
    INSERT INTO schedule_calendars (calendar, schedule_id)
    SELECT 'FR', id
    FROM scheduled_workflows;
    ANALYZE scheduled_workflows;
    ANALYZE schedule_calendars";

#[tokio::test]
async fn a_change_of_a_calendar_reads_its_users_and_no_others() {
    let database = TestDatabase::migrated().await;
    database.admin().batch_execute(OTHERS).await.unwrap();
    database.admin().query("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    let before = read(&database, "schedule%").await;
    let belfry = database.connect().await;
    let store = belfry.store();
    for round in 0..ROUNDS {
        let calendar = BusinessCalendar::parse(&serde_json::json!({"holidays": [format!("12-{:02}", round + 1)]})).unwrap();
        let write = CalendarWrite { name: "DE".to_owned(), expected: None, calendar };
        assert_eq!(store.put_calendar(write).await.unwrap().planned_anew, 0);
        let users = ScheduleFilter { calendar: Some("DE".to_owned()), limit: 50, ..ScheduleFilter::default() };
        assert_eq!(store.schedules(users).await.unwrap().items, []);
    }
    store.delete_calendar("DE", None).await.unwrap();
    end(&database, belfry).await;
    let after = read(&database, "schedule%").await;
    assert_eq!(after.0, before.0, "tables were scanned");
    assert!(after.1 - before.1 < ONE_WALK, "{} entries of indexes were read", after.1 - before.1);
}

#[tokio::test]
async fn what_is_read_is_seen_by_the_counters() {
    let database = filled().await;
    database.admin().execute("UPDATE workflow_runs SET queued_at = now() - interval '1 hour' WHERE queue = 'a'", &[]).await.unwrap();
    database.admin().query("SELECT pg_stat_force_next_flush()", &[]).await.unwrap();
    let before = read(&database, "workflow_runs%").await;
    let belfry = database.connect().await;
    let store = belfry.store();
    let believed = ScheduleStore::now(&store).await.unwrap();
    let redrive = Redrive { queue: queue("a"), nothing_ready: true, believed, limit: 2_000 };
    assert_eq!(store.redrive(redrive).await, Ok(Redriven { requeued: 2_000, unclaimed: 0 }));
    end(&database, belfry).await;
    let after = read(&database, "workflow_runs%").await;
    assert!(after.0 + after.1 >= before.0 + before.1 + 2_000, "{before:?} {after:?}");
}
