//! The same answers as the crate croner, on a clock that never changes.

use jiff::civil::DateTime;

use super::next;

/// Only forms on which engines agree: croner lets either day field do beside a `*/2`.
const PATTERNS: [&str; 24] = [
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
    "0 0 L * *",
    "30 6 15,L 2,4,6 *",
    "0 0 15W * *",
    "0 0 1W * *",
    "0 12 LW * *",
    "0 0 * * FRIL",
    "0 8 * * 1#2",
    "0 0 * * 5#5",
];

#[test]
fn plain_patterns_agree_with_croner() {
    const EACH: usize = 30;
    for text in PATTERNS {
        let theirs: croner::Cron = text.parse().unwrap();
        for start in ["1999-12-31T23:59:00", "2024-02-28T23:59:59", "2026-11-25T09:30:30", "2095-12-31T00:00:00"] {
            let after: DateTime = start.parse().unwrap();
            let expected: Vec<String> = theirs.iter_after(after).take(EACH).map(|at| format!("{at}+00:00")).collect();
            assert_eq!(next(text, "UTC", &format!("{start}Z"), EACH), expected, "{text} after {start}");
        }
    }
}
