//! What is asked, in the one form of the flags and of a batch's lines.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use belfry_core::calendar::Calendars;
use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::calendar::CalendarRule;
use belfry_core::spec::cron::{Cron, CronRules, Dialect};
use belfry_core::spec::rrule::Rrule;
use belfry_core::spec::{At, SHORTEST_INTERVAL, Spec};
use belfry_core::time::{UnixMillis, Zone, parse_duration};
use belfry_core::violation::Violations;

/// The most times of one preview.
const MOST_TIMES: usize = 100_000;
/// More than the database has names.
const MOST_ZONES: usize = 1_000;

/// Borrows from its line: a batch asks for tens of thousands of these a second.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question<'a> {
    /// Answered as it was written.
    #[serde(borrow)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub cron: Option<Text<'a>>,
    #[serde(borrow)]
    pub every: Option<Text<'a>>,
    #[serde(borrow)]
    pub start: Option<Text<'a>>,
    #[serde(borrow)]
    pub at: Option<Text<'a>>,
    #[serde(borrow)]
    pub rrule: Option<Text<'a>>,
    pub calendar: Option<Value>,
    #[serde(borrow)]
    pub timezone: Option<Text<'a>>,
    #[serde(borrow)]
    pub after: Option<Text<'a>>,
    pub count: Option<usize>,
    #[serde(borrow)]
    pub dialect: Option<Text<'a>>,
    #[serde(borrow)]
    pub gap: Option<Text<'a>>,
    #[serde(borrow)]
    pub fold: Option<Text<'a>>,
    #[serde(borrow)]
    pub dom_dow: Option<Text<'a>>,
}

/// A string that is copied only where JSON escapes stand in it.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A question that was understood.
pub struct Asked {
    pub content: ScheduleContent,
    pub after: UnixMillis,
    pub count: usize,
}

/// The zones that were asked for, by the names that were used: to look one up costs more than to evaluate it.
#[derive(Default)]
pub struct Zones(HashMap<String, Zone>);

impl Zones {
    fn named(&mut self, name: &str) -> Result<Zone, String> {
        if let Some(zone) = self.0.get(name) {
            return Ok(zone.clone());
        }
        let zone = Zone::named(name).map_err(|error| format!("timezone: {error}"))?;
        // Names are read in any case, so there may be more of them than zones.
        if self.0.len() >= MOST_ZONES {
            self.0.clear();
        }
        self.0.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }
}

impl Question<'_> {
    /// Its errors name the field.
    pub fn read(&self, now: UnixMillis, zones: &mut Zones) -> Result<Asked, String> {
        let after = match text(&self.after) {
            Some(text) => {
                text.parse().map(UnixMillis::floor).map_err(|_| format!("after: `{text}` is no instant such as 2026-11-25T09:00:00Z"))?
            }
            None => now,
        };
        let count = self.count.unwrap_or(1);
        if !(1..=MOST_TIMES).contains(&count) {
            return Err(format!("count: {count} is not between 1 and {MOST_TIMES}"));
        }
        let zone = text(&self.timezone).map_or_else(|| Ok(Zone::utc()), |name| zones.named(name))?;
        let rules = CronRules { gap: word("gap", &self.gap)?, fold: word("fold", &self.fold)?, dom_dow: word("dom_dow", &self.dom_dow)? };
        let spec = self.spec(after, &zone, rules)?;
        Ok(Asked { content: ScheduleContent { rules, ..ScheduleContent::new(vec![spec], zone) }, after, count })
    }

    fn spec(&self, after: UnixMillis, zone: &Zone, rules: CronRules) -> Result<Spec, String> {
        let dialect: Dialect = word("dialect", &self.dialect)?;
        if dialect == Dialect::Quartz && self.cron.is_none() {
            return Err("dialect: it goes with cron only".to_owned());
        }
        let start = text(&self.start).map(UnixMillis::parse_exact).transpose().map_err(|error| format!("start: {error}"))?;
        if start.is_some() && self.every.is_none() && self.rrule.is_none() {
            return Err("start: it goes with every and rrule only".to_owned());
        }
        match (text(&self.cron), text(&self.every), text(&self.at), text(&self.rrule), &self.calendar) {
            (Some(text), None, None, None, None) => cron(text, dialect, rules),
            (None, Some(text), None, None, None) => every(text, start.unwrap_or(after)),
            (None, None, Some(text), None, None) => At::parse(text).map(Spec::at).map_err(|error| format!("at: {error}")),
            (None, None, None, Some(text), None) => rrule(text, start, after),
            (None, None, None, None, Some(value)) => calendar(value, after, zone),
            _ => Err("give exactly one of cron, every, at, rrule and calendar".to_owned()),
        }
    }
}

fn text<'a>(field: &'a Option<Text<'_>>) -> Option<&'a str> {
    field.as_ref().map(|text| text.0.as_ref())
}

/// One of a few words; absent: the default.
fn word<'a, T: Deserialize<'a> + Default>(name: &str, field: &'a Option<Text<'_>>) -> Result<T, String> {
    text(field).map_or_else(
        || Ok(T::default()),
        |word| T::deserialize(StrDeserializer::<Error>::new(word)).map_err(|error| format!("{name}: {error}")),
    )
}

fn cron(text: &str, dialect: Dialect, rules: CronRules) -> Result<Spec, String> {
    let cron = Cron::parse_in(text, dialect).map_err(|error| format!("cron: {error}"))?;
    cron.check_can_fire(rules.dom_dow).map_err(|error| format!("cron: {error}"))?;
    Ok(Spec::cron(cron))
}

fn every(text: &str, start: UnixMillis) -> Result<Spec, String> {
    let length = parse_duration(text).map_err(|error| format!("every: {error}"))?;
    if length < SHORTEST_INTERVAL {
        return Err(format!("every: `{text}` is shorter than a second"));
    }
    Ok(Spec::every(length, start))
}

/// A rule without DTSTART counts from `start`, else from the second in which it is asked for.
fn rrule(text: &str, start: Option<UnixMillis>, after: UnixMillis) -> Result<Spec, String> {
    let rrule = Rrule::parse(text).map_err(|error| format!("rrule: {error}"))?;
    match start {
        None if !rrule.needs_start() => Ok(Spec::rrule(rrule)),
        start => {
            let start = start.unwrap_or_else(|| UnixMillis::saturating(after.get().div_euclid(1000) * 1000));
            rrule.with_start(start).map(Spec::rrule).map_err(|error| format!("start: {error}"))
        }
    }
}

/// An interval without `from` begins on the day after which it is asked for.
fn calendar(value: &Value, after: UnixMillis, zone: &Zone) -> Result<Spec, String> {
    let today = zone.rules().to_datetime(after.to_timestamp()).date();
    let said = |violations: Violations| {
        let faults: Vec<String> = violations.0.iter().map(|fault| format!("calendar{}: {}", fault.pointer, fault.detail)).collect();
        faults.join("; ")
    };
    let rule = CalendarRule::parse_anchored(value, today).map_err(said)?;
    rule.check(Calendars::none()).map_err(said)?;
    Ok(Spec::calendar(rule))
}
