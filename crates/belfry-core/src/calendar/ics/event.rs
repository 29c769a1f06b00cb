//! One event: its properties, and the days that it stands for.

use jiff::ToSpan;
use jiff::civil::Date;

use super::IcsError;
use super::lines::Line;
use super::recurrence::Recurrence;
use crate::calendar::date_rule::days_between;
use crate::calendar::{DateEntry, DateRule, LONGEST_RANGE};

const LONGEST_LABEL: usize = 200;
const A_DATE: &str = "a date such as 20261224";

/// The properties that say which days an event covers, each at most once.
#[derive(Default)]
pub(super) struct Event {
    /// The line of its BEGIN.
    pub line: usize,
    pub label: Option<String>,
    start: Option<Line>,
    end: Option<Line>,
    length: Option<Line>,
    rule: Option<Line>,
    /// The first property that makes the event more than Belfry's calendars can say.
    beyond: Option<String>,
}

impl Event {
    pub fn new(line: usize) -> Event {
        Event { line, ..Event::default() }
    }

    pub fn property(&mut self, line: Line) -> Result<(), IcsError> {
        let place = match line.name.as_str() {
            "DTSTART" => &mut self.start,
            "DTEND" => &mut self.end,
            "DURATION" => &mut self.length,
            "RRULE" => &mut self.rule,
            "SUMMARY" => {
                self.label = Some(line.as_text().chars().take(LONGEST_LABEL).collect()).filter(|label: &String| !label.is_empty());
                return Ok(());
            }
            "STATUS" if line.value.trim().eq_ignore_ascii_case("CANCELLED") => {
                self.beyond.get_or_insert_with(|| "it is cancelled".to_owned());
                return Ok(());
            }
            "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID" => {
                self.beyond.get_or_insert_with(|| format!("{} changes its days; enter them by hand", line.name));
                return Ok(());
            }
            _ => return Ok(()),
        };
        if place.is_some() {
            return Err(IcsError::Twice { line: line.number, property: line.name });
        }
        *place = Some(line);
        Ok(())
    }

    /// Its days, or why they cannot be said.
    pub fn entries(self) -> Result<Result<Vec<DateEntry>, String>, IcsError> {
        let start = self.start.ok_or(IcsError::NoStart { line: self.line })?;
        if let Some(beyond) = self.beyond {
            return Ok(Err(beyond));
        }
        let Some(first) = whole_day(&start)? else {
            return Ok(Err("it has a time of day; a holiday is a whole day".to_owned()));
        };
        let days = match (&self.end, &self.length) {
            (Some(end), _) => match whole_day(end)? {
                // An end is exclusive; many programs write the day itself for an event of one day.
                Some(end) if end == first => 1,
                Some(end) => days_between(first, end),
                None => return Ok(Err("it ends at a time of day; a holiday is a whole day".to_owned())),
            },
            (None, Some(length)) => match whole_days(length)? {
                Some(days) => days,
                None => return Ok(Err(format!("DURATION {} is no number of whole days", length.value))),
            },
            (None, None) => 1,
        };
        if !(1..=LONGEST_RANGE).contains(&days) {
            return Ok(Err(format!("it lasts {days} days; a holiday lasts 1 to {LONGEST_RANGE}")));
        }
        let entries = match &self.rule {
            None => once(first, days),
            Some(rule) => Recurrence::parse(rule)?.and_then(|recurrence| recurrence.entries(first, days)),
        };
        let labelled = |entry: DateEntry| DateEntry { label: self.label.clone(), ..entry };
        Ok(entries.map(|entries| entries.into_iter().map(labelled).collect()))
    }
}

fn once(first: Date, days: i32) -> Result<Vec<DateEntry>, String> {
    let last = first.checked_add((days - 1).days()).map_err(|_| "it ends after the year 9999".to_owned())?;
    let rule = if days == 1 { DateRule::Date(first) } else { DateRule::Range { from: first, to: last } };
    Ok(vec![DateEntry::new(rule)])
}

/// The date of a property, `None` when it is a time. Some programs leave `VALUE=DATE` away.
fn whole_day(line: &Line) -> Result<Option<Date>, IcsError> {
    let value = line.value.trim();
    let is_time = line.parameter("VALUE").map_or(value.contains('T'), |kind| kind.eq_ignore_ascii_case("DATE-TIME"));
    if is_time {
        return Ok(None);
    }
    basic_date(value).map(Some).ok_or_else(|| IcsError::Value {
        line: line.number,
        property: line.name.clone(),
        value: value.chars().take(60).collect(),
        expected: A_DATE,
    })
}

/// `YYYYMMDD`, from the year 1 on.
pub(super) fn basic_date(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year = text[..4].parse().ok().filter(|year| *year > 0)?;
    Date::new(year, text[4..6].parse().ok()?, text[6..].parse().ok()?).ok()
}

/// The days of `P3D` or `P2W`; `None` for other durations.
fn whole_days(line: &Line) -> Result<Option<i32>, IcsError> {
    let text = line.value.trim().trim_start_matches('+');
    let Some(rest) = text.strip_prefix('P') else {
        let (property, value) = (line.name.clone(), line.value.chars().take(60).collect());
        return Err(IcsError::Value { line: line.number, property, value, expected: "a duration such as P1D" });
    };
    let count = |digits: &str| digits.parse::<u16>().ok().map(i32::from);
    let days = rest.strip_suffix('D').and_then(count);
    Ok(days.or_else(|| rest.strip_suffix('W').and_then(count).map(|weeks| weeks * 7)))
}
