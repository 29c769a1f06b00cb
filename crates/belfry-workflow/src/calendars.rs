//! Business calendars, as users keep them: named, versioned, and shared by the schedules that name them.
//!
//! A write plans every schedule anew that is planned by the calendar, in the store's one transaction. Nothing here decides or
//! fires.

mod days;
mod schemas;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use belfry_core::calendar::{BusinessCalendar, CalendarError, CalendarVersion, PinnedCalendars, ics};
use belfry_core::ports::{CalendarFilter, CalendarStore, CalendarWrite, CalendarWritten, StoreError};
use belfry_core::violation::Violations;
use belfry_core::workflow::is_name;
use serde_json::{Value, json};

pub use self::days::{DayResponse, DaysResponse, ListDays};
pub use self::schemas::{
    CalendarImportResponse, CalendarItem, CalendarRequest, CalendarResponse, CalendarRevisionResponse, LeftOutResponse, ListCalendars,
};
use crate::error::ServiceError;
use crate::list::{self, ListResponse};
use crate::read::merge_patch;
use crate::triggers::{Created, KnownCalendars, again_when_overtaken, check_name, check_revision};

/// How many events an import names that it left out.
const MOST_LEFT_OUT: usize = 100;

#[derive(Clone)]
pub struct CalendarService {
    store: Arc<dyn CalendarStore>,
}

/// `if_match` is the revision that the caller has seen; another one that stands is `Stale`.
impl CalendarService {
    pub fn new(store: Arc<dyn CalendarStore>) -> CalendarService {
        CalendarService { store }
    }

    /// Makes the calendar, or replaces all of it. A body that says what stands writes nothing.
    pub async fn put(&self, name: &str, if_match: Option<i64>, body: &Value) -> Result<(CalendarResponse, Created), ServiceError> {
        if let Some(expected) = if_match {
            check_revision(Some(expected), self.store.calendar(name).await?.revision)?;
        }
        let written = self.write(name, if_match, BusinessCalendar::parse(body)?).await?;
        let created = Created(written.is_new);
        Ok((written.into(), created))
    }

    /// A merge patch (RFC 7396); lists are replaced whole.
    pub async fn patch(&self, name: &str, if_match: Option<i64>, patch: &Value) -> Result<CalendarResponse, ServiceError> {
        let patched = || async {
            let standing = self.store.calendar(name).await?;
            check_revision(if_match, standing.revision)?;
            let mut document = json!(standing.calendar);
            merge_patch(&mut document, patch);
            self.write(name, Some(standing.revision), BusinessCalendar::parse(&document)?).await
        };
        Ok(again_when_overtaken(if_match, patched).await?.into())
    }

    /// Makes the calendar of an iCalendar file, or replaces its holidays by those of the file: what its users added to it
    /// (`union`, `weekend`, `except`, `workdays`) stays.
    pub async fn import(&self, name: &str, if_match: Option<i64>, file: &[u8]) -> Result<(CalendarImportResponse, Created), ServiceError> {
        let import = imported(file)?;
        let holidays = &import.calendar.holidays;
        let written = again_when_overtaken(if_match, || async {
            let standing = match self.store.calendar(name).await {
                Err(StoreError::NotFound(_)) if if_match.is_none() => None,
                found => Some(found?),
            };
            check_revision(if_match, standing.as_ref().map_or(0, |standing| standing.revision))?;
            let expected = Some(standing.as_ref().map_or(0, |standing| standing.revision));
            let before = standing.map(|standing| standing.calendar).unwrap_or_default();
            self.write(name, expected, BusinessCalendar { holidays: holidays.clone(), ..before }).await
        })
        .await?;
        let created = Created(written.is_new);
        let left_out_count = import.left_out.len();
        let left_out = import.left_out.into_iter().take(MOST_LEFT_OUT).map(LeftOutResponse::from).collect();
        Ok((CalendarImportResponse { calendar: written.into(), left_out, left_out_count }, created))
    }

    pub async fn get(&self, name: &str) -> Result<CalendarResponse, ServiceError> {
        Ok(self.store.calendar(name).await?.into())
    }

    /// In order of names.
    pub async fn list(&self, query: ListCalendars) -> Result<ListResponse<CalendarItem>, ServiceError> {
        let mut violations = Violations::default();
        let limit = list::limit(query.limit, &mut violations);
        if let Some(cursor) = query.cursor.as_deref().filter(|cursor| !is_name(cursor)) {
            let detail = format!("`{cursor}` cannot be read");
            violations.add("/cursor", Some(Value::from(cursor)), detail, "the `next_cursor` of the page before");
        }
        violations.or(())?;
        let filter = CalendarFilter { named_like: query.q, after: query.cursor, limit };
        let page = self.store.calendars(filter).await?;
        Ok(ListResponse::of(page, CalendarItem::from, |calendar| calendar.name.clone()))
    }

    /// `Conflict::CalendarInUse` while something is planned by it or builds on it.
    pub async fn delete(&self, name: &str, if_match: Option<i64>) -> Result<(), ServiceError> {
        Ok(self.store.delete_calendar(name, if_match).await?)
    }

    /// Newest first, those below `before`; of a deleted calendar too.
    pub async fn revisions(
        &self,
        name: &str,
        before: Option<i64>,
        limit: Option<usize>,
    ) -> Result<ListResponse<CalendarRevisionResponse>, ServiceError> {
        let mut violations = Violations::default();
        let limit = list::limit(limit, &mut violations);
        violations.or(())?;
        let page = self.store.calendar_revisions(name, before, limit).await?;
        Ok(ListResponse::of(page, CalendarRevisionResponse::from, |revision| revision.revision.to_string()))
    }

    /// The days that are no plain business days.
    pub async fn days(&self, name: &str, query: ListDays) -> Result<DaysResponse, ServiceError> {
        let calendar = self.store.calendar(name).await?;
        let (from, to) = days::range(&query)?;
        let behind = self.store.calendars_behind(&[name.to_owned()]).await?;
        let pinned = PinnedCalendars::of([name], &behind).map_err(unusable)?;
        let business_days = pinned.calendars().get(name).map_err(unusable)?;
        Ok(days::list(business_days, calendar.revision, from, to))
    }

    /// Checked among the calendars that it builds on; those that build on it, and its schedules, are the store's to check.
    async fn write(&self, name: &str, expected: Option<i64>, calendar: BusinessCalendar) -> Result<CalendarWritten, ServiceError> {
        let mut violations = Violations::default();
        check_name("/name", name, &mut violations);
        violations.or(())?;
        let names = calendar.union.iter().cloned().chain([name.to_owned()]).collect();
        let known = KnownCalendars::of(self.store.as_ref(), names).await?;
        check_union(&calendar, name, &known)?;
        let mut related = known.versions().clone();
        related.insert(name.to_owned(), CalendarVersion { version: 0, calendar: calendar.clone() });
        PinnedCalendars::of([name], &related).map_err(unusable)?;
        Ok(self.store.put_calendar(CalendarWrite { name: name.to_owned(), expected, calendar }).await?)
    }
}

fn check_union(calendar: &BusinessCalendar, name: &str, known: &KnownCalendars) -> Result<(), Violations> {
    let mut violations = Violations::default();
    for (index, base) in calendar.union.iter().enumerate().filter(|(_, base)| *base != name) {
        if let Err((detail, expected)) = known.check(base) {
            violations.add(format!("/union/{index}"), Some(Value::from(base.as_str())), detail, expected);
        }
    }
    violations.or(())
}

fn unusable(error: CalendarError) -> ServiceError {
    let (pointer, expected) = match error {
        CalendarError::TooLarge { .. } => ("", "fewer entries, shorter labels, or rules that recur"),
        _ => ("/union", "calendars that can be used together"),
    };
    let mut violations = Violations::default();
    violations.add(pointer, None, error.to_string(), expected);
    violations.into()
}

fn imported(file: &[u8]) -> Result<ics::Import, Violations> {
    const EXPECTED: &str = "an iCalendar file (RFC 5545) whose all-day events are the holidays";
    let mut violations = Violations::default();
    match ics::import(file) {
        Ok(import) if !import.calendar.holidays.is_empty() => return Ok(import),
        Ok(import) => {
            let why = import.left_out.first().map_or_else(String::new, |first| format!(": line {}: {}", first.line, first.reason));
            violations.add("", None, format!("no event of the file is a holiday that can be kept{why}"), EXPECTED);
        }
        Err(error) => violations.add("", None, error.to_string(), EXPECTED),
    }
    Err(violations)
}
