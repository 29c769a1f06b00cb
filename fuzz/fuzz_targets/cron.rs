//! Any text through the cron parser; what is accepted through the engine, the sentence and the warnings.
//!
//! The first bytes choose dialect, rules, zone and instant, the rest is the text.

#![no_main]

use std::sync::LazyLock;

use belfry_core::spec::cron::{Cron, CronRules, DayFields, Dialect, Fold, Gap};
use belfry_core::spec::describe;
use belfry_core::time::{UnixMillis, Zone};
use libfuzzer_sys::fuzz_target;

static ZONES: LazyLock<Vec<Zone>> = LazyLock::new(|| {
    let names = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/Ciudad_Juarez"];
    names.iter().map(|name| Zone::named(name).expect("the bundled database has it")).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_at_checked(6) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let dialect = if choice[0] & 1 == 0 { Dialect::Standard } else { Dialect::Quartz };
    let cron = match Cron::parse_in(text, dialect) {
        Ok(cron) => cron,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(Cron::parse_in(cron.text(), dialect).as_ref(), Ok(&cron));
    let rules = CronRules {
        gap: [Gap::Next, Gap::Skip, Gap::Shift][usize::from(choice[0] >> 1) % 3],
        fold: [Fold::First, Fold::Second, Fold::Both][usize::from(choice[0] >> 3) % 3],
        dom_dow: [DayFields::Or, DayFields::And][usize::from(choice[0] >> 5) % 2],
    };
    assert!(!describe::cron_with(&cron, rules.dom_dow).is_empty());
    for warning in describe::warnings(&cron, rules) {
        assert!(!warning.to_string().is_empty());
    }
    let zone = &ZONES[usize::from(choice[1]) % ZONES.len()];
    // From 1935 to 2105, in steps that are no whole minutes.
    let at = i64::from(i32::from_le_bytes([choice[2], choice[3], choice[4], choice[5]])) * 1237 + 1_600_000_000_000;
    follow(&cron, zone, UnixMillis::saturating(at), rules);
});

fn follow(cron: &Cron, zone: &Zone, at: UnixMillis, rules: CronRules) {
    let Some(next) = cron.next_after_with(zone.rules(), at, rules) else { return };
    assert!(next > at && next.get() % 1000 == 0);
    let just_after = UnixMillis::saturating(next.get() + 1);
    assert_eq!(cron.previous_before(zone.rules(), just_after, rules), Some(next));
    if let Some(previous) = cron.previous_before(zone.rules(), next, rules) {
        assert!(previous <= at);
        assert_eq!(cron.next_after_with(zone.rules(), previous, rules), Some(next));
    }
}
