//! The year field, as the end of a sentence: ", in 2027", ", from 2026 to 2030".

use super::words::{list, ordinal};
use crate::spec::cron::Cron;

/// More single years than these are said as every second one, or every third, where they are that.
const MOST_LISTED: usize = 3;

/// Empty when nothing is restricted.
pub(super) fn describe(cron: &Cron) -> String {
    let Some(years) = cron.years else { return String::new() };
    let years: Vec<i16> = years.all().collect();
    match *years.as_slice() {
        [first, second, .., last] if years.windows(2).all(|pair| pair[1] - pair[0] == second - first) => match second - first {
            1 => format!(", from {first} to {last}"),
            step if years.len() > MOST_LISTED => format!(", every {} year from {first} to {last}", ordinal(step as u8)),
            _ => format!(", in {}", runs(&years)),
        },
        _ => format!(", in {}", runs(&years)),
    }
}

/// "2026, 2028 and 2030 to 2035".
fn runs(years: &[i16]) -> String {
    let words = years.chunk_by(|a, b| a + 1 == *b).flat_map(|run| match *run {
        [first, _, .., last] if run.len() > 2 => vec![format!("{first} to {last}")],
        _ => run.iter().map(i16::to_string).collect(),
    });
    list(&words.collect::<Vec<String>>())
}
