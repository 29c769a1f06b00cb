//! What a schedule would do, without keeping it.

use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::cron::CronRules;
use belfry_core::spec::{Spec, SpecError, describe};
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::calendars::Reading;
use super::describe::{local, schedule};
use super::parse::read_schedule;
use super::touched::{Touched, touched};

/// How many times are shown when nothing is asked for, and at most.
const DEFAULT_COUNT: usize = 10;
const MAX_COUNT: usize = 1000;
const OWN_FIELDS: [&str; 3] = ["after", "count", "details"];

/// The times of a schedule, and what its author may not expect of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewResponse {
    /// In UTC; fewer than were asked for when the schedule ends.
    #[schema(value_type = Vec<String>)]
    pub times: Vec<UnixMillis>,
    /// The same in the schedule's zone.
    pub times_local: Vec<String>,
    /// The same again, each with what touched it, where `details` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub details: Option<Vec<PreviewTime>>,
    pub description: String,
    pub warnings: Vec<String>,
}

/// One time of a preview.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PreviewTime {
    #[schema(value_type = String, format = DateTime)]
    pub time: UnixMillis,
    /// In the schedule's zone.
    pub local: String,
    /// `gap`, `fold`, `holiday` or `bound`; absent where the time is plainly what its spec says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub touched: Option<Touched>,
}

/// The shape of a schedule, and beside it `after` (exclusive, rounded down to the millisecond; now when absent), `count`
/// (1 to 1000, 10 when absent) and `details`. An `every` without `start` counts from `after`. Nothing left is an answer, not
/// an error.
pub fn preview<'a>(body: &Value, reading: impl Into<Reading<'a>>) -> Result<PreviewResponse, Violations> {
    let reading = reading.into();
    let now = reading.now;
    let mut violations = Violations::default();
    let after = after(body, now, &mut violations);
    let count = count(body, &mut violations);
    let details = details(body, &mut violations);
    let mut schedule = body.clone();
    if let Value::Object(fields) = &mut schedule {
        OWN_FIELDS.into_iter().for_each(|field| drop(fields.remove(field)));
    }
    let draft = match read_schedule(&schedule, Reading { now: after, ..reading }, None, &OWN_FIELDS) {
        Ok(draft) => violations.or(draft)?,
        Err(others) => {
            violations.append_under("", others);
            return Err(violations);
        }
    };
    preview_of(&draft.content, after, count, details).map_err(|error| {
        let mut violations = Violations::default();
        violations.add("", None, format!("the schedule cannot be planned: {error}"), "");
        violations
    })
}

/// The first `count` times after `after`, exclusive.
pub fn preview_of(content: &ScheduleContent, after: UnixMillis, count: usize, details: bool) -> Result<PreviewResponse, SpecError> {
    let times = content.times_after(after, count)?;
    // A search that is given up leaves open whether it goes on.
    let ends = times.len() < count || times.last().is_some_and(|last| content.next_after(*last) == Ok(None));
    let detail = |at: &UnixMillis| PreviewTime { time: *at, local: local(*at, &content.timezone), touched: touched(content, *at) };
    Ok(PreviewResponse {
        times_local: times.iter().map(|at| local(*at, &content.timezone)).collect(),
        details: details.then(|| times.iter().map(detail).collect()),
        description: schedule(content),
        warnings: warnings(content, &times, ends, after),
        times,
    })
}

fn after(body: &Value, now: UnixMillis, violations: &mut Violations) -> UnixMillis {
    let Some(given) = body.get("after").filter(|given| !given.is_null()) else { return now };
    given.as_str().and_then(|text| text.parse().ok()).map(UnixMillis::floor).unwrap_or_else(|| {
        let expected = "an instant in RFC 3339 with an offset, such as 2026-11-25T09:00:00Z";
        violations.add("/after", Some(given.clone()), "it is no instant", expected);
        now
    })
}

fn count(body: &Value, violations: &mut Violations) -> usize {
    let Some(given) = body.get("count").filter(|given| !given.is_null()) else { return DEFAULT_COUNT };
    let count = given.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|count| (1..=MAX_COUNT).contains(count));
    count.unwrap_or_else(|| {
        violations.add("/count", Some(given.clone()), "it is out of range", format!("a whole number, 1 to {MAX_COUNT}"));
        DEFAULT_COUNT
    })
}

fn details(body: &Value, violations: &mut Violations) -> bool {
    let Some(given) = body.get("details").filter(|given| !given.is_null()) else { return false };
    given.as_bool().unwrap_or_else(|| {
        violations.add("/details", Some(given.clone()), "it is no truth value", "true or false");
        false
    })
}

fn warnings(content: &ScheduleContent, times: &[UnixMillis], ends: bool, after: UnixMillis) -> Vec<String> {
    let mut warnings: Vec<String> = content.specs.iter().flat_map(|spec| of_cron(spec, content.rules)).collect();
    if times.windows(2).any(|pair| pair[1].get() - pair[0].get() <= 1000) {
        warnings.push("it fires every second at times: each one is a run of its own".to_owned());
    }
    match times.last() {
        None => warnings.push(format!("it never fires after {after}")),
        Some(last) if ends => warnings.push(format!("it never fires again after {last}")),
        Some(_) => {}
    }
    warnings
}

fn of_cron(spec: &Spec, rules: CronRules) -> Vec<String> {
    let Spec::Cron(spec) = spec else { return Vec::new() };
    describe::warnings(&spec.cron, rules).into_iter().map(|warning| format!("`{}`: {warning}", spec.cron)).collect()
}
