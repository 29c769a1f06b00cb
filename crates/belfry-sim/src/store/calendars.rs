//! Business calendars.

use std::collections::BTreeMap;

use async_trait::async_trait;
use belfry_core::calendar::CalendarVersion;
use belfry_core::ports::{Calendar, CalendarFilter, CalendarRevision, CalendarStore, CalendarWrite, CalendarWritten, Page, StoreResult};

use super::SimStore;
use crate::hub::answer;

#[async_trait]
impl CalendarStore for SimStore {
    async fn put_calendar(&self, write: CalendarWrite) -> StoreResult<CalendarWritten> {
        self.write(move |hub| {
            let written = answer(hub.store.put_calendar(write));
            hub.audit().calendar_written();
            written
        })
        .await
    }

    async fn delete_calendar(&self, name: &str, expected: Option<i64>) -> StoreResult<()> {
        let name = name.to_owned();
        self.write(move |hub| {
            let deleted = answer(hub.store.delete_calendar(&name, expected));
            hub.audit().calendar_written();
            deleted
        })
        .await
    }

    async fn calendar(&self, name: &str) -> StoreResult<Calendar> {
        let name = name.to_owned();
        self.read(move |hub| answer(hub.store.calendar(&name))).await
    }

    async fn calendars(&self, filter: CalendarFilter) -> StoreResult<Page<Calendar>> {
        self.read(move |hub| answer(hub.store.calendars(filter))).await
    }

    async fn calendar_revisions(&self, name: &str, before: Option<i64>, limit: usize) -> StoreResult<Page<CalendarRevision>> {
        let name = name.to_owned();
        self.read(move |hub| answer(hub.store.calendar_revisions(&name, before, limit))).await
    }

    async fn calendars_behind(&self, names: &[String]) -> StoreResult<BTreeMap<String, CalendarVersion>> {
        let names = names.to_vec();
        self.read(move |hub| answer(hub.store.calendars_behind(&names))).await
    }
}
