//! What is written of calendars, and of the schedules that are planned by them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use belfry_core::calendar::change::{check, followed};
use belfry_core::calendar::{CalendarVersion, MAX_USERS};
use belfry_core::ids::ScheduleId;
use belfry_core::ports::{Calendar, CalendarWrite, CalendarWritten, Conflict, StoreError, check_revision};
use belfry_core::schedule::{ScheduleContent, ScheduledWorkflow, WorkflowFacts};

use super::rows;
use super::schedules::{self, Rewrite, SELECT_SCHEDULES, as_json};
use crate::failed::Attempt;
use crate::writer::Tx;

/// How many users of each kind a refusal names.
const NAMED: usize = 5;

/// For [`rows::calendar`].
pub const SELECT_CALENDARS: &str = "
    SELECT calendar.name, calendar.revision, revision.document, calendar.created_at, calendar.updated_at
    FROM calendars calendar
    JOIN calendar_revisions revision
      ON revision.name = calendar.name
     AND revision.revision = calendar.revision";

/// A living calendar.
pub fn find(connection: &Connection, name: &str) -> Attempt<Option<Calendar>> {
    let mut select = connection.prepare_cached(&format!(
        "{SELECT_CALENDARS}
         WHERE calendar.name = ?1
           AND calendar.deleted_at IS NULL"
    ))?;
    Ok(select.query_row([name], rows::calendar).optional()?)
}

/// The living calendars of `names`, given as a JSON array, and all that they build on.
pub fn behind(connection: &Connection, names: &str) -> Attempt<BTreeMap<String, CalendarVersion>> {
    let mut select = connection.prepare_cached(&format!(
        "WITH RECURSIVE behind (name) AS (
             SELECT value FROM json_each(?1)
             UNION
             SELECT base.base
             FROM behind
             JOIN calendar_bases base
               ON base.calendar = behind.name
         )
         {SELECT_CALENDARS}
         WHERE calendar.name IN (SELECT name FROM behind)
           AND calendar.deleted_at IS NULL"
    ))?;
    let found = select.query_map([names], rows::calendar)?.collect::<Result<Vec<_>, _>>()?;
    Ok(found.iter().map(|found| (found.name.clone(), found.version())).collect())
}

/// The calendars that the content is to be planned by stand as they were read.
pub fn check_pinned(tx: &Tx<'_>, content: Option<&ScheduleContent>) -> Attempt<()> {
    for (name, version) in content.into_iter().flat_map(|content| content.calendars.versions()) {
        let mut select = tx.prepare_cached(
            "SELECT 1
             FROM calendars
             WHERE name = ?1
               AND revision = ?2
               AND deleted_at IS NULL",
        )?;
        if !select.exists(params![name, version.version])? {
            return Err(Conflict::CalendarMoved(name.to_owned()).into());
        }
    }
    Ok(())
}

/// Notes by which calendars a schedule is planned now; `before` are those of its content so far.
pub fn note_users(tx: &Tx<'_>, schedule: ScheduleId, before: Option<&ScheduleContent>, content: Option<&ScheduleContent>) -> Attempt<()> {
    let names = |content: Option<&ScheduleContent>| -> Vec<String> {
        content.into_iter().flat_map(|content| content.calendars.names()).map(str::to_owned).collect()
    };
    let (before, now) = (names(before), names(content));
    if before == now {
        return Ok(());
    }
    tx.prepare_cached("DELETE FROM schedule_calendars WHERE schedule_id = ?1")?.execute([schedule.0])?;
    let mut insert = tx.prepare_cached("INSERT INTO schedule_calendars (calendar, schedule_id) VALUES (?1, ?2)")?;
    for name in now {
        insert.execute(params![name, schedule.0])?;
    }
    Ok(())
}

pub fn put(tx: &Tx<'_>, write: &CalendarWrite) -> Attempt<CalendarWritten> {
    let standing = find(tx, &write.name)?;
    if let Some(unchanged) = write.checked(standing.as_ref())? {
        return Ok(unchanged);
    }
    let revision = last_revision(tx, &write.name)? + 1;
    let related = related(tx, write, revision)?;
    check(&related).map_err(|error| Conflict::CalendarUnusable(error.to_string()))?;
    insert(tx, write, revision, standing.as_ref())?;
    let planned_anew = plan_anew(tx, &write.name, &related)?;
    let calendar = find(tx, &write.name)?.ok_or(StoreError::NotFound("calendar"))?;
    Ok(CalendarWritten { calendar, is_new: standing.is_none(), planned_anew })
}

pub fn delete(tx: &Tx<'_>, name: &str, expected: Option<i64>) -> Attempt<()> {
    let standing = find(tx, name)?.ok_or(StoreError::NotFound("calendar"))?;
    check_revision(expected, standing.revision)?;
    let by = users_told(tx, name)?;
    if !by.is_empty() {
        return Err(Conflict::CalendarInUse { calendar: name.to_owned(), by }.into());
    }
    tx.prepare_cached("DELETE FROM calendar_bases WHERE calendar = ?1")?.execute([name])?;
    tx.prepare_cached("UPDATE calendars SET deleted_at = ?2, updated_at = ?2 WHERE name = ?1")?.execute(params![name, tx.now.get()])?;
    Ok(())
}

/// Of a calendar that lives or did.
fn last_revision(tx: &Tx<'_>, name: &str) -> Attempt<i64> {
    let mut select = tx.prepare_cached("SELECT revision FROM calendars WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// The calendars that build on the one that is written and all that those build on, as they then stand.
fn related(tx: &Tx<'_>, write: &CalendarWrite, revision: i64) -> Attempt<BTreeMap<String, CalendarVersion>> {
    let mut select = tx.prepare_cached(
        "WITH RECURSIVE building (name) AS (
             SELECT ?1
             UNION
             SELECT base.calendar
             FROM building
             JOIN calendar_bases base
               ON base.base = building.name
         )
         SELECT name FROM building",
    )?;
    let mut names = select.query_map([&write.name], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    names.extend(write.calendar.union.iter().cloned());
    let mut related = behind(tx, &as_json(&names)?)?;
    related.insert(write.name.clone(), CalendarVersion { version: revision, calendar: write.calendar.clone() });
    Ok(related)
}

fn insert(tx: &Tx<'_>, write: &CalendarWrite, revision: i64, standing: Option<&Calendar>) -> Attempt<()> {
    tx.prepare_cached(
        "INSERT INTO calendars (name, revision, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE
         SET revision = excluded.revision,
             created_at = excluded.created_at,
             updated_at = excluded.updated_at,
             deleted_at = NULL",
    )?
    .execute(params![write.name, revision, standing.map_or(tx.now, |standing| standing.created_at).get(), tx.now.get()])?;
    tx.prepare_cached(
        "INSERT INTO calendar_revisions (name, revision, document, created_at)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![write.name, revision, as_json(&write.calendar)?, tx.now.get()])?;
    tx.prepare_cached("DELETE FROM calendar_bases WHERE calendar = ?1")?.execute([&write.name])?;
    let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO calendar_bases (base, calendar) VALUES (?1, ?2)")?;
    for base in &write.calendar.union {
        insert.execute(params![base, write.name])?;
    }
    Ok(())
}

/// Each of its users goes on under a new revision, as an edit of its own would leave it.
fn plan_anew(tx: &Tx<'_>, name: &str, related: &BTreeMap<String, CalendarVersion>) -> Attempt<usize> {
    let mut select = tx.prepare_cached(
        "SELECT schedule_id
         FROM schedule_calendars
         WHERE calendar = ?1
         ORDER BY schedule_id
         LIMIT ?2",
    )?;
    let users = select.query_map(params![name, MAX_USERS + 1], |row| row.get(0))?.collect::<Result<Vec<uuid::Uuid>, _>>()?;
    if users.len() > MAX_USERS {
        return Err(Conflict::TooManyUsers { calendar: name.to_owned(), most: MAX_USERS }.into());
    }
    let mut planned_anew = 0;
    for user in users {
        let (schedule, facts) = user_of(tx, ScheduleId(user))?;
        if let Some(content) = followed(&schedule, name, related)? {
            let rewrite = Rewrite { name: &schedule.name, is_active: schedule.is_active, content: &content, facts: &facts };
            schedules::rewrite(tx, &schedule, &rewrite).map_err(|failed| failed.of_user(&schedule))?;
            planned_anew += 1;
        }
    }
    Ok(planned_anew)
}

/// A schedule, and what its runs take from its workflow.
fn user_of(tx: &Tx<'_>, id: ScheduleId) -> Attempt<(ScheduledWorkflow, WorkflowFacts)> {
    let mut select = tx.prepare_cached(&format!(
        "{SELECT_SCHEDULES}
         WHERE schedule.id = ?1
           AND schedule.deleted_at IS NULL"
    ))?;
    Ok(select.query_row([id.0], |row| Ok((rows::schedule(row)?, rows::facts(row)?)))?)
}

fn users_told(tx: &Tx<'_>, name: &str) -> Attempt<Vec<String>> {
    let mut calendars = tx.prepare_cached(
        "SELECT calendar
         FROM calendar_bases
         WHERE base = ?1
         ORDER BY calendar
         LIMIT ?2",
    )?;
    let told = |row: &rusqlite::Row<'_>| Ok(format!("the calendar `{}`", row.get::<_, String>(0)?));
    let mut by: Vec<String> = calendars.query_map(params![name, NAMED], told)?.collect::<Result<_, _>>()?;
    let mut schedules = tx.prepare_cached(
        "SELECT workflow.name, schedule.name
         FROM schedule_calendars used
         JOIN scheduled_workflows schedule
           ON schedule.id = used.schedule_id
         JOIN workflows workflow
           ON workflow.id = schedule.workflow_id
         WHERE used.calendar = ?1
         ORDER BY used.schedule_id
         LIMIT ?2",
    )?;
    let told = |row: &rusqlite::Row<'_>| Ok(format!("the schedule `{}/{}`", row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    by.extend(schedules.query_map(params![name, NAMED], told)?.collect::<Result<Vec<_>, _>>()?);
    Ok(by)
}
