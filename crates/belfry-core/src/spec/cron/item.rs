//! What stands between commas: `*`, `N`, `N-M`, `*/S`, `N-M/S` and `N/S`.

use super::error::CronError;
use super::field::Field;

/// `from`, `from + step`, … up to `to`.
pub(super) struct Steps {
    field: Field,
    from: u16,
    /// One more than the field's end for a Saturday-to-`SUN` of Quartz.
    to: u16,
    step: u16,
    /// It was written `N/S`.
    pub(super) is_open: bool,
}

impl Steps {
    pub(super) fn values(&self) -> impl Iterator<Item = u16> {
        (self.from..=self.to).step_by(usize::from(self.step))
    }

    /// Bit `n` for the value `n`, in fields of values up to 63.
    pub(super) fn bits(&self) -> u64 {
        self.values().fold(0, |bits, value| bits | 1 << value)
    }

    /// Bit 0 for Sunday, by whichever of its numbers it was named.
    pub(super) fn weekday_bits(&self) -> u8 {
        let from_zero = self.bits() >> self.field.low();
        ((from_zero | from_zero >> 7) & 0x7f) as u8
    }
}

/// Refuses what is a form of other engines by name, before it is read as a broken number.
pub(super) fn items(field: Field, text: &str) -> impl Iterator<Item = Result<&str, CronError>> {
    text.split(',').map(move |item| {
        let upper = item.to_ascii_uppercase();
        if item.is_empty() {
            return Err(CronError::EmptyItem { field, text: text.to_owned() });
        }
        if item.contains('?') {
            return Err(CronError::QuestionMark { field });
        }
        if upper == "H" || upper.starts_with("H/") || upper.starts_with("H(") {
            return Err(CronError::Hash { field, item: item.to_owned() });
        }
        Ok(item)
    })
}

pub(super) fn steps(field: Field, item: &str) -> Result<Steps, CronError> {
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
    let is_open = step.is_some() && base != "*" && !is_range;
    Ok(Steps { field, from, to, step: step.unwrap_or(1), is_open })
}

/// `text` as a value; `item` is what people are shown where there is no text.
pub(super) fn value(field: Field, item: &str, text: &str) -> Result<u16, CronError> {
    if let Some(index) = field.names().iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(index as u16 + field.low());
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let value = if text.is_empty() { item } else { text }.to_owned();
        return Err(CronError::NotAValue { field, value });
    }
    digits(text)
        .filter(|value| (field.low()..=field.high()).contains(value))
        .ok_or_else(|| CronError::OutOfRange { field, value: text.to_owned() })
}

/// A number without a sign, which `u16::from_str` alone would let through.
pub(super) fn digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn parse_step(field: Field, item: &str, step: &str) -> Result<u16, CronError> {
    digits(step).filter(|step| (1..=field.longest_step()).contains(step)).ok_or_else(|| CronError::Step {
        field,
        item: item.to_owned(),
        step: step.to_owned(),
    })
}

fn parse_range(field: Field, item: &str, from_text: &str, to_text: &str, step: Option<u16>) -> Result<(u16, u16), CronError> {
    let from = value(field, item, from_text)?;
    let mut to = value(field, item, to_text)?;
    // SUN starts a week but ends it as well: FRI-SUN is 5-7. A number says which of the two is meant.
    if field.is_weekday() && to == field.low() && from > to && digits(to_text).is_none() {
        to += 7;
    }
    if from <= to {
        return Ok((from, to));
    }
    let instead = match step {
        _ if field == Field::Year => format!("{to_text}-{from_text}"),
        None => split_range(field, (from_text, from), (to_text, to)),
        Some(step) => values_around_the_end(field, from, to, step),
    };
    Err(CronError::Backwards { field, range: item.to_owned(), instead })
}

/// `22-23,0-2` for `22-2`. Of the two numbers of Sunday the one that ends a week is offered.
fn split_range(field: Field, (from_text, from): (&str, u16), (to_text, to): (&str, u16)) -> String {
    let low = field.lowest_after_the_end();
    let first = if from == field.high() { from_text.to_owned() } else { format!("{from_text}-{}", field.high()) };
    match to {
        to if to < low => first,
        to if to == low => format!("{first},{to_text}"),
        _ => format!("{first},{low}-{to_text}"),
    }
}

/// The single values, since two ranges with a step would not keep the step across the end: `21-3/2` is `21,23,1,3`.
fn values_around_the_end(field: Field, from: u16, to: u16, step: u16) -> String {
    let around = (from..=field.high()).chain(field.lowest_after_the_end()..=to).step_by(usize::from(step));
    let values: Vec<String> = around.map(|value| value.to_string()).collect();
    values.join(",")
}
