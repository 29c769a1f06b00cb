//! The one reader of a schedule's shape: bodies, trigger nodes, files and previews all come through here.

use belfry_core::calendar::{DateExclusion, Exclusion, PinnedCalendars};
use belfry_core::jitter::LONGEST_JITTER;
use belfry_core::schedule::{Lateness, ScheduleContent};
use belfry_core::spec::calendar::CalendarRule;
use belfry_core::spec::cron::{Cron, CronRules, Dialect};
use belfry_core::spec::rrule::Rrule;
use belfry_core::spec::{At, SHORTEST_INTERVAL, Spec};
use belfry_core::time::{UnixMillis, Zone};
use belfry_core::violation::Violations;
use belfry_core::workflow::is_name;
use jiff::SignedDuration;
use serde_json::Value;

use super::calendars::{KnownCalendars, Reading};
use super::schemas::{ScheduleRequest, SpecShape};
use crate::read::read_partly;

/// The most specs of one schedule: each is asked whenever the next time is sought.
pub const MAX_SPECS: usize = 20;
/// The most exclusions of one schedule.
pub const MAX_EXCLUSIONS: usize = 20;
/// The kinds of specs, by their fields.
const KINDS: [&str; 5] = ["cron", "every", "at", "rrule", "calendar"];
const ONE_KIND: &str = "exactly one of `cron`, `every`, `at`, `rrule` and `calendar`";
pub(crate) const CRON: &str = "five fields (minute hour day-of-month month day-of-week), six with the second first, or seven with the \
                               year last as well, such as `0 9 * * MON-FRI`";
const QUARTZ: &str = "six fields (second minute hour day-of-month month day-of-week), or seven with the year last, such as \
                      `0 0 9 ? * MON-FRI`";
pub(crate) const RRULE: &str = "a rule of RFC 5545, such as `FREQ=MONTHLY;BYDAY=-1FR`";
const RULE_START: &str = "an instant of whole seconds, beside a rule without DTSTART";
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
/// An `every` without `start` counts from now. But an interval of the same length in `standing`, the content
/// that the draft replaces, keeps its start, so that an edit of something else does not shift it.
///
/// A schedule with no occurrence left is refused, unless `standing` has the very same times: a one-shot that
/// has fired must not forbid to edit its workflow.
pub fn parse_schedule<'a>(
    value: &Value,
    reading: impl Into<Reading<'a>>,
    standing: Option<&ScheduleContent>,
) -> Result<ScheduleDraft, Violations> {
    let reading = reading.into();
    let anchor = reading.now;
    let draft = read_schedule(value, reading, standing, &[])?;
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
    reading: Reading<'_>,
    standing: Option<&ScheduleContent>,
    also: &[&str],
) -> Result<ScheduleDraft, Violations> {
    let Reading { now: anchor, calendars: known } = reading;
    let (request, violations) = read_partly::<ScheduleRequest>(value, also);
    let Some(request) = request else { return Err(violations) };
    let timezone = request.timezone.clone().unwrap_or_else(Zone::utc);
    let rules = CronRules {
        gap: request.gap.unwrap_or_default(),
        fold: request.fold.unwrap_or_default(),
        dom_dow: request.dom_dow.unwrap_or_default(),
    };
    let of_specs = standing.map(|content| content.specs.clone()).unwrap_or_default();
    let mut reader = Reader { value, anchor, known, timezone: &timezone, rules, standing: of_specs, violations };
    let specs = reader.specs(&request);
    reader.standing = standing.map(excluded_specs).unwrap_or_default();
    let exclude = reader.exclusions(&request);
    reader.bounds(&request);
    reader.name(request.name.as_deref());
    let jitter = reader.jitter(&request);
    let lateness = reader.lateness(&request);
    let input = Value::Object(request.input.unwrap_or_default());
    check_input("/input", &input, &mut reader.violations);
    let mut violations = reader.violations;
    let (start_at, end_at) = (request.start_at, request.end_at);
    let calendars = PinnedCalendars::default();
    let content = ScheduleContent { specs, timezone, start_at, end_at, jitter, input, exclude, calendars, rules, lateness };
    let content = pinned(content, known, &mut violations);
    violations.or(ScheduleDraft { name: request.name, content, is_active: request.is_active })
}

/// Planned by the calendars that it names, as they are known. That they are there was checked where they stand.
fn pinned(content: ScheduleContent, known: &KnownCalendars, violations: &mut Violations) -> ScheduleContent {
    if !violations.0.is_empty() {
        return content;
    }
    content.pinned_to(known.versions()).unwrap_or_else(|error| {
        violations.add("", None, error.to_string(), "fewer or smaller calendars");
        content
    })
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
    known: &'a KnownCalendars,
    timezone: &'a Zone,
    rules: CronRules,
    /// The specs of the standing content, or those that it excludes, that have not lent their start yet.
    standing: Vec<Spec>,
    violations: Violations,
}

impl Reader<'_> {
    fn specs(&mut self, request: &ScheduleRequest) -> Vec<Spec> {
        if !given(self.value, "specs") {
            let shape = SpecShape {
                cron: request.cron.clone(),
                dialect: request.dialect,
                every: request.every,
                start: request.start,
                at: request.at.clone(),
                rrule: request.rrule.clone(),
                calendar: request.calendar.clone(),
            };
            return self.spec("", self.value, &shape, &format!("{ONE_KIND}, or several in `specs`")).into_iter().collect();
        }
        for field in KINDS.into_iter().chain(["start", "dialect"]).filter(|field| given(self.value, field)) {
            let detail = format!("`{field}` stands beside `specs`");
            self.violations.add(format!("/{field}"), Some(self.value[field].clone()), detail, "one spec, or all of them in `specs`");
        }
        let shapes = request.specs.as_deref().unwrap_or_default();
        if request.specs.is_some() && !(1..=MAX_SPECS).contains(&shapes.len()) {
            self.violations.add("/specs", None, format!("it has {} items", shapes.len()), format!("1 to {MAX_SPECS} specs"));
        }
        let value = self.value;
        let read = |(index, shape)| self.spec(&format!("/specs/{index}"), &value["specs"][index], shape, ONE_KIND);
        shapes.iter().enumerate().take(MAX_SPECS).filter_map(read).collect()
    }

    /// What is given is judged by the document, not by `shape`, from which faulty fields are left out.
    fn spec(&mut self, pointer: &str, value: &Value, shape: &SpecShape, expected: &str) -> Option<Spec> {
        let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| given(value, kind)).collect();
        match kinds.as_slice() {
            [] => self.violations.add(pointer, None, "no spec is given", expected),
            [_] => {}
            several => self.violations.add(pointer, None, format!("`{}` are given together", several.join("`, `")), expected),
        }
        self.companion(pointer, value, "start", &["every", "rrule"], "`start_at`, for the first time that may fire");
        self.companion(pointer, value, "dialect", &["cron"], "a spec with `cron`");
        match shape {
            SpecShape { cron: Some(cron), .. } => self.cron(pointer, cron, shape),
            SpecShape { every: Some(every), start, .. } => {
                if every.0 < SHORTEST_INTERVAL {
                    let found = Some(value["every"].clone());
                    self.violations.add(format!("{pointer}/every"), found, "it is shorter than a second", "a duration of at least PT1S");
                }
                Some(Spec::every(every.0, start.unwrap_or_else(|| self.start_of(every.0))))
            }
            SpecShape { at: Some(at), .. } => Some(Spec::at(at.clone())),
            SpecShape { rrule: Some(rrule), start, .. } => self.rrule(pointer, rrule, *start),
            SpecShape { calendar: Some(calendar), .. } => self.calendar(pointer, calendar),
            SpecShape { cron: None, every: None, at: None, rrule: None, calendar: None, .. } => None,
        }
    }

    /// A field that goes with some kinds of specs only.
    fn companion(&mut self, pointer: &str, value: &Value, field: &str, kinds: &[&str], expected: &str) {
        if given(value, field) && !kinds.iter().any(|kind| given(value, kind)) {
            let detail = format!("`{field}` goes with `{}` only", kinds.join("` and `"));
            self.violations.add(format!("{pointer}/{field}"), Some(value[field].clone()), detail, expected);
        }
    }

    fn cron(&mut self, pointer: &str, text: &str, shape: &SpecShape) -> Option<Spec> {
        let dialect = shape.dialect.unwrap_or_default();
        let expected = if dialect == Dialect::Quartz { QUARTZ } else { CRON };
        let read = Cron::parse_in(text, dialect);
        match read.and_then(|cron| cron.check_can_fire(self.rules.dom_dow).map(|()| cron)) {
            Ok(cron) => Some(Spec::cron(cron)),
            Err(error) => self.refuse(format!("{pointer}/cron"), text, error.to_string(), expected),
        }
    }

    fn rrule(&mut self, pointer: &str, text: &str, start: Option<UnixMillis>) -> Option<Spec> {
        let rrule = match Rrule::parse(text) {
            Ok(rrule) => rrule,
            Err(error) => return self.refuse(format!("{pointer}/rrule"), text, error.to_string(), RRULE),
        };
        let anchored = match start {
            None if !rrule.needs_start() => return Some(Spec::rrule(rrule)),
            None => rrule.with_start(self.start_of_rule(text)),
            Some(start) => rrule.with_start(start),
        };
        match anchored {
            Ok(rrule) => Some(Spec::rrule(rrule)),
            Err(error) => {
                let found = start.unwrap_or(self.anchor).to_string();
                self.refuse(format!("{pointer}/start"), &found, error.to_string(), RULE_START)
            }
        }
    }

    fn calendar(&mut self, pointer: &str, value: &Value) -> Option<Spec> {
        let today = self.timezone.rules().to_datetime(self.anchor.to_timestamp()).date();
        let anchored = |rule: &CalendarRule| is_anchored_form(rule, value);
        let standing = self.standing.iter().position(|spec| matches!(spec, Spec::Calendar(spec) if anchored(&spec.calendar)));
        if let Some(index) = standing {
            let lent = self.standing.remove(index);
            if let Spec::Calendar(spec) = &lent {
                self.calendar_of(pointer, &spec.calendar);
            }
            return Some(lent);
        }
        match CalendarRule::parse_anchored(value, today) {
            Ok(rule) => {
                self.calendar_of(pointer, &rule);
                Some(Spec::calendar(rule))
            }
            Err(violations) => {
                self.violations.append_under(&format!("{pointer}/calendar"), violations);
                None
            }
        }
    }

    fn calendar_of(&mut self, pointer: &str, rule: &CalendarRule) {
        if let Some(name) = rule.business_calendar() {
            self.check_calendar(format!("{pointer}/calendar/business_calendar"), name);
        }
    }

    fn check_calendar(&mut self, pointer: String, name: &str) {
        if let Err((detail, expected)) = self.known.check(name) {
            self.violations.add(pointer, Some(Value::from(name)), detail, expected);
        }
    }

    fn refuse(&mut self, pointer: String, found: &str, detail: String, expected: &str) -> Option<Spec> {
        self.violations.add(pointer, Some(Value::from(found)), detail, expected);
        None
    }

    fn start_of(&mut self, every: SignedDuration) -> UnixMillis {
        let start = |spec: &Spec| if let Spec::Every(standing) = spec { (standing.every == every).then_some(standing.start) } else { None };
        let lent = self.standing.iter().enumerate().find_map(|(index, spec)| Some((index, start(spec)?)));
        lent.map_or(self.anchor, |(index, start)| {
            self.standing.remove(index);
            start
        })
    }

    /// Whole seconds: a rule has no finer times.
    fn start_of_rule(&self, text: &str) -> UnixMillis {
        let kept = self.standing.iter().find_map(|spec| match spec {
            Spec::Rrule(spec) if spec.rrule.text() == text.trim() => spec.rrule.given_start(),
            _ => None,
        });
        kept.unwrap_or_else(|| UnixMillis::saturating(self.anchor.get().div_euclid(1000) * 1000))
    }

    fn exclusions(&mut self, request: &ScheduleRequest) -> Vec<Exclusion> {
        let values = request.exclude.as_deref().unwrap_or_default();
        if values.len() > MAX_EXCLUSIONS {
            let expected = format!("at most {MAX_EXCLUSIONS} exclusions");
            self.violations.add("/exclude", None, format!("it has {} items", values.len()), expected);
        }
        let read = |(index, value): (usize, &Value)| self.exclusion(&format!("/exclude/{index}"), value);
        values.iter().enumerate().take(MAX_EXCLUSIONS).filter_map(read).collect()
    }

    fn exclusion(&mut self, pointer: &str, value: &Value) -> Option<Exclusion> {
        if !DateExclusion::is_meant_by(value) {
            let (shape, violations) = read_partly::<SpecShape>(value, &[]);
            self.violations.append_under(pointer, violations);
            return Some(Exclusion::Spec(self.spec(pointer, value, &shape?, &format!("{ONE_KIND}, or `dates`"))?));
        }
        match DateExclusion::parse(value) {
            Ok(days) => {
                if let DateExclusion::Holidays(name) = &days {
                    self.check_calendar(format!("{pointer}/holidays"), name);
                }
                Some(Exclusion::Days(days))
            }
            Err(violations) => {
                self.violations.append_under(pointer, violations);
                None
            }
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

    fn jitter(&mut self, request: &ScheduleRequest) -> SignedDuration {
        let jitter = request.jitter.map_or(SignedDuration::ZERO, |length| length.0);
        if jitter > LONGEST_JITTER {
            self.violations.add("/jitter", Some(self.value["jitter"].clone()), "it is longer than a day", "at most PT24H");
        }
        jitter
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

fn excluded_specs(content: &ScheduleContent) -> Vec<Spec> {
    let spec = |exclusion: &Exclusion| if let Exclusion::Spec(spec) = exclusion { Some(spec.clone()) } else { None };
    content.exclude.iter().filter_map(spec).collect()
}

/// Null is as good as absent.
fn given(value: &Value, field: &str) -> bool {
    value.get(field).is_some_and(|value| !value.is_null())
}

/// Whether `rule` is `value`, with the `from` that was written into it when it was made.
fn is_anchored_form(rule: &CalendarRule, value: &Value) -> bool {
    let mut standing = serde_json::to_value(rule).unwrap_or_default();
    let is_open = value.get("from").is_none_or(Value::is_null) && value.get("every").is_some();
    is_open && standing.as_object_mut().is_some_and(|fields| fields.remove("from").is_some()) && standing == *value
}

fn same_times(one: &ScheduleContent, other: &ScheduleContent) -> bool {
    (&one.specs, &one.exclude, &one.calendars, one.rules, &one.timezone, one.start_at, one.end_at)
        == (&other.specs, &other.exclude, &other.calendars, other.rules, &other.timezone, other.start_at, other.end_at)
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
