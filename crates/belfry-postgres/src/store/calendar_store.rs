//! Business calendars.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio_postgres::Row;

use belfry_core::calendar::CalendarVersion;
use belfry_core::ports::{
    Calendar, CalendarFilter, CalendarRevision, CalendarStore, CalendarWrite, CalendarWritten, Page, StoreError, StoreResult,
};

use super::calendars::{self, SELECT_CALENDARS};
use super::conditions::{Conditions, one_more, page};
use super::{PostgresStore, rows};
use crate::connections::Lease;
use crate::failed::Attempt;

#[async_trait]
impl CalendarStore for PostgresStore {
    async fn put_calendar(&self, write: CalendarWrite) -> StoreResult<CalendarWritten> {
        let tx = self.begin().await?;
        let written = calendars::put(&tx, &write).await;
        tx.end(written).await
    }

    async fn delete_calendar(&self, name: &str, expected: Option<i64>) -> StoreResult<()> {
        let tx = self.begin().await?;
        let deleted = calendars::delete(&tx, name, expected).await;
        tx.end(deleted).await
    }

    async fn calendar(&self, name: &str) -> StoreResult<Calendar> {
        let db = self.lease().await?;
        let found = calendars::find(&db, name).await;
        db.read(found)?.ok_or(StoreError::NotFound("calendar"))
    }

    async fn calendars(&self, filter: CalendarFilter) -> StoreResult<Page<Calendar>> {
        let db = self.lease().await?;
        let found = list(&db, filter).await;
        db.read(found)
    }

    async fn calendar_revisions(&self, name: &str, before: Option<i64>, limit: usize) -> StoreResult<Page<CalendarRevision>> {
        let db = self.lease().await?;
        let found = revisions(&db, name, before, limit).await;
        db.read(found)
    }

    async fn calendars_behind(&self, names: &[String]) -> StoreResult<BTreeMap<String, CalendarVersion>> {
        let db = self.lease().await?;
        let found = calendars::behind(&db, names).await;
        db.read(found)
    }
}

async fn list(db: &Lease, filter: CalendarFilter) -> Attempt<Page<Calendar>> {
    let mut conditions = Conditions::default();
    conditions.and_that("calendar.deleted_at IS NULL");
    conditions.and_if("position(lower(?) IN lower(calendar.name)) > 0", filter.named_like);
    conditions.and_if("calendar.name > ?", filter.after);
    let statement = conditions.statement(SELECT_CALENDARS, "calendar.name", filter.limit);
    let found = db.rows(&statement, &conditions.values()).await?;
    Ok(page(rows::all(&found, rows::calendar)?, filter.limit))
}

async fn revisions(db: &Lease, name: &str, before: Option<i64>, limit: usize) -> Attempt<Page<CalendarRevision>> {
    if db.row("SELECT 1 FROM calendars WHERE name = $1", &[&name]).await?.is_none() {
        return Err(StoreError::NotFound("calendar").into());
    }
    let statement = "
        SELECT revision, document, created_at
        FROM calendar_revisions
        WHERE name = $1
          AND revision < $2
        ORDER BY revision DESC
        LIMIT $3";
    let found = db.rows(statement, &[&name, &before.unwrap_or(i64::MAX), &one_more(limit)]).await?;
    Ok(page(rows::all(&found, revision)?, limit))
}

fn revision(row: &Row) -> Attempt<CalendarRevision> {
    Ok(CalendarRevision {
        revision: row.try_get("revision")?,
        calendar: rows::json(row, "document")?,
        created_at: rows::instant(row, "created_at")?,
    })
}
