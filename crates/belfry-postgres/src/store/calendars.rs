//! What is written of calendars, and of the schedules that are planned by them.
//!
//! Calendars are locked before workflows and schedules. Their writers come one after another, by a lock on the table that
//! readers and holders of rows do not meet; whoever writes a schedule holds the rows of its calendars, which the writer of one
//! of them waits for, and then finds the schedule among the users.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use uuid::Uuid;

use belfry_core::calendar::change::{check, followed};
use belfry_core::calendar::{CalendarVersion, MAX_USERS};
use belfry_core::ids::ScheduleId;
use belfry_core::ports::{Calendar, CalendarWrite, CalendarWritten, Conflict, StoreError, check_revision};
use belfry_core::schedule::{ScheduleContent, ScheduledWorkflow, WorkflowFacts};
use belfry_core::time::UnixMillis;

use super::rows;
use super::schedules::{self, Rewrite, SELECT_SCHEDULES, as_json};
use crate::connections::{Lease, Tx};
use crate::failed::Attempt;

/// How many users of each kind a refusal names.
const NAMED: i64 = 5;
/// How many schedules are read, and rewritten side by side, at a time.
const AT_ONCE: usize = 200;

/// For [`rows::calendar`].
pub const SELECT_CALENDARS: &str = "
    SELECT calendar.name, calendar.revision, revision.document, calendar.created_at, calendar.updated_at
    FROM calendars calendar
    JOIN calendar_revisions revision
      ON revision.name = calendar.name
     AND revision.revision = calendar.revision";

/// A living calendar.
pub async fn find(db: &Lease, name: &str) -> Attempt<Option<Calendar>> {
    let statement = format!(
        "{SELECT_CALENDARS}
         WHERE calendar.name = $1
           AND calendar.deleted_at IS NULL"
    );
    db.row(&statement, &[&name]).await?.as_ref().map(rows::calendar).transpose()
}

/// The living calendars of `names` and all that they build on.
pub async fn behind(db: &Lease, names: &[String]) -> Attempt<BTreeMap<String, CalendarVersion>> {
    let statement = format!(
        "WITH RECURSIVE behind (name) AS (
             SELECT name COLLATE \"C\" FROM unnest($1::text[]) AS given (name)
             UNION
             SELECT base.base
             FROM behind
             JOIN calendar_bases base
               ON base.calendar = behind.name
         )
         {SELECT_CALENDARS}
         WHERE calendar.name IN (SELECT name FROM behind)
           AND calendar.deleted_at IS NULL"
    );
    let found = rows::all(&db.rows(&statement, &[&names]).await?, rows::calendar)?;
    Ok(found.iter().map(|found| (found.name.clone(), found.version())).collect())
}

/// Holds the calendars that the content is to be planned by, which must stand as they were read, until the transaction ends.
/// Before every other lock.
pub async fn hold_pinned(tx: &Tx, content: Option<&ScheduleContent>) -> Attempt<()> {
    let pinned = content.map(|content| content.calendars.revisions()).unwrap_or_default();
    if pinned.is_empty() {
        return Ok(());
    }
    let statement = "
        SELECT name, revision
        FROM calendars
        WHERE name = ANY ($1)
          AND deleted_at IS NULL
        ORDER BY name
        FOR SHARE";
    let names: Vec<&str> = pinned.keys().map(String::as_str).collect();
    let held = tx.rows(statement, &[&names]).await?;
    let held: BTreeMap<&str, i64> = held.iter().map(|row| Ok((row.try_get("name")?, row.try_get("revision")?))).collect::<Attempt<_>>()?;
    match pinned.iter().find(|(name, revision)| held.get(name.as_str()) != Some(*revision)) {
        Some((moved, _)) => Err(Conflict::CalendarMoved(moved.clone()).into()),
        None => Ok(()),
    }
}

/// Notes by which calendars a schedule is planned now; `before` are those of its content so far.
pub async fn note_users(tx: &Tx, schedule: ScheduleId, before: Option<&ScheduleContent>, content: Option<&ScheduleContent>) -> Attempt<()> {
    let names = |content: Option<&ScheduleContent>| -> Vec<String> {
        content.into_iter().flat_map(|content| content.calendars.names()).map(str::to_owned).collect()
    };
    let (before, now) = (names(before), names(content));
    if before == now {
        return Ok(());
    }
    tx.execute("DELETE FROM schedule_calendars WHERE schedule_id = $1", &[&schedule.0]).await?;
    let statement = "
        INSERT INTO schedule_calendars (calendar, schedule_id)
        SELECT name, $2
        FROM unnest($1::text[]) AS planned_by (name)";
    tx.execute(statement, &[&now, &schedule.0]).await?;
    Ok(())
}

pub async fn put(tx: &Tx, write: &CalendarWrite) -> Attempt<CalendarWritten> {
    lock(tx, &write.name).await?;
    let standing = find(tx, &write.name).await?;
    if let Some(unchanged) = write.checked(standing.as_ref())? {
        return Ok(unchanged);
    }
    let revision = last_revision(tx, &write.name).await? + 1;
    let related = related(tx, write, revision).await?;
    check(&related).map_err(|error| Conflict::CalendarUnusable(error.to_string()))?;
    let users = lock_users(tx, &write.name).await?;
    let now = tx.now().await?;
    insert(tx, write, revision, standing.as_ref(), now).await?;
    let mut planned_anew = 0;
    for users in users.chunks(AT_ONCE) {
        planned_anew += plan_anew(tx, &write.name, users, &related, now).await?;
    }
    let calendar = find(tx, &write.name).await?.ok_or(StoreError::NotFound("calendar"))?;
    Ok(CalendarWritten { calendar, is_new: standing.is_none(), planned_anew })
}

pub async fn delete(tx: &Tx, name: &str, expected: Option<i64>) -> Attempt<()> {
    lock(tx, name).await?;
    let standing = find(tx, name).await?.ok_or(StoreError::NotFound("calendar"))?;
    check_revision(expected, standing.revision)?;
    let by = users_told(tx, name).await?;
    if !by.is_empty() {
        return Err(Conflict::CalendarInUse { calendar: name.to_owned(), by }.into());
    }
    let now = tx.now().await?.to_timestamp();
    tx.execute("DELETE FROM calendar_bases WHERE calendar = $1", &[&name]).await?;
    tx.execute("UPDATE calendars SET deleted_at = $2, updated_at = $2 WHERE name = $1", &[&name, &now]).await?;
    Ok(())
}

/// Keeps other writers of calendars out, and those who write schedules that are planned by this one.
async fn lock(tx: &Tx, name: &str) -> Attempt<()> {
    tx.execute("LOCK TABLE calendars IN SHARE ROW EXCLUSIVE MODE", &[]).await?;
    tx.execute("SELECT name FROM calendars WHERE name = $1 FOR NO KEY UPDATE", &[&name]).await?;
    Ok(())
}

/// Of a calendar that lives or did.
async fn last_revision(tx: &Tx, name: &str) -> Attempt<i64> {
    let found = tx.row("SELECT revision FROM calendars WHERE name = $1", &[&name]).await?;
    Ok(found.map(|row| row.try_get("revision")).transpose()?.unwrap_or(0))
}

/// The calendars that build on the one that is written and all that those build on, as they then stand.
async fn related(tx: &Tx, write: &CalendarWrite, revision: i64) -> Attempt<BTreeMap<String, CalendarVersion>> {
    let statement = "
        WITH RECURSIVE building (name) AS (
            SELECT $1::text COLLATE \"C\"
            UNION
            SELECT base.calendar
            FROM building
            JOIN calendar_bases base
              ON base.base = building.name
        )
        SELECT name FROM building";
    let building = tx.rows(statement, &[&write.name]).await?;
    let mut names: Vec<String> = building.iter().map(|row| Ok(row.try_get("name")?)).collect::<Attempt<_>>()?;
    names.extend(write.calendar.union.iter().cloned());
    let mut related = behind(tx, &names).await?;
    related.insert(write.name.clone(), CalendarVersion { version: revision, calendar: write.calendar.clone() });
    Ok(related)
}

async fn insert(tx: &Tx, write: &CalendarWrite, revision: i64, standing: Option<&Calendar>, now: UnixMillis) -> Attempt<()> {
    let statement = "
        INSERT INTO calendars (name, revision, created_at, updated_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (name) DO UPDATE
        SET revision = excluded.revision,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at,
            deleted_at = NULL";
    let created_at = standing.map_or(now, |standing| standing.created_at).to_timestamp();
    tx.execute(statement, &[&write.name, &revision, &created_at, &now.to_timestamp()]).await?;
    let statement = "
        INSERT INTO calendar_revisions (name, revision, document, created_at)
        VALUES ($1, $2, $3, $4)";
    tx.execute(statement, &[&write.name, &revision, &as_json(&write.calendar)?, &now.to_timestamp()]).await?;
    tx.execute("DELETE FROM calendar_bases WHERE calendar = $1", &[&write.name]).await?;
    let statement = "
        INSERT INTO calendar_bases (base, calendar)
        SELECT DISTINCT name, $2
        FROM unnest($1::text[]) AS built_on (name)";
    tx.execute(statement, &[&write.calendar.union, &write.name]).await?;
    Ok(())
}

/// Locks the users of a calendar that is locked, after their workflows. What they are is read in later statements.
async fn lock_users(tx: &Tx, name: &str) -> Attempt<Vec<Uuid>> {
    let statement = "
        SELECT schedule_id
        FROM schedule_calendars
        WHERE calendar = $1
        ORDER BY schedule_id
        LIMIT $2";
    let limit = i64::try_from(MAX_USERS + 1).unwrap_or(i64::MAX);
    let found = tx.rows(statement, &[&name, &limit]).await?;
    let users: Vec<Uuid> = found.iter().map(|row| Ok(row.try_get("schedule_id")?)).collect::<Attempt<_>>()?;
    if users.len() > MAX_USERS {
        return Err(Conflict::TooManyUsers { calendar: name.to_owned(), most: MAX_USERS }.into());
    }
    let statement = "
        SELECT id
        FROM workflows
        WHERE id IN (SELECT workflow_id FROM scheduled_workflows WHERE id = ANY ($1))
        ORDER BY id
        FOR NO KEY UPDATE";
    tx.execute(statement, &[&users]).await?;
    let statement = "
        SELECT id
        FROM scheduled_workflows
        WHERE id = ANY ($1)
        ORDER BY id
        FOR NO KEY UPDATE";
    tx.execute(statement, &[&users]).await?;
    Ok(users)
}

/// Each of `users` goes on under a new revision, as an edit of its own would leave it. Those who are no users any more are
/// left alone.
async fn plan_anew(tx: &Tx, name: &str, users: &[Uuid], related: &BTreeMap<String, CalendarVersion>, now: UnixMillis) -> Attempt<usize> {
    let statement = format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.id = ANY ($1)
           AND schedule.deleted_at IS NULL
         ORDER BY schedule.id"
    );
    let users = rows::all(&tx.rows(&statement, &[&users]).await?, |row| Ok((rows::schedule(row)?, rows::facts(row)?)))?;
    let mut following = Vec::new();
    for (schedule, facts) in users {
        if let Some(content) = followed(&schedule, name, related)? {
            following.push((schedule, facts, content));
        }
    }
    // On one connection their statements only save each other's way to the server.
    try_join_all(following.iter().map(|(schedule, facts, content)| follow(tx, schedule, facts, content, now))).await?;
    Ok(following.len())
}

async fn follow(tx: &Tx, schedule: &ScheduledWorkflow, facts: &WorkflowFacts, content: &ScheduleContent, now: UnixMillis) -> Attempt<()> {
    let rewrite = Rewrite { name: &schedule.name, is_active: schedule.is_active, content, facts };
    schedules::rewrite(tx, schedule, &rewrite, now).await.map_err(|failed| failed.of_user(schedule))
}

async fn users_told(tx: &Tx, name: &str) -> Attempt<Vec<String>> {
    let statement = "
        SELECT calendar
        FROM calendar_bases
        WHERE base = $1
        ORDER BY calendar
        LIMIT $2";
    let mut by = Vec::new();
    for row in tx.rows(statement, &[&name, &NAMED]).await? {
        by.push(format!("the calendar `{}`", row.try_get::<_, &str>("calendar")?));
    }
    let statement = "
        SELECT workflow.name AS workflow, schedule.name
        FROM schedule_calendars used
        JOIN scheduled_workflows schedule
          ON schedule.id = used.schedule_id
        JOIN workflows workflow
          ON workflow.id = schedule.workflow_id
        WHERE used.calendar = $1
        ORDER BY used.schedule_id
        LIMIT $2";
    for row in tx.rows(statement, &[&name, &NAMED]).await? {
        by.push(format!("the schedule `{}/{}`", row.try_get::<_, &str>("workflow")?, row.try_get::<_, &str>("name")?));
    }
    Ok(by)
}
