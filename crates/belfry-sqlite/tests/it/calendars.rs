//! As many users of a calendar as there may be.

use belfry_core::calendar::{BusinessCalendar, DateExclusion, Exclusion, MAX_USERS};
use belfry_core::ports::{CalendarStore, CalendarWrite, Conflict, NewSchedule, WorkflowStore};
use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::Spec;
use belfry_core::time::Zone;
use belfry_sqlite::SqliteStore;
use rusqlite::Connection;
use serde_json::json;

use crate::file::File;

/// Copies of the schedule `one`, which is planned by `DE`.
const COPIES: &str = "
    INSERT INTO scheduled_workflows (
        id, workflow_id, name, origin, is_active, revision, shard, next_nominal_at, next_run_at, run_count, failure_count,
        created_at, updated_at
    )
    SELECT randomblob(16), workflow_id, 'copy-' || number.value, origin, is_active, revision, shard, next_nominal_at, next_run_at, 0, 0,
           created_at, updated_at
    FROM scheduled_workflows, generate_series AS number
    WHERE name = 'one';
    INSERT INTO schedule_revisions (
        schedule_id, revision, content, input, workflow_name, workflow_version, queue, delivery, created_at, name, is_active
    )
    SELECT copy.id, one.revision, one.content, one.input, one.workflow_name, one.workflow_version, one.queue, one.delivery,
           one.created_at, copy.name, one.is_active
    FROM scheduled_workflows copy, schedule_revisions one
    WHERE copy.name LIKE 'copy-%'
      AND one.name = 'one';
    INSERT INTO schedule_calendars (calendar, schedule_id)
    SELECT 'DE', id
    FROM scheduled_workflows
    WHERE name LIKE 'copy-%'";

fn calendar(holiday: &str) -> CalendarWrite {
    let calendar = BusinessCalendar::parse(&json!({"holidays": [holiday]})).unwrap();
    CalendarWrite { name: "DE".to_owned(), expected: None, calendar }
}

async fn user(file: &File, store: &SqliteStore, number: u128, name: &str) {
    let workflow = file.workflow(store, &format!("of {name}")).await;
    let known = store.calendars_behind(&["DE".to_owned()]).await.unwrap();
    let exclude = vec![Exclusion::Days(DateExclusion::Holidays("DE".to_owned()))];
    let content = ScheduleContent::new(vec![Spec::cron("0 0 1 1 *".parse().unwrap())], Zone::utc());
    let content = ScheduleContent { exclude, ..content }.pinned_to(&known).unwrap();
    let id = belfry_core::ids::ScheduleId(uuid::Uuid::from_u128(number));
    let new = NewSchedule { id, workflow_id: workflow.id, name: name.to_owned(), content, is_active: true };
    store.create_schedule(new).await.unwrap();
}

#[tokio::test]
async fn as_many_users_as_there_may_be_follow_in_one_change_and_one_more_is_refused() {
    let file = File::new();
    let database = file.open();
    database.store().put_calendar(calendar("12-25")).await.unwrap();
    user(&file, &database.store(), 1, "one").await;
    database.close().await;
    let numbers: Vec<String> = (1..MAX_USERS).map(|number| format!("({number})")).collect();
    let series = format!("WITH generate_series (value) AS (VALUES {}) ", numbers.join(", "));
    let copies = COPIES.replacen("INSERT INTO scheduled_workflows", &format!("{series}INSERT INTO scheduled_workflows"), 1);
    Connection::open(file.path()).unwrap().execute_batch(&copies).unwrap();

    let database = file.open();
    let store = database.store();
    assert_eq!(store.put_calendar(calendar("12-26")).await.unwrap().planned_anew, MAX_USERS);
    user(&file, &store, 2, "more").await;
    let refused = Conflict::TooManyUsers { calendar: "DE".to_owned(), most: MAX_USERS };
    assert_eq!(store.put_calendar(calendar("12-27")).await, Err(refused.into()));
    assert_eq!(store.calendar("DE").await.unwrap().revision, 2);
    database.close().await;
    let old = "
        SELECT count(*)
        FROM scheduled_workflows schedule
        JOIN schedule_revisions revision
          ON revision.schedule_id = schedule.id
         AND revision.revision = schedule.revision
        WHERE revision.content ->> '$.calendars.DE.revision' <> 2";
    let connection = Connection::open(file.path()).unwrap();
    assert_eq!(connection.query_row(old, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
