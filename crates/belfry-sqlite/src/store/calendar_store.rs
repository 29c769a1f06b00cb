//! Business calendars.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Row, params, params_from_iter};

use belfry_core::calendar::CalendarVersion;
use belfry_core::ports::{
    Calendar, CalendarFilter, CalendarRevision, CalendarStore, CalendarWrite, CalendarWritten, Page, StoreError, StoreResult,
};

use super::calendars::{self, SELECT_CALENDARS};
use super::conditions::{Conditions, one_more, page};
use super::schedules::as_json;
use super::{SqliteStore, rows};

#[async_trait]
impl CalendarStore for SqliteStore {
    async fn put_calendar(&self, write: CalendarWrite) -> StoreResult<CalendarWritten> {
        self.write(move |tx| calendars::put(tx, &write)).await
    }

    async fn delete_calendar(&self, name: &str, expected: Option<i64>) -> StoreResult<()> {
        let name = name.to_owned();
        self.write(move |tx| calendars::delete(tx, &name, expected)).await
    }

    async fn calendar(&self, name: &str) -> StoreResult<Calendar> {
        let name = name.to_owned();
        self.read(move |connection| Ok(calendars::find(connection, &name)?.ok_or(StoreError::NotFound("calendar"))?)).await
    }

    async fn calendars(&self, filter: CalendarFilter) -> StoreResult<Page<Calendar>> {
        self.read(move |connection| {
            let mut conditions = Conditions::default();
            conditions.and_that("calendar.deleted_at IS NULL");
            conditions.and_if("instr(lower(calendar.name), lower(?)) > 0", filter.named_like);
            conditions.and_if("calendar.name > ?", filter.after);
            let text = conditions.text();
            let mut select = connection.prepare_cached(&format!("{SELECT_CALENDARS} WHERE {text} ORDER BY calendar.name LIMIT ?"))?;
            let values = params_from_iter(conditions.values(filter.limit));
            Ok(page(select.query_map(values, rows::calendar)?.collect::<Result<_, _>>()?, filter.limit))
        })
        .await
    }

    async fn calendar_revisions(&self, name: &str, before: Option<i64>, limit: usize) -> StoreResult<Page<CalendarRevision>> {
        let name = name.to_owned();
        self.read(move |connection| {
            if !connection.prepare_cached("SELECT 1 FROM calendars WHERE name = ?1")?.exists([&name])? {
                return Err(StoreError::NotFound("calendar").into());
            }
            let mut select = connection.prepare_cached(
                "SELECT revision, document, created_at
                 FROM calendar_revisions
                 WHERE name = ?1
                   AND revision < ?2
                 ORDER BY revision DESC
                 LIMIT ?3",
            )?;
            let values = params![name, before.unwrap_or(i64::MAX), one_more(limit)];
            Ok(page(select.query_map(values, revision)?.collect::<Result<_, _>>()?, limit))
        })
        .await
    }

    async fn calendars_behind(&self, names: &[String]) -> StoreResult<BTreeMap<String, CalendarVersion>> {
        let names = as_json(&names)?;
        self.read(move |connection| calendars::behind(connection, &names)).await
    }
}

fn revision(row: &Row<'_>) -> rusqlite::Result<CalendarRevision> {
    Ok(CalendarRevision {
        revision: row.get("revision")?,
        calendar: rows::json(row, "document")?,
        created_at: rows::instant(row, "created_at")?,
    })
}
