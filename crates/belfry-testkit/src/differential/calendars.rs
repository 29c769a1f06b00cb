//! Steps that are about business calendars.

use belfry_core::calendar::{BusinessCalendar, DateExclusion, Exclusion};
use belfry_core::ports::{CalendarFilter, CalendarWrite, ScheduleEdit, WallClock};
use belfry_core::schedule::ScheduleContent;
use jiff::tz::TimeZone;
use serde_json::json;

use super::pair::{LONGEST, Outcomes, Pair, both, pick, same};
use super::steps::Step;

impl Pair<'_> {
    pub(super) async fn take_calendars(&mut self, step: &Step) -> Outcomes {
        match step {
            Step::PutCalendar { name, days, union, stale } => {
                let write = CalendarWrite {
                    name: calendar_name(*name),
                    expected: stale.then_some(7),
                    calendar: self.calendar(*days, union.map(calendar_name)),
                };
                let _ = both!(self, calendars.put_calendar(write.clone()));
            }
            Step::DeleteCalendar { name } => {
                let _ = both!(self, calendars.delete_calendar(&calendar_name(*name), None));
            }
            // Makes it leave out the holidays of the calendar, as that stands or as it stood before.
            Step::PlanBy { schedule, name, old } => {
                let Some(id) = pick(schedule, &self.schedules) else { return Ok(()) };
                let Ok(standing) = both!(self, workflows.schedule(id)) else { return Ok(()) };
                let name = calendar_name(*name);
                let mut known = both!(self, calendars.calendars_behind(std::slice::from_ref(&name))).unwrap();
                if *old {
                    known.values_mut().for_each(|version| version.version -= 1);
                }
                let exclude = vec![Exclusion::Days(DateExclusion::Holidays(name))];
                let Ok(content) = ScheduleContent { exclude, ..standing.content }.pinned_to(&known) else { return Ok(()) };
                let edit = ScheduleEdit { id, expected: None, name: None, content: Some(content), is_active: None };
                let _ = both!(self, workflows.edit_schedule(edit.clone()));
            }
            _ => {}
        }
        Ok(())
    }

    fn calendar(&self, days: u8, union: Option<String>) -> BusinessCalendar {
        let today = self.clock.now().to_timestamp().to_zoned(TimeZone::UTC).date();
        let holidays = match days {
            0 => json!([]),
            1 => json!([today.to_string()]),
            _ => json!(["12-25", {"on": "easter", "label": "Easter"}]),
        };
        let document = json!({"holidays": holidays, "union": union.into_iter().collect::<Vec<_>>()});
        BusinessCalendar::parse(&document).expect("it may be written so")
    }

    pub(super) async fn compare_calendars(&self) -> Outcomes {
        let _ = both!(self, calendars.calendars(CalendarFilter { limit: LONGEST, ..CalendarFilter::default() }));
        for number in 0..3 {
            let _ = both!(self, calendars.calendar_revisions(&calendar_name(number), None, LONGEST));
        }
        Ok(())
    }
}

fn calendar_name(number: u8) -> String {
    format!("calendar-{number}")
}
