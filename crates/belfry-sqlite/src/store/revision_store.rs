//! What schedules were.

use async_trait::async_trait;
use rusqlite::{Row, params};

use belfry_core::ids::ScheduleId;
use belfry_core::ports::{Page, RevisionStore, ScheduleRevision, StoreError, StoreResult};
use belfry_core::schedule::ScheduleContent;

use super::conditions::{one_more, page};
use super::{SqliteStore, rows, workflows};

#[async_trait]
impl RevisionStore for SqliteStore {
    async fn revisions(&self, id: ScheduleId, before: Option<i64>, limit: usize) -> StoreResult<Page<ScheduleRevision>> {
        self.read(move |connection| {
            if !workflows::knows_schedule(connection, id)? {
                return Err(StoreError::NotFound("schedule").into());
            }
            let mut select = connection.prepare_cached(
                "SELECT revision, name, is_active, content, input, workflow_name, workflow_version, queue, delivery, created_at
                 FROM schedule_revisions
                 WHERE schedule_id = ?1
                   AND revision < ?2
                 ORDER BY revision DESC
                 LIMIT ?3",
            )?;
            let values = params![id.0, before.unwrap_or(i64::MAX), one_more(limit)];
            Ok(page(select.query_map(values, revision)?.collect::<Result<_, _>>()?, limit))
        })
        .await
    }
}

fn revision(row: &Row<'_>) -> rusqlite::Result<ScheduleRevision> {
    Ok(ScheduleRevision {
        revision: row.get("revision")?,
        name: row.get("name")?,
        is_active: row.get("is_active")?,
        content: ScheduleContent { input: rows::json(row, "input")?, ..rows::json(row, "content")? },
        workflow: rows::facts(row)?,
        created_at: rows::instant(row, "created_at")?,
    })
}
