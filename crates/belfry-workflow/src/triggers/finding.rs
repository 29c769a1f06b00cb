//! How schedules are found: the query of a list as the store's filter.

use belfry_core::ports::{ScheduleFilter, ScheduleOrder};
use belfry_core::schedule::ScheduledWorkflow;
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;

use super::schemas::ListSchedules;
use crate::list;

#[derive(Clone, Copy)]
pub(super) enum Sort {
    Oldest,
    Newest,
    Name,
    NextRun,
}

const SORTS: [(&str, Sort); 4] = [("created", Sort::Oldest), ("-created", Sort::Newest), ("name", Sort::Name), ("next_run", Sort::NextRun)];

pub(super) fn filter(query: ListSchedules) -> Result<(ScheduleFilter, Sort), Violations> {
    let mut violations = Violations::default();
    let cursor = query.cursor.as_deref();
    let sort = list::sort(query.sort.as_deref(), &SORTS, &mut violations);
    let order = match sort {
        Sort::Oldest => ScheduleOrder::Oldest(list::cursor(cursor, &mut violations)),
        Sort::Newest => ScheduleOrder::Newest(list::cursor(cursor, &mut violations)),
        Sort::Name => ScheduleOrder::Name(list::value_and_id(cursor, |name| Some(name.to_owned()), &mut violations)),
        Sort::NextRun => ScheduleOrder::NextRun(list::value_and_id(cursor, |at| UnixMillis::parse_exact(at).ok(), &mut violations)),
    };
    let filter = ScheduleFilter {
        workflow_id: list::id("workflow_id", query.workflow_id.as_deref(), &mut violations),
        name: query.name,
        named_like: query.q,
        tag: query.tag,
        is_active: query.is_active,
        is_failing: query.is_failing,
        calendar: query.calendar,
        next_run_from: list::instant("next_run_from", query.next_run_from.as_deref(), &mut violations),
        next_run_before: list::instant("next_run_before", query.next_run_before.as_deref(), &mut violations),
        order,
        limit: list::limit(query.limit, &mut violations),
    };
    violations.or((filter, sort))
}

/// Where a page ends whose last schedule this is.
pub(super) fn cursor(schedule: &ScheduledWorkflow, sort: Sort) -> String {
    match sort {
        Sort::Oldest | Sort::Newest => schedule.id.to_string(),
        Sort::Name => list::value_cursor(&schedule.name, schedule.id),
        // Only those are listed that have one.
        Sort::NextRun => list::value_cursor(schedule.cursor.due.unwrap_or(UnixMillis::EPOCH), schedule.id),
    }
}
