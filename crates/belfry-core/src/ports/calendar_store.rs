//! Business calendars, as users keep them.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Page, StoreError, StoreResult, check_revision};
use crate::calendar::{BusinessCalendar, CalendarVersion};
use crate::time::UnixMillis;

/// A living calendar. Its name and a revision name one document for ever: a deleted calendar that is made again goes on
/// counting.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    pub name: String,
    /// Raised by every change; the object's ETag.
    pub revision: i64,
    pub calendar: BusinessCalendar,
    /// When it was made, or made again.
    pub created_at: UnixMillis,
    pub updated_at: UnixMillis,
}

/// One immutable revision of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarRevision {
    pub revision: i64,
    pub calendar: BusinessCalendar,
    pub created_at: UnixMillis,
}

/// The whole new state of a calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarWrite {
    pub name: String,
    /// The revision that it must stand at, 0 where none may stand; `None` takes it as it is.
    pub expected: Option<i64>,
    pub calendar: BusinessCalendar,
}

impl Calendar {
    /// As schedules are planned by it.
    pub fn version(&self) -> CalendarVersion {
        CalendarVersion { version: self.revision, calendar: self.calendar.clone() }
    }
}

impl CalendarWrite {
    /// Whether it may be made of what stands; answered at once where that says the same already, and nothing is to be written.
    pub fn checked(&self, standing: Option<&Calendar>) -> StoreResult<Option<CalendarWritten>> {
        match standing {
            Some(standing) => check_revision(self.expected, standing.revision)?,
            None if self.expected.is_some_and(|expected| expected > 0) => return Err(StoreError::NotFound("calendar")),
            None => {}
        }
        let same = standing.filter(|standing| standing.calendar == self.calendar);
        Ok(same.map(|standing| CalendarWritten { calendar: standing.clone(), is_new: false, planned_anew: 0 }))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct CalendarWritten {
    pub calendar: Calendar,
    /// Whether there was none of the name.
    pub is_new: bool,
    /// How many schedules were planned anew.
    pub planned_anew: usize,
}

/// Which calendars a list shows, in order of the bytes of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CalendarFilter {
    /// Part of the name, in any case.
    pub named_like: Option<String>,
    /// The last name of the page before.
    pub after: Option<String>,
    /// 1 to 200.
    pub limit: usize,
}

/// Calendars, and which schedules are planned by them. Every write is one transaction, or nothing. Writes of calendars come
/// one after another; they lock before workflows and schedules do. A write of a schedule that is planned by calendars holds
/// those as they are, and is refused as `Conflict::CalendarMoved` when one no longer stands at the revision that it was given.
#[async_trait]
pub trait CalendarStore: Send + Sync {
    /// Makes a calendar or changes it, and plans every living schedule anew that is planned by it, be it through another
    /// calendar: each as an edit of its own would, from one instant on. A write that changes nothing raises nothing.
    ///
    /// `Stale`; `NotFound` where a revision is expected and no calendar stands; `Conflict::CalendarUnusable` when it, or one that
    /// builds on it, could not be used; `Conflict::TooManyUsers` beyond [`MAX_USERS`](crate::calendar::MAX_USERS);
    /// `Conflict::CalendarUser` when a schedule cannot follow.
    async fn put_calendar(&self, write: CalendarWrite) -> StoreResult<CalendarWritten>;

    /// `Stale`; `Conflict::CalendarInUse` while a living schedule is planned by it or a calendar builds on it.
    async fn delete_calendar(&self, name: &str, expected: Option<i64>) -> StoreResult<()>;

    async fn calendar(&self, name: &str) -> StoreResult<Calendar>;

    async fn calendars(&self, filter: CalendarFilter) -> StoreResult<Page<Calendar>>;

    /// Newest first; those below `before`. `NotFound` for one that was never made; a deleted one keeps its own.
    async fn calendar_revisions(&self, name: &str, before: Option<i64>, limit: usize) -> StoreResult<Page<CalendarRevision>>;

    /// The living calendars of `names` and all that they build on, as they stand together; those that are not there are left
    /// out.
    async fn calendars_behind(&self, names: &[String]) -> StoreResult<BTreeMap<String, CalendarVersion>>;
}
