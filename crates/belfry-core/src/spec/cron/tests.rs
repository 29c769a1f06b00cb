mod answers;
mod clocks;
mod croner;
mod days;
mod edges;
mod long;
mod naive;
mod oracle;
mod parsing;
mod quartz;
mod special;
mod years;

use super::{Cron, CronRules};
use crate::time::{UnixMillis, Zone};

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn instant(text: &str) -> UnixMillis {
    UnixMillis::parse_exact(text).unwrap()
}

/// The next `count` occurrences, as the zone's clocks show them.
fn next(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    next_with(text, zone, after, count, CronRules::default())
}

fn next_with(text: &str, zone: &str, after: &str, count: usize, changes: CronRules) -> Vec<String> {
    let (cron, zone) = (cron(text), Zone::named(zone).unwrap());
    let follow = |at: &UnixMillis| cron.next_after_with(zone.rules(), *at, changes);
    let occurrences = std::iter::successors(follow(&instant(after)), follow);
    occurrences.take(count).map(|at| shown(at, &zone)).collect()
}

fn shown(at: UnixMillis, zone: &Zone) -> String {
    at.to_timestamp().to_zoned(zone.rules().clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
