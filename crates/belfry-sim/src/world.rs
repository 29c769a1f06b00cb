//! A scenario as it runs: its processes, and what its operations do to them.

use std::sync::Arc;

use belfry_core::workflow::QueueName;
use belfry_scheduler::{Daemon, DaemonMetrics, Settings};
use belfry_testkit::clock::SeededIds;
use belfry_worker::{Worker, WorkerSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::broker::{NOTICED_AFTER, SimQueue, release_after};
use crate::hub::{Hub, words_of};
use crate::operation::{Op, Queues};
use crate::process::Process;
use crate::random::Random;
use crate::store::SimStore;
use crate::time::HostClock;
use crate::users::{self, Users};

/// The most daemons, and the most workers, at once.
const MOST: usize = 4;
/// More runs than this are not left to a worker that may have a single slot.
const MUCH: usize = 50;

pub struct World {
    pub hub: Arc<Hub>,
    users: Arc<Users>,
    processes: Vec<Running>,
    /// Number 0 serves users.
    started: u64,
}

struct Running {
    process: Arc<Process>,
    kind: Kind,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Daemon,
    Worker(Queues),
}

pub fn queue(number: u8) -> QueueName {
    let name = ["default", "one", "two", "handed"][usize::from(number % 4)];
    QueueName::parse(name).expect("it is a name")
}

/// The queue of the workflows whose delivery is handoff.
pub const HANDED: u8 = 3;

impl World {
    pub fn new(hub: Arc<Hub>) -> World {
        World { users: Users::new(Arc::clone(&hub)), hub, processes: Vec::new(), started: 0 }
    }

    pub fn pause_all(&self) {
        users::pause_all(&self.hub);
    }

    pub fn apply(&mut self, op: Op) {
        self.hub.log.line(|| format!("{op:?}"));
        match op {
            Op::StartDaemon if self.count_of(|kind| kind == Kind::Daemon) < MOST => self.start_daemon(),
            Op::StartWorker { queues, concurrency } if self.count_of(|kind| kind != Kind::Daemon) < MOST => {
                self.start_worker(queues, concurrency)
            }
            Op::StartDaemon | Op::StartWorker { .. } | Op::Nothing => {}
            Op::Kill { process } => self.kill(process),
            Op::Stop { process } => self.stop(process),
            Op::Freeze { process, length } => self.freeze(process, length),
            Op::CutOff { process, length } => {
                self.with(process, |running| running.process.cut_until(self.hub.time.millis() + i64::from(length)))
            }
            Op::Disconnect { process } => self.with(process, |running| self.hub.broker.close(|number| number == running.process.number)),
            Op::Next { process, verb, fault, times } => self.with(process, |running| running.process.plan(verb, fault, times.into())),
            Op::StoreDown { length } => self.hub.store_fails(length.into(), false),
            Op::StoreSilent { length } => self.hub.store_fails(length.into(), true),
            Op::BrokerDown { length } => self.hub.broker.goes_down(self.until(length)),
            Op::BrokerSilent { length } => self.hub.broker.falls_silent(self.until(length)),
            Op::QueueHangs { queue: number, length } => self.hub.broker.hangs(queue(number), self.until(length)),
            Op::LoseMessages { percent } => self.lose(percent),
            Op::DoubleMessages { percent } => {
                let mut chance = self.chance(percent);
                self.hub.broker.double_ready(|_| chance());
            }
            Op::HoldMessages { percent, length } => {
                let mut chance = self.chance(percent);
                self.hub.broker.hold_ready(self.until(length), |_| chance());
                release_after(&self.hub, length.into());
            }
            Op::SetClock { by } => self.hub.wall.set_by(by.into()),
            Op::Weather(weather) => self.hub.set_weather(weather),
            _ => self.users.begin(op),
        }
        self.count(op);
    }

    fn count(&self, op: Op) {
        let fault = match op {
            Op::Kill { .. } => "killed",
            Op::Stop { .. } => "stopped",
            Op::Freeze { .. } => "frozen",
            Op::CutOff { .. } => "cut off",
            Op::Disconnect { .. } => "disconnected",
            Op::StoreDown { .. } | Op::StoreSilent { .. } => "store outage",
            Op::BrokerDown { .. } | Op::BrokerSilent { .. } | Op::QueueHangs { .. } => "broker outage",
            Op::LoseMessages { .. } => "messages lost",
            Op::DoubleMessages { .. } => "messages doubled",
            Op::HoldMessages { .. } => "messages held",
            Op::SetClock { .. } => "clock set",
            _ => return,
        };
        self.hub.failed(fault);
    }

    fn until(&self, length: u32) -> i64 {
        self.hub.time.millis() + i64::from(length)
    }

    fn count_of(&self, counts: impl Fn(Kind) -> bool) -> usize {
        self.processes.iter().filter(|running| counts(running.kind)).count()
    }

    fn with(&self, number: u8, act: impl FnOnce(&Running)) {
        let count = self.processes.len();
        if let Some(running) = self.processes.get(usize::from(number) % count.max(1)) {
            act(running);
        }
    }

    fn process(&mut self, letter: char) -> (Arc<Process>, Arc<HostClock>, Arc<SeededIds>) {
        self.started += 1;
        let process = Process::new(Arc::clone(&self.hub), format!("{letter}{}", self.started), self.started);
        let clock = Arc::new(HostClock { time: self.hub.time, process: Arc::clone(&process) });
        let ids = Arc::new(SeededIds::new(Random::of(&[self.hub.seed, self.started, 1]).next()));
        (process, clock, ids)
    }

    pub fn start_daemon(&mut self) {
        self.hub.did("daemon started");
        let (process, clock, ids) = self.process('d');
        let mut settings = Settings::default();
        if process.below(4) == 0 {
            // So little that everything overflows.
            (settings.near_capacity, settings.publish_window, settings.payload_budget) = (2, 3, 2_500);
        }
        let (store, queue) = (Arc::new(SimStore(Arc::clone(&process))), Arc::new(SimQueue(Arc::clone(&process))));
        let stop = CancellationToken::new();
        let told = stop.clone();
        let task = tokio::spawn(async move {
            Daemon::new(store, queue, clock, ids, settings, DaemonMetrics::default()).run(told).await;
        });
        self.processes.push(Running { process, kind: Kind::Daemon, task, stop });
    }

    pub fn start_worker(&mut self, queues: Queues, concurrency: u8) {
        self.hub.did("worker started");
        let (process, clock, ids) = self.process('w');
        let mut settings = WorkerSettings::named(process.name.clone());
        settings.concurrency = usize::from(concurrency.max(1));
        settings.queues = match queues {
            Queues::All => Vec::new(),
            Queues::Tracked => (0..HANDED).map(queue).collect(),
            Queues::One(number) => vec![queue(number)],
        };
        let (store, queue) = (Arc::new(SimStore(Arc::clone(&process))), Arc::new(SimQueue(Arc::clone(&process))));
        let stop = CancellationToken::new();
        let told = stop.clone();
        let worker = Worker::new(store, queue, clock.clone(), ids, clock, settings).expect("the settings are in their ranges");
        let task = tokio::spawn(worker.run(told));
        self.processes.push(Running { process, kind: Kind::Worker(queues), task, stop });
    }

    fn kill(&mut self, number: u8) {
        if self.processes.is_empty() {
            return;
        }
        let place = usize::from(number) % self.processes.len();
        let Running { process, task, .. } = self.processes.remove(place);
        process.die();
        task.abort();
        let noticed_after = process.below(NOTICED_AFTER as u64) as i64;
        tokio::spawn(async move {
            process.hub.time.sleep(noticed_after).await;
            process.hub.broker.close(|number| number == process.number);
        });
    }

    fn stop(&self, number: u8) {
        self.with(number, |running| running.stop.cancel());
    }

    fn freeze(&self, number: u8, length: u32) {
        self.with(number, |running| {
            let process = Arc::clone(&running.process);
            process.freeze();
            tokio::spawn(async move {
                let time = process.hub.time;
                time.sleep(i64::from(length).min(NOTICED_AFTER)).await;
                if i64::from(length) > NOTICED_AFTER && process.is_frozen() {
                    process.hub.broker.close(|number| number == process.number);
                    time.sleep(i64::from(length) - NOTICED_AFTER).await;
                }
                process.thaw();
            });
        });
    }

    /// True so many times in a hundred.
    fn chance(&self, percent: u8) -> impl FnMut() -> bool + use<> {
        let mut random = Random::of(&[self.hub.seed, self.hub.time.millis() as u64]);
        move || random.chance(u64::from(percent) * 10)
    }

    fn lose(&self, percent: u8) {
        let mut chance = self.chance(percent);
        self.hub.broker.loses(|queue, run| {
            let is_lost = chance();
            if is_lost {
                self.hub.log.line(|| format!("the broker loses {run} of {queue}"));
            }
            is_lost
        });
    }

    /// Forgets the processes that have ended; that one panicked is a violation.
    pub async fn bury(&mut self) {
        let mut place = 0;
        while place < self.processes.len() {
            if !self.processes[place].task.is_finished() {
                place += 1;
                continue;
            }
            let Running { process, task, .. } = self.processes.remove(place);
            if let Err(error) = task.await
                && error.is_panic()
            {
                self.hub.audit().violated("process", format!("{} panicked: {}", process.name, words_of(&*error.into_panic())));
            }
        }
    }

    /// Everything that failed works again, and somebody is there to do the work; true when there was a daemon before.
    pub fn heal(&mut self) -> bool {
        self.hub.log.line(|| "heal".to_owned());
        self.hub.set_weather(crate::faults::Weather::CALM);
        self.hub.store_recovers();
        self.hub.broker.recovers();
        self.hub.close_to_users();
        for running in &self.processes {
            running.process.thaw();
            running.process.forget_plans();
        }
        let lives = |running: &&Running| !running.stop.is_cancelled();
        let was_attended = self.processes.iter().filter(lives).any(|running| running.kind == Kind::Daemon);
        if !was_attended {
            self.start_daemon();
        }
        let serves = |running: &Running| matches!(running.kind, Kind::Worker(Queues::All | Queues::Tracked));
        let is_much = self.hub.audit().live().count() > MUCH;
        if is_much || !self.processes.iter().filter(lives).any(serves) {
            self.start_worker(Queues::Tracked, 16);
        }
        was_attended
    }
}
