//! Whatever ends, freezes or goes away, comes back under load.

use std::time::Duration;

use super::super::deployment::{Broker, Deployment};
use super::super::load::Load;

#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// `kill -9`; it is started again after this time.
    KillDaemon(Duration),
    /// `kill -9` in the middle of a run; it is started again at once.
    KillWorker,
    /// SIGSTOP, and SIGCONT after this time.
    FreezeDaemon(Duration),
    RestartBroker,
    BrokerDown(Duration),
    /// `kill -9` of the server's first process.
    KillPostgres,
    FreezePostgres(Duration),
    /// SIGTERM to each daemon and worker, one after the other, each started again before the next.
    RollingRestart,
}

/// Runs `load` through `faults`, each followed by a `calm` time, and judges the whole.
pub fn survive(title: &str, broker: Broker, load: Load, faults: &[Fault], calm: Duration) {
    let mut deployment = Deployment::of(broker, 2, 2);
    load.make(&deployment, "default");
    deployment.phase("before", |deployment| deployment.postgres.wait(calm));
    for fault in faults {
        deployment.phase(&format!("{fault:?}"), |deployment| fault.strike(deployment));
        deployment.phase("… catching up", Deployment::wait_until_on_time);
        deployment.phase("… calm", |deployment| deployment.postgres.wait(calm));
    }
    deployment.conclude(&format!("{title}: {load:?}"));
}

impl Fault {
    /// It has struck, and is healed, when this returns.
    fn strike(self, deployment: &mut Deployment) {
        match self {
            Fault::KillDaemon(down) => {
                kill_daemon(deployment, 0);
                deployment.postgres.wait(down);
                deployment.daemons[0].process.start_again();
                deployment.wait_until_daemons_are_ready();
            }
            Fault::KillWorker => kill_worker(deployment, 0),
            Fault::FreezeDaemon(frozen) => {
                let last = deployment.daemons.len() - 1;
                deployment.daemons[last].process.freeze();
                deployment.postgres.wait(frozen);
                deployment.daemons[last].process.thaw();
            }
            Fault::RestartBroker => with_broker(deployment, None),
            Fault::BrokerDown(down) => with_broker(deployment, Some(down)),
            Fault::KillPostgres => {
                deployment.postgres.kill();
                deployment.postgres.start_again();
            }
            Fault::FreezePostgres(frozen) => {
                deployment.postgres.freeze();
                // Its clock cannot be asked meanwhile.
                std::thread::sleep(frozen);
                deployment.postgres.thaw();
            }
            Fault::RollingRestart => rolling_restart(deployment),
        }
    }
}

fn kill_daemon(deployment: &mut Deployment, place: usize) {
    let daemon = &mut deployment.daemons[place];
    daemon.remember(&deployment.http);
    daemon.process.kill();
}

fn kill_worker(deployment: &mut Deployment, place: usize) {
    let name = deployment.workers[place].name.clone();
    let idle = format!("SELECT 1 WHERE NOT EXISTS (SELECT FROM workflow_runs WHERE state = 'running' AND claimed_by = '{name}')");
    deployment.postgres.wait_for_none("the worker to have a run", &idle);
    deployment.workers[place].kill();
    deployment.workers_lost_until = Some(deployment.postgres.now());
    deployment.workers[place].start_again();
}

fn with_broker(deployment: &mut Deployment, down: Option<Duration>) {
    let broker = deployment.broker.as_ref().unwrap();
    broker.stop();
    if let Some(down) = down {
        deployment.postgres.wait(down);
    }
    broker.start_again();
}

fn rolling_restart(deployment: &mut Deployment) {
    for place in 0..deployment.daemons.len() {
        let daemon = &mut deployment.daemons[place];
        daemon.remember(&deployment.http);
        daemon.process.stop();
        daemon.process.start_again();
        deployment.wait_until_daemons_are_ready();
    }
    for worker in &mut deployment.workers {
        worker.stop();
        worker.start_again();
    }
    // What a stopping worker gives back is claimed again.
    deployment.workers_lost_until = Some(deployment.postgres.now());
}
