//! The business calendars that a schedule names: found in what its author sent, and read from the store before it is.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::calendar::CalendarVersion;
use belfry_core::node::TRIGGER;
use belfry_core::ports::{CalendarFilter, CalendarStore};
use belfry_core::time::UnixMillis;
use belfry_core::violation::nearest_first;
use belfry_core::workflow::is_name;
use serde_json::Value;

use crate::error::ServiceError;
use crate::list::MAX_LIMIT;

/// The most calendars that are looked for; a schedule that names more has too many specs or exclusions anyway.
const MOST_NAMED: usize = 64;
/// The most names that a refusal lists.
const MOST_SUGGESTED: usize = 10;

/// When and among which calendars a schedule is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// What an `every` without `start` counts from, and what must still come.
    pub now: UnixMillis,
    pub calendars: &'a KnownCalendars,
}

/// Where there are no calendars.
impl From<UnixMillis> for Reading<'static> {
    fn from(now: UnixMillis) -> Reading<'static> {
        static NONE: KnownCalendars = KnownCalendars { versions: BTreeMap::new(), others: Vec::new() };
        Reading { now, calendars: &NONE }
    }
}

/// The calendars that a document names, as they stand.
#[derive(Debug, Clone, Default)]
pub struct KnownCalendars {
    /// With all that they build on.
    versions: BTreeMap<String, CalendarVersion>,
    /// What else there is, where a name was not found.
    others: Vec<String>,
}

impl KnownCalendars {
    /// Those of `versions`, and no others: what a revision of a schedule was planned by.
    pub fn at(versions: BTreeMap<String, CalendarVersion>) -> KnownCalendars {
        KnownCalendars { versions, others: Vec::new() }
    }

    /// Those that `schedules`, in the shape in which they are sent, name.
    pub(crate) async fn named_by(store: &dyn CalendarStore, schedules: &[&Value]) -> Result<KnownCalendars, ServiceError> {
        let mut named = BTreeSet::new();
        schedules.iter().for_each(|schedule| collect(schedule, &mut named));
        KnownCalendars::of(store, named.into_iter().take(MOST_NAMED).map(str::to_owned).collect()).await
    }

    /// Those that the schedule of the trigger node names.
    pub(crate) async fn of_definition(store: &dyn CalendarStore, definition: Option<&Value>) -> Result<KnownCalendars, ServiceError> {
        let nodes = definition.and_then(|definition| definition.get("nodes")).and_then(Value::as_array).into_iter().flatten();
        let triggers = nodes.filter(|node| node.get("type").and_then(Value::as_str) == Some(TRIGGER));
        let schedules: Vec<&Value> = triggers.filter_map(|node| node.pointer("/parameters/schedule")).collect();
        KnownCalendars::named_by(store, &schedules).await
    }

    pub(crate) async fn of(store: &dyn CalendarStore, names: Vec<String>) -> Result<KnownCalendars, ServiceError> {
        if names.is_empty() {
            return Ok(KnownCalendars::default());
        }
        let versions = store.calendars_behind(&names).await?;
        if names.iter().all(|name| versions.contains_key(name)) {
            return Ok(KnownCalendars { versions, others: Vec::new() });
        }
        let page = store.calendars(CalendarFilter { limit: MAX_LIMIT, ..CalendarFilter::default() }).await?;
        Ok(KnownCalendars { versions, others: page.items.into_iter().map(|calendar| calendar.name).collect() })
    }

    pub(crate) fn versions(&self) -> &BTreeMap<String, CalendarVersion> {
        &self.versions
    }

    /// Whether there is a calendar `name`; else what is wrong, and what would be accepted.
    pub(crate) fn check(&self, name: &str) -> Result<(), (String, String)> {
        if self.versions.contains_key(name) {
            return Ok(());
        }
        let mut near = nearest_first(name, self.others.iter().map(String::as_str));
        near.truncate(MOST_SUGGESTED);
        let expected = match near.as_slice() {
            [] => "the name of a calendar, of which there is none yet".to_owned(),
            names => format!("the name of a calendar, such as `{}`", names.join("`, `")),
        };
        Err((format!("there is no calendar `{name}`"), expected))
    }
}

/// The names in `schedule`, rightly or wrongly written; what is no name is refused when the schedule is read.
fn collect<'a>(schedule: &'a Value, names: &mut BTreeSet<&'a str>) {
    let items = |field: &str| schedule.get(field).and_then(Value::as_array).into_iter().flatten();
    let specs = std::iter::once(schedule).chain(items("specs")).chain(items("exclude"));
    let of_specs = specs.filter_map(|spec| spec.pointer("/calendar/business_calendar"));
    let of_exclusions = items("exclude").filter_map(|exclusion| exclusion.get("holidays"));
    names.extend(of_specs.chain(of_exclusions).filter_map(Value::as_str).filter(|name| is_name(name)));
}
