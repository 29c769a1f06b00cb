//! What a schedule would do, without keeping it.

use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::cron::CronRules;
use belfry_core::spec::{Spec, SpecError, describe};
use belfry_core::time::{UnixMillis, Zone};
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
const OWN_FIELDS: [&str; 5] = ["after", "count", "previous", "details", "display_timezone"];

/// Which of a schedule's times are shown, and how.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Exclusive.
    pub after: UnixMillis,
    /// How many after it.
    pub count: usize,
    /// How many up to it, inclusive.
    pub previous: usize,
    /// Whether each has with it what touched it.
    pub details: bool,
    /// In which zone local times are shown; absent: the schedule's own.
    pub display_timezone: Option<Zone>,
}

/// The times of a schedule, and what its author may not expect of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Preview)]
pub struct PreviewResponse {
    /// In UTC; fewer than were asked for when the schedule ends.
    #[schema(value_type = Vec<String>)]
    pub times: Vec<UnixMillis>,
    /// The same in the schedule's zone, or in `display_timezone`.
    pub times_local: Vec<String>,
    /// The last ones up to `after`, the earliest first, where `previous` asked for some.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    pub previous_times: Option<Vec<UnixMillis>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub previous_times_local: Option<Vec<String>>,
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
    /// As in `times_local`.
    pub local: String,
    /// `gap`, `fold`, `holiday` or `bound`; absent where the time is plainly what its spec says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub touched: Option<Touched>,
}

/// The shape of a schedule, and beside it `after` (exclusive, rounded down to the millisecond; now when absent), `count`
/// (1 to 1000, 10 when absent), `previous` (how many times up to `after`, at most 1000), `details` and `display_timezone`, in which
/// local times are shown. An `every` without `start` counts from `after`. Nothing left is an answer, not
/// an error.
pub fn preview<'a>(body: &Value, reading: impl Into<Reading<'a>>) -> Result<PreviewResponse, Violations> {
    let reading = reading.into();
    let now = reading.now;
    let mut violations = Violations::default();
    let after = after(body, now, &mut violations);
    let count = number(body, "count", 1, DEFAULT_COUNT, &mut violations);
    let previous = number(body, "previous", 0, 0, &mut violations);
    let details = details(body, &mut violations);
    let display_timezone = display_timezone(body, &mut violations);
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
    preview_of(&draft.content, &Wanted { after, count, previous, details, display_timezone }).map_err(|error| {
        let mut violations = Violations::default();
        violations.add("", None, format!("the schedule cannot be planned: {error}"), "");
        violations
    })
}

pub fn preview_of(content: &ScheduleContent, wanted: &Wanted) -> Result<PreviewResponse, SpecError> {
    let Wanted { after, count, previous, details, display_timezone } = wanted;
    let zone = display_timezone.as_ref().unwrap_or(&content.timezone);
    let locals = |times: &[UnixMillis]| times.iter().map(|at| local(*at, zone)).collect::<Vec<_>>();
    let times = content.times_after(*after, *count)?;
    let before = UnixMillis::saturating(after.get() + 1);
    let previous_times = (*previous > 0).then(|| content.times_before(before, *previous)).transpose()?;
    // A search that is given up leaves open whether it goes on.
    let ends = times.len() < *count || times.last().is_some_and(|last| content.next_after(*last) == Ok(None));
    let touched: Vec<Option<Touched>> = times.iter().map(|at| touched(content, *at)).collect();
    let detail = |(at, touched): (&UnixMillis, &Option<Touched>)| PreviewTime { time: *at, local: local(*at, zone), touched: *touched };
    Ok(PreviewResponse {
        times_local: locals(&times),
        previous_times_local: previous_times.as_deref().map(locals),
        previous_times,
        details: details.then(|| times.iter().zip(&touched).map(detail).collect()),
        description: schedule(content),
        warnings: warnings(content, &times, &touched, ends, *after),
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

/// The number in `field`, `least` to [`MAX_COUNT`]; `standard` when it is absent.
fn number(body: &Value, field: &str, least: usize, standard: usize, violations: &mut Violations) -> usize {
    let Some(given) = body.get(field).filter(|given| !given.is_null()) else { return standard };
    let count = given.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|count| (least..=MAX_COUNT).contains(count));
    count.unwrap_or_else(|| {
        let expected = format!("a whole number, {least} to {MAX_COUNT}");
        violations.add(format!("/{field}"), Some(given.clone()), "it is out of range", expected);
        standard
    })
}

fn display_timezone(body: &Value, violations: &mut Violations) -> Option<Zone> {
    let given = body.get("display_timezone").filter(|given| !given.is_null())?;
    let named = given.as_str().map_or_else(|| Err("it is no text".to_owned()), |name| Zone::named(name).map_err(|error| error.to_string()));
    named.map_err(|error| violations.add("/display_timezone", Some(given.clone()), error, "an IANA name, such as `Europe/Berlin`")).ok()
}

fn details(body: &Value, violations: &mut Violations) -> bool {
    let Some(given) = body.get("details").filter(|given| !given.is_null()) else { return false };
    given.as_bool().unwrap_or_else(|| {
        violations.add("/details", Some(given.clone()), "it is no truth value", "true or false");
        false
    })
}

fn warnings(content: &ScheduleContent, times: &[UnixMillis], touched: &[Option<Touched>], ends: bool, after: UnixMillis) -> Vec<String> {
    let mut warnings: Vec<String> = content.specs.iter().flat_map(|spec| of_cron(spec, content.rules)).collect();
    if times.windows(2).any(|pair| pair[1].get() - pair[0].get() <= 1000) {
        warnings.push("it fires every second at times: each one is a run of its own".to_owned());
    }
    warnings.extend(of_clocks(&content.timezone, times, touched));
    match times.last() {
        None => warnings.push(format!("it never fires after {after}")),
        Some(last) if ends => warnings.push(format!("it never fires again after {last}")),
        Some(_) => {}
    }
    warnings
}

/// The first of the times that stands for one that is lost, and the first whose local time comes twice.
fn of_clocks(zone: &Zone, times: &[UnixMillis], touched: &[Option<Touched>]) -> Vec<String> {
    let first = |kind: Touched| touched.iter().position(|touched| *touched == Some(kind)).map(|place| local(times[place], zone));
    let lost = first(Touched::Gap).map(|at| format!("at {at} it fires for a time that clocks skip"));
    let twice = first(Touched::Fold).map(|at| format!("at {at} it fires at a time that clocks show twice"));
    lost.into_iter().chain(twice).collect()
}

fn of_cron(spec: &Spec, rules: CronRules) -> Vec<String> {
    let Spec::Cron(spec) = spec else { return Vec::new() };
    describe::warnings(&spec.cron, rules).into_iter().map(|warning| format!("`{}`: {warning}", spec.cron)).collect()
}
