//! What a calendar's change asks of other calendars, and what it makes of the schedules that are planned by it: pure functions.

use std::collections::BTreeMap;

use super::{CalendarError, CalendarVersion, PinnedCalendars};
use crate::ports::Conflict;
use crate::schedule::{ScheduleContent, ScheduledWorkflow};

/// The most schedules that one change of a calendar plans anew, in its one transaction.
pub const MAX_USERS: usize = 10_000;

/// Whether each of `related` can be used: those that build on the calendar that changes, and all that they build on.
pub fn check(related: &BTreeMap<String, CalendarVersion>) -> Result<(), CalendarError> {
    related.keys().try_for_each(|name| PinnedCalendars::of([name.as_str()], related).map(drop))
}

/// What `schedule` says when the calendar `changed` has changed, and `related` is what stands then; `None` when it is not
/// planned by it.
///
/// # Errors
/// [`Conflict::CalendarUser`] when the schedule cannot be planned by what stands then.
pub fn followed(
    schedule: &ScheduledWorkflow,
    changed: &str,
    related: &BTreeMap<String, CalendarVersion>,
) -> Result<Option<ScheduleContent>, Conflict> {
    if !schedule.content.calendars.names().any(|name| name == changed) {
        return Ok(None);
    }
    let content = schedule.content.pinned_to(related);
    content.map(Some).map_err(|error| Conflict::CalendarUnusable(error.to_string()).of_user(schedule))
}
