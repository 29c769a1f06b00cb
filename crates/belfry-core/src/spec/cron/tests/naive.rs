//! The rules once more, as slowly and as plainly as they can be said: no bit sets, no search, one instant at a time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};

use super::super::{CronRules, DayFields, Fold, Gap};

pub struct Naive {
    /// Second, minute, hour, day, month, weekday, year: the items of each.
    fields: [Vec<Item>; 7],
    day_fields_restricted: bool,
    fixed: bool,
    has_seconds: bool,
}

enum Item {
    Steps { from: i16, to: i16, step: i16 },
    DaysBeforeLast(i8),
    Nearest(i8),
    LastWorking,
    LastWeekday(i8),
    NthWeekday(i8, i8),
}

impl Naive {
    pub fn new(text: &str) -> Naive {
        let mut fields: Vec<String> = text.split_whitespace().map(|field| with_numbers(field).replace('?', "*")).collect();
        if fields.len() == 5 {
            fields.insert(0, "0".to_owned());
        }
        if fields.len() == 6 {
            fields.push("*".to_owned());
        }
        let open = |item: &str| item.contains('/') && !item.contains('-') && !item.contains('*');
        let rhythm = fields[..3].iter().any(|field| field.starts_with('*') || field.split(',').any(open));
        let bounds = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (1970, 2199)];
        let items = fields.iter().zip(bounds).map(|(field, bounds)| field.split(',').map(|text| item(text, bounds)).collect());
        Naive {
            day_fields_restricted: !fields[3].starts_with('*') && !fields[5].starts_with('*'),
            fixed: !rhythm,
            has_seconds: fields[0] != "0",
            fields: items.collect::<Vec<_>>().try_into().ok().unwrap(),
        }
    }

    pub fn has_seconds(&self) -> bool {
        self.has_seconds
    }

    pub fn matches(&self, local: DateTime, dom_dow: DayFields) -> bool {
        let [second, minute, hour, day, month, weekday, year] = &self.fields;
        let date = local.date();
        let time = [(minute, local.minute()), (hour, local.hour()), (second, local.second()), (month, local.month())];
        time.iter().all(|(items, value)| items.iter().any(|item| item.holds(i16::from(*value))))
            && year.iter().any(|item| item.holds(local.year()))
            && {
                let on_day = day.iter().any(|item| item.holds_day(date));
                let on_weekday = weekday.iter().any(|item| item.holds_weekday(date));
                let either = self.day_fields_restricted && dom_dow == DayFields::Or;
                if either { on_day || on_weekday } else { on_day && on_weekday }
            }
    }

    /// Whether the expression fires at `clock`, which was reached by steps of its `step` seconds.
    pub fn fires(&self, clock: &Clock, rules: CronRules) -> bool {
        if !self.fixed {
            return self.matches(clock.local, rules.dom_dow);
        }
        // Nothing that is not shown by a clock fires there, lost times aside.
        let passes = match (clock.pass, rules.fold) {
            (Pass::Only, _) | (_, Fold::Both) => true,
            (Pass::First, fold) => fold == Fold::First,
            (Pass::Second, fold) => fold == Fold::Second,
        };
        let shown = passes && self.matches(clock.local, rules.dom_dow);
        shown || clock.gap.is_some_and(|gap| self.made_up(clock, gap, rules))
    }

    fn made_up(&self, clock: &Clock, gap: PastGap, rules: CronRules) -> bool {
        let since = clock.at.as_second() - gap.at.as_second();
        let lost = |seconds: i64| {
            let at = Timestamp::from_second(gap.at.as_second() + seconds).unwrap();
            self.matches(gap.before.to_datetime(at), rules.dom_dow)
        };
        match rules.gap {
            _ if gap.seconds > 3 * 3600 || since >= gap.seconds => false,
            Gap::Skip => false,
            Gap::Next => since == 0 && (0..gap.seconds).step_by(clock.step as usize).any(lost),
            Gap::Shift => lost(since),
        }
    }
}

impl Item {
    fn holds(&self, value: i16) -> bool {
        match self {
            Item::Steps { from, to, step } => *from <= value && value <= *to && (value - from) % step == 0,
            _ => false,
        }
    }

    fn holds_day(&self, date: Date) -> bool {
        let working = |day: i8| !matches!(on(date, day).weekday(), Weekday::Saturday | Weekday::Sunday);
        let length = date.days_in_month();
        match self {
            Item::DaysBeforeLast(days) => date.day() == length - days,
            Item::Nearest(wanted) if *wanted > length => false,
            Item::Nearest(wanted) => {
                let nearest = (1..=length).filter(|day| working(*day)).min_by_key(|day| (day - wanted).abs());
                nearest == Some(date.day())
            }
            Item::LastWorking => (1..=length).rfind(|day| working(*day)) == Some(date.day()),
            _ => self.holds(i16::from(date.day())),
        }
    }

    fn holds_weekday(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        match self {
            Item::LastWeekday(wanted) => weekday == wanted % 7 && date.day() + 7 > date.days_in_month(),
            Item::NthWeekday(wanted, nth) => {
                let so_far = (1..=date.day()).filter(|day| on(date, *day).weekday() == date.weekday()).count();
                weekday == wanted % 7 && so_far == *nth as usize
            }
            _ => self.holds(i16::from(weekday)) || weekday == 0 && self.holds(7),
        }
    }
}

fn on(date: Date, day: i8) -> Date {
    Date::new(date.year(), date.month(), day).unwrap()
}

fn item(text: &str, (low, high): (i16, i16)) -> Item {
    let number = |text: &str| text.parse::<i8>().unwrap();
    if text == "LW" {
        return Item::LastWorking;
    }
    if let Some(before) = text.strip_prefix('L') {
        return Item::DaysBeforeLast(before.strip_prefix('-').map_or(0, number));
    }
    if let Some(day) = text.strip_suffix('W') {
        return Item::Nearest(number(day));
    }
    if let Some(day) = text.strip_suffix('L') {
        return Item::LastWeekday(number(day));
    }
    if let Some((day, nth)) = text.split_once('#') {
        return Item::NthWeekday(number(day), number(nth));
    }
    let (base, step) = text.split_once('/').unwrap_or((text, "1"));
    let (from, to) = match (base, base.split_once('-')) {
        // A star that names every year has no end.
        ("*", _) if high == 2199 && !text.contains('/') => (0, 9999),
        ("*", _) => (low, high),
        (_, Some((from, to))) => (from.parse().unwrap(), to.parse().unwrap()),
        (only, None) => (only.parse().unwrap(), if text.contains('/') { high } else { only.parse().unwrap() }),
    };
    let step = step.parse().unwrap();
    Item::Steps { from, to, step }
}

/// An instant, and what a walk to it has seen.
#[derive(Clone)]
pub struct Clock {
    pub at: Timestamp,
    pub local: DateTime,
    gap: Option<PastGap>,
    pass: Pass,
    step: i64,
}

#[derive(Clone, Copy)]
struct PastGap {
    at: Timestamp,
    before: Offset,
    seconds: i64,
}

/// Which of the times that a local time is shown.
#[derive(Clone, Copy)]
enum Pass {
    Only,
    First,
    Second,
}

/// Every `step` seconds from `from` to `to`. Only offsets are asked of jiff: its answer to which local times are
/// ambiguous is wrong in Nuuk on 2023-10-28, where a rule that does not apply yet would have had a fold.
pub fn walk(zone: &TimeZone, from: i64, to: i64, step: i64) -> Vec<Clock> {
    let mut before = zone.to_offset(Timestamp::from_second(from - step).unwrap());
    let (mut gap, mut folds) = (None, Vec::new());
    let mut clocks = Vec::new();
    for second in (from..=to).step_by(step as usize) {
        let at = Timestamp::from_second(second).unwrap();
        let offset = zone.to_offset(at);
        if offset != before {
            let seconds = i64::from(offset.seconds() - before.seconds());
            gap = (seconds > 0).then_some(PastGap { at, before, seconds });
            folds.extend((seconds < 0).then_some((second, -seconds)));
            before = offset;
        }
        clocks.push(Clock { at, local: offset.to_datetime(at), gap, pass: Pass::Only, step });
    }
    for (fold, length) in folds {
        for clock in &mut clocks {
            match clock.at.as_second() - fold {
                since if (-length..0).contains(&since) => clock.pass = Pass::First,
                since if (0..length).contains(&since) => clock.pass = Pass::Second,
                _ => {}
            }
        }
    }
    clocks
}

fn with_numbers(field: &str) -> String {
    let mut field = field.to_uppercase().replace("-SUN", "-7");
    for (number, name) in ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"].iter().enumerate() {
        field = field.replace(name, &number.to_string());
    }
    let months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    for (index, name) in months.iter().enumerate() {
        field = field.replace(name, &(index + 1).to_string());
    }
    field
}
