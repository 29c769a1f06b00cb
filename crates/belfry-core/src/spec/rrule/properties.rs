//! The lines of a recurrence: DTSTART, RRULE, RDATE and EXDATE, or a rule by itself.

use super::clock;
use super::error::{RruleError, excerpt};
use super::stamp::Stamp;
use crate::time::Zone;

/// RFC 5545's own limit of 75 bytes a line is about transport; this one bounds what has to be searched.
const MOST_BYTES: usize = 16 * 1024;

/// The longest name in the zone database has 32 characters. Longer ones are not even compared with it.
const MOST_ZONE_BYTES: usize = 64;

#[derive(Default)]
pub(super) struct Properties {
    pub start: Option<Start>,
    /// The value of the RRULE.
    pub rule: String,
    pub dates: Vec<Stamp>,
    pub exceptions: Vec<Stamp>,
}

/// DTSTART.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Start {
    pub wall: i64,
    /// Of TZID, or UTC for a time with `Z`; absent when the schedule's applies.
    pub zone: Option<Zone>,
    /// A day, which begins at midnight.
    pub is_date: bool,
}

struct Property {
    name: &'static str,
    zone: Option<Zone>,
    is_date: bool,
    value: String,
}

pub(super) fn parse(text: &str) -> Result<Properties, RruleError> {
    if text.len() > MOST_BYTES {
        return Err(RruleError::TooLong { length: text.len(), most: MOST_BYTES });
    }
    let mut properties = Properties::default();
    let mut rule = None;
    for line in unfold(text) {
        if is_bare_rule(&line) {
            rule = Some(line).xor(rule).ok_or(RruleError::SeveralRules)?.into();
            continue;
        }
        let property = Property::parse(&line)?;
        match property.name {
            "DTSTART" if properties.start.is_some() => return Err(RruleError::SeveralStarts),
            "DTSTART" => properties.start = Some(property.start()?),
            "RDATE" => properties.dates.append(&mut property.stamps()?),
            "EXDATE" => properties.exceptions.append(&mut property.stamps()?),
            _ => rule = Some(property.value).xor(rule).ok_or(RruleError::SeveralRules)?.into(),
        }
    }
    properties.rule = rule.ok_or(RruleError::NoRule)?;
    properties.check_dates()?;
    Ok(properties)
}

impl Properties {
    /// RDATE and EXDATE are of DTSTART's kind: days for a day, times for a time.
    fn check_dates(&self) -> Result<(), RruleError> {
        let days = self.start.as_ref().is_some_and(|start| start.is_date);
        let is_day = |stamp: &Stamp| matches!(stamp, Stamp::Date(_));
        for (property, stamps) in [("RDATE", &self.dates), ("EXDATE", &self.exceptions)] {
            if stamps.iter().any(|stamp| is_day(stamp) != days) {
                let accepts = if days { "VALUE=DATE, as DTSTART is a day" } else { "times, as DTSTART is no day but a time" };
                let parameter = if days { "a time" } else { "VALUE=DATE" }.to_owned();
                return Err(RruleError::Parameter { property, parameter, accepts });
            }
        }
        Ok(())
    }
}

impl Property {
    fn parse(line: &str) -> Result<Property, RruleError> {
        let (head, value) = split_outside_quotes(line, ':').ok_or_else(|| RruleError::NotAProperty(excerpt(line)))?;
        let (name, mut parameters) = match split_outside_quotes(head, ';') {
            Some((name, parameters)) => (name, Some(parameters)),
            None => (head, None),
        };
        let mut property = Property { name: known(name)?, zone: None, is_date: false, value: value.trim().to_owned() };
        while let Some(rest) = parameters {
            let (parameter, following) = match split_outside_quotes(rest, ';') {
                Some((parameter, following)) => (parameter, Some(following)),
                None => (rest, None),
            };
            property.read_parameter(parameter)?;
            parameters = following;
        }
        Ok(property)
    }

    fn read_parameter(&mut self, parameter: &str) -> Result<(), RruleError> {
        let property = self.name;
        let refuse = |accepts| RruleError::Parameter { property, parameter: excerpt(parameter), accepts };
        if property == "RRULE" {
            return Err(refuse("no parameter here"));
        }
        let (name, value) = parameter.split_once('=').ok_or_else(|| refuse("TZID=… or VALUE=…"))?;
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        match name.to_ascii_uppercase().as_str() {
            "TZID" if self.zone.is_some() => return Err(refuse("one TZID")),
            "TZID" if value.len() > MOST_ZONE_BYTES => return Err(refuse("an IANA time zone such as Europe/Berlin")),
            "TZID" => self.zone = Some(Zone::named(value).map_err(|zone| RruleError::Zone { property, zone })?),
            "VALUE" if value.eq_ignore_ascii_case("DATE") => self.is_date = true,
            "VALUE" if value.eq_ignore_ascii_case("DATE-TIME") => {}
            "VALUE" => return Err(refuse("VALUE=DATE or VALUE=DATE-TIME")),
            _ => return Err(refuse("TZID=… or VALUE=…")),
        }
        Ok(())
    }

    fn start(&self) -> Result<Start, RruleError> {
        let (wall, zone) = match self.stamp(&self.value)? {
            Stamp::Instant(at) => (at, Some(Zone::utc())),
            Stamp::Local(wall) | Stamp::Date(wall) => (wall, self.zone.clone()),
        };
        Ok(Start { wall, zone, is_date: self.is_date })
    }

    /// Instants where the zone is known here.
    fn stamps(&self) -> Result<Vec<Stamp>, RruleError> {
        let in_zone = |stamp| match (&self.zone, stamp) {
            (Some(zone), Stamp::Local(wall)) => clock::instant(zone.rules(), wall).map_or(stamp, Stamp::Instant),
            _ => stamp,
        };
        self.value.split(',').map(|item| self.stamp(item).map(in_zone)).collect()
    }

    fn stamp(&self, text: &str) -> Result<Stamp, RruleError> {
        let refuse = |accepts| RruleError::Time { property: self.name, value: excerpt(text), accepts };
        match (Stamp::parse(text), self.is_date, &self.zone) {
            (Some(stamp @ Stamp::Date(_)), true, None) => Ok(stamp),
            (Some(Stamp::Date(_)), true, Some(_)) => Err(refuse("a day without TZID: it is one of the schedule's zone")),
            (_, true, _) => Err(refuse("a day that exists, such as 20260105")),
            (Some(Stamp::Date(_)), false, _) => Err(refuse("a time such as 20260105T090000, or VALUE=DATE")),
            (Some(Stamp::Instant(_)), false, Some(_)) => Err(refuse("a time without Z, for TZID says of which zone it is")),
            (Some(stamp), false, _) => Ok(stamp),
            (None, false, _) => Err(refuse("a time that exists, such as 20260105T090000, or 20260105T090000Z in UTC")),
        }
    }
}

fn known(name: &str) -> Result<&'static str, RruleError> {
    if name.eq_ignore_ascii_case("EXRULE") {
        return Err(RruleError::ExceptionRule);
    }
    ["DTSTART", "RRULE", "RDATE", "EXDATE"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .ok_or_else(|| RruleError::UnknownProperty(excerpt(name)))
}

/// A line that begins with a space or tab goes on with the one before (RFC 5545 3.1).
fn unfold(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim().lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest.trim_end()),
            _ if line.trim().is_empty() => {}
            _ => lines.push(line.trim().to_owned()),
        }
    }
    lines
}

/// `FREQ=…` without the name of the property.
fn is_bare_rule(line: &str) -> bool {
    line.find([':', ';', '=']).is_some_and(|end| line[end..].starts_with('='))
}

fn split_outside_quotes(text: &str, at: char) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let end = text.find(|found| {
        is_quoted ^= found == '"';
        found == at && !is_quoted
    })?;
    Some((&text[..end], &text[end + 1..]))
}
