//! The value of an RRULE: `FREQ=WEEKLY;BYDAY=MO,WE`. What RFC 5545 forbids is refused.

use super::days::Bits;
use super::error::{FREQUENCIES, RruleError, excerpt};
use super::rule::{Frequency, Ordinals, Rule};
use super::stamp::Stamp;

/// Every number up to COUNT has to be walked through when the rule is read.
const MOST_TIMES: u32 = 100_000;

const NAMES: [&str; 14] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
];

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

pub(super) fn parse(text: &str) -> Result<Rule, RruleError> {
    let parts = split(text)?;
    let frequency = match parts.iter().find(|part| part.name == "FREQ") {
        Some(part) => part.frequency()?,
        None => return Err(RruleError::NoFrequency),
    };
    let mut rule = Rule::new(frequency);
    for part in &parts {
        part.read_into(&mut rule)?;
    }
    check_parts(&rule)?;
    check_days(&rule)?;
    Ok(rule)
}

/// UNTIL as it was written.
pub(super) fn until(text: &str) -> String {
    let part = |item: &str| item.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("UNTIL")).map(|(_, value)| excerpt(value));
    text.split(';').find_map(part).unwrap_or_default()
}

/// The BY parts as they were written, for an error that speaks of all of them.
pub(super) fn by_parts(text: &str) -> String {
    let parts: Vec<&str> = text.split(';').filter(|part| part.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("BY"))).collect();
    if parts.is_empty() { excerpt(text) } else { excerpt(&parts.join(" and ")) }
}

struct Part<'a> {
    name: &'static str,
    value: &'a str,
}

fn split(text: &str) -> Result<Vec<Part<'_>>, RruleError> {
    let mut parts: Vec<Part> = Vec::with_capacity(NAMES.len());
    for item in text.split(';') {
        let (name, value) = item.split_once('=').ok_or_else(|| RruleError::NotAPart(excerpt(item)))?;
        let name = known(name)?;
        if parts.iter().any(|part| part.name == name) {
            return Err(RruleError::RepeatedPart(name));
        }
        parts.push(Part { name, value });
    }
    Ok(parts)
}

fn known(given: &str) -> Result<&'static str, RruleError> {
    if let Some(name) = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(given)) {
        return Ok(name);
    }
    let given = excerpt(given);
    let upper = given.to_ascii_uppercase();
    let distance = |name: &&'static str| strsim::damerau_levenshtein(&upper, name);
    let nearest = NAMES.into_iter().min_by_key(distance).filter(|name| distance(name) <= 2);
    Err(RruleError::UnknownPart { given, nearest })
}

impl Part<'_> {
    fn read_into(&self, rule: &mut Rule) -> Result<(), RruleError> {
        match self.name {
            "INTERVAL" => rule.interval = self.number(self.value, 1, u32::MAX)?,
            "COUNT" => rule.count = Some(self.count()?),
            "UNTIL" => rule.until = Some(self.until()?),
            "WKST" => rule.week_start = self.weekday(self.value)?,
            "BYSECOND" => rule.seconds = self.numbers(0, 59)?,
            "BYMINUTE" => rule.minutes = self.numbers(0, 59)?,
            "BYHOUR" => rule.hours = self.numbers(0, 23)? as u32,
            "BYMONTH" => rule.months = self.numbers(1, 12)? as u16,
            "BYDAY" => self.read_weekdays(rule)?,
            "BYMONTHDAY" => {
                let days = self.ordinals(31, |days: &mut u32, day| *days |= 1 << day)?;
                rule.month_days = days;
            }
            "BYWEEKNO" => rule.weeks = self.ordinals(53, |weeks: &mut u64, week| *weeks |= 1 << week)?,
            "BYYEARDAY" => rule.year_days = self.ordinals(366, Bits::set)?,
            "BYSETPOS" => rule.positions = self.ordinals(366, Bits::set)?,
            _ => {}
        }
        Ok(())
    }

    fn frequency(&self) -> Result<Frequency, RruleError> {
        use Frequency::*;
        [Yearly, Monthly, Weekly, Daily, Hourly, Minutely, Secondly]
            .into_iter()
            .find(|frequency| frequency.name().eq_ignore_ascii_case(self.value))
            .ok_or_else(|| self.refuse(self.value, FREQUENCIES))
    }

    fn count(&self) -> Result<u32, RruleError> {
        let accepts = format!("1 to {MOST_TIMES} (all of them have to be counted), or UNTIL for a later end");
        decimal(self.value).filter(|count| (1..=MOST_TIMES).contains(count)).ok_or_else(|| self.refuse(self.value, &accepts))
    }

    fn until(&self) -> Result<Stamp, RruleError> {
        Stamp::parse(self.value).ok_or_else(|| self.refuse(self.value, "a time in UTC such as 20261231T235959Z"))
    }

    /// Bit `n` for the number `n`.
    fn numbers(&self, low: u32, high: u32) -> Result<u64, RruleError> {
        self.items().try_fold(0, |bits, item| Ok(bits | 1 << self.number(item, low, high)?))
    }

    fn number(&self, item: &str, low: u32, high: u32) -> Result<u32, RruleError> {
        // A leap second has no instant of its own in Unix time.
        let leap = if self.name == "BYSECOND" && item == "60" { ", for there are no leap seconds in Unix time" } else { "" };
        decimal(item).filter(|number| (low..=high).contains(number)).ok_or_else(|| self.refuse(item, &format!("{low} to {high}{leap}")))
    }

    fn ordinals<T: Default>(&self, most: u32, set: impl Fn(&mut T, u32)) -> Result<Ordinals<T>, RruleError> {
        let mut ordinals = Ordinals::default();
        for item in self.items() {
            let (is_from_end, digits) = signed(item);
            let number = decimal(digits)
                .filter(|number| (1..=most).contains(number))
                .ok_or_else(|| self.refuse(item, &format!("1 to {most}, or -1 to -{most} to count from the end")))?;
            set(if is_from_end { &mut ordinals.from_end } else { &mut ordinals.from_start }, number);
        }
        Ok(ordinals)
    }

    fn read_weekdays(&self, rule: &mut Rule) -> Result<(), RruleError> {
        const ACCEPTS: &str = "MO, TU, WE, TH, FR, SA and SU, with MONTHLY and YEARLY also numbered: 1MO to 53MO, -1MO to -53MO";
        for item in self.items() {
            let (number, name) = item.split_at_checked(item.len().saturating_sub(2)).unwrap_or(("", item));
            let weekday = weekday(name).ok_or_else(|| self.refuse(item, ACCEPTS))?;
            if number.is_empty() {
                rule.weekdays |= 1 << weekday;
                continue;
            }
            let (is_from_end, digits) = signed(number);
            let number = decimal(digits).filter(|number| (1..=53).contains(number)).ok_or_else(|| self.refuse(item, ACCEPTS))?;
            let nth = &mut rule.nth_weekdays[usize::from(weekday)];
            *(if is_from_end { &mut nth.from_end } else { &mut nth.from_start }) |= 1 << number;
        }
        Ok(())
    }

    fn weekday(&self, item: &str) -> Result<u8, RruleError> {
        weekday(item).ok_or_else(|| self.refuse(item, "MO, TU, WE, TH, FR, SA or SU"))
    }

    fn items(&self) -> impl Iterator<Item = &str> {
        self.value.split(',')
    }

    fn refuse(&self, value: &str, accepts: &str) -> RruleError {
        RruleError::Value { part: self.name, value: excerpt(value), accepts: accepts.to_owned() }
    }
}

fn weekday(name: &str) -> Option<u8> {
    WEEKDAYS.iter().position(|weekday| weekday.eq_ignore_ascii_case(name)).map(|weekday| weekday as u8)
}

fn signed(item: &str) -> (bool, &str) {
    match item.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, item.strip_prefix('+').unwrap_or(item)),
    }
}

/// Digits only: Rust's own reader takes a sign too.
fn decimal(digits: &str) -> Option<u32> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn check_parts(rule: &Rule) -> Result<(), RruleError> {
    let together = |part, with: &str, instead| Err(RruleError::Together { part, with: with.to_owned(), instead });
    if rule.count.is_some() && rule.until.is_some() {
        return together("COUNT", "UNTIL", "give one of them");
    }
    let frequency = rule.frequency;
    let has_others = rule.seconds != 0
        || rule.minutes != 0
        || rule.hours != 0
        || rule.months != 0
        || rule.has_month_days()
        || rule.has_year_days()
        || rule.has_weeks()
        || rule.has_weekdays();
    if rule.has_positions() && !has_others {
        return Err(RruleError::Together {
            part: "BYSETPOS",
            with: format!("FREQ={} alone", frequency.name()),
            instead: "give another BY part, from whose times it chooses",
        });
    }
    Ok(())
}

/// The cells of RFC 5545's table (3.3.10) that say "N/A", and what its text forbids.
fn check_days(rule: &Rule) -> Result<(), RruleError> {
    use Frequency::*;
    let frequency = rule.frequency;
    let with = || format!("FREQ={}", frequency.name());
    if rule.has_weeks() && frequency != Yearly {
        return Err(RruleError::Together { part: "BYWEEKNO", with: with(), instead: "use FREQ=YEARLY" });
    }
    if rule.has_month_days() && frequency == Weekly {
        return Err(RruleError::Together { part: "BYMONTHDAY", with: with(), instead: "use FREQ=MONTHLY, or BYDAY" });
    }
    if rule.has_year_days() && matches!(frequency, Daily | Weekly | Monthly) {
        return Err(RruleError::Together { part: "BYYEARDAY", with: with(), instead: "use FREQ=YEARLY" });
    }
    if !rule.has_nth_weekdays() {
        return Ok(());
    }
    if !matches!(frequency, Monthly | Yearly) {
        let instead = "use weekdays without a number, or FREQ=MONTHLY or FREQ=YEARLY";
        return Err(RruleError::Together { part: "BYDAY with a number", with: with(), instead });
    }
    if rule.has_weeks() {
        let instead = "use weekdays without a number";
        return Err(RruleError::Together { part: "BYDAY with a number", with: "BYWEEKNO".to_owned(), instead });
    }
    Ok(())
}
