//! What is asked and answered about schedules.

use std::collections::BTreeMap;

use belfry_core::calendar::Exclusion;
use belfry_core::ids::{ScheduleId, WorkflowId};
use belfry_core::node::Length;
use belfry_core::ports::Page;
use belfry_core::schedule::{CatchUp, Origin, OutcomeReason, RecordedOutcome, ScheduleContent, ScheduledWorkflow};
use belfry_core::spec::calendar::CalendarRule;
use belfry_core::spec::cron::{DayFields, Dialect, Fold, Gap};
use belfry_core::spec::{At, Spec};
use belfry_core::time::{UnixMillis, Zone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::describe;
use crate::list::ListResponse;

/// The query of a list of schedules; everything that is given must match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListSchedules {
    pub workflow_id: Option<String>,
    pub name: Option<String>,
    /// Part of its name or of its workflow's, in any case.
    pub q: Option<String>,
    /// Of its workflow.
    pub tag: Option<String>,
    pub is_active: Option<bool>,
    /// Whether it could not be planned or fired.
    pub is_failing: Option<bool>,
    /// A business calendar that it is planned by, be it through another one.
    pub calendar: Option<String>,
    pub next_run_from: Option<String>,
    pub next_run_before: Option<String>,
    /// `created` (the default), `-created`, `name` or `next_run`.
    pub sort: Option<String>,
    pub limit: Option<usize>,
    pub cursor: Option<String>,
}

/// Whether a put made the schedule that it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created(pub bool);

/// A schedule, in the one shape that is used everywhere: exactly one of `cron`, `every`, `at`, `rrule` and `calendar`, or
/// several in `specs`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleWrite)]
pub struct ScheduleRequest {
    /// Five fields (minute hour day-of-month month day-of-week), six with the second first, seven with the year last, or a
    /// macro such as `@daily`; read in `timezone`.
    #[schema(examples("0 9 * * MON-FRI"))]
    pub cron: Option<String>,
    /// Whose notation `cron` is in: `standard` (the default) or `quartz`.
    #[schema(value_type = Option<String>, pattern = "^(standard|quartz)$")]
    pub dialect: Option<Dialect>,
    /// An interval of at least a second in absolute time, as ISO 8601 or as `15m`.
    #[schema(value_type = Option<String>, examples("PT15M"))]
    pub every: Option<Length>,
    /// Where `every`, or an `rrule` without DTSTART, counts from. Absent: the instant of creation, which is kept; an edit that
    /// gives the same interval or rule does not move it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub start: Option<UnixMillis>,
    /// One instant, or a local time of `timezone`.
    #[schema(value_type = Option<String>, examples("2027-01-01T09:00:00Z"))]
    pub at: Option<At>,
    /// A recurrence rule of RFC 5545: `FREQ=…`, or lines of DTSTART, RRULE, RDATE and EXDATE.
    #[schema(examples("FREQ=MONTHLY;BYDAY=-1FR"))]
    pub rrule: Option<String>,
    /// Days as people name them, at local times: `{"every": "2 weeks", "weekdays": ["MON"], "at": "09:00"}`,
    /// `{"months": ["JAN"], "days": [-1], "at": "18:00"}` or `{"business_day": -1, "at": "18:00"}`.
    #[schema(value_type = Option<Object>)]
    pub calendar: Option<Value>,
    /// 1 to 20 specs; the schedule is their union.
    pub specs: Option<Vec<SpecShape>>,
    /// Up to 20 exclusions: specs, or whole days such as `{"dates": ["2026-12-24..2026-12-26", "easter"]}` or the holidays of a
    /// business calendar, `{"holidays": "DE"}`.
    #[schema(value_type = Option<Vec<Object>>)]
    pub exclude: Option<Vec<Value>>,
    /// What becomes of a fixed time that is lost when clocks go forward: `next` (the first instant after the gap; the
    /// default), `skip` or `shift`.
    #[schema(value_type = Option<String>, pattern = "^(next|skip|shift)$")]
    pub gap: Option<Gap>,
    /// Which pass of a fixed time fires that comes twice when clocks go back: `first` (the default), `second` or `both`.
    #[schema(value_type = Option<String>, pattern = "^(first|second|both)$")]
    pub fold: Option<Fold>,
    /// Of a cron whose day fields are both restricted: a day may match either (`or`, the default), or must match both (`and`).
    #[schema(value_type = Option<String>, pattern = "^(or|and)$")]
    pub dom_dow: Option<DayFields>,
    /// Unique among the schedules of the workflow; `default` when absent.
    #[schema(examples("default"), min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    pub name: Option<String>,
    /// An IANA name; `UTC` when absent, never the host's.
    #[schema(value_type = Option<String>, examples("Europe/Berlin"))]
    pub timezone: Option<Zone>,
    /// The first planned time that may fire, inclusive.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub start_at: Option<UnixMillis>,
    /// The last planned time that may fire, inclusive.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub end_at: Option<UnixMillis>,
    /// Spreads what many schedules plan for one instant: each time is due up to this long after it, by a number that is its
    /// own and always the same, and before the next one. At most a day; `PT0S` when absent.
    #[schema(value_type = Option<String>, examples("PT5M"))]
    pub jitter: Option<Length>,
    /// The input of its runs; at most 64 KiB.
    #[schema(value_type = Option<Object>)]
    pub input: Option<Map<String, Value>>,
    /// False pauses. Absent: a new schedule is active, one that stands stays as it is.
    pub is_active: Option<bool>,
    /// Due for at most this long, planned times are late and all fire; longer, they are missed and `catch_up` decides.
    /// `PT1M` when absent.
    #[schema(value_type = Option<String>, examples("PT1M"))]
    pub missed_after: Option<Length>,
    /// What becomes of missed times: `last` (the latest fires; the default), `all` or `none`.
    #[schema(value_type = Option<String>, examples("last"), pattern = "^(last|all|none)$")]
    pub catch_up: Option<CatchUp>,
    /// How old a missed time may be to be caught up; `PT1H` when absent.
    #[schema(value_type = Option<String>, examples("PT1H"))]
    pub catch_up_window: Option<Length>,
}

/// One spec: exactly one of `cron`, `every`, `at`, `rrule` and `calendar`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Spec)]
pub struct SpecShape {
    #[schema(examples("0 9 * * MON-FRI"))]
    pub cron: Option<String>,
    #[schema(value_type = Option<String>, pattern = "^(standard|quartz)$")]
    pub dialect: Option<Dialect>,
    #[schema(value_type = Option<String>, examples("PT15M"))]
    pub every: Option<Length>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub start: Option<UnixMillis>,
    #[schema(value_type = Option<String>)]
    pub at: Option<At>,
    pub rrule: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub calendar: Option<Value>,
}

/// A schedule as it stands. Its spec has the shape in which it was given: flat when it is one, `specs` when several.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub struct ScheduleResponse {
    #[schema(value_type = Uuid)]
    pub id: ScheduleId,
    #[schema(value_type = Uuid)]
    pub workflow_id: WorkflowId,
    pub name: String,
    /// `definition` when the trigger node of the workflow owns it, else `direct`.
    #[schema(value_type = String, examples("direct"))]
    pub origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub cron: Option<String>,
    /// Absent for the standard one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub dialect: Option<Dialect>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub every: Option<Length>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub start: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub at: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub rrule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    pub calendar: Option<CalendarRule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<SpecShape>, required = false)]
    pub specs: Option<Vec<Spec>>,
    #[schema(value_type = String, examples("Europe/Berlin"))]
    pub timezone: Zone,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub start_at: Option<UnixMillis>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub end_at: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    pub exclude: Vec<Exclusion>,
    /// The business calendars that it is planned by, each with its revision: those that it names and all that they build on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    pub calendars: BTreeMap<String, i64>,
    #[schema(value_type = String, examples("next"))]
    pub gap: Gap,
    #[schema(value_type = String, examples("first"))]
    pub fold: Fold,
    #[schema(value_type = String, examples("or"))]
    pub dom_dow: DayFields,
    #[schema(value_type = String, examples("PT0S"))]
    pub jitter: Length,
    #[schema(value_type = Object)]
    pub input: Value,
    pub is_active: bool,
    #[schema(value_type = String, examples("PT1M"))]
    pub missed_after: Length,
    #[schema(value_type = String, examples("last"))]
    pub catch_up: CatchUp,
    #[schema(value_type = String, examples("PT1H"))]
    pub catch_up_window: Length,
    /// Its ETag: raised by every edit of it or of its workflow, not by a fire.
    pub revision: i64,
    /// When it fires next; null while paused, and when nothing is left.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub next_run_at: Option<UnixMillis>,
    /// When its next times are due, of those in `next_times`; absent without jitter, which makes them differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub next_due_times: Option<Vec<UnixMillis>>,
    /// The next five times, in UTC; empty where `next_run_at` is null.
    #[schema(value_type = Vec<String>)]
    pub next_times: Vec<UnixMillis>,
    /// The same in `timezone`.
    pub next_times_local: Vec<String>,
    /// When it fires, as a sentence.
    #[schema(examples("at 09:00, Monday to Friday (Europe/Berlin)"))]
    pub description: String,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub last_run_at: Option<UnixMillis>,
    pub run_count: i64,
    /// Failures to plan or to fire it since the last success; how its runs end is read from the runs.
    pub failure_count: i64,
    #[schema(required = true)]
    pub last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: UnixMillis,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: UnixMillis,
}

/// The fields of a [`ScheduleResponse`] that nobody sets. An answer as a whole is no body: what it shows beside these may be
/// derived as well.
pub const READ_ONLY: [&str; 16] = [
    "id",
    "workflow_id",
    "origin",
    "calendars",
    "revision",
    "next_run_at",
    "next_due_times",
    "next_times",
    "next_times_local",
    "description",
    "last_run_at",
    "run_count",
    "failure_count",
    "last_error",
    "created_at",
    "updated_at",
];

/// Planned times that did not fire, and why: those from `from` to `to`, both inclusive, that have no run of their own.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Outcome)]
pub struct OutcomeResponse {
    #[schema(value_type = Uuid)]
    pub schedule_id: ScheduleId,
    /// The schedule's revision at which they were planned.
    pub revision: i64,
    #[schema(value_type = String, format = DateTime)]
    pub from: UnixMillis,
    #[schema(value_type = String, format = DateTime)]
    pub to: UnixMillis,
    /// `missed`, `paused`, `deleted` or `failed_to_decide`.
    #[schema(value_type = String, examples("missed"))]
    pub reason: OutcomeReason,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: UnixMillis,
}

/// How many times an answer shows.
const NEXT_TIMES: usize = 5;

impl From<ScheduledWorkflow> for ScheduleResponse {
    fn from(schedule: ScheduledWorkflow) -> ScheduleResponse {
        let next_times = next_times(&schedule);
        let next_due_times = (!schedule.content.jitter.is_zero()).then(|| due_times(&schedule, &next_times));
        let description = describe::schedule(&schedule.content);
        let ScheduleContent { specs, timezone, start_at, end_at, jitter, input, exclude, calendars, rules, lateness } = schedule.content;
        let next_times_local = next_times.iter().map(|at| describe::local(*at, &timezone)).collect();
        let mut response = ScheduleResponse {
            id: schedule.id,
            workflow_id: schedule.workflow_id,
            name: schedule.name,
            origin: schedule.origin,
            cron: None,
            dialect: None,
            every: None,
            start: None,
            at: None,
            rrule: None,
            calendar: None,
            specs: None,
            timezone,
            start_at,
            end_at,
            exclude,
            calendars: calendars.revisions(),
            gap: rules.gap,
            fold: rules.fold,
            dom_dow: rules.dom_dow,
            jitter: Length(jitter),
            input,
            is_active: schedule.is_active,
            missed_after: Length(lateness.missed_after),
            catch_up: lateness.catch_up,
            catch_up_window: Length(lateness.catch_up_window),
            revision: schedule.revision,
            next_run_at: schedule.cursor.due.filter(|_| schedule.is_active),
            next_due_times,
            next_times,
            next_times_local,
            description,
            last_run_at: schedule.last_run_at,
            run_count: schedule.run_count,
            failure_count: schedule.failure_count,
            last_error: schedule.last_error,
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
        };
        response.show(specs);
        response
    }
}

impl ScheduleResponse {
    fn show(&mut self, specs: Vec<Spec>) {
        match <[Spec; 1]>::try_from(specs) {
            Ok([Spec::Cron(spec)]) => {
                self.cron = Some(spec.cron.text().to_owned());
                self.dialect = Some(spec.cron.dialect()).filter(|dialect| *dialect != Dialect::Standard);
            }
            Ok([Spec::Every(spec)]) => (self.every, self.start) = (Some(Length(spec.every)), Some(spec.start)),
            Ok([Spec::At(spec)]) => self.at = Some(spec.at),
            Ok([Spec::Rrule(spec)]) => (self.rrule, self.start) = (Some(spec.rrule.text().to_owned()), spec.rrule.given_start()),
            Ok([Spec::Calendar(spec)]) => self.calendar = Some(spec.calendar),
            Ok([unknown]) => self.specs = Some(vec![unknown]),
            Err(several) => self.specs = Some(several),
        }
    }
}

/// From the cursor on, which is the next time itself: what has been decided is not shown again.
fn next_times(schedule: &ScheduledWorkflow) -> Vec<UnixMillis> {
    let Some(next) = schedule.cursor.nominal.filter(|_| schedule.is_active && schedule.cursor.due.is_some()) else { return Vec::new() };
    let mut times = vec![next];
    times.extend(schedule.content.times_after(next, NEXT_TIMES - 1).unwrap_or_default());
    times
}

fn due_times(schedule: &ScheduledWorkflow, times: &[UnixMillis]) -> Vec<UnixMillis> {
    times.iter().map_while(|nominal| schedule.due_of(*nominal).ok()).collect()
}

impl From<RecordedOutcome> for OutcomeResponse {
    fn from(recorded: RecordedOutcome) -> OutcomeResponse {
        OutcomeResponse {
            schedule_id: recorded.schedule_id,
            revision: recorded.revision,
            from: recorded.outcome.from,
            to: recorded.outcome.to,
            reason: recorded.outcome.reason,
            recorded_at: recorded.recorded_at,
        }
    }
}

impl From<Page<RecordedOutcome>> for ListResponse<OutcomeResponse> {
    fn from(page: Page<RecordedOutcome>) -> Self {
        ListResponse::of(page, OutcomeResponse::from, |recorded| recorded.outcome.to.to_string())
    }
}
