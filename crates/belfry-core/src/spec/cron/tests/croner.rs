//! The same answers as the crate croner, on a clock that never changes.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::ToSpan;
use jiff::civil::DateTime;

use super::next;

/// croner's view of a clock without a zone.
#[derive(Clone)]
struct Clock(DateTime);

impl CronDateTime for Clock {
    fn to_civil(&self) -> CivilDateTime {
        let [month, day, hour, minute, second] =
            [self.0.month(), self.0.day(), self.0.hour(), self.0.minute(), self.0.second()].map(|part| part as u32);
        CivilDateTime::from_ymd_hms(self.0.year().into(), month, day, hour, minute, second).unwrap()
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(self.0.weekday().to_sunday_zero_offset() as u32)
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Clock>, CronError> {
        let [month, day, hour, minute, second] =
            [civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second()].map(|part| part as i8);
        Ok(Resolution::Single(Clock(DateTime::new(civil.year() as i16, month, day, hour, minute, second, 0).unwrap())))
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Clock> {
        self.0.checked_add(seconds.seconds()).ok().map(Clock)
    }

    fn cmp_instant(&self, other: &Clock) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// Only forms on which engines agree: croner lets either day field do beside a `*/2`.
const PATTERNS: [&str; 16] = [
    "* * * * *",
    "*/15 * * * *",
    "5-59/20 * * * *",
    "0 9 * * 1-5",
    "30 9-17/2 * * MON-FRI",
    "0 0 1 * *",
    "15 10 1,15 * *",
    "0 0 31 * *",
    "0 0 29 2 *",
    "0 12 * JUN-AUG SAT,SUN",
    "0 0 1,15 * 1",
    "23 4 13 * FRI",
    "7 7 7 7 *",
    "59 23 31 12 *",
    "0 */6 * * *",
    "0 0 28-31 2,4 *",
];

#[test]
fn plain_patterns_agree_with_croner() {
    const EACH: usize = 30;
    for text in PATTERNS {
        let theirs: croner::Cron = text.parse().unwrap();
        for start in ["1999-12-31T23:59:00", "2024-02-28T23:59:59", "2026-11-25T09:30:30", "2095-12-31T00:00:00"] {
            let after = Clock(start.parse().unwrap());
            let expected: Vec<String> = theirs.iter_after(after).take(EACH).map(|at| format!("{}+00:00", at.0)).collect();
            assert_eq!(next(text, "UTC", &format!("{start}Z"), EACH), expected, "{text} after {start}");
        }
    }
}
