//! What a spec means, in English. A sentence that is clumsy is a blemish, one that is wrong a bug: everything is said
//! from the bit sets that decide when the spec fires, never from the text they came from.

mod days;
#[cfg(test)]
mod tests;
mod times;
mod warnings;
pub(super) mod words;
mod years;

pub use self::warnings::{CronWarning, warnings};
use super::cron::{Cron, DayFields};

/// When `cron` fires, such as "at 09:00, Monday to Friday".
pub fn cron(cron: &Cron) -> String {
    cron_with(cron, DayFields::default())
}

/// [`cron`], with another answer to how its day fields go together.
pub fn cron_with(cron: &Cron, dom_dow: DayFields) -> String {
    let times = times::describe(cron);
    // "at 09:00" asks for an "every day"; "every 15 minutes" and "at minutes 5 and 6 of every hour" do not.
    let names_hours = times.starts_with("at ") && cron.hours.count_ones() < 24;
    let every_day = if names_hours && days::is_every_day(cron, dom_dow) { " every day" } else { "" };
    format!("{times}{every_day}{}{}", days::describe(cron, dom_dow), years::describe(cron))
}
