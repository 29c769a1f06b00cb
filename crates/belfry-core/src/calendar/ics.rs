//! Reading iCalendar files (RFC 5545), in which holidays are published, as business calendars.
//!
//! All-day events become entries, once, yearly, or on a weekday of a month each year. Whatever else an event says that
//! would change its days is not guessed at: the event is left out and reported.

mod event;
mod lines;
mod recurrence;

use self::event::Event;
use self::lines::Line;
use super::{BusinessCalendar, DateEntry, MAX_DAYS, MAX_ENTRIES};

/// The largest file that is read.
pub const MAX_BYTES: usize = 1024 * 1024;
/// How deep components may be nested; a calendar, its events and their alarms are three.
const MOST_LEVELS: usize = 8;

/// What a file came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its holidays only: neither a weekend nor exceptions.
    pub calendar: BusinessCalendar,
    /// What is in the file and not in the calendar, in the order of the file.
    pub left_out: Vec<LeftOut>,
}

/// A component that is not in the calendar, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// The event's summary, where it has one.
    pub label: Option<String>,
    pub reason: String,
}

/// Why a text is no iCalendar file. Lines count from 1, as an editor shows them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IcsError {
    #[error("the file is {size} bytes long; at most {MAX_BYTES} are read")]
    TooLarge { size: usize },
    #[error("line {line} is not UTF-8 text; save the file as UTF-8")]
    NotUtf8 { line: usize },
    #[error("line {line}: `{found}` is no iCalendar line; write NAME:VALUE, in a file that begins with BEGIN:VCALENDAR")]
    NotALine { line: usize, found: String },
    #[error("line {line}: `{found}` stands outside of a calendar, which begins with BEGIN:VCALENDAR")]
    Outside { line: usize, found: String },
    #[error("line {line}: END:{found} ends nothing; {}", expected_end(.expected))]
    WrongEnd { line: usize, found: String, expected: Option<String> },
    #[error("BEGIN:{component} of line {line} has no END:{component}")]
    NotEnded { line: usize, component: String },
    #[error("line {line}: components are nested more than {MOST_LEVELS} deep")]
    TooDeep { line: usize },
    #[error("line {line}: {property} is given twice in one event")]
    Twice { line: usize, property: String },
    #[error("line {line}: `{value}` is no value of {property}; write {expected}")]
    Value { line: usize, property: String, value: String, expected: &'static str },
    #[error("the event that begins on line {line} has no DTSTART")]
    NoStart { line: usize },
    #[error("line {line}: there are more than {MAX_ENTRIES} holidays, or more than {MAX_DAYS} days in them")]
    TooMany { line: usize },
    #[error("the file has no calendar; it must begin with BEGIN:VCALENDAR")]
    NoCalendar,
}

fn expected_end(expected: &Option<String>) -> String {
    match expected {
        Some(component) => format!("END:{component} must come first"),
        None => "no component is open".to_owned(),
    }
}

/// Reads the text of an iCalendar file.
///
/// # Errors
/// [`IcsError`] when it is no such file. What is one, but cannot be said in a calendar, is in [`Import::left_out`].
pub fn import(text: &[u8]) -> Result<Import, IcsError> {
    if text.len() > MAX_BYTES {
        return Err(IcsError::TooLarge { size: text.len() });
    }
    let mut reader = Reader::default();
    for line in lines::unfolded(text)? {
        reader.line(Line::parse(line)?)?;
    }
    reader.end()
}

#[derive(Default)]
struct Reader {
    /// The components that are open, outermost first, each with its line.
    open: Vec<(String, usize)>,
    event: Option<Event>,
    entries: Vec<DateEntry>,
    /// How many days the entries come to.
    days: usize,
    left_out: Vec<LeftOut>,
    has_calendar: bool,
}

impl Reader {
    fn line(&mut self, line: Line) -> Result<(), IcsError> {
        match line.name.as_str() {
            "BEGIN" => self.begin(&line),
            "END" => self.close(&line),
            _ if self.open.is_empty() => Err(IcsError::Outside { line: line.number, found: line.name }),
            _ => self.property(line),
        }
    }

    fn begin(&mut self, line: &Line) -> Result<(), IcsError> {
        let component = line.value.trim().to_uppercase();
        match (self.open.len(), component.as_str()) {
            (0, "VCALENDAR") => self.has_calendar = true,
            (0, _) => return Err(IcsError::Outside { line: line.number, found: format!("BEGIN:{}", line.value) }),
            (MOST_LEVELS.., _) => return Err(IcsError::TooDeep { line: line.number }),
            (1, "VEVENT") => self.event = Some(Event::new(line.number)),
            // Nobody looks for holidays in the description of a zone.
            (1, "VTIMEZONE") => {}
            (1, _) => self.leave_out(line.number, None, format!("it is a {component}; only events become holidays")),
            _ => {}
        }
        self.open.push((component, line.number));
        Ok(())
    }

    fn close(&mut self, line: &Line) -> Result<(), IcsError> {
        let component = line.value.trim().to_uppercase();
        match self.open.pop() {
            Some((open, _)) if open == component => {}
            open => {
                let expected = open.map(|(component, _)| component);
                return Err(IcsError::WrongEnd { line: line.number, found: line.value.clone(), expected });
            }
        }
        if self.open.len() == 1
            && let Some(event) = self.event.take()
        {
            self.keep(event, line.number)?;
        }
        Ok(())
    }

    /// A property of a component inside an event, such as an alarm, is none of the event.
    fn property(&mut self, line: Line) -> Result<(), IcsError> {
        match &mut self.event {
            Some(event) if self.open.len() == 2 => event.property(line),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, event: Event, line: usize) -> Result<(), IcsError> {
        let (begins, label) = (event.line, event.label.clone());
        match event.entries()? {
            Ok(entries) => {
                self.days += entries.iter().map(|entry| entry.on.size()).sum::<usize>();
                self.entries.extend(entries);
            }
            Err(reason) => self.leave_out(begins, label, reason),
        }
        if self.entries.len() > MAX_ENTRIES || self.days > MAX_DAYS { Err(IcsError::TooMany { line }) } else { Ok(()) }
    }

    fn leave_out(&mut self, line: usize, label: Option<String>, reason: String) {
        self.left_out.push(LeftOut { line, label, reason });
    }

    fn end(self) -> Result<Import, IcsError> {
        if let Some((component, line)) = self.open.into_iter().next_back() {
            return Err(IcsError::NotEnded { line, component });
        }
        if !self.has_calendar {
            return Err(IcsError::NoCalendar);
        }
        let calendar = BusinessCalendar { holidays: self.entries, ..BusinessCalendar::default() };
        Ok(Import { calendar, left_out: self.left_out })
    }
}
