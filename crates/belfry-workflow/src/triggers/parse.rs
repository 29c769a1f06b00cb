//! The one reader of a schedule's shape: bodies, trigger nodes, files and previews all come through here.

use belfry_core::schedule::{Lateness, ScheduleContent};
use belfry_core::spec::{At, Every, SHORTEST_INTERVAL, Spec};
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::violation::Violations;
use belfry_core::workflow::is_name;
use jiff::SignedDuration;
use serde_json::Value;

use super::schemas::{ScheduleRequest, SpecShape};
use crate::read::read_partly;

/// The most specs of one schedule: each is asked whenever the next time is sought.
pub const MAX_SPECS: usize = 20;
/// The longest name of a schedule.
const MAX_NAME: usize = 128;
/// The largest input, as JSON; it is copied into every run and sent along with its message.
pub(crate) const MAX_INPUT_BYTES: usize = 64 * 1024;

/// A schedule as its author gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleDraft {
    /// Absent: `default` for a new one; one that stands keeps its own.
    pub name: Option<String>,
    pub content: ScheduleContent,
    /// Absent: active for a new one; one that stands stays as it is.
    pub is_active: Option<bool>,
}

/// Reads a schedule that is to be kept; pointers begin at `value`.
///
/// `anchor` is now: an `every` without `start` counts from it. But an interval of the same length in `standing`, the content
/// that the draft replaces, keeps its start, so that an edit of something else does not shift it.
///
/// A schedule with no occurrence left after `anchor` is refused, unless `standing` has the very same times: a one-shot that
/// has fired must not forbid to edit its workflow.
pub fn parse_schedule(value: &Value, anchor: UnixMillis, standing: Option<&ScheduleContent>) -> Result<ScheduleDraft, Violations> {
    let draft = read_schedule(value, anchor, standing, &[])?;
    if standing.is_some_and(|standing| same_times(standing, &draft.content)) {
        return Ok(draft);
    }
    match draft.content.next_after(anchor) {
        Ok(Some(_)) => Ok(draft),
        Ok(None) => Err(nothing_left(value, &draft.content, anchor)),
        Err(error) => {
            let mut violations = Violations::default();
            violations.add("", None, format!("the schedule cannot be planned: {error}"), "");
            Err(violations)
        }
    }
}

/// Reads a schedule whether or not it has an occurrence left. `also`: fields taken out of `value` before.
pub(super) fn read_schedule(
    value: &Value,
    anchor: UnixMillis,
    standing: Option<&ScheduleContent>,
    also: &[&str],
) -> Result<ScheduleDraft, Violations> {
    let (request, violations) = read_partly::<ScheduleRequest>(value, also);
    let Some(request) = request else { return Err(violations) };
    let mut reader = Reader { value, anchor, standing: intervals(standing), violations };
    let specs = reader.specs(&request);
    reader.bounds(&request);
    reader.name(request.name.as_deref());
    let lateness = reader.lateness(&request);
    let input = Value::Object(request.input.unwrap_or_default());
    check_input("/input", &input, &mut reader.violations);
    let timezone = request.timezone.unwrap_or_else(Zone::utc);
    let content = ScheduleContent { specs, timezone, start_at: request.start_at, end_at: request.end_at, input, lateness };
    reader.violations.or(ScheduleDraft { name: request.name, content, is_active: request.is_active })
}

/// Adds a violation when `input` is larger than what is kept.
pub(crate) fn check_input(pointer: &str, input: &Value, violations: &mut Violations) {
    let size = input.to_string().len();
    if size > MAX_INPUT_BYTES {
        violations.add(pointer, None, format!("it is {size} bytes as JSON"), format!("at most {MAX_INPUT_BYTES} bytes"));
    }
}

/// Adds a violation when `name` is no name of a workflow or schedule.
pub(crate) fn check_name(pointer: &str, name: &str, violations: &mut Violations) {
    if !is_name(name) || name.len() > MAX_NAME {
        let expected = format!("1 to {MAX_NAME} letters, digits, `_`, `.` and `-`, beginning with a letter or digit");
        violations.add(pointer, Some(Value::from(name)), format!("`{name}` is no name"), expected);
    }
}

struct Reader<'a> {
    value: &'a Value,
    anchor: UnixMillis,
    /// The intervals of the standing content that have not lent their start yet.
    standing: Vec<Every>,
    violations: Violations,
}

impl Reader<'_> {
    fn specs(&mut self, request: &ScheduleRequest) -> Vec<Spec> {
        if !given(self.value, "specs") {
            let shape = SpecShape { cron: request.cron.clone(), every: request.every, start: request.start, at: request.at.clone() };
            return self
                .spec("", self.value, &shape, "exactly one of `cron`, `every` and `at`, or several in `specs`")
                .into_iter()
                .collect();
        }
        for field in ["cron", "every", "start", "at"].into_iter().filter(|field| given(self.value, field)) {
            let detail = format!("`{field}` stands beside `specs`");
            self.violations.add(format!("/{field}"), Some(self.value[field].clone()), detail, "one spec, or all of them in `specs`");
        }
        let shapes = request.specs.as_deref().unwrap_or_default();
        if request.specs.is_some() && !(1..=MAX_SPECS).contains(&shapes.len()) {
            self.violations.add("/specs", None, format!("it has {} items", shapes.len()), format!("1 to {MAX_SPECS} specs"));
        }
        let value = self.value;
        let read = |(index, shape)| {
            self.spec(&format!("/specs/{index}"), &value["specs"][index], shape, "exactly one of `cron`, `every` and `at`")
        };
        shapes.iter().enumerate().take(MAX_SPECS).filter_map(read).collect()
    }

    /// What is given is judged by the document, not by `shape`, from which faulty fields are left out.
    fn spec(&mut self, pointer: &str, value: &Value, shape: &SpecShape, expected: &str) -> Option<Spec> {
        let kinds: Vec<&str> = ["cron", "every", "at"].into_iter().filter(|kind| given(value, kind)).collect();
        match kinds.as_slice() {
            [] => self.violations.add(pointer, None, "no spec is given", expected),
            [_] => {}
            several => self.violations.add(pointer, None, format!("`{}` are given together", several.join("`, `")), expected),
        }
        if given(value, "start") && !given(value, "every") {
            let detail = "`start` goes with `every` only";
            self.violations.add(
                format!("{pointer}/start"),
                Some(value["start"].clone()),
                detail,
                "`start_at`, for the first time that may fire",
            );
        }
        match shape {
            SpecShape { cron: Some(cron), .. } => Some(Spec::cron(cron.clone())),
            SpecShape { every: Some(every), start, .. } => {
                if every.0 < SHORTEST_INTERVAL {
                    let found = Some(value["every"].clone());
                    self.violations.add(format!("{pointer}/every"), found, "it is shorter than a second", "a duration of at least PT1S");
                }
                Some(Spec::every(every.0, start.unwrap_or_else(|| self.start_of(every.0))))
            }
            SpecShape { at: Some(at), .. } => Some(Spec::at(at.clone())),
            SpecShape { cron: None, every: None, at: None, .. } => None,
        }
    }

    fn start_of(&mut self, every: SignedDuration) -> UnixMillis {
        match self.standing.iter().position(|standing| standing.every == every) {
            Some(index) => self.standing.remove(index).start,
            None => self.anchor,
        }
    }

    fn bounds(&mut self, request: &ScheduleRequest) {
        if let (Some(start), Some(end)) = (request.start_at, request.end_at)
            && end < start
        {
            self.violations.add(
                "/end_at",
                Some(Value::from(end.to_string())),
                format!("it is before `start_at`, {start}"),
                "a later instant",
            );
        }
    }

    fn name(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            check_name("/name", name, &mut self.violations);
        }
    }

    fn lateness(&mut self, request: &ScheduleRequest) -> Lateness {
        let standard = Lateness::default();
        let missed_after = request.missed_after.map_or(standard.missed_after, |length| length.0);
        if missed_after < SignedDuration::from_secs(1) {
            // Below it, the seconds that a restart or a failover takes would turn every time into a missed one.
            let found = Some(self.value["missed_after"].clone());
            self.violations.add("/missed_after", found, "it is shorter than a second", "a duration of at least PT1S");
        }
        Lateness {
            missed_after,
            catch_up: request.catch_up.unwrap_or(standard.catch_up),
            catch_up_window: request.catch_up_window.map_or(standard.catch_up_window, |length| length.0),
        }
    }
}

/// Null is as good as absent.
fn given(value: &Value, field: &str) -> bool {
    value.get(field).is_some_and(|value| !value.is_null())
}

fn intervals(content: Option<&ScheduleContent>) -> Vec<Every> {
    let specs = content.map(|content| content.specs.as_slice()).unwrap_or_default();
    specs.iter().filter_map(|spec| if let Spec::Every(every) = spec { Some(every.clone()) } else { None }).collect()
}

fn same_times(one: &ScheduleContent, other: &ScheduleContent) -> bool {
    (&one.specs, &one.timezone, one.start_at, one.end_at) == (&other.specs, &other.timezone, other.start_at, other.end_at)
}

/// Why a schedule has no occurrence after `now`.
fn nothing_left(value: &Value, content: &ScheduleContent, now: UnixMillis) -> Violations {
    let mut violations = Violations::default();
    let passed = |at: &At| at.instant(&content.timezone).is_some_and(|at| at <= now);
    if let Some(end) = content.end_at.filter(|end| *end <= now) {
        let detail = format!("it has passed: now is {now}, so no time is left");
        violations.add("/end_at", Some(Value::from(end.to_string())), detail, "an instant later than now");
        return violations;
    }
    match content.specs.as_slice() {
        [Spec::At(spec)] if passed(&spec.at) => {
            let pointer = if given(value, "specs") { "/specs/0/at" } else { "/at" };
            let found = value.pointer(pointer).cloned();
            violations.add(pointer, found, format!("it has passed: now is {now}"), "a time later than now");
        }
        _ if content.start_at.is_none() && content.end_at.is_none() => {
            violations.add("", None, "no time is left: it would never fire", "a spec with a time later than now");
        }
        _ => violations.add("", None, "it would never fire: no time of its spec lies between `start_at` and `end_at`", "wider bounds"),
    }
    violations
}
