//! The calendars that a schedule is planned by, kept with it: whoever plans reads nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{BusinessCalendar, CalendarError, CalendarVersion, Calendars, DateEntry, DateExclusion, Exclusion};
use crate::schedule::ScheduleContent;
use crate::spec::Spec;

/// The most that the calendars of one schedule come to as JSON, with all that they build on: they are copied into each of its
/// revisions. So much, too, may a calendar come to with all that it builds on, for else nothing could be planned by it.
pub const MAX_PINNED_BYTES: usize = 64 * 1024;

/// Named calendars and all that they build on, each at one revision.
#[derive(Clone, Default)]
pub struct PinnedCalendars(Option<Arc<Pinned>>);

struct Pinned {
    versions: BTreeMap<String, CalendarVersion>,
    /// Made when it is first asked for: lists show many schedules and plan few.
    calendars: OnceLock<Calendars>,
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    revision: i64,
    calendar: BusinessCalendar,
}

impl PinnedCalendars {
    /// Those of `names` and what they build on, as `available` has them.
    ///
    /// # Errors
    /// When one cannot be used, or all together are larger than [`MAX_PINNED_BYTES`].
    pub fn of<'a>(
        names: impl IntoIterator<Item = &'a str>,
        available: &BTreeMap<String, CalendarVersion>,
    ) -> Result<PinnedCalendars, CalendarError> {
        let names: BTreeSet<&str> = names.into_iter().collect();
        if names.is_empty() {
            return Ok(PinnedCalendars::default());
        }
        let versions = behind(&names, available);
        let calendars = Calendars::new(versions.clone());
        names.iter().try_for_each(|name| calendars.get(name).map(drop))?;
        let pinned = PinnedCalendars(Some(Arc::new(Pinned { versions, calendars: calendars.into() })));
        let bytes = serde_json::to_string(&pinned).map_or(0, |text| text.len());
        if bytes > MAX_PINNED_BYTES {
            let names = names.into_iter().map(str::to_owned).collect();
            return Err(CalendarError::TooLarge { names, bytes });
        }
        Ok(pinned)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// In order of names.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &CalendarVersion)> {
        self.0.iter().flat_map(|pinned| &pinned.versions).map(|(name, version)| (name.as_str(), version))
    }

    /// In order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.versions().map(|(name, _)| name)
    }

    /// In order of names.
    pub fn revisions(&self) -> BTreeMap<String, i64> {
        self.versions().map(|(name, version)| (name.to_owned(), version.version)).collect()
    }

    pub fn calendars(&self) -> &Calendars {
        match &self.0 {
            Some(pinned) => pinned.calendars.get_or_init(|| Calendars::new(pinned.versions.clone())),
            None => Calendars::none(),
        }
    }

    /// How many bytes of memory it takes once it is used, roughly.
    pub fn bytes(&self) -> usize {
        // Each day of an entry has its place in an index.
        const ENTRY: usize = 200;
        const DAY: usize = 100;
        let of_entry = |entry: &DateEntry| ENTRY + entry.on.size() * DAY + entry.label.as_ref().map_or(0, String::len);
        let lists = self.versions().flat_map(|(_, version)| {
            let BusinessCalendar { holidays, except, workdays, .. } = &version.calendar;
            [holidays, except, workdays]
        });
        lists.flatten().map(of_entry).sum()
    }
}

/// The calendars of `names` that are there, and all that they build on.
fn behind(names: &BTreeSet<&str>, available: &BTreeMap<String, CalendarVersion>) -> BTreeMap<String, CalendarVersion> {
    let mut found: BTreeMap<String, CalendarVersion> = BTreeMap::new();
    let mut open: Vec<&str> = names.iter().copied().collect();
    while let Some(name) = open.pop() {
        if let Some(version) = available.get(name)
            && !found.contains_key(name)
        {
            open.extend(version.calendar.union.iter().map(String::as_str));
            found.insert(name.to_owned(), version.clone());
        }
    }
    found
}

fn named_by(spec: &Spec) -> Option<&str> {
    if let Spec::Calendar(spec) = spec { spec.calendar.business_calendar() } else { None }
}

impl ScheduleContent {
    /// The calendars that its specs and exclusions name.
    pub fn named_calendars(&self) -> BTreeSet<&str> {
        let excluded = self.exclude.iter().filter_map(|exclusion| match exclusion {
            Exclusion::Days(DateExclusion::Holidays(name)) => Some(name.as_str()),
            Exclusion::Days(DateExclusion::Dates(_)) => None,
            Exclusion::Spec(spec) => named_by(spec),
        });
        self.specs.iter().filter_map(named_by).chain(excluded).collect()
    }

    /// The same, planned by the calendars that it names as `changed` has them; those that are not there stay as they are.
    ///
    /// # Errors
    /// As [`PinnedCalendars::of`].
    pub fn pinned_to(&self, changed: &BTreeMap<String, CalendarVersion>) -> Result<ScheduleContent, CalendarError> {
        let mut available: BTreeMap<String, CalendarVersion> =
            self.calendars.versions().map(|(name, version)| (name.to_owned(), version.clone())).collect();
        available.extend(changed.iter().map(|(name, version)| (name.clone(), version.clone())));
        let calendars = PinnedCalendars::of(self.named_calendars(), &available)?;
        Ok(ScheduleContent { calendars, ..self.clone() })
    }
}

impl PartialEq for PinnedCalendars {
    fn eq(&self, other: &PinnedCalendars) -> bool {
        self.versions().eq(other.versions())
    }
}

impl std::fmt::Debug for PinnedCalendars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.versions()).finish()
    }
}

impl Serialize for PinnedCalendars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, version) in self.versions() {
            map.serialize_entry(name, &Stored { revision: version.version, calendar: version.calendar.clone() })?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for PinnedCalendars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PinnedCalendars, D::Error> {
        let stored = BTreeMap::<String, Stored>::deserialize(deserializer)?;
        let version = |(name, Stored { revision, calendar })| (name, CalendarVersion { version: revision, calendar });
        let versions: BTreeMap<String, CalendarVersion> = stored.into_iter().map(version).collect();
        if versions.is_empty() {
            return Ok(PinnedCalendars::default());
        }
        Ok(PinnedCalendars(Some(Arc::new(Pinned { versions, calendars: OnceLock::new() }))))
    }
}
