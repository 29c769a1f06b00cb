//! What named calendars come to together.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::civil::{Date, Weekday};

use super::date_set::{DateEntry, DateSet, Keys};
use super::pinned::MAX_PINNED_BYTES;
use super::{BusinessCalendar, names};
use crate::violation::nearest;

/// How many calendars may build on each other in a row.
const MOST_LEVELS: usize = 8;
/// How many calendars may take part in one; they are the bits of a word.
const MOST_PARTS: usize = 64;
/// How far a business day is looked for. A year without one is a mistake.
const LONGEST_CLOSURE_DAYS: usize = 366;

/// A calendar at one of its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarVersion {
    pub version: i64,
    pub calendar: BusinessCalendar,
}

/// The named calendars that specs may ask for, each at one version.
///
/// Made once, asked often: a calendar that cannot be used says so only when it is asked for.
#[derive(Debug, Clone, Default)]
pub struct Calendars {
    resolved: BTreeMap<String, Result<BusinessDays, CalendarError>>,
}

/// Why a calendar cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("there is no calendar `{name}`{}{}", named_by(.within), perhaps(.nearest))]
    Unknown {
        name: String,
        /// The calendar whose `union` names it.
        within: Option<String>,
        nearest: Option<String>,
    },
    #[error("the calendars `{}` build on each other in a circle; take one of them out of another's `union`", .0.join("` → `"))]
    Cycle(Vec<String>),
    #[error("the calendars `{}` build on each other more than {MOST_LEVELS} deep", .0.join("` → `"))]
    TooDeep(Vec<String>),
    #[error("calendar `{0}` builds on more than {MOST_PARTS} calendars")]
    TooMany(String),
    #[error("with all that they build on, the calendars `{}` come to {bytes} bytes; at most {MAX_PINNED_BYTES} are kept with a schedule", .names.join("`, `"))]
    TooLarge { names: Vec<String>, bytes: usize },
    #[error("calendar `{calendar}` has no business day within a year of {date}")]
    AlwaysClosed { calendar: String, date: Date },
}

fn named_by(within: &Option<String>) -> String {
    within.as_ref().map(|within| format!(", which `{within}` builds on")).unwrap_or_default()
}

fn perhaps(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; the nearest is `{nearest}`")).unwrap_or_default()
}

impl Calendars {
    pub fn none() -> &'static Calendars {
        static NONE: Calendars = Calendars { resolved: BTreeMap::new() };
        &NONE
    }

    pub fn new(calendars: BTreeMap<String, CalendarVersion>) -> Calendars {
        let parts: BTreeMap<&str, Part> = calendars.iter().map(|(name, version)| (name.as_str(), Part::of(name, version))).collect();
        let resolve = |name: &String| (name.clone(), Resolution { calendars: &calendars, parts: &parts }.resolve(name));
        Calendars { resolved: calendars.keys().map(resolve).collect() }
    }

    /// The business days of the calendar `name`.
    ///
    /// # Errors
    /// When there is no such calendar, or it cannot be used: all variants but [`CalendarError::AlwaysClosed`].
    pub fn get(&self, name: &str) -> Result<&BusinessDays, CalendarError> {
        match self.resolved.get(name) {
            Some(resolved) => resolved.as_ref().map_err(Clone::clone),
            None => Err(unknown(name, None, self.resolved.keys())),
        }
    }
}

fn unknown<'a>(name: &str, within: Option<&str>, known: impl Iterator<Item = &'a String>) -> CalendarError {
    let nearest = nearest(name, known.map(String::as_str)).map(str::to_owned);
    CalendarError::Unknown { name: name.to_owned(), within: within.map(str::to_owned), nearest }
}

/// Which days are business days, by one calendar and all that it builds on.
#[derive(Debug, Clone)]
pub struct BusinessDays {
    /// Each after those that it builds on; the calendar itself comes last.
    parts: Vec<Placed>,
    /// Bit `n` for the weekday that is `n` days after Monday.
    weekend: u8,
}

/// What a day is that is no plain business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind<'a> {
    Holiday(Said<'a>),
    Weekend,
    /// Worked on, although the weekend or a calendar that is built on has it off.
    Workday(Said<'a>),
}

/// An entry, and the calendar that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    pub entry: &'a DateEntry,
    pub calendar: &'a str,
}

/// A calendar without what it builds on; shared by all that build on it.
#[derive(Debug, Clone)]
struct Part(Arc<PartContent>);

#[derive(Debug)]
struct PartContent {
    name: String,
    version: i64,
    weekend: Option<u8>,
    holidays: DateSet,
    except: DateSet,
    workdays: DateSet,
}

#[derive(Debug, Clone)]
struct Placed {
    part: Part,
    /// Bit `n` for part `n`.
    builds_on: u64,
}

impl Part {
    fn of(name: &str, version: &CalendarVersion) -> Part {
        let BusinessCalendar { weekend, holidays, except, workdays, .. } = &version.calendar;
        let bits = |days: &Vec<Weekday>| days.iter().fold(0, |bits, day| bits | names::weekday_bit(*day));
        Part(Arc::new(PartContent {
            name: name.to_owned(),
            version: version.version,
            weekend: weekend.as_ref().map(bits),
            holidays: DateSet::new(holidays.clone()),
            except: DateSet::new(except.clone()),
            workdays: DateSet::new(workdays.clone()),
        }))
    }
}

impl BusinessDays {
    /// Monday to Friday, without holidays.
    pub fn monday_to_friday() -> &'static BusinessDays {
        static PLAIN: LazyLock<BusinessDays> = LazyLock::new(|| {
            let version = CalendarVersion { version: 0, calendar: BusinessCalendar::default() };
            let part = Part::of("Monday to Friday", &version);
            BusinessDays { parts: vec![Placed { part, builds_on: 0 }], weekend: SATURDAY_AND_SUNDAY }
        });
        &PLAIN
    }

    pub fn is_business_day(&self, date: Date) -> bool {
        let keys = Keys::of(date);
        let at_weekend = self.weekend & names::weekday_bit(date.weekday()) != 0;
        if at_weekend && !self.parts.iter().any(|placed| placed.part.0.workdays.entry_at(&keys).is_some()) {
            return false;
        }
        !self.is_own_holiday(self.holiday_bits(&keys))
    }

    /// The entry that makes `date` a holiday; a weekend is none.
    pub fn holiday(&self, date: Date) -> Option<&DateEntry> {
        self.holiday_said(&Keys::of(date)).map(|said| said.entry)
    }

    /// What `date` is; `None` for a plain business day.
    pub fn kind(&self, date: Date) -> Option<DayKind<'_>> {
        let keys = Keys::of(date);
        if let Some(said) = self.holiday_said(&keys) {
            return Some(DayKind::Holiday(said));
        }
        if self.weekend & names::weekday_bit(date.weekday()) != 0 {
            return Some(self.workday_said(&keys).map_or(DayKind::Weekend, DayKind::Workday));
        }
        self.exception_said(&keys).map(DayKind::Workday)
    }

    fn holiday_said(&self, keys: &Keys) -> Option<Said<'_>> {
        let bits = self.holiday_bits(keys);
        if !self.is_own_holiday(bits) {
            return None;
        }
        let mut place = self.parts.len() - 1;
        loop {
            let Placed { part, builds_on } = &self.parts[place];
            if let Some(entry) = part.0.holidays.entry_at(keys) {
                return Some(Said { entry, calendar: &part.0.name });
            }
            // Its parts stand before it, so this ends.
            place = (builds_on & bits).trailing_zeros() as usize;
        }
    }

    /// The nearest calendar that has people work on a day of the weekend.
    fn workday_said(&self, keys: &Keys) -> Option<Said<'_>> {
        self.parts.iter().rev().find_map(|Placed { part, .. }| {
            let entry = part.0.workdays.entry_at(keys)?;
            Some(Said { entry, calendar: &part.0.name })
        })
    }

    /// The nearest calendar that takes a holiday away, of a day that is none in the end.
    fn exception_said(&self, keys: &Keys) -> Option<Said<'_>> {
        let bits = self.holiday_bits(keys);
        let would_be = |placed: &Placed| placed.builds_on & bits != 0 || placed.part.0.holidays.entry_at(keys).is_some();
        self.parts.iter().rev().filter(|placed| would_be(placed)).find_map(|Placed { part, .. }| {
            let entry = part.0.except.entry_at(keys)?;
            Some(Said { entry, calendar: &part.0.name })
        })
    }

    /// The first business day from `from` on.
    ///
    /// # Errors
    /// [`CalendarError::AlwaysClosed`] when the next year has none.
    pub fn next_business_day(&self, from: Date) -> Result<Date, CalendarError> {
        self.nearest_open(from, |date| date.tomorrow().ok())
    }

    /// The last business day up to `to`; errors as [`BusinessDays::next_business_day`].
    pub fn previous_business_day(&self, to: Date) -> Result<Date, CalendarError> {
        self.nearest_open(to, |date| date.yesterday().ok())
    }

    /// The calendar's name.
    pub fn name(&self) -> &str {
        &self.parts[self.parts.len() - 1].part.0.name
    }

    /// The calendars that take part and the versions at which they were read: what a plan by this calendar depends on.
    pub fn versions(&self) -> impl Iterator<Item = (&str, i64)> {
        self.parts.iter().map(|placed| (placed.part.0.name.as_str(), placed.part.0.version))
    }

    fn nearest_open(&self, from: Date, step: impl Fn(Date) -> Option<Date>) -> Result<Date, CalendarError> {
        let days = std::iter::successors(Some(from), |date| step(*date)).take(LONGEST_CLOSURE_DAYS);
        let closed = || CalendarError::AlwaysClosed { calendar: self.name().to_owned(), date: from };
        days.into_iter().find(|date| self.is_business_day(*date)).ok_or_else(closed)
    }

    /// Bit `n` when the day is a holiday by part `n`.
    fn holiday_bits(&self, keys: &Keys) -> u64 {
        let mut bits = 0;
        for (place, Placed { part, builds_on }) in self.parts.iter().enumerate() {
            let listed = builds_on & bits != 0 || part.0.holidays.entry_at(keys).is_some();
            if listed && part.0.except.entry_at(keys).is_none() {
                bits |= 1 << place;
            }
        }
        bits
    }

    fn is_own_holiday(&self, bits: u64) -> bool {
        bits >> (self.parts.len() - 1) & 1 == 1
    }
}

const SATURDAY_AND_SUNDAY: u8 = 0b110_0000;

struct Resolution<'a> {
    calendars: &'a BTreeMap<String, CalendarVersion>,
    parts: &'a BTreeMap<&'a str, Part>,
}

/// The parts placed so far, where each stands and the weekend that holds for it.
#[derive(Default)]
struct Placing<'a> {
    parts: Vec<Placed>,
    placed: BTreeMap<&'a str, (usize, Option<u8>)>,
    /// The names from the first to the one that is being placed.
    path: Vec<&'a str>,
}

impl<'a> Resolution<'a> {
    fn resolve(&self, name: &'a str) -> Result<BusinessDays, CalendarError> {
        let mut placing = Placing::default();
        let (_, weekend) = self.place(name, &mut placing)?;
        Ok(BusinessDays { parts: placing.parts, weekend: weekend.unwrap_or(SATURDAY_AND_SUNDAY) })
    }

    /// Places `name` after all that it builds on. Depth is bounded by [`MOST_LEVELS`], breadth by [`MOST_PARTS`], for
    /// what is placed is not visited again.
    fn place(&self, name: &'a str, placing: &mut Placing<'a>) -> Result<(usize, Option<u8>), CalendarError> {
        if let Some(placed) = placing.placed.get(name) {
            return Ok(*placed);
        }
        let circular = placing.path.contains(&name);
        placing.path.push(name);
        let path = || placing.path.iter().map(|name| (*name).to_owned()).collect();
        if circular {
            return Err(CalendarError::Cycle(path()));
        }
        if placing.path.len() > MOST_LEVELS {
            return Err(CalendarError::TooDeep(path()));
        }
        let within = placing.path.len().checked_sub(2).map(|index| placing.path[index]);
        let (Some(version), Some(part)) = (self.calendars.get(name), self.parts.get(name)) else {
            return Err(unknown(name, within, self.calendars.keys()));
        };
        let (mut builds_on, mut weekend) = (0, None);
        for base in &version.calendar.union {
            let (place, of_base) = self.place(base, placing)?;
            builds_on |= 1 << place;
            weekend = of_base.map(|bits: u8| bits | weekend.unwrap_or(0)).or(weekend);
        }
        placing.path.pop();
        let place = placing.parts.len();
        if place == MOST_PARTS {
            return Err(CalendarError::TooMany(placing.path.first().copied().unwrap_or(name).to_owned()));
        }
        placing.parts.push(Placed { part: part.clone(), builds_on });
        let placed = (place, part.0.weekend.or(weekend));
        placing.placed.insert(name, placed);
        Ok(placed)
    }
}
