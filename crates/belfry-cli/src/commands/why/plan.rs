//! What a revision of a schedule planned at a time, and why it planned nothing.

use jiff::tz::TimeZone;
use serde_json::Value;

use belfry_core::calendar::Exclusion;
use belfry_core::schedule::ScheduleContent;
use belfry_core::time::UnixMillis;
use belfry_workflow::triggers::parse_schedule;

use crate::failure::Failure;

pub struct Plan {
    content: ScheduleContent,
    at: UnixMillis,
}

impl Plan {
    /// Of a revision as the API answers it.
    pub fn of(kept: &Value, at: UnixMillis) -> Result<Plan, Failure> {
        let read = parse_schedule(&kept["schedule"], UnixMillis::EPOCH, None);
        let draft = read.map_err(|violations| anyhow::anyhow!("the schedule cannot be read by this version: {violations}"))?;
        Ok(Plan { content: draft.content, at })
    }

    pub fn has_it(&self) -> bool {
        plans(&self.content, self.at)
    }

    /// What takes the time out, or which times are beside it.
    pub fn why_not(&self) -> String {
        let ScheduleContent { start_at, end_at, .. } = self.content;
        let unbounded = ScheduleContent { start_at: None, end_at: None, ..self.content.clone() };
        let without = ScheduleContent { exclude: Vec::<Exclusion>::new(), ..unbounded.clone() };
        if start_at.is_some_and(|start| self.at < start) && plans(&unbounded, self.at) {
            return format!("it does not fire: it is before `start_at`, {}", self.shown(start_at));
        }
        if end_at.is_some_and(|end| self.at > end) && plans(&unbounded, self.at) {
            return format!("it does not fire: it is after `end_at`, {}", self.shown(end_at));
        }
        if plans(&without, self.at) {
            return "it does not fire: an exclusion takes it out".to_owned();
        }
        let (before, after) = self.content.neighbours(self.at).unwrap_or_default();
        format!("it is no time of the schedule: the one before is {}, the one after {}", self.shown(before), self.shown(after))
    }

    /// In the schedule's zone, which is what its spec speaks of.
    fn shown(&self, at: Option<UnixMillis>) -> String {
        let zone: &TimeZone = self.content.timezone.rules();
        at.map_or("none".to_owned(), |at| at.to_timestamp().to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string())
    }
}

fn plans(content: &ScheduleContent, at: UnixMillis) -> bool {
    content.next_after(UnixMillis::saturating(at.get() - 1)) == Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn why(schedule: Value, at: &str) -> Option<String> {
        let plan = Plan::of(&json!({ "schedule": schedule }), UnixMillis::parse_exact(at).unwrap()).unwrap();
        (!plan.has_it()).then(|| plan.why_not())
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
