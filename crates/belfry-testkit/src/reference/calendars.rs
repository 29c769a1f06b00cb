//! Business calendars.

use std::collections::BTreeMap;

use async_trait::async_trait;
use belfry_core::calendar::change::{check, followed};
use belfry_core::calendar::{CalendarVersion, MAX_USERS};
use belfry_core::ports::{
    Calendar, CalendarFilter, CalendarRevision, CalendarStore, CalendarWrite, CalendarWritten, Conflict, Page, StoreError, StoreResult,
    check_revision,
};
use belfry_core::schedule::{ScheduleContent, ScheduledWorkflow};
use belfry_core::time::UnixMillis;

use super::edits::{Becomes, Rewrite};
use super::revisions::is_like;
use super::{Mutation, ReferenceStore, Tables, page};

/// How many users of each kind a refusal names.
const NAMED: usize = 5;

pub(super) struct CalendarRow {
    calendar: Calendar,
    deleted: bool,
}

#[async_trait]
impl CalendarStore for ReferenceStore {
    async fn put_calendar(&self, write: CalendarWrite) -> StoreResult<CalendarWritten> {
        let (mut tables, now) = self.begin();
        let standing = tables.living_calendar(&write.name).ok().cloned();
        if let Some(unchanged) = write.checked(standing.as_ref())? {
            return Ok(unchanged);
        }
        let revision = tables.calendars.get(&write.name).map_or(0, |row| row.calendar.revision) + 1;
        let created_at = standing.as_ref().map_or(now, |standing| standing.created_at);
        let calendar = Calendar { name: write.name, revision, calendar: write.calendar, created_at, updated_at: now };
        let rewrites = tables.check_users(&calendar, now)?;
        let planned_anew = rewrites.len();
        tables.write_calendar(calendar.clone());
        for rewrite in rewrites {
            tables.rewrite(rewrite, now);
        }
        Ok(CalendarWritten { calendar, is_new: standing.is_none(), planned_anew })
    }

    async fn delete_calendar(&self, name: &str, expected: Option<i64>) -> StoreResult<()> {
        let (mut tables, now) = self.begin();
        check_revision(expected, tables.living_calendar(name)?.revision)?;
        let by = tables.users_told(name);
        if !by.is_empty() {
            return Err(Conflict::CalendarInUse { calendar: name.to_owned(), by }.into());
        }
        let row = tables.calendars.get_mut(name).expect("it was found living");
        row.deleted = true;
        row.calendar.updated_at = now;
        Ok(())
    }

    async fn calendar(&self, name: &str) -> StoreResult<Calendar> {
        self.begin().0.living_calendar(name).cloned()
    }

    async fn calendars(&self, filter: CalendarFilter) -> StoreResult<Page<Calendar>> {
        let (tables, _) = self.begin();
        let shown = tables.living_calendars().filter(|calendar| {
            filter.after.as_ref().is_none_or(|after| calendar.name > *after)
                && filter.named_like.as_ref().is_none_or(|part| is_like(&calendar.name, part))
        });
        Ok(page(shown.cloned(), filter.limit))
    }

    async fn calendar_revisions(&self, name: &str, before: Option<i64>, limit: usize) -> StoreResult<Page<CalendarRevision>> {
        let (tables, _) = self.begin();
        if !tables.calendars.contains_key(name) {
            return Err(StoreError::NotFound("calendar"));
        }
        let kept = tables.calendar_revisions.range((name.to_owned(), 0)..(name.to_owned(), before.unwrap_or(i64::MAX))).rev();
        Ok(page(kept.map(|(_, revision)| revision.clone()), limit))
    }

    async fn calendars_behind(&self, names: &[String]) -> StoreResult<BTreeMap<String, CalendarVersion>> {
        let (tables, _) = self.begin();
        let mut found = BTreeMap::new();
        let mut open = names.to_vec();
        while let Some(name) = open.pop() {
            if let Ok(calendar) = tables.living_calendar(&name)
                && !found.contains_key(&name)
            {
                open.extend(calendar.calendar.union.iter().cloned());
                found.insert(name, calendar.version());
            }
        }
        Ok(found)
    }
}

impl Tables {
    fn living_calendars(&self) -> impl Iterator<Item = &Calendar> {
        self.calendars.values().filter(|row| !row.deleted).map(|row| &row.calendar)
    }

    fn living_calendar(&self, name: &str) -> StoreResult<&Calendar> {
        let row = self.calendars.get(name).filter(|row| !row.deleted);
        row.map(|row| &row.calendar).ok_or(StoreError::NotFound("calendar"))
    }

    /// The calendars that the content is to be planned by stand as they were read.
    pub(super) fn check_calendars(&self, content: Option<&ScheduleContent>) -> Result<(), Conflict> {
        let mut pinned = content.into_iter().flat_map(|content| content.calendars.versions());
        let moved = |(name, version): &(&str, &CalendarVersion)| {
            self.living_calendar(name).map_or(0, |calendar| calendar.revision) != version.version && self.holds(Mutation::CalendarRevision)
        };
        pinned.find(moved).map_or(Ok(()), |(name, _)| Err(Conflict::CalendarMoved(name.to_owned())))
    }

    /// What `calendar`, once written, makes of each schedule that is planned by it.
    fn check_users(&self, calendar: &Calendar, now: UnixMillis) -> Result<Vec<Rewrite>, Conflict> {
        let mut related: BTreeMap<String, CalendarVersion> =
            self.living_calendars().map(|calendar| (calendar.name.clone(), calendar.version())).collect();
        related.insert(calendar.name.clone(), calendar.version());
        check(&related).map_err(|error| Conflict::CalendarUnusable(error.to_string()))?;
        let users: Vec<&ScheduledWorkflow> = self.users(&calendar.name).collect();
        if users.len() > MAX_USERS {
            return Err(Conflict::TooManyUsers { calendar: calendar.name.clone(), most: MAX_USERS });
        }
        let mut rewrites = Vec::new();
        for schedule in users {
            if let Some(content) = followed(schedule, &calendar.name, &related)? {
                let becomes = Becomes::Living { name: schedule.name.clone(), content, is_active: schedule.is_active };
                rewrites.push(Rewrite::check(schedule, becomes, now).map_err(|conflict| conflict.of_user(schedule))?);
            }
        }
        Ok(rewrites)
    }

    fn users<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ScheduledWorkflow> {
        self.living_schedules().filter(move |schedule| schedule.content.calendars.names().any(|used| used == name))
    }

    fn users_told(&self, name: &str) -> Vec<String> {
        let building = self.living_calendars().filter(|calendar| calendar.calendar.union.iter().any(|base| base == name));
        let calendars = building.map(|calendar| format!("the calendar `{}`", calendar.name)).take(NAMED);
        let told = |schedule: &ScheduledWorkflow| {
            format!("the schedule `{}/{}`", self.workflows[&schedule.workflow_id].workflow.name, schedule.name)
        };
        calendars.chain(self.users(name).map(told).take(NAMED)).collect()
    }

    fn write_calendar(&mut self, calendar: Calendar) {
        let revision =
            CalendarRevision { revision: calendar.revision, calendar: calendar.calendar.clone(), created_at: calendar.updated_at };
        self.calendar_revisions.insert((calendar.name.clone(), calendar.revision), revision);
        self.calendars.insert(calendar.name.clone(), CalendarRow { calendar, deleted: false });
    }
}
