//! Many processes of the program on PostgreSQL and RabbitMQ, which end, freeze, restart and disagree while schedules are
//! due. Afterwards the rows are judged: every occurrence exactly once, every run at its end.
//!
//! The short forms run with all tests. The long ones take minutes each and print how late it was: `scripts/soak cluster`.

mod api;
pub mod deployment;
mod judge;
mod lateness;
mod ledger;
mod load;
mod processes;
mod scenarios;
pub mod servers;
mod witness;

use std::time::Duration;

use deployment::Broker;
use load::{Anchors, Load};
use scenarios::faults::Fault;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn whatever_process_is_killed_every_occurrence_has_one_row_and_every_run_succeeds() {
    let load = Load { schedules: 30, every_seconds: 2, phase: Anchors::Spread };
    let faults = [Fault::KillWorker, Fault::KillDaemon(seconds(4)), Fault::RestartBroker, Fault::KillPostgres];
    scenarios::faults::survive("killed", Broker::RabbitMq, load, &faults, seconds(2));
}

#[test]
fn after_the_answer_to_a_write_the_old_spec_never_fires() {
    let background = Load { schedules: 10, every_seconds: 1, phase: Anchors::Together };
    scenarios::edits::edits(Broker::Embedded, background, 10);
}

/// The long forms. `scripts/soak` can set the load (`BELFRY_SOAK_SCHEDULES`, `BELFRY_SOAK_EVERY`) and for how long
/// (`BELFRY_SOAK_SECONDS`), and which faults (`BELFRY_SOAK_FAULTS`).
mod soak {
    use super::*;

    const LOAD: Load = Load { schedules: 500, every_seconds: 5, phase: Anchors::Spread };

    fn length(usual: u64) -> Duration {
        seconds(std::env::var("BELFRY_SOAK_SECONDS").map_or(usual, |text| text.parse().unwrap()))
    }

    /// Those whose names were asked for, or all.
    fn asked(faults: &[Fault]) -> Vec<Fault> {
        let names = std::env::var("BELFRY_SOAK_FAULTS").unwrap_or_default();
        let is_asked = |fault: &Fault| names.is_empty() || names.split(',').any(|name| format!("{fault:?}").starts_with(name));
        faults.iter().copied().filter(is_asked).collect()
    }

    #[test]
    #[ignore = "minutes long: scripts/soak cluster steady"]
    fn steady() {
        for phase in [Anchors::Spread, Anchors::Together] {
            scenarios::steady::steady(Load { phase, ..LOAD }.or_asked(), length(120));
        }
    }

    #[test]
    #[ignore = "minutes long: scripts/soak cluster faults"]
    fn faults() {
        let faults = [
            Fault::KillDaemon(seconds(10)),
            Fault::KillWorker,
            Fault::FreezeDaemon(seconds(60)),
            Fault::RestartBroker,
            Fault::KillPostgres,
            Fault::FreezePostgres(seconds(20)),
            Fault::BrokerDown(seconds(120)),
            Fault::RollingRestart,
        ];
        scenarios::faults::survive("faults", Broker::RabbitMq, LOAD.or_asked(), &asked(&faults), length(10));
    }

    #[test]
    #[ignore = "minutes long: scripts/soak cluster edits"]
    fn edits() {
        let background = Load { schedules: 100, every_seconds: 1, phase: Anchors::Together };
        scenarios::edits::edits(Broker::RabbitMq, background.or_asked(), 100);
    }

    #[test]
    #[ignore = "minutes long: scripts/soak cluster queues"]
    fn queues() {
        let healthy = Load { schedules: 200, ..LOAD }.or_asked();
        scenarios::queues::nobody_declares(healthy, length(40));
        scenarios::queues::wrong_and_deleted(healthy, length(40));
    }

    #[test]
    #[ignore = "minutes long: scripts/soak cluster clocks"]
    fn clocks() {
        scenarios::clock::wrong_clocks(Load { schedules: 200, ..LOAD }.or_asked(), length(60));
    }

    #[test]
    #[ignore = "needs pika: scripts/soak consumers"]
    fn consumers() {
        scenarios::consumers::killed_at_each_step();
    }

    #[test]
    #[ignore = "minutes long: scripts/soak cluster embedded"]
    fn embedded() {
        let faults = [Fault::KillDaemon(seconds(10)), Fault::KillWorker, Fault::KillPostgres, Fault::RollingRestart];
        let load = Load { schedules: 200, ..LOAD }.or_asked();
        scenarios::faults::survive("the queue in PostgreSQL", Broker::Embedded, load, &faults, length(10));
    }
}
