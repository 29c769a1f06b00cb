//! Why a text is no recurrence rule, said so that its author can put it right.

use super::steps::SearchTooLong;
use crate::time::{UnixMillis, UnknownZone};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RruleError {
    #[error("a recurrence rule is at most {most} bytes long, but {length} were found")]
    TooLong { length: usize, most: usize },

    #[error("`{0}` is no property; write lines such as DTSTART;TZID=Europe/Berlin:20260105T090000 and RRULE:FREQ=DAILY")]
    NotAProperty(String),
    #[error("`{0}` does not belong here; use DTSTART, RRULE, RDATE and EXDATE, each on a line of its own")]
    UnknownProperty(String),
    #[error("EXRULE is no longer part of iCalendar (RFC 5545); list the times in EXDATE, or use the schedule's `exclude`")]
    ExceptionRule,
    #[error("there is no RRULE; write one such as RRULE:FREQ=DAILY (single times need none: use the schedule's `at`)")]
    NoRule,
    #[error("there are several RRULE lines, and RFC 5545 leaves open what that means; give each a spec of its own in `specs`")]
    SeveralRules,
    #[error("there are several DTSTART lines; give one")]
    SeveralStarts,
    #[error("`{parameter}` in {property}: use {accepts}")]
    Parameter { property: &'static str, parameter: String, accepts: &'static str },
    #[error("TZID in {property}: {zone}")]
    Zone { property: &'static str, zone: UnknownZone },
    #[error("`{value}` in {property}: use {accepts}")]
    Time { property: &'static str, value: String, accepts: &'static str },

    #[error("`{0}` is no part of a rule; write NAME=VALUE, with `;` between the parts")]
    NotAPart(String),
    #[error(
        "`{given}` is no part of a rule{}; use FREQ, INTERVAL, COUNT, UNTIL, WKST, BYSECOND, BYMINUTE, BYHOUR, BYDAY, \
         BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYMONTH and BYSETPOS", or_nearest(.nearest)
    )]
    UnknownPart { given: String, nearest: Option<&'static str> },
    #[error("{0} is given twice; give it once (values are separated by commas)")]
    RepeatedPart(&'static str),
    #[error("FREQ is missing; use {FREQUENCIES}")]
    NoFrequency,
    #[error("`{value}` in {part}: use {accepts}")]
    Value { part: &'static str, value: String, accepts: String },
    #[error("{part} does not go with {with}; {instead}")]
    Together { part: &'static str, with: String, instead: &'static str },

    #[error("this rule has no DTSTART; give one, or the schedule's `start`")]
    NoStart,
    #[error("this rule has a DTSTART of its own; leave out either that or `start`")]
    TwoStarts,
    #[error("`{0}` is finer than a second, which a recurrence rule cannot be")]
    StartTooFine(UnixMillis),
    #[error("this rule would never fire: it has no time from DTSTART up to UNTIL={0}; use a later one")]
    EndsBeforeItBegins(String),
    #[error("this rule would never fire: there is no time at which {parts} hold together; change or leave out one of them")]
    NeverFires { parts: String },
    #[error("{parts}: {source}")]
    TooRare { parts: String, source: SearchTooLong },
}

pub(super) const FREQUENCIES: &str = "YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY or SECONDLY";

fn or_nearest(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!(" (perhaps {name})")).unwrap_or_default()
}

/// What an error quotes of a text that may be long.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
