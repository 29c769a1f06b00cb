//! A schedule as a sentence, and its times in its zone.

use belfry_core::calendar::{DateExclusion, Exclusion};
use belfry_core::schedule::ScheduleContent;
use belfry_core::spec::cron::CronRules;
use belfry_core::spec::{At, Spec, describe};
use belfry_core::time::{UnixMillis, Zone};
use jiff::SignedDuration;
use jiff::civil::DateTime;

/// When the schedule fires, with the zone named: "at 09:00, Monday to Friday (Europe/Berlin)".
pub(super) fn schedule(content: &ScheduleContent) -> String {
    let zone = &content.timezone;
    let specs: Vec<String> = content.specs.iter().map(|spec| one(spec, zone, content.rules)).collect();
    let mut sentence = format!("{} ({})", specs.join("; and "), zone.name());
    for exclusion in &content.exclude {
        sentence.push_str(", except ");
        sentence.push_str(&left_out(exclusion, content));
    }
    if !content.jitter.is_zero() {
        sentence.push_str(&format!(", up to {} later", duration(content.jitter)));
    }
    if let Some(start) = content.start_at {
        sentence.push_str(&format!(", not before {}", civil(wall_clock(start, zone))));
    }
    if let Some(end) = content.end_at {
        sentence.push_str(&format!(", not after {}", civil(wall_clock(end, zone))));
    }
    sentence
}

/// RFC 3339 with the zone's offset, milliseconds only when they are not zero.
pub(super) fn local(at: UnixMillis, zone: &Zone) -> String {
    let format = if at.get().rem_euclid(1000) == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.3f%:z" };
    at.to_timestamp().to_zoned(zone.rules().clone()).strftime(format).to_string()
}

fn left_out(exclusion: &Exclusion, content: &ScheduleContent) -> String {
    match exclusion {
        Exclusion::Spec(spec) => one(spec, &content.timezone, content.rules),
        Exclusion::Days(DateExclusion::Holidays(name)) => format!("on the holidays of {name}"),
        Exclusion::Days(DateExclusion::Dates(dates)) => {
            let entries: Vec<String> =
                dates.entries().iter().map(|entry| entry.label.clone().unwrap_or_else(|| entry.on.to_string())).collect();
            format!("on {}", entries.join(", "))
        }
    }
}

fn one(spec: &Spec, zone: &Zone, rules: CronRules) -> String {
    match spec {
        Spec::Cron(spec) => describe::cron_with(&spec.cron, rules.dom_dow),
        Spec::Rrule(spec) => spec.rrule.describe(zone.rules()),
        Spec::Calendar(spec) => spec.calendar.describe(),
        Spec::Every(spec) => format!("every {} from {}", length(spec.every), civil(wall_clock(spec.start, zone))),
        Spec::At(spec) => match &spec.at {
            At::Instant(at) => format!("once at {}", civil(wall_clock(*at, zone))),
            At::Local(at) => format!("once at {}", civil(*at)),
        },
        Spec::Unknown(_) => "by a rule of a newer version of Belfry".to_owned(),
    }
}

fn wall_clock(at: UnixMillis, zone: &Zone) -> DateTime {
    at.to_timestamp().to_zoned(zone.rules().clone()).datetime()
}

fn civil(at: DateTime) -> String {
    let format = match (at.second(), at.millisecond()) {
        (0, 0) => "%Y-%m-%d %H:%M",
        (_, 0) => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M:%S%.3f",
    };
    at.strftime(format).to_string()
}

/// As in "every hour", not "every 1 hour".
fn length(length: SignedDuration) -> String {
    let words = duration(length);
    match words.strip_prefix("1 ") {
        Some(unit) if !unit.contains(' ') => unit.to_owned(),
        _ => words,
    }
}

/// "15 minutes", "1 hour", "1 hour 30 minutes", "1.5 seconds".
fn duration(length: SignedDuration) -> String {
    let (hours, minutes, seconds) = (length.as_secs() / 3600, length.as_secs() / 60 % 60, length.as_secs() % 60);
    let whole = [(hours, "hour"), (minutes, "minute"), (seconds, "second")];
    let millis = length.subsec_millis();
    let mut parts: Vec<String> = whole
        .into_iter()
        .filter(|(count, unit)| *count > 0 && (millis == 0 || *unit != "second"))
        .map(|(count, unit)| if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") })
        .collect();
    if millis != 0 {
        parts.push(format!("{seconds}.{} seconds", format!("{millis:03}").trim_end_matches('0')));
    }
    parts.join(" ")
}
