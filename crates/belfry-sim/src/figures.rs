//! What a simulation covered, to be added up and shown.

use serde::Serialize;

use crate::hub::{Counts, Hub};

/// Of one scenario, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub scenarios: u64,
    pub failed: u64,
    /// Milliseconds of virtual time.
    pub virtual_ms: u64,
    pub schedules: u64,
    /// Planned times, each of which has exactly one run, or one recorded reason for none.
    pub occurrences: u64,
    pub runs: u64,
    /// How the runs ended.
    pub ends: Counts,
    /// What was done, by kind.
    pub operations: Counts,
    /// What was made to fail, by kind.
    pub faults: Counts,
}

impl Figures {
    pub(crate) fn of(hub: &Hub, occurrences: usize) -> Figures {
        let audit = hub.audit();
        Figures {
            scenarios: 1,
            failed: u64::from(audit.violation().is_some()),
            virtual_ms: u64::try_from(hub.time.millis()).unwrap_or(0),
            schedules: audit.schedule_count() as u64,
            occurrences: occurrences as u64,
            runs: audit.run_count() as u64,
            ends: audit.run_states(),
            operations: hub.operations(),
            faults: hub.faults(),
        }
    }

    pub fn add(&mut self, other: &Figures) {
        self.scenarios += other.scenarios;
        self.failed += other.failed;
        self.virtual_ms += other.virtual_ms;
        self.schedules += other.schedules;
        self.occurrences += other.occurrences;
        self.runs += other.runs;
        for (sum, others) in [(&mut self.ends, &other.ends), (&mut self.operations, &other.operations), (&mut self.faults, &other.faults)] {
            others.iter().for_each(|(kind, count)| *sum.entry(kind).or_default() += count);
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hours = self.virtual_ms / 3_600_000;
        writeln!(f, "{} scenarios, {} failed; {hours} h of virtual time", self.scenarios, self.failed)?;
        writeln!(f, "{} schedules, {} occurrences accounted for, {} runs", self.schedules, self.occurrences, self.runs)?;
        for (what, counts) in [("runs", &self.ends), ("operations", &self.operations), ("faults", &self.faults)] {
            let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            writeln!(f, "{what}: {}", counts.join(", "))?;
        }
        Ok(())
    }
}
