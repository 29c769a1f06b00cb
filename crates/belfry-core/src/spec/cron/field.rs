//! One field of a cron expression: its values, its names, and how its text becomes a bit set.

use std::fmt;

use super::error::CronError;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

/// What one field says.
pub(super) struct Parsed {
    /// Bit `n` for the value `n`; Sunday is bit 0 only.
    pub bits: u64,
    /// The text starts with `*`, or is `?`. That, not the bit set, decides between *both* and *either* for the day
    /// fields and between rhythm and fixed time for the others, as in Vixie's cron.
    pub starts_with_star: bool,
    /// There is an `N/S` in it.
    pub open_step: bool,
}

pub(super) fn parse(field: Field, text: &str) -> Result<Parsed, CronError> {
    if text == "?" && field.is_day() {
        return parse(field, "*");
    }
    let mut parsed = Parsed { bits: 0, starts_with_star: text.starts_with('*'), open_step: false };
    for item in text.split(',') {
        if item.is_empty() {
            return Err(CronError::EmptyItem { field, text: text.to_owned() });
        }
        refuse_what_is_not_ours(field, item)?;
        let (bits, open_step) = parse_item(field, item)?;
        parsed.bits |= bits;
        parsed.open_step |= open_step;
    }
    if field == Field::DayOfWeek {
        parsed.bits = (parsed.bits | parsed.bits >> 7) & 0x7f;
    }
    Ok(parsed)
}

/// Forms of other engines, refused by name before they are read as broken numbers. `L`, `W` and `#` will be read here.
fn refuse_what_is_not_ours(field: Field, item: &str) -> Result<(), CronError> {
    let upper = item.to_ascii_uppercase();
    if item.contains('?') {
        return Err(CronError::QuestionMark { field });
    }
    if upper == "H" || upper.starts_with("H/") || upper.starts_with("H(") {
        return Err(CronError::Hash { field, item: item.to_owned() });
    }
    let of_quartz = match field {
        Field::DayOfMonth => upper.contains(['L', 'W']) && upper.chars().all(|c| c.is_ascii_digit() || "LW-".contains(c)),
        Field::DayOfWeek => {
            upper.contains('#') || upper.strip_suffix('L').is_some_and(|day| day.is_empty() || value(field, item, day).is_ok())
        }
        _ => false,
    };
    if of_quartz { Err(CronError::NotYet { field, item: item.to_owned() }) } else { Ok(()) }
}

/// The bits of `*`, `N`, `N-M`, `*/S`, `N-M/S` or `N/S`, and whether it was the last of these.
fn parse_item(field: Field, item: &str) -> Result<(u64, bool), CronError> {
    let (base, step) = match item.split_once('/') {
        Some(("", _)) => return Err(CronError::NotAValue { field, value: item.to_owned() }),
        Some((base, step)) => (base, Some(parse_step(field, item, step)?)),
        None => (item, None),
    };
    let is_range = base.contains('-');
    let (from, to) = if base == "*" {
        (field.low(), field.high())
    } else if let Some((from, to)) = base.split_once('-') {
        parse_range(field, item, from, to, step)?
    } else {
        let from = value(field, item, base)?;
        (from, if step.is_some() { field.high() } else { from })
    };
    let open_step = step.is_some() && base != "*" && !is_range;
    Ok((bits((from..=to).step_by(usize::from(step.unwrap_or(1)))), open_step))
}

fn bits(values: impl Iterator<Item = u8>) -> u64 {
    values.fold(0, |bits, value| bits | 1 << value)
}

fn parse_step(field: Field, item: &str, step: &str) -> Result<u8, CronError> {
    digits(step).filter(|step| (1..=field.high()).contains(step)).ok_or_else(|| CronError::Step {
        field,
        item: item.to_owned(),
        step: step.to_owned(),
    })
}

fn parse_range(field: Field, item: &str, from_text: &str, to_text: &str, step: Option<u8>) -> Result<(u8, u8), CronError> {
    let from = value(field, item, from_text)?;
    let mut to = value(field, item, to_text)?;
    // SUN is 0 but ends a week as well as it starts one: FRI-SUN is 5-7.
    if field == Field::DayOfWeek && to == 0 && from > 0 && to_text != "0" {
        to = 7;
    }
    if from <= to {
        return Ok((from, to));
    }
    let instead = match step {
        None => split_range(field, (from_text, from), (to_text, to)),
        Some(step) => values_around_the_end(field, from, to, step),
    };
    Err(CronError::Backwards { field, range: item.to_owned(), instead })
}

/// `22-23,0-2` for `22-2`. Of the two numbers of Sunday the one that ends a week is offered.
fn split_range(field: Field, (from_text, from): (&str, u8), (to_text, to): (&str, u8)) -> String {
    let low = field.lowest_after_the_end();
    let first = if from == field.high() { from_text.to_owned() } else { format!("{from_text}-{}", field.high()) };
    match to {
        to if to < low => first,
        to if to == low => format!("{first},{to_text}"),
        _ => format!("{first},{low}-{to_text}"),
    }
}

/// The single values, since two ranges with a step would not keep the step across the end: `21-3/2` is `21,23,1,3`.
fn values_around_the_end(field: Field, from: u8, to: u8, step: u8) -> String {
    let around = (from..=field.high()).chain(field.lowest_after_the_end()..=to).step_by(usize::from(step));
    let values: Vec<String> = around.map(|value| value.to_string()).collect();
    values.join(",")
}

/// `text` as a value; `item` is what people are shown where there is no text.
fn value(field: Field, item: &str, text: &str) -> Result<u8, CronError> {
    if let Some(index) = field.names().iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(index as u8 + field.low());
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let value = if text.is_empty() { item } else { text }.to_owned();
        return Err(CronError::NotAValue { field, value });
    }
    digits(text)
        .filter(|value| (field.low()..=field.high()).contains(value))
        .ok_or_else(|| CronError::OutOfRange { field, value: text.to_owned() })
}

/// A number without a sign, which `u8::from_str` alone would let through.
fn digits(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    pub(super) fn low(self) -> u8 {
        u8::from(matches!(self, Field::DayOfMonth | Field::Month))
    }

    /// The end of the field, which an open step runs to. For weekdays it is 7, a second Sunday.
    pub(super) fn high(self) -> u8 {
        match self {
            Field::Second | Field::Minute => 59,
            Field::Hour => 23,
            Field::DayOfMonth => 31,
            Field::Month => 12,
            Field::DayOfWeek => 7,
        }
    }

    /// Where a range that runs past the end goes on; after a Sunday that was 7 comes Monday.
    fn lowest_after_the_end(self) -> u8 {
        if self == Field::DayOfWeek { 1 } else { self.low() }
    }

    fn is_day(self) -> bool {
        matches!(self, Field::DayOfMonth | Field::DayOfWeek)
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Field::Month => &MONTHS,
            Field::DayOfWeek => &WEEKDAYS,
            _ => &[],
        }
    }

    pub(super) fn accepts(self) -> &'static str {
        match self {
            Field::Second | Field::Minute => "0 to 59",
            Field::Hour => "0 to 23",
            Field::DayOfMonth => "1 to 31",
            Field::Month => "1 to 12 or JAN to DEC",
            Field::DayOfWeek => "0 to 7 (0 and 7 are Sunday) or SUN to SAT",
        }
    }

    pub(super) fn example(self) -> &'static str {
        match self {
            Field::Second | Field::Minute => "0-29",
            Field::Hour => "9-17",
            Field::DayOfMonth => "1-7",
            Field::Month => "JAN-MAR",
            Field::DayOfWeek => "MON-FRI",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::DayOfMonth => "day-of-month",
            Field::Month => "month",
            Field::DayOfWeek => "day-of-week",
        })
    }
}
