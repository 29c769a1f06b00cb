//! Runs a scenario to its end: everything happens, then everything heals, and all must come right within a bound.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

use belfry_testkit::reference::Mutation;
use jiff::SignedDuration;

use crate::audit::Violation;
use crate::figures::Figures;
use crate::generate::{Kind, Scenario};
use crate::hub::Hub;
use crate::time::SET_APART;
use crate::world::World;

/// How long after the healing anything may still be overdue, in milliseconds, and by how much it is then.
const CATCHES_UP_WITHIN: i64 = 45_000;
const OVERDUE: SignedDuration = SignedDuration::from_secs(3);
/// How long after the last fire the last run ends: a claim that is lost, the suspense after a clock that was set, a wait.
const ENDS_WITHIN: i64 = 300_000;
/// The first interval of redrives.
const REDRIVE_AFTER: i64 = 30_000;
/// A clock that is further behind is put right by the healing; a smaller lag is waited for.
const WAITED_FOR: i64 = 60_000;
/// How often everything is read.
const READ_EVERY: i64 = 5_000;

#[derive(Debug, Clone, Default)]
pub struct Options {
    pub keep_log: bool,
    /// Terms of the protocol that are taken out of the store.
    pub mutations: Vec<Mutation>,
}

/// What became of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub violation: Option<Violation>,
    pub log: Vec<String>,
    pub figures: Figures,
}

pub fn execute(scenario: &Scenario, options: &Options) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime of one thread needs nothing");
    let _listening = Panics::listen();
    runtime.block_on(async {
        let follows = scenario.kind != Kind::Clocks || scenario.seed.is_multiple_of(2);
        let hub = Hub::new(scenario.seed, follows, options);
        let mut world = World::new(hub);
        let occurrences = Running { scenario, world: &mut world, read_at: 0 }.go_on().await;
        let figures = Figures::of(&world.hub, occurrences);
        Ended { violation: world.hub.audit().violation().cloned(), log: world.hub.log.take(), figures }
    })
}

struct Running<'a> {
    scenario: &'a Scenario,
    world: &'a mut World,
    read_at: i64,
}

/// Something was violated: there is no use in going on.
struct Broken;

impl Running<'_> {
    /// How many occurrences are accounted for.
    async fn go_on(&mut self) -> usize {
        // What was broken is known to the audit.
        let occurrences = self.run().await.unwrap_or(0);
        drop(self.look().await);
        occurrences
    }

    async fn run(&mut self) -> Result<usize, Broken> {
        for step in &self.scenario.steps {
            self.pass(step.after.into()).await?;
            self.world.apply(step.op);
        }
        let was_attended = self.world.heal();
        self.correct_clock().await?;
        // While a store's clock stands still, until its host's has caught up, nothing is decided, and nothing becomes due.
        self.pass(self.world.hub.wall.behind()).await?;
        self.until(CATCHES_UP_WITHIN, overdue).await?;
        self.world.pause_all();
        let redriven = REDRIVE_AFTER << self.world.hub.audit().most_redrives();
        self.until(ENDS_WITHIN + redriven, unended).await?;
        let mut audit = self.world.hub.audit();
        audit.read_all();
        audit.check_nodes();
        match self.scenario.kind {
            Kind::Calm => {
                audit.check_one_message_per_attempt();
                if was_attended {
                    audit.check_lateness();
                }
            }
            Kind::Deaths => audit.check_publishing(),
            Kind::Stormy | Kind::Clocks => {}
        }
        Ok(audit.check_ledger())
    }

    /// Lets so many milliseconds pass.
    async fn pass(&mut self, millis: i64) -> Result<(), Broken> {
        let end = self.world.hub.time.millis() + millis;
        loop {
            self.look().await?;
            let left = end - self.world.hub.time.millis();
            if left <= 0 {
                return Ok(());
            }
            self.world.hub.time.sleep(left.min(1_000)).await;
        }
    }

    async fn look(&mut self) -> Result<(), Broken> {
        self.world.bury().await;
        let hub = &self.world.hub;
        let mut audit = hub.audit();
        if hub.time.millis() >= self.read_at {
            self.read_at = hub.time.millis() + READ_EVERY;
            audit.read_all();
        }
        for panicked in Panics::heard() {
            audit.violated("process", panicked);
        }
        if audit.violation().is_some() { Err(Broken) } else { Ok(()) }
    }

    /// Waits until nothing is `left`.
    async fn until(&mut self, within: i64, left: impl Fn(&Hub) -> Option<String>) -> Result<(), Broken> {
        let end = self.world.hub.time.millis() + within;
        while let Some(left) = left(&self.world.hub) {
            if self.world.hub.time.millis() > end {
                self.world.hub.audit().violated("I10", format!("{within} ms after everything was healed: {left}"));
            }
            self.pass(500).await?;
        }
        Ok(())
    }

    async fn correct_clock(&mut self) -> Result<(), Broken> {
        if self.world.hub.wall.behind() > WAITED_FOR {
            self.pass(SET_APART).await?;
            let behind = self.world.hub.wall.behind();
            self.world.hub.wall.set_by(i32::try_from(behind).unwrap_or(i32::MAX).into());
        }
        Ok(())
    }
}

fn overdue(hub: &Hub) -> Option<String> {
    let audit = hub.audit();
    let overdue = audit.overdue(audit.store_now().minus(OVERDUE));
    (!overdue.is_empty()).then(|| format!("overdue are {overdue:?}"))
}

fn unended(hub: &Hub) -> Option<String> {
    let audit = hub.audit();
    let live: Vec<String> = audit.live().take(3).map(|run| format!("{} is {}", run.id, run.state)).collect();
    (!live.is_empty()).then(|| live.join(", "))
}

thread_local! {
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// What panics in a simulation is heard of, though tasks and lanes catch it; elsewhere it is shown as ever.
struct Panics;

impl Panics {
    fn listen() -> Panics {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let shown = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let is_heard = HEARD.with_borrow_mut(|heard| heard.as_mut().map(|heard| heard.push(info.to_string())).is_some());
                if !is_heard {
                    shown(info);
                }
            }));
        });
        HEARD.set(Some(Vec::new()));
        Panics
    }

    fn heard() -> Vec<String> {
        HEARD.with_borrow_mut(|heard| heard.as_mut().map(std::mem::take).unwrap_or_default())
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        HEARD.set(None);
    }
}
