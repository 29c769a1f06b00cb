//! Sets of days: what a calendar lists, indexed so that a day is found without reading the list.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};

use super::date_rule::{DateRule, days_between};
use super::easter::easter;
use super::names::LAST;

/// One line of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateEntry {
    pub on: DateRule,
    /// The first and last year in which a recurring rule holds, both inclusive.
    pub since: Option<i16>,
    pub until: Option<i16>,
    /// What people call it, such as `Good Friday`.
    pub label: Option<String>,
}

impl DateEntry {
    pub fn new(on: DateRule) -> DateEntry {
        DateEntry { on, since: None, until: None, label: None }
    }

    fn holds_in(&self, year: i16) -> bool {
        self.since.is_none_or(|since| since <= year) && self.until.is_none_or(|until| year <= until)
    }
}

/// Days, found in a few look-ups however many entries there are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DateSet {
    entries: Vec<DateEntry>,
    index: BTreeMap<Key, Vec<u32>>,
}

/// The ways in which an entry can name one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Date(Date),
    Yearly(i8, i8),
    Easter(i16),
    /// Month, days from Monday, ordinal.
    Nth(i8, i8, i8),
}

/// Every key that names one day; worked out once and looked up in many sets.
pub(super) struct Keys {
    year: i16,
    keys: [Key; 5],
}

impl DateSet {
    pub fn new(entries: Vec<DateEntry>) -> DateSet {
        let mut index: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
        for (place, entry) in (0..).zip(&entries) {
            for key in keys_of(entry.on) {
                index.entry(key).or_default().push(place);
            }
        }
        DateSet { entries, index }
    }

    pub fn entries(&self) -> &[DateEntry] {
        &self.entries
    }

    /// The first entry that names `date`.
    pub fn entry(&self, date: Date) -> Option<&DateEntry> {
        self.entry_at(&Keys::of(date))
    }

    pub(super) fn entry_at(&self, keys: &Keys) -> Option<&DateEntry> {
        if self.entries.is_empty() {
            return None;
        }
        let places = keys.keys.iter().filter_map(|key| self.index.get(key)).flatten();
        places.map(|place| &self.entries[*place as usize]).find(|entry| !entry.on.is_recurring() || entry.holds_in(keys.year))
    }
}

fn keys_of(rule: DateRule) -> Vec<Key> {
    match rule {
        DateRule::Date(date) => vec![Key::Date(date)],
        DateRule::Range { from, to } => from.series(jiff::Span::new().days(1)).take_while(|date| *date <= to).map(Key::Date).collect(),
        DateRule::Yearly { month, day } => vec![Key::Yearly(month, day)],
        DateRule::Easter(offset) => vec![Key::Easter(offset)],
        DateRule::Nth { nth, weekday, month } => vec![Key::Nth(month, weekday.to_monday_zero_offset(), nth)],
    }
}

impl Keys {
    pub(super) fn of(date: Date) -> Keys {
        let (month, day) = (date.month(), date.day());
        let weekday: Weekday = date.weekday();
        let weekday = weekday.to_monday_zero_offset();
        let nth = Key::Nth(month, weekday, (day - 1) / 7 + 1);
        let last = if date.days_in_month() - day < 7 { Key::Nth(month, weekday, LAST) } else { nth };
        let from_easter = days_between(easter(date.year()), date) as i16;
        Keys { year: date.year(), keys: [Key::Date(date), Key::Yearly(month, day), Key::Easter(from_easter), nth, last] }
    }
}
