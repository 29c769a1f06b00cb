//! A schedule as a sentence, and its times in its zone.

use belfry_core::spec::{At, Spec, describe};
use belfry_core::time::{UnixMillis, Zone};
use jiff::SignedDuration;
use jiff::civil::DateTime;

/// When the schedule fires, with the zone named: "at 09:00, Monday to Friday (Europe/Berlin)".
pub(super) fn schedule(specs: &[Spec], zone: &Zone, start_at: Option<UnixMillis>, end_at: Option<UnixMillis>) -> String {
    let specs: Vec<String> = specs.iter().map(|spec| one(spec, zone)).collect();
    let mut sentence = format!("{} ({})", specs.join("; and "), zone.name());
    if let Some(start) = start_at {
        sentence.push_str(&format!(", not before {}", civil(wall_clock(start, zone))));
    }
    if let Some(end) = end_at {
        sentence.push_str(&format!(", not after {}", civil(wall_clock(end, zone))));
    }
    sentence
}

/// RFC 3339 with the zone's offset, milliseconds only when they are not zero.
pub(super) fn local(at: UnixMillis, zone: &Zone) -> String {
    let format = if at.get().rem_euclid(1000) == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.3f%:z" };
    at.to_timestamp().to_zoned(zone.rules().clone()).strftime(format).to_string()
}

fn one(spec: &Spec, zone: &Zone) -> String {
    match spec {
        Spec::Cron(spec) => describe::cron(&spec.cron),
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

/// "15 minutes", "hour", "1 hour 30 minutes", "1.5 seconds".
fn length(length: SignedDuration) -> String {
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
    match parts.as_slice() {
        // "every hour", not "every 1 hour".
        [only] => only.strip_prefix("1 ").unwrap_or(only).to_owned(),
        parts => parts.join(" "),
    }
}
