//! The rules once more, as slowly and as plainly as they can be said: no bit sets, no search, one instant at a time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::super::{ClockChanges, Fold, Gap};

pub struct Naive {
    /// Second, minute, hour, day, month, weekday.
    fields: [String; 6],
    fixed: bool,
}

impl Naive {
    pub fn new(text: &str) -> Naive {
        let text = if text.split_whitespace().count() == 5 { format!("0 {text}") } else { text.to_owned() };
        let fields: Vec<String> = text.split_whitespace().map(|field| with_numbers(field).replace('?', "*")).collect();
        let open = |item: &str| item.contains('/') && !item.contains('-') && !item.contains('*');
        let rhythm = fields[..3].iter().any(|field| field.starts_with('*') || field.split(',').any(open));
        Naive { fields: fields.try_into().unwrap(), fixed: !rhythm }
    }

    pub fn has_seconds(&self) -> bool {
        self.fields[0] != "0"
    }

    pub fn matches(&self, local: DateTime) -> bool {
        let [second, minute, hour, day, month, weekday] = &self.fields;
        let on_day = holds(day, local.day(), 31);
        let sunday_zero = local.weekday().to_sunday_zero_offset();
        let on_weekday = holds(weekday, sunday_zero, 7) || sunday_zero == 0 && holds(weekday, 7, 7);
        let days = if day.starts_with('*') || weekday.starts_with('*') { on_day && on_weekday } else { on_day || on_weekday };
        days && holds(second, local.second(), 59)
            && holds(minute, local.minute(), 59)
            && holds(hour, local.hour(), 23)
            && holds(month, local.month(), 12)
    }

    /// Whether the expression fires at `clock`, which was reached by steps of its `step` seconds.
    pub fn fires(&self, clock: &Clock, zone: &TimeZone, changes: ClockChanges) -> bool {
        if !self.fixed {
            return self.matches(clock.local);
        }
        // Nothing that is not shown by a clock fires there, lost times aside.
        let shown = self.matches(clock.local)
            && match zone.to_ambiguous_timestamp(clock.local).offset() {
                AmbiguousOffset::Fold { before, after } => match changes.fold {
                    Fold::First => clock.offset == before,
                    Fold::Second => clock.offset == after,
                    Fold::Both => true,
                },
                _ => true,
            };
        shown || clock.gap.is_some_and(|gap| self.made_up(clock, gap, changes.gap))
    }

    fn made_up(&self, clock: &Clock, gap: PastGap, rule: Gap) -> bool {
        let since = clock.at.as_second() - gap.at.as_second();
        let lost = |seconds: i64| self.matches(gap.before.to_datetime(Timestamp::from_second(gap.at.as_second() + seconds).unwrap()));
        match rule {
            _ if gap.seconds > 3 * 3600 || since >= gap.seconds => false,
            Gap::Skip => false,
            Gap::Next => since == 0 && (0..gap.seconds).step_by(clock.step as usize).any(lost),
            Gap::Shift => lost(since),
        }
    }
}

/// An instant, and what a walk to it has seen.
#[derive(Clone)]
pub struct Clock {
    pub at: Timestamp,
    pub local: DateTime,
    offset: Offset,
    gap: Option<PastGap>,
    step: i64,
}

#[derive(Clone, Copy)]
struct PastGap {
    at: Timestamp,
    before: Offset,
    seconds: i64,
}

/// Every `step` seconds from `from` to `to`.
pub fn walk(zone: &TimeZone, from: i64, to: i64, step: i64) -> Vec<Clock> {
    let mut before = zone.to_offset(Timestamp::from_second(from - step).unwrap());
    let mut gap = None;
    let clocks = (from..=to).step_by(step as usize).map(|second| {
        let at = Timestamp::from_second(second).unwrap();
        let offset = zone.to_offset(at);
        if offset != before {
            let seconds = i64::from(offset.seconds() - before.seconds());
            gap = (seconds > 0).then_some(PastGap { at, before, seconds });
            before = offset;
        }
        Clock { at, local: offset.to_datetime(at), offset, gap, step }
    });
    clocks.collect()
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

fn holds(field: &str, value: i8, high: i8) -> bool {
    field.split(',').any(|item| {
        let (base, step) = item.split_once('/').unwrap_or((item, "1"));
        let step: i8 = step.parse().unwrap();
        let (from, to) = match (base, base.split_once('-')) {
            ("*", _) => (if high == 31 || high == 12 { 1 } else { 0 }, high),
            (_, Some((from, to))) => (from.parse().unwrap(), to.parse().unwrap()),
            (only, None) => (only.parse().unwrap(), if item.contains('/') { high } else { only.parse().unwrap() }),
        };
        from <= value && value <= to && (value - from) % step == 0
    })
}
