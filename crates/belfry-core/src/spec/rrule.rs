//! Recurrence rules of iCalendar (RFC 5545): the times of DTSTART, RRULE and RDATE, less those of EXDATE.
//!
//! DAILY and slower are times of the clock ([`calendar`], [`clock`]): 02:30 in a gap becomes 03:30, a repeated time means
//! its first pass. HOURLY and faster are absolute time ([`elapsed`]). Where RFC 5545 leaves a choice:
//!
//! * A DTSTART that its rule does not match is no time of it, and COUNT does not count it (as dateutil).
//! * TZID, or the `Z` of DTSTART, is the zone of the whole rule, whatever the schedule's; without either it is the
//!   schedule's. RDATE and EXDATE may have a TZID of their own.
//! * BYWEEKNO without a day means DTSTART's weekday; its period is the calendar year, so the days of a week that reaches
//!   into the next year are of two periods.
//! * A set that BYSETPOS chooses from is a whole period, the part before DTSTART included.
//! * BYSECOND=60 is refused: Unix time has no leap seconds.

mod calendar;
mod clock;
mod dates;
mod days;
mod describe;
mod elapsed;
mod error;
mod parts;
mod period;
mod plan;
mod properties;
mod rule;
mod stamp;
mod steps;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use self::calendar::Calendar;
use self::dates::Dates;
pub use self::error::RruleError;
use self::plan::Plan;
use self::properties::{Properties, Start};
use self::rule::Rule;
use self::stamp::Stamp;
pub use self::steps::SearchTooLong;
use crate::time::UnixMillis;

/// A recurrence rule that can fire, as its author wrote it.
#[derive(Clone)]
pub struct Rrule {
    /// Kept because people must find what they wrote.
    text: Box<str>,
    start: Anchor,
    /// Boxed, as the plan is: there are many schedules, and few of this kind.
    rule: Box<Rule>,
    dates: Dates,
    exceptions: Dates,
    /// Made when the rule is read where that needs no zone, or one that the text names; otherwise for each search.
    plan: Option<Box<Plan>>,
}

#[derive(Clone, PartialEq, Debug)]
enum Anchor {
    /// A bare rule, before it is given one.
    None,
    Text(Start),
    Given(UnixMillis),
}

impl Rrule {
    /// Reads lines `DTSTART[;TZID=…]:…`, `RRULE:…`, and any number of `RDATE…` and `EXDATE…`; or a rule alone, with or
    /// without `RRULE:` before it, which has no time until it is given a start.
    ///
    /// # Errors
    /// Says which part is wrong, what was found there and what would be accepted. A rule that can never fire is refused
    /// too, as far as that shows without knowing the schedule's zone; not so when there is an RDATE.
    pub fn parse(text: &str) -> Result<Rrule, RruleError> {
        let text = text.trim();
        let properties = properties::parse(text)?;
        let rule = parts::parse(&properties.rule)?;
        check_start(&rule, &properties)?;
        let dates = Dates::new(&properties.dates);
        let exceptions = Dates::new(&properties.exceptions);
        let start = properties.start.map_or(Anchor::None, Anchor::Text);
        let mut rrule = Rrule { text: text.into(), start, rule: Box::new(rule), dates, exceptions, plan: None };
        rrule.prepare().map_err(|source| RruleError::TooRare { parts: parts::by_parts(&properties.rule), source })?;
        rrule.check_can_fire(&properties.rule)?;
        Ok(rrule)
    }

    /// Gives a rule without DTSTART its start. In the schedule's zone, its local time says what the rule leaves open.
    ///
    /// # Errors
    /// When the text has a DTSTART, or when `start` is finer than a second.
    pub fn with_start(mut self, start: UnixMillis) -> Result<Rrule, RruleError> {
        if matches!(self.start, Anchor::Text(_)) {
            return Err(RruleError::TwoStarts);
        }
        if start.get() % 1000 != 0 {
            return Err(RruleError::StartTooFine(start));
        }
        self.start = Anchor::Given(start);
        Ok(self)
    }

    /// Whether there is neither a DTSTART nor a start given beside the text.
    pub fn needs_start(&self) -> bool {
        self.start == Anchor::None
    }

    /// The start given beside the text.
    pub fn given_start(&self) -> Option<UnixMillis> {
        if let Anchor::Given(start) = self.start { Some(start) } else { None }
    }

    /// What the user wrote, without the white space around it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether COUNT or UNTIL ends the rule.
    pub fn ends(&self) -> bool {
        self.rule.count.is_some() || self.rule.until.is_some()
    }

    /// The zone whose clocks it follows: that of DTSTART, or else the schedule's; `None` for HOURLY and faster, which count
    /// absolute time.
    pub fn local_zone<'a>(&'a self, schedule: &'a TimeZone) -> Option<&'a TimeZone> {
        (!self.rule.frequency.is_elapsed()).then(|| self.zone(schedule))
    }

    /// Whether `at`, one of its times, shows another local time than the rule names: that was lost when clocks went forward.
    pub fn is_moved(&self, schedule: &TimeZone, at: UnixMillis) -> bool {
        let Some(zone) = self.local_zone(schedule) else { return false };
        let at = at.get().div_euclid(1000);
        let plan = self.plan.as_deref().copied().map_or_else(|| self.plan_in(zone), Ok);
        let (Ok(plan), Some(wall)) = (plan, clock::wall(zone, at)) else { return false };
        !plan.names(wall) && !self.dates.hold(zone, at)
    }

    /// The first time later than `after`, always at a whole second; `None` when none is left. `zone` is the schedule's.
    ///
    /// # Errors
    /// When so many periods pass without a time that the search is given up: then nothing is known.
    pub fn next_after(&self, zone: &TimeZone, after: UnixMillis) -> Result<Option<UnixMillis>, SearchTooLong> {
        let zone = self.zone(zone);
        match &self.plan {
            Some(plan) => self.next_of(plan, zone, after),
            None => self.next_of(&self.plan_in(zone)?, zone, after),
        }
    }

    /// The last time earlier than `before`; found by searching forward from ever earlier instants.
    ///
    /// # Errors
    /// As [`Rrule::next_after`].
    pub fn previous_before(&self, zone: &TimeZone, before: UnixMillis) -> Result<Option<UnixMillis>, SearchTooLong> {
        let zone = self.zone(zone);
        let plan = self.plan.as_deref().copied().map_or_else(|| self.plan_in(zone), Ok)?;
        let next = |after: i64| Ok(self.next_of(&plan, zone, UnixMillis::saturating(after))?.filter(|next| *next < before));
        let Some(mut found) = next(i64::MIN)? else { return Ok(None) };
        let mut end = before.get();
        let mut back = 1000;
        // Between `found` and `end` there may be times; from `end` on there are none before `before`.
        while found.get() < end - back {
            match next(end - back)? {
                Some(later) => found = later,
                None => (end, back) = (end - back, back * 4),
            }
        }
        let mut low = found.get();
        while low < end {
            let middle = low + (end - low) / 2;
            match next(middle)? {
                Some(later) => (found, low) = (later, later.get()),
                None => end = middle,
            }
        }
        Ok(Some(found))
    }

    fn next_of(&self, plan: &Plan, zone: &TimeZone, after: UnixMillis) -> Result<Option<UnixMillis>, SearchTooLong> {
        let mut after = after.get().div_euclid(1000);
        // Each round but the last passes an exception.
        for _ in 0..=self.exceptions.len() {
            let ruled = plan.next_after(zone, after)?;
            let Some(next) = ruled.into_iter().chain(self.dates.first_after(zone, after)).min() else { return Ok(None) };
            if !self.exceptions.hold(zone, next) {
                return Ok(next.checked_mul(1000).and_then(UnixMillis::new));
            }
            after = next;
        }
        Ok(None)
    }

    /// The zone of DTSTART or, when it has none, the schedule's.
    fn zone<'a>(&'a self, schedule: &'a TimeZone) -> &'a TimeZone {
        match &self.start {
            Anchor::Text(Start { zone: Some(zone), .. }) => zone.rules(),
            _ => schedule,
        }
    }

    fn plan_in(&self, zone: &TimeZone) -> Result<Plan, SearchTooLong> {
        let is_elapsed = self.rule.frequency.is_elapsed();
        match &self.start {
            Anchor::None => Ok(Plan::Never),
            Anchor::Text(start) if !is_elapsed => Plan::calendar(&self.rule, start.wall),
            Anchor::Text(start) => match clock::instant(zone, start.wall) {
                Some(at) => Plan::elapsed(&self.rule, at, zone),
                None => Ok(Plan::Never),
            },
            Anchor::Given(at) if is_elapsed => Plan::elapsed(&self.rule, at.get().div_euclid(1000), zone),
            Anchor::Given(at) => Plan::calendar_from(&self.rule, at.get().div_euclid(1000), zone),
        }
    }

    fn prepare(&mut self) -> Result<(), SearchTooLong> {
        if let Anchor::Text(start) = &self.start
            && (start.zone.is_some() || !self.rule.frequency.is_elapsed())
        {
            // A calendar's plan is the same in every zone.
            self.plan = Some(Box::new(self.plan_in(self.zone(&TimeZone::UTC))?));
        }
        Ok(())
    }

    fn check_can_fire(&self, text: &str) -> Result<(), RruleError> {
        if self.dates.len() > 0 {
            return Ok(());
        }
        let parts = || parts::by_parts(text);
        let too_rare = |source| RruleError::TooRare { parts: parts(), source };
        if !Calendar::can_match(&self.rule).map_err(too_rare)? {
            return Err(RruleError::NeverFires { parts: parts() });
        }
        let Some(plan) = &self.plan else { return Ok(()) };
        let long_ago = UnixMillis::saturating(i64::MIN).get() / 1000;
        match plan.next_after(self.zone(&TimeZone::UTC), long_ago) {
            Ok(Some(_)) => Ok(()),
            Ok(None) if self.rule.until.is_some() => Err(RruleError::EndsBeforeItBegins(parts::until(text))),
            Err(source) if self.rule.frequency.is_elapsed() => Err(too_rare(source)),
            // A search of the calendar that is given up has seen all of it.
            Ok(None) | Err(_) => Err(RruleError::NeverFires { parts: parts() }),
        }
    }
}

/// UNTIL is of DTSTART's kind (RFC 5545 3.3.10): a day for a day, a local time for one of no zone, otherwise UTC; and
/// what is a day has no time of day.
fn check_start(rule: &Rule, properties: &Properties) -> Result<(), RruleError> {
    let start = properties.start.as_ref();
    let (is_date, has_zone) = start.map_or((false, true), |start| (start.is_date, start.zone.is_some()));
    let accepts = match (rule.until, is_date, has_zone) {
        (Some(Stamp::Instant(_) | Stamp::Local(_)), true, _) => "a day such as 20261231, as DTSTART is a day",
        (Some(Stamp::Instant(_) | Stamp::Date(_)), false, false) => "a local time such as 20261231T235959, as DTSTART is one",
        (Some(Stamp::Local(_) | Stamp::Date(_)), false, true) => "a time in UTC such as 20261231T235959Z",
        _ => "",
    };
    if !accepts.is_empty() {
        return Err(RruleError::Value { part: "UNTIL", value: parts::until(&properties.rule), accepts: accepts.to_owned() });
    }
    let part = match rule {
        _ if !is_date => return Ok(()),
        Rule { hours: 1.., .. } => "BYHOUR",
        Rule { minutes: 1.., .. } => "BYMINUTE",
        Rule { seconds: 1.., .. } => "BYSECOND",
        Rule { frequency, .. } if frequency.is_elapsed() => "a frequency below DAILY",
        _ => return Ok(()),
    };
    let with = "a DTSTART that is a day".to_owned();
    Err(RruleError::Together { part, with, instead: "give DTSTART a time: DTSTART:20260105T090000" })
}

impl FromStr for Rrule {
    type Err = RruleError;

    fn from_str(text: &str) -> Result<Rrule, RruleError> {
        Rrule::parse(text)
    }
}

impl PartialEq for Rrule {
    fn eq(&self, other: &Rrule) -> bool {
        self.text == other.text && self.start == other.start
    }
}

impl fmt::Display for Rrule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Rrule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rrule({:?})", self.text)
    }
}

impl Serialize for Rrule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Rrule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rrule, D::Error> {
        let text = String::deserialize(deserializer)?;
        Rrule::parse(&text).map_err(de::Error::custom)
    }
}
