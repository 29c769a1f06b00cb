//! What a revision of a schedule planned at a time, and why it planned nothing.

use serde_json::Value;

use belfry_core::calendar::{DateExclusion, Exclusion};
use belfry_core::schedule::ScheduleContent;
use belfry_core::time::{UnixMillis, Zone};
use belfry_workflow::triggers::{KnownCalendars, Reading, parse_schedule};

use super::shown;
use crate::failure::Failure;

pub struct Plan {
    content: ScheduleContent,
    at: UnixMillis,
}

impl Plan {
    /// Of a revision as the API answers it, with the calendars that it was planned by.
    pub fn of(kept: &Value, calendars: &KnownCalendars, at: UnixMillis) -> Result<Plan, Failure> {
        let read = parse_schedule(&kept["schedule"], Reading { now: UnixMillis::EPOCH, calendars }, None);
        let draft = read.map_err(|violations| anyhow::anyhow!("the schedule cannot be read by this version: {violations}"))?;
        Ok(Plan { content: draft.content, at })
    }

    pub fn has_it(&self) -> bool {
        plans(&self.content, self.at)
    }

    /// What takes the time out, or which times are beside it; told in `zone`.
    pub fn why_not(&self, zone: &Zone) -> String {
        let shown = |at: Option<UnixMillis>| at.map_or("none".to_owned(), |at| shown(at, zone));
        let ScheduleContent { start_at, end_at, .. } = self.content;
        let unbounded = ScheduleContent { start_at: None, end_at: None, ..self.content.clone() };
        let without = ScheduleContent { exclude: Vec::<Exclusion>::new(), ..unbounded.clone() };
        if start_at.is_some_and(|start| self.at < start) && plans(&unbounded, self.at) {
            return format!("it does not fire: it is before `start_at`, {}", shown(start_at));
        }
        if end_at.is_some_and(|end| self.at > end) && plans(&unbounded, self.at) {
            return format!("it does not fire: it is after `end_at`, {}", shown(end_at));
        }
        if plans(&without, self.at) {
            return format!("it does not fire: {}", self.holiday().unwrap_or_else(|| "an exclusion takes it out".to_owned()));
        }
        let (before, after) = self.content.neighbours(self.at).unwrap_or_default();
        format!("it is no time of the schedule: the one before is {}, the one after {}", shown(before), shown(after))
    }

    /// The holiday that takes the time out, where one does.
    fn holiday(&self) -> Option<String> {
        let date = self.content.timezone.rules().to_datetime(self.at.to_timestamp()).date();
        self.content.exclude.iter().find_map(|exclusion| {
            let Exclusion::Days(DateExclusion::Holidays(name)) = exclusion else { return None };
            let entry = self.content.calendars.calendars().get(name).ok()?.holiday(date)?;
            let label = entry.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
            Some(format!("{date} is a holiday of `{name}`{label}"))
        })
    }
}

fn plans(content: &ScheduleContent, at: UnixMillis) -> bool {
    content.next_after(UnixMillis::saturating(at.get() - 1)) == Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use belfry_core::calendar::{BusinessCalendar, CalendarVersion};
    use serde_json::json;

    use super::*;

    fn why(schedule: Value, at: &str) -> Option<String> {
        let holidays = json!({"holidays": [{"on": "12-25", "label": "Christmas"}, "12-26"]});
        let version = CalendarVersion { version: 3, calendar: BusinessCalendar::parse(&holidays).unwrap() };
        let calendars = KnownCalendars::at(BTreeMap::from([("DE".to_owned(), version)]));
        let plan = Plan::of(&json!({ "schedule": schedule }), &calendars, UnixMillis::parse_exact(at).unwrap()).unwrap();
        (!plan.has_it()).then(|| plan.why_not(&plan.content.timezone))
    }

    #[test]
    fn a_holiday_is_told_by_its_calendar() {
        let schedule = json!({"cron": "0 9 * * *", "exclude": [{"dates": ["12-24"]}, {"holidays": "DE"}]});
        let why = |at| why(schedule.clone(), at);
        assert_eq!(why("2026-12-25T09:00:00Z").as_deref(), Some("it does not fire: 2026-12-25 is a holiday of `DE` (Christmas)"));
        assert_eq!(why("2026-12-26T09:00:00Z").as_deref(), Some("it does not fire: 2026-12-26 is a holiday of `DE`"));
        assert_eq!(why("2026-12-24T09:00:00Z").as_deref(), Some("it does not fire: an exclusion takes it out"));
        assert_eq!(why("2026-12-23T09:00:00Z"), None);
    }

    #[test]
    fn a_time_that_is_none_is_told_with_what_takes_it_out() {
        let schedule = json!({
            "cron": "0 9 * * *", "timezone": "Europe/Berlin", "exclude": [{"dates": ["12-25"]}],
            "start_at": "2026-12-20T00:00:00Z", "end_at": "2026-12-30T00:00:00Z"
        });
        let why = |at| why(schedule.clone(), at);
        assert_eq!(why("2026-12-24T08:00:00Z"), None);
        assert_eq!(why("2026-12-25T08:00:00Z").as_deref(), Some("it does not fire: an exclusion takes it out"));
        assert_eq!(why("2026-12-19T08:00:00Z").as_deref(), Some("it does not fire: it is before `start_at`, 2026-12-20 01:00:00 CET"));
        assert_eq!(why("2026-12-31T08:00:00Z").as_deref(), Some("it does not fire: it is after `end_at`, 2026-12-30 01:00:00 CET"));
        assert_eq!(
            why("2026-12-24T09:00:00Z").as_deref(),
            Some("it is no time of the schedule: the one before is 2026-12-24 09:00:00 CET, the one after 2026-12-26 09:00:00 CET")
        );
    }
}
