//! What a schedule chooses beside its expression. Every choice has a default, which is what `semantics` promises.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A longer gap is a change of calendar rather than of clocks, and its times are skipped: Apia had no 30 December 2011.
pub const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(3);

/// How a cron expression is read where its text leaves a choice.
///
/// `gap` and `fold` concern fixed-time expressions only. An expression that follows the clock has no choice: it does
/// not fire at times that do not exist, and fires at every instant that shows a matching time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CronRules {
    pub gap: Gap,
    pub fold: Fold,
    pub dom_dow: DayFields,
}

/// What becomes of the times that are lost when clocks go forward by at most three hours.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// All of them together fire once, at the first instant after the gap.
    #[default]
    Next,
    /// They do not fire.
    Skip,
    /// Each fires later by the length of the gap.
    Shift,
}

/// Which of the two passes through a repeated time fires.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    #[default]
    First,
    Second,
    Both,
}

/// How day-of-month and day-of-week go together when both are restricted. Where one of them starts with `*` or is `?`,
/// a day must match both in any case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayFields {
    /// A day may match either, as in POSIX.
    #[default]
    Or,
    /// A day must match both.
    And,
}

/// Whose notation an expression is written in. What it says is evaluated alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// POSIX and Vixie's cron, with optional seconds and years; weekdays 0 to 7, 0 and 7 are Sunday.
    #[default]
    Standard,
    /// Quartz: six fields with the second first, or seven with the year last; weekdays 1 (Sunday) to 7; exactly one of
    /// the day fields is `?`. Ranges that wrap around, which Quartz takes, are refused here too, with the way to write
    /// them.
    Quartz,
}
