//! `belfry bench`: how many schedules a set-up fires in a second, and how late.
//!
//! It makes schedules, starts daemons as they are run in production, drains the queue, and reads the lateness of every run from
//! its row: raw values, by the database's clock. What it made is removed at the end.

mod daemons;
mod drain;
mod load;
mod report;
mod usage;

use std::io::IsTerminal;

use anyhow::{Context, bail};
use jiff::SignedDuration;
use serde_json::Value;

use belfry_core::ids::WorkflowId;
use belfry_core::ports::{Clock, RunFilter, ScheduleFilter, ScheduleStore};
use belfry_core::run::RunState;
use belfry_core::time::UnixMillis;

use crate::arguments::{Bench, BenchShape, Global};
use crate::backends::Stores;
use crate::backends::cluster::{Cluster, Unusable};
use crate::edge::Host;
use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;
use daemons::Daemons;
use drain::Drain;
use load::{Load, Plan};
use report::{Idle, Report, Shape};
use usage::Usage;

/// What the daemons are given to start, and to know of each other, before the first schedule is due.
const LEAD: SignedDuration = SignedDuration::from_secs(8);
/// How long after the last due time everything may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

pub async fn run(bench: Bench, global: &Global) -> Result<(), Failure> {
    let settings = Settings::load(global)?;
    let cluster = Cluster::prepare(&settings, "belfry bench")?;
    cluster.check().await.map_err(Unusable::into_error)?;
    let stores = cluster.stores();
    if !bench.anyway && any_schedule(&stores).await? {
        let text = "the database holds schedules that are not of a benchmark: their runs would be measured too, and be delayed; \
                    name another database, or say --anyway";
        return Err(Failure::WrongUse(text.to_owned()));
    }
    let load = Load::prepare(&stores).await?;
    let measured = measure(&bench, global, &settings, &cluster, &load).await;
    // Whatever happened: what was made goes.
    let cleaned = clean(&cluster, &settings, &load).await;
    let report = measured?;
    cleaned?;
    output::object(&report, global.output());
    cluster.close();
    Ok(())
}

async fn any_schedule(stores: &Stores) -> anyhow::Result<bool> {
    let filter = ScheduleFilter { limit: 1, ..ScheduleFilter::default() };
    Ok(!stores.workflows.schedules(filter).await.context("cannot read the schedules")?.items.is_empty())
}

async fn clean(cluster: &Cluster, settings: &Settings, load: &Load) -> anyhow::Result<()> {
    progress("removing what was made");
    cluster.erase(load.workflow).await.context("cannot remove what the benchmark made")?;
    cluster.delete_queue(settings, &load::queue()).await.context("cannot delete the benchmark's queue")
}

async fn measure(bench: &Bench, global: &Global, settings: &Settings, cluster: &Cluster, load: &Load) -> anyhow::Result<Value> {
    let (shape, plan) = match bench.shape {
        BenchShape::Burst { schedules } => (Shape::Burst, load.burst(schedules as usize, LEAD).await?),
        BenchShape::Steady { schedules, every, length } => (Shape::Steady, load.steady(schedules as usize, every, length, LEAD).await?),
        BenchShape::Idle { schedules, length } => {
            load.idle(schedules as usize).await?;
            return Ok(look_at_idle(bench, global, cluster, length).await?.value());
        }
    };
    Ok(fire(bench, global, settings, cluster, load, (shape, plan)).await?.value())
}

/// What daemons use that have nothing to fire.
async fn look_at_idle(bench: &Bench, global: &Global, cluster: &Cluster, length: SignedDuration) -> anyhow::Result<Idle> {
    let mut daemons = Daemons::start(bench.daemons, global)?;
    Host.sleep(LEAD).await;
    daemons.check()?;
    let (begun, before, wal_before) = (Host.boot(), Usage::now(&daemons), cluster.wal_position().await?);
    progress(&format!("looking at idle daemons for {length:#}"));
    Host.sleep(length).await;
    daemons.check()?;
    Ok(Idle {
        daemons: bench.daemons,
        took: Host.boot().since(begun),
        usage: Usage::now(&daemons).since(&before),
        wal_bytes: cluster.wal_position().await?.saturating_sub(wal_before),
        memory: daemons.memory(),
    })
}

async fn fire(
    bench: &Bench,
    global: &Global,
    settings: &Settings,
    cluster: &Cluster,
    load: &Load,
    (shape, plan): (Shape, Plan),
) -> anyhow::Result<Report> {
    let stores = cluster.stores();
    progress(&format!("{} schedules are made, the first is due at {}", plan.schedules, plan.first));
    let drain = Drain::start(cluster.queue(settings)?, load::queue());
    let mut daemons = Daemons::start(bench.daemons, global)?;
    wait_until(&stores, plan.first.minus(SignedDuration::from_secs(1))).await?;
    daemons.check()?;
    let idle_memory = daemons.memory();
    let (before, wal_before) = (Usage::now(&daemons), cluster.wal_position().await?);
    let took = until_published(&stores, load.workflow, &plan, &drain).await?;
    let (after, wal_after) = (Usage::now(&daemons), cluster.wal_position().await?);
    let peak_memory = daemons.memory();
    drop(daemons);
    let messages = drain.stop();
    let runs = load.lateness(plan.first).await?;
    Ok(Report {
        shape,
        daemons: bench.daemons,
        schedules: plan.schedules,
        expected: plan.occurrences,
        messages,
        took,
        idle_memory,
        peak_memory,
        usage: after.since(&before),
        wal_bytes: wal_after.saturating_sub(wal_before),
        runs,
    })
}

async fn wait_until(stores: &Stores, instant: UnixMillis) -> anyhow::Result<()> {
    loop {
        let now = ScheduleStore::now(&*stores.schedules).await.context("the database does not answer")?;
        if now >= instant {
            return Ok(());
        }
        progress(&format!("{} s until the first is due", instant.since(now).as_secs() + 1));
        Host.sleep(instant.since(now).min(SignedDuration::from_secs(1))).await;
    }
}

/// How long it took from the first due time until every run was confirmed, looked at each 20 ms.
async fn until_published(stores: &Stores, workflow: WorkflowId, plan: &Plan, drain: &Drain) -> anyhow::Result<SignedDuration> {
    let pending = || RunFilter { workflow_id: Some(workflow), states: vec![RunState::Pending], limit: 1, ..RunFilter::default() };
    let (mut told, give_up) = (Host.boot(), plan.last.plus(PATIENCE));
    loop {
        let now = ScheduleStore::now(&*stores.schedules).await.context("the database does not answer")?;
        if now > plan.last && drain.runs() >= plan.occurrences {
            let left = stores.runs.runs(pending()).await.context("cannot read the runs")?;
            if left.items.is_empty() {
                return Ok(now.since(plan.first));
            }
        }
        if now > give_up {
            bail!("{} of {} messages came within {PATIENCE:#}", drain.runs(), plan.occurrences);
        }
        if Host.boot().since(told) >= SignedDuration::from_secs(1) {
            told = Host.boot();
            progress(&format!("{} of {} messages came", drain.runs(), plan.occurrences));
        }
        Host.sleep(SignedDuration::from_millis(20)).await;
    }
}

/// On one line of a terminal; into a file, nothing: the report is what is asked for.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        anstream::eprint!("\r\x1b[2K{text}");
    }
}
