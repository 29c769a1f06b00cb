//! What one process cannot show of calendars: those who write schedules, and a daemon, while the calendar changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use belfry_core::calendar::{BusinessCalendar, DateExclusion, Exclusion, MAX_USERS};
use belfry_core::decide::{Facts, decide};
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::ports::{
    CalendarStore, CalendarWrite, Conflict, DueKey, Fire, FireBatch, NewSchedule, NewWorkflow, ScheduleEdit, ScheduleFilter, ScheduleStore,
    StoreError, WorkflowStore, WorkflowWrite,
};
use belfry_core::schedule::ScheduleContent;
use belfry_core::shards::Shards;
use belfry_core::workflow::{Delivery, QueueName};
use belfry_postgres::PostgresStore;
use belfry_testkit::stores::every;
use serde_json::json;
use uuid::Uuid;

use crate::server::TestDatabase;

const CHANGES: usize = 30;
const WORKFLOWS: u128 = 4;
/// How many schedules each maker leaves.
const LIVING: u128 = 15;

fn calendar(day: usize) -> BusinessCalendar {
    BusinessCalendar::parse(&json!({"holidays": [format!("1999-{:02}-{:02}", day / 28 % 12 + 1, day % 28 + 1)]})).unwrap()
}

async fn put(store: &PostgresStore, name: &str, calendar: BusinessCalendar) {
    let write = CalendarWrite { name: name.to_owned(), expected: None, calendar };
    loop {
        match store.put_calendar(write.clone()).await {
            Ok(_) => return,
            Err(error) => assert!(is_busy(&error), "a change of {name} failed: {error}"),
        }
    }
}

/// A lock was not had within its limit, as on a machine that does much else: sent again, the write may succeed. Who is in a
/// deadlock is told so earlier.
fn is_busy(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if why.contains("55P03"))
}

async fn make_workflow(store: &PostgresStore, number: u128) -> WorkflowId {
    let new = NewWorkflow {
        id: WorkflowId(Uuid::from_u128(number)),
        name: format!("w{number}"),
        description: String::new(),
        definition: json!({"nodes": []}),
        tags: vec![],
        queue: QueueName::default(),
        delivery: Delivery::Tracked,
        trigger: None,
    };
    store.create_workflow(new).await.unwrap().id
}

/// Each second, less the holidays of `name`, as it stands when this is asked; of `DE` while it is deleted.
async fn content(store: &PostgresStore, name: &str) -> ScheduleContent {
    let known = store.calendars_behind(&[name.to_owned(), "DE".to_owned()]).await.unwrap();
    let name = if known.contains_key(name) { name } else { "DE" };
    let exclude = vec![Exclusion::Days(DateExclusion::Holidays(name.to_owned()))];
    let start = ScheduleStore::now(store).await.unwrap();
    ScheduleContent { exclude, ..every(1, start) }.pinned_to(&known).unwrap()
}

/// What a user's write may be answered while others write.
fn is_fair(error: &StoreError) -> bool {
    is_busy(error) || matches!(error, StoreError::Stale { .. } | StoreError::NotFound(_) | StoreError::Conflict(_))
}

struct Race {
    store: PostgresStore,
    is_done: AtomicBool,
    moved: AtomicUsize,
    made: AtomicUsize,
}

impl Race {
    fn goes_on(&self) -> bool {
        !self.is_done.load(Ordering::Relaxed)
    }

    /// Makes schedules, reading the calendar before as a service does.
    async fn make(self: Arc<Race>, maker: u128) {
        let mut number = 0;
        while self.goes_on() {
            number += 1;
            let name = if number % 2 == 0 { "plant" } else { "DE" };
            let new = NewSchedule {
                id: ScheduleId(Uuid::from_u128(maker * 1_000_000 + number)),
                workflow_id: WorkflowId(Uuid::from_u128(number % WORKFLOWS + 1)),
                name: format!("s{maker}-{number}"),
                content: content(&self.store, name).await,
                is_active: number % 3 != 0,
            };
            match self.store.create_schedule(new).await {
                Ok(_) => self.made.fetch_add(1, Ordering::Relaxed),
                Err(error) if is_busy(&error) => continue,
                Err(StoreError::Conflict(Conflict::CalendarMoved(_))) => self.moved.fetch_add(1, Ordering::Relaxed),
                Err(error) => panic!("a schedule was not made: {error}"),
            };
            // Few enough that a change does not take long.
            if let Some(old) = number.checked_sub(LIVING) {
                let id = ScheduleId(Uuid::from_u128(maker * 1_000_000 + old));
                assert!(self.store.delete_schedule(id, None).await.err().is_none_or(|error| is_fair(&error)));
            }
        }
    }

    /// Pauses, resumes, and gives schedules the other calendar.
    async fn edit(self: Arc<Race>) {
        let mut number = 0;
        while self.goes_on() {
            number += 1;
            let listed = self.store.schedules(ScheduleFilter { limit: 50, ..ScheduleFilter::default() }).await.unwrap().items;
            let Some(schedule) = listed.get(number % listed.len().max(1)) else { continue };
            let name = if number % 2 == 0 { "plant" } else { "DE" };
            let content = if number % 3 == 0 { Some(content(&self.store, name).await) } else { None };
            let edit = ScheduleEdit { id: schedule.id, expected: None, name: None, content, is_active: Some(!schedule.is_active) };
            if let Err(error) = self.store.edit_schedule(edit).await {
                assert!(is_fair(&error), "an edit failed: {error}");
            }
            let id = WorkflowId(Uuid::from_u128(number as u128 % WORKFLOWS + 1));
            let workflow = self.store.workflow(id).await.unwrap();
            let write = WorkflowWrite {
                id,
                expected: workflow.revision,
                name: workflow.name,
                description: format!("the {number}th"),
                definition: workflow.definition,
                tags: vec![],
                queue: workflow.queue,
                delivery: workflow.delivery,
                trigger: None,
            };
            if let Err(error) = self.store.update_workflow(write).await {
                assert!(is_fair(&error), "an update failed: {error}");
            }
        }
    }

    /// Fires what is due, as a daemon does.
    async fn fire(self: Arc<Race>) {
        while self.goes_on() {
            let now = ScheduleStore::now(&self.store).await.unwrap();
            let keys = self.store.look(Shards::ALL, now, None, 50).await.unwrap().keys;
            let ids: Vec<ScheduleId> = keys.iter().map(|key| key.id).collect();
            let loaded = self.store.load(&ids).await.unwrap();
            let fires = loaded.iter().filter_map(|due| {
                let decision = decide(&due.schedule, Facts::default(), now)?;
                Some(Fire::of(DueKey::of(&due.schedule)?, decision, now))
            });
            let answer = self.store.fire(FireBatch { publisher: None, fires: fires.collect() }).await.unwrap();
            assert!(answer.results.iter().all(|result| result.conflicts == 0));
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_that_are_written_while_their_calendar_changes_follow_it_or_are_refused() {
    let database = TestDatabase::migrated().await;
    // Before anybody's patience with a lock is at its end.
    let sooner = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 100', current_database()); END $$";
    database.admin().batch_execute(sooner).await.unwrap();
    let store = database.connect().await.store();
    put(&store, "DE", calendar(0)).await;
    put(&store, "plant", BusinessCalendar { union: vec!["DE".to_owned()], ..calendar(1) }).await;
    for number in 1..=WORKFLOWS {
        make_workflow(&store, number).await;
    }
    let race =
        Arc::new(Race { store: store.clone(), is_done: AtomicBool::new(false), moved: AtomicUsize::new(0), made: AtomicUsize::new(0) });
    let others = [
        tokio::spawn(Arc::clone(&race).make(1)),
        tokio::spawn(Arc::clone(&race).make(2)),
        tokio::spawn(Arc::clone(&race).edit()),
        tokio::spawn(Arc::clone(&race).fire()),
    ];
    let (mut change, mut refused) = (2, 0);
    while change < CHANGES || race.moved.load(Ordering::Relaxed) == 0 || refused == 0 {
        // One that has failed says why below.
        if others.iter().any(tokio::task::JoinHandle::is_finished) {
            break;
        }
        change += 1;
        put(&store, "DE", calendar(change)).await;
        put(&store, "plant", BusinessCalendar { union: vec!["DE".to_owned()], ..calendar(change) }).await;
        match store.delete_calendar("plant", None).await {
            Ok(()) => put(&store, "plant", BusinessCalendar { union: vec!["DE".to_owned()], ..calendar(change) }).await,
            Err(StoreError::Conflict(Conflict::CalendarInUse { .. })) => refused += 1,
            Err(error) => assert!(is_busy(&error), "a deletion failed: {error}"),
        }
    }
    race.is_done.store(true, Ordering::Relaxed);
    for other in others {
        other.await.unwrap();
    }
    assert_ne!(race.made.load(Ordering::Relaxed), 0);
    assert_all_follow(&database, &store).await;
}

/// Each schedule is planned by the calendars as they stand, and is noted as their user.
async fn assert_all_follow(database: &TestDatabase, store: &PostgresStore) {
    let standing: BTreeMap<String, i64> = BTreeMap::from([
        ("DE".to_owned(), store.calendar("DE").await.unwrap().revision),
        ("plant".to_owned(), store.calendar("plant").await.unwrap().revision),
    ]);
    let statement = "SELECT calendar, schedule_id FROM schedule_calendars ORDER BY schedule_id, calendar";
    let noted = database.admin().query(statement, &[]).await.unwrap();
    let noted: Vec<(String, Uuid)> = noted.iter().map(|row| (row.get(0), row.get(1))).collect();
    let living = database.admin().query("SELECT id FROM scheduled_workflows WHERE deleted_at IS NULL ORDER BY id", &[]).await.unwrap();
    let mut expected = Vec::new();
    for row in living {
        let schedule = store.schedule(ScheduleId(row.get(0))).await.unwrap();
        for (name, revision) in schedule.content.calendars.revisions() {
            assert_eq!(standing[&name], revision, "schedule {} is planned by an old {name}", schedule.id);
            expected.push((name, schedule.id.0));
        }
        assert_eq!(schedule.last_error, None);
    }
    assert!(!expected.is_empty());
    assert_eq!(noted, expected);
}

async fn clock(database: &TestDatabase) -> jiff::Timestamp {
    database.admin().query_one("SELECT clock_timestamp()", &[]).await.unwrap().get(0)
}

/// Copies of one schedule that is planned by `DE`.
const USERS: &str = "
    INSERT INTO scheduled_workflows (
        id, workflow_id, name, origin, is_active, revision, shard, next_nominal_at, next_run_at, created_at, updated_at
    )
    SELECT gen_random_uuid(), workflow_id, 'copy-' || number, origin, is_active, revision, shard, next_nominal_at, next_run_at,
           created_at, updated_at
    FROM scheduled_workflows, generate_series(1, $1::bigint) AS number
    WHERE name = 'one';";
const REVISIONS: &str = "
    INSERT INTO schedule_revisions (
        schedule_id, revision, content, input, workflow_name, workflow_version, queue, delivery, created_at, name, is_active
    )
    SELECT copy.id, one.revision, one.content, one.input, one.workflow_name, one.workflow_version, one.queue, one.delivery,
           one.created_at, copy.name, one.is_active
    FROM scheduled_workflows copy, schedule_revisions one
    JOIN scheduled_workflows schedule
      ON schedule.id = one.schedule_id
    WHERE copy.name LIKE 'copy-%'
      AND schedule.name = 'one'";
const NOTES: &str = "
    INSERT INTO schedule_calendars (calendar, schedule_id)
    SELECT 'DE', id
    FROM scheduled_workflows
    WHERE name LIKE 'copy-%'";

#[tokio::test]
async fn as_many_users_as_there_may_be_follow_in_one_change_and_one_more_is_refused() {
    let database = TestDatabase::migrated().await;
    let store = database.connect().await.store();
    put(&store, "DE", calendar(0)).await;
    let workflow_id = make_workflow(&store, 1).await;
    let far = ScheduleStore::now(&store).await.unwrap().plus(jiff::SignedDuration::from_hours(24));
    let one = NewSchedule {
        id: ScheduleId(Uuid::from_u128(1)),
        workflow_id,
        name: "one".to_owned(),
        content: ScheduleContent { start_at: Some(far), ..content(&store, "DE").await },
        is_active: true,
    };
    store.create_schedule(one).await.unwrap();
    database.admin().execute(USERS, &[&i64::try_from(MAX_USERS - 1).unwrap()]).await.unwrap();
    database.admin().execute(REVISIONS, &[]).await.unwrap();
    database.admin().execute(NOTES, &[]).await.unwrap();
    let write = |day| CalendarWrite { name: "DE".to_owned(), expected: None, calendar: calendar(day) };
    let begun = clock(&database).await;
    assert_eq!(store.put_calendar(write(1)).await.unwrap().planned_anew, MAX_USERS);
    println!("{MAX_USERS} schedules were planned anew in {:#}", clock(&database).await.duration_since(begun));
    let old = "
        SELECT count(*)
        FROM scheduled_workflows schedule
        JOIN schedule_revisions revision
          ON revision.schedule_id = schedule.id
         AND revision.revision = schedule.revision
        WHERE schedule.revision <> 2
           OR revision.content #>> '{calendars,DE,revision}' <> '2'";
    assert_eq!(database.admin().query_one(old, &[]).await.unwrap().get::<_, i64>(0), 0);

    let more = NewSchedule {
        id: ScheduleId(Uuid::from_u128(2)),
        workflow_id,
        name: "more".to_owned(),
        content: content(&store, "DE").await,
        is_active: true,
    };
    store.create_schedule(more).await.unwrap();
    let refused = Conflict::TooManyUsers { calendar: "DE".to_owned(), most: MAX_USERS };
    assert_eq!(store.put_calendar(write(2)).await, Err(refused.into()));
    assert_eq!(store.calendar("DE").await.unwrap().revision, 2);
}
