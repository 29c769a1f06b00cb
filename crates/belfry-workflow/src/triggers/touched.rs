//! What made a planned time another one than its spec names: a change of clocks, a holiday, a bound.

use belfry_core::calendar::Calendars;
use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::calendar::CalendarRule;
use belfry_core::spec::calendar::local::Shown;
use belfry_core::spec::cron::{CronRules, Gap};
use belfry_core::spec::{At, Spec};
use belfry_core::time::{UnixMillis, Zone};
use jiff::tz::TimeZone;
use serde::Serialize;

/// What touched a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Touched {
    /// It stands for a local time that was lost when clocks went forward.
    Gap,
    /// Its local time comes twice, and a rule chose among the passes.
    Fold,
    /// It was moved here from a day that is no business day.
    Holiday,
    /// The first or the last that `start_at` or `end_at` let through; without them there would be another one beside it.
    Bound,
}

impl Touched {
    /// As answered.
    pub fn as_str(self) -> &'static str {
        match self {
            Touched::Gap => "gap",
            Touched::Fold => "fold",
            Touched::Holiday => "holiday",
            Touched::Bound => "bound",
        }
    }
}

/// What touched `at`, one of the schedule's times. A time that one of its specs has by itself was touched by a bound at most.
pub fn touched(content: &ScheduleContent, at: UnixMillis) -> Option<Touched> {
    let place = Place { zone: &content.timezone, rules: content.rules, calendars: content.calendars.calendars() };
    let mut found = content.specs.iter().filter(|spec| has(spec, place, at)).map(|spec| of_spec(spec, place, at));
    let first = found.next().flatten();
    first.filter(|_| found.all(|touched| touched.is_some())).or_else(|| of_bounds(content, at))
}

/// What a spec is evaluated in.
#[derive(Clone, Copy)]
struct Place<'a> {
    zone: &'a Zone,
    rules: CronRules,
    calendars: &'a Calendars,
}

fn has(spec: &Spec, place: Place<'_>, at: UnixMillis) -> bool {
    let Place { zone, rules, calendars } = place;
    spec.next_after(zone, rules, calendars, UnixMillis::saturating(at.get() - 1)) == Ok(Some(at))
}

fn of_spec(spec: &Spec, place: Place<'_>, at: UnixMillis) -> Option<Touched> {
    let zone = place.zone;
    match spec {
        Spec::Cron(cron) if cron.cron.is_fixed_time() => of_clocks(spec, place, at),
        Spec::Calendar(rule) => of_clocks(spec, place, at).or_else(|| of_holidays(&rule.calendar, place, at)),
        Spec::Rrule(spec) if spec.rrule.is_moved(zone.rules(), at) => Some(Touched::Gap),
        Spec::Rrule(spec) => of_fold(spec.rrule.local_zone(zone.rules())?, at),
        Spec::At(spec) => match &spec.at {
            At::Local(local) => match Shown::of(*local, zone.rules())? {
                Shown::Once(_) => None,
                Shown::Never { .. } => Some(Touched::Gap),
                Shown::Twice { .. } => Some(Touched::Fold),
            },
            At::Instant(_) => None,
        },
        // They follow the clock or absolute time, whatever it does.
        Spec::Cron(_) | Spec::Every(_) | Spec::Unknown(_) => None,
    }
}

/// Of specs that name local times: what they have only because times that are lost are made up for was touched by a gap.
fn of_clocks(spec: &Spec, place: Place<'_>, at: UnixMillis) -> Option<Touched> {
    let skipping = Place { rules: CronRules { gap: Gap::Skip, ..place.rules }, ..place };
    if has(spec, skipping, at) { of_fold(place.zone.rules(), at) } else { Some(Touched::Gap) }
}

fn of_fold(zone: &TimeZone, at: UnixMillis) -> Option<Touched> {
    let shown = Shown::of(zone.to_datetime(at.to_timestamp()), zone)?;
    matches!(shown, Shown::Twice { .. }).then_some(Touched::Fold)
}

/// What a rule has only with its `on_holiday`.
fn of_holidays(rule: &CalendarRule, place: Place<'_>, at: UnixMillis) -> Option<Touched> {
    let mut document = serde_json::to_value(rule).ok()?;
    let fields = document.as_object_mut()?;
    fields.remove("on_holiday").filter(|given| !given.is_null())?;
    // It goes with `on_holiday` only.
    fields.remove("business_calendar");
    let anyway = CalendarRule::parse(&document).ok()?;
    (!has(&Spec::calendar(anyway), place, at)).then_some(Touched::Holiday)
}

fn of_bounds(content: &ScheduleContent, at: UnixMillis) -> Option<Touched> {
    let is_first = content.start_at.is_some() && content.previous_before(at) == Ok(None);
    let is_last = content.end_at.is_some() && content.next_after(at) == Ok(None);
    if !is_first && !is_last {
        return None;
    }
    let unbounded = ScheduleContent { start_at: None, end_at: None, ..content.clone() };
    let is_cut = (is_first && unbounded.previous_before(at) != Ok(None)) || (is_last && unbounded.next_after(at) != Ok(None));
    is_cut.then_some(Touched::Bound)
}
