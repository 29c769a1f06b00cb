//! Rules as sentences.

use serde_json::json;

use super::rule;

#[test]
fn rules_are_said_in_plain_english() {
    let cases = [
        (json!({"at": ["09:00", "17:30"]}), "at 09:00 and 17:30 every day"),
        (
            json!({"at": "09:00:30", "months": ["MAR", "JUN"], "years": "2026-2028"}),
            "at 09:00:30 every day in March and June in 2026 to 2028",
        ),
        (json!({"every": "day", "from": "2026-01-05", "at": "09:00"}), "at 09:00 every day, beginning on 2026-01-05"),
        (json!({"every": "3 days", "from": "2026-01-05", "at": "09:00"}), "at 09:00 every 3 days, beginning on 2026-01-05"),
        (
            json!({"every": "2 weeks", "weekdays": ["THU", "MON"], "from": "2026-01-05", "at": "09:00"}),
            "at 09:00 every 2 weeks on Monday and Thursday, beginning in the week of 2026-01-05",
        ),
        (json!({"every": "week", "from": "2026-01-07", "at": "09:00"}), "at 09:00 every week on Wednesday, beginning on 2026-01-07"),
        (
            json!({"every": "month", "from": "2026-01-31", "at": "09:00"}),
            "at 09:00 every month on the 31st day of the month (months without it are left out), beginning on 2026-01-31",
        ),
        (
            json!({"every": "3 months", "from": "2026-01-01", "days": 31, "clamp": true, "at": "09:00"}),
            "at 09:00 every 3 months on the 31st day of the month (or the last day of a month that is too short), \
             beginning in the month of 2026-01-01",
        ),
        (
            json!({"every": "2 months", "from": "2026-01-01", "weekdays": ["2nd TUE"], "at": "09:00"}),
            "at 09:00 every 2 months on the 2nd Tuesday of the month, beginning in the month of 2026-01-01",
        ),
        (
            json!({"every": "2 months", "from": "2026-01-01", "weekdays": ["MON"], "at": "09:00"}),
            "at 09:00 every 2 months on each Monday of the month, beginning in the month of 2026-01-01",
        ),
        (json!({"days": ["1-5", 15, -1, -3], "at": "09:00"}), "at 09:00 on the 1st to 5th, 15th, 3rd-last and last days of every month"),
        (
            json!({"days": 13, "weekdays": "FRI", "months": "JUN", "at": "09:00"}),
            "at 09:00 on the 13th day of June, but only if it is Friday",
        ),
        (json!({"weekdays": "MON-FRI", "at": "09:00"}), "at 09:00 on Monday to Friday"),
        (json!({"weekdays": "SUN", "months": "1-3", "at": "09:00"}), "at 09:00 on Sunday in January to March"),
        (json!({"weekdays": ["SUN", "last FRI"], "months": "MAY", "at": "09:00"}), "at 09:00 on Sunday in May or the last Friday of May"),
        (json!({"business_day": -1, "at": "18:00"}), "at 18:00 on the last business day of every month"),
        (
            json!({"business_day": [1, -2], "months": [3, 9], "business_calendar": "DE", "at": "18:00"}),
            "at 18:00 on the 1st and 2nd-last business days of March and September by calendar `DE`",
        ),
        (
            json!({"days": 15, "on_holiday": "previous", "at": "09:00"}),
            "at 09:00 on the 15th day of every month; on the business day before when that is a Saturday or Sunday",
        ),
        (
            json!({"business_calendar": "DE", "on_holiday": "skip", "at": "09:00"}),
            "at 09:00 every day; left out when that is no business day by calendar `DE`",
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(rule(value).describe(), expected);
    }
}
