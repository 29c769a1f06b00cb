//! How long the next occurrence of a cron expression takes to find, side by side with the crates croner and cron where
//! they answer the same question: `cargo bench -p belfry-core --bench cron`.
//!
//! Each round asks from another instant, so that no answer can be kept. The crate cron counts weekdays from 1 (Sunday)
//! and is asked in UTC only; expressions that it or croner reads otherwise are not given to it.

mod instants;

use std::hint::black_box;

use belfry_core::spec::cron::{Cron, CronRules};
use belfry_core::time::{UnixMillis, Zone};
use criterion::{Criterion, criterion_group, criterion_main};
use instants::instants;

/// Plain expressions, with seconds so that all three crates read them, and what the crate cron calls them.
const PLAIN: [(&str, &str, &str); 6] = [
    ("every_15_minutes", "0 */15 * * * *", "0 */15 * * * *"),
    ("hourly", "0 0 * * * *", "0 0 * * * *"),
    ("at_0230", "0 30 2 * * *", "0 30 2 * * *"),
    ("weekdays_at_0900", "0 0 9 * * 1-5", "0 0 9 * * 2-6"),
    ("first_of_month", "0 0 0 1 * *", "0 0 0 1 * *"),
    ("new_year", "0 0 0 1 1 *", "0 0 0 1 1 *"),
];

/// What takes longest within a year, and what is searched for through many years.
const HARD: [(&str, &str); 7] = [
    ("last_weekday_of_month", "0 0 LW * *"),
    ("list_of_specials", "0 0 L,L-3,1W,15W,LW * *"),
    ("fifth_friday", "0 0 * * 5#5"),
    ("one_second_a_year", "59 59 23 31 12 *"),
    ("years_leap_day", "0 0 29 2 *"),
    ("years_leap_day_on_sunday", "0 0 29 2 */7"),
    ("years_in_2190", "30 2 1 1 6 * 2190"),
];

const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "Africa/Casablanca", "Asia/Tokyo"];

fn plain(c: &mut Criterion) {
    for zone_name in ["UTC", "Europe/Berlin"] {
        let zone = Zone::named(zone_name).expect("the bundled database has it");
        for (name, text, text_of_cron) in PLAIN {
            let mut group = c.benchmark_group(format!("next/{zone_name}/{name}"));
            let ours = Cron::parse(text).expect("it is a cron expression");
            let mut at = instants();
            group.bench_function("belfry", |b| b.iter(|| ours.next_after(zone.rules(), UnixMillis::saturating(black_box(at())))));

            let croner: croner::Cron =
                croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build().parse(text).expect("it reads it");
            let mut at = instants();
            group.bench_function("croner", |b| {
                b.iter(|| {
                    let at = UnixMillis::saturating(black_box(at())).to_timestamp().to_zoned(zone.rules().clone());
                    croner.find_next_occurrence(&at, false)
                });
            });

            if zone_name == "UTC" {
                let cron: cron::Schedule = text_of_cron.parse().expect("it reads it");
                let mut at = instants();
                group.bench_function("cron", |b| {
                    b.iter(|| {
                        let at = chrono::DateTime::from_timestamp_millis(black_box(at())).expect("it is in range");
                        cron.after(&at).next()
                    });
                });
            }
        }
    }
}

fn hard(c: &mut Criterion) {
    for (name, text) in HARD {
        let mut group = c.benchmark_group(format!("hard/{name}"));
        let cron = Cron::parse(text).expect("it is a cron expression");
        for zone_name in ZONES {
            let zone = Zone::named(zone_name).expect("the bundled database has it");
            let mut at = instants();
            group.bench_function(zone_name, |b| b.iter(|| cron.next_after(zone.rules(), UnixMillis::saturating(black_box(at())))));
        }
    }
}

fn backwards(c: &mut Criterion) {
    let zone = Zone::named("Europe/Berlin").expect("the bundled database has it");
    for (name, text, _) in PLAIN {
        let cron = Cron::parse(text).expect("it is a cron expression");
        let mut at = instants();
        c.bench_function(&format!("previous/Europe/Berlin/{name}"), |b| {
            b.iter(|| cron.previous_before(zone.rules(), UnixMillis::saturating(black_box(at())), CronRules::default()));
        });
    }
}

fn parse(c: &mut Criterion) {
    for (name, text) in [("plain", "*/15 9-17 * * MON-FRI"), ("special", "0 0 1W,15W,LW * 1#1,5L"), ("years", "0 0 0 29 2 * 2028-2096/4")] {
        c.bench_function(&format!("parse/{name}"), |b| b.iter(|| Cron::parse(black_box(text))));
    }
}

criterion_group!(benches, plain, hard, backwards, parse);
criterion_main!(benches);
