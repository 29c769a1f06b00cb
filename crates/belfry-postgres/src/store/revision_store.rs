//! What schedules were.

use async_trait::async_trait;
use tokio_postgres::Row;

use belfry_core::ids::ScheduleId;
use belfry_core::ports::{Page, RevisionStore, ScheduleRevision, StoreError, StoreResult};

use super::conditions::{one_more, page};
use super::{PostgresStore, rows, workflows};
use crate::connections::Lease;
use crate::failed::Attempt;

#[async_trait]
impl RevisionStore for PostgresStore {
    async fn revisions(&self, id: ScheduleId, before: Option<i64>, limit: usize) -> StoreResult<Page<ScheduleRevision>> {
        let db = self.lease().await?;
        let found = revisions(&db, id, before, limit).await;
        db.read(found)
    }
}

async fn revisions(db: &Lease, id: ScheduleId, before: Option<i64>, limit: usize) -> Attempt<Page<ScheduleRevision>> {
    if !workflows::knows_schedule(db, id).await? {
        return Err(StoreError::NotFound("schedule").into());
    }
    let statement = "
        SELECT revision, name, is_active, content, input, workflow_name, workflow_version, queue, delivery, created_at
        FROM schedule_revisions
        WHERE schedule_id = $1
          AND revision < $2
        ORDER BY revision DESC
        LIMIT $3";
    let found = db.rows(statement, &[&id.0, &before.unwrap_or(i64::MAX), &one_more(limit)]).await?;
    Ok(page(rows::all(&found, revision)?, limit))
}

fn revision(row: &Row) -> Attempt<ScheduleRevision> {
    Ok(ScheduleRevision {
        revision: row.try_get("revision")?,
        name: row.try_get("name")?,
        is_active: row.try_get("is_active")?,
        content: rows::content(row)?,
        workflow: rows::facts(row)?,
        created_at: rows::instant(row, "created_at")?,
    })
}
