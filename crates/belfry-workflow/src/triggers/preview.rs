//! What a schedule would do, without keeping it.

use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::{Spec, describe};
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::describe::{local, schedule};
use super::parse::read_schedule;

/// How many times are shown when nothing is asked for, and at most.
const DEFAULT_COUNT: usize = 10;
const MAX_COUNT: usize = 1000;
const OWN_FIELDS: [&str; 2] = ["after", "count"];

/// The times of a schedule, and what its author may not expect of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewResponse {
    /// In UTC; fewer than were asked for when the schedule ends.
    #[schema(value_type = Vec<String>)]
    pub times: Vec<UnixMillis>,
    /// The same in the schedule's zone.
    pub times_local: Vec<String>,
    pub description: String,
    pub warnings: Vec<String>,
}

/// The shape of a schedule, and beside it `after` (exclusive, rounded down to the millisecond; now when absent) and `count`
/// (1 to 1000, 10 when absent). An `every` without `start` counts from `after`. Nothing left is an answer, not an error.
pub fn preview(body: &Value, now: UnixMillis) -> Result<PreviewResponse, Violations> {
    let mut violations = Violations::default();
    let after = after(body, now, &mut violations);
    let count = count(body, &mut violations);
    let mut schedule = body.clone();
    if let Value::Object(fields) = &mut schedule {
        OWN_FIELDS.into_iter().for_each(|field| drop(fields.remove(field)));
    }
    let draft = match read_schedule(&schedule, after, None, &OWN_FIELDS) {
        Ok(draft) => violations.or(draft)?,
        Err(others) => {
            violations.append_under("", others);
            return Err(violations);
        }
    };
    answer(&draft.content, after, count)
}

fn answer(content: &ScheduleContent, after: UnixMillis, count: usize) -> Result<PreviewResponse, Violations> {
    // One more than asked for tells whether the schedule goes on.
    let mut times = content.times_after(after, count + 1).map_err(|error| {
        let mut violations = Violations::default();
        violations.add("", None, format!("the schedule cannot be planned: {error}"), "");
        violations
    })?;
    let ends = times.len() <= count;
    times.truncate(count);
    Ok(PreviewResponse {
        times_local: times.iter().map(|at| local(*at, &content.timezone)).collect(),
        description: schedule(&content.specs, &content.timezone, content.start_at, content.end_at),
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

fn warnings(content: &ScheduleContent, times: &[UnixMillis], ends: bool, after: UnixMillis) -> Vec<String> {
    let mut warnings: Vec<String> = content.specs.iter().filter_map(both_day_fields).collect();
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

fn both_day_fields(spec: &Spec) -> Option<String> {
    let Spec::Cron(spec) = spec else { return None };
    spec.cron.day_fields_both_restricted().then(|| {
        format!(
            "`{}` restricts both day fields and fires on a day that matches either of them (POSIX): {}; some other schedulers \
             would fire only on a day that matches both",
            spec.cron,
            describe::cron(&spec.cron)
        )
    })
}
