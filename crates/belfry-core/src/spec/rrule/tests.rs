//! What every recurrence rule must keep.

mod clocks;
mod properties;
mod refusals;
mod rfc;
mod search;

use super::Rrule;
use crate::time::{UnixMillis, Zone};

/// The first `count` times after `after`, as the zone's clocks show them.
fn times(rule: &Rrule, zone: &str, after: &str, count: usize) -> Vec<String> {
    let zone = Zone::named(zone).unwrap();
    let shown = |at: &UnixMillis| at.to_timestamp().to_zoned(zone.rules().clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    instants(rule, &zone, at(after), count).iter().map(shown).collect()
}

fn instants(rule: &Rrule, zone: &Zone, after: UnixMillis, count: usize) -> Vec<UnixMillis> {
    let next = |after: &UnixMillis| rule.next_after(zone.rules(), *after).unwrap();
    std::iter::successors(next(&after), next).take(count).collect()
}

fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_exact(text).unwrap()
}

fn rule(text: &str) -> Rrule {
    Rrule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
