//! A deployment on PostgreSQL, with RabbitMQ or without.

use std::collections::BTreeSet;
use std::time::Duration;

use belfry_core::ports::{Clock, ScheduleStore, WallClock, WorkflowFilter, WorkflowStore};
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;
use jiff::SignedDuration;

use super::api;
use super::check::{Check, backlog, clock_offset};
use crate::arguments::Global;
use crate::backends::cluster::{Broker, Cluster, Deployment, QueueCount, Unusable, VERSION};
use crate::client::Client;
use crate::edge::Host;
use crate::settings::Settings;

/// Longer than a verb waits for a free connection.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);
/// How often the clock is asked: the quickest answer has the smallest error.
const SAMPLES: usize = 5;
const START_API: &str = "belfry api --listen 127.0.0.1:7420";
const START_DAEMON: &str = "belfry daemon --metrics-listen 127.0.0.1:7421";

pub async fn checks(settings: &Settings, global: &Global) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut queues = worker_queues(settings);
    match Cluster::prepare(settings, "belfry doctor") {
        Ok(cluster) => {
            checks.extend(of_database(&cluster, &mut queues).await);
            cluster.close();
        }
        Err(error) => checks.push(Check::failed("database", format!("{error:#}"), "belfry config    # database.*")),
    }
    checks.extend(of_broker(settings, &queues).await);
    checks.extend(of_api(global).await);
    checks
}

async fn of_database(cluster: &Cluster, queues: &mut BTreeSet<QueueName>) -> Vec<Check> {
    let checked = tokio::time::timeout(ANSWER_LIMIT, cluster.check()).await;
    match checked {
        Ok(Ok(())) => {}
        Ok(Err(unusable)) => return vec![unusable_database(unusable)],
        Err(_) => return vec![unreachable("it did not answer in time".to_owned())],
    }
    let stores = cluster.stores();
    let mut checks = Vec::new();
    match cluster.deployment().await {
        Ok(deployment) => {
            checks.push(Check::ok("database", format!("it answers; its schema is version {}", deployment.version)));
            checks.push(clock(&*stores.schedules).await);
            checks.push(members(&deployment));
            checks.extend(processes(&deployment));
        }
        Err(error) => checks.push(unreachable(format!("{error:#}"))),
    }
    checks.push(pending(&*stores.schedules).await);
    queues.extend(queues_of_workflows(&*stores.workflows).await);
    checks
}

fn unusable_database(unusable: Unusable) -> Check {
    match unusable {
        Unusable::Now(reason) => unreachable(reason),
        Unusable::Ever(error) => {
            let text = format!("{error:#}");
            let remedy = if text.contains("belfry migrate") { "belfry migrate" } else { "belfry config    # database.*" };
            Check::failed("database", text, remedy)
        }
    }
}

fn unreachable(reason: String) -> Check {
    Check::failed("database", reason, "psql \"$BELFRY_DATABASE_URL\" -c 'SELECT 1'")
}

async fn clock(store: &dyn ScheduleStore) -> Check {
    let mut best: Option<(UnixMillis, UnixMillis, SignedDuration)> = None;
    for _ in 0..SAMPLES {
        let (asked, host) = (Host.boot(), Host.now());
        let Ok(now) = store.now().await else { continue };
        let error = Host.boot().since(asked) / 2;
        // The store looked at its clock somewhere between the question and the answer.
        if best.is_none_or(|(.., least)| error < least) {
            best = Some((now, host.plus(error), error));
        }
    }
    match best {
        // Both are whole milliseconds.
        Some((store, host, error)) => clock_offset(store, host, error + SignedDuration::from_millis(1)),
        None => unreachable("its clock could not be read".to_owned()),
    }
}

fn members(deployment: &Deployment) -> Check {
    let Deployment { daemons, draining, .. } = *deployment;
    match daemons - draining {
        0 => Check::failed("members", "no daemon lives: nothing fires, and nothing is published", START_DAEMON),
        1 => Check::warning("members", "one daemon lives; with a second one, either may die", START_DAEMON),
        living => Check::ok("members", format!("{living} daemons live, and share the schedules")),
    }
}

/// Who is connected, and from which version: each process names itself to the server.
fn processes(deployment: &Deployment) -> Vec<Check> {
    let others = || deployment.connected.iter().filter(|connected| !connected.name.starts_with("belfry doctor"));
    let mut checks = Vec::new();
    for (process, start) in [("belfry api", START_API), ("belfry worker", "belfry worker --metrics-listen 127.0.0.1:7422")] {
        if !others().any(|connected| connected.name.starts_with(process)) {
            checks.push(Check::warning("processes", format!("no `{process}` is connected to the database"), start));
        }
    }
    let told: Vec<String> = others().map(|connected| format!("{} (connections: {})", connected.name, connected.connections)).collect();
    let is_another = |name: &str| name.rsplit(' ').next() != Some(VERSION);
    if let Some(other) = others().find(|connected| is_another(&connected.name)) {
        let detail = format!("`{}` is another version than this binary, {VERSION}: {}", other.name, told.join(", "));
        checks.push(Check::warning("versions", detail, "belfry --version    # replace the processes one after the other"));
    } else if !told.is_empty() {
        checks.push(Check::ok("versions", told.join(", ")));
    }
    checks
}

async fn pending(store: &dyn ScheduleStore) -> Check {
    match (store.backlog().await, store.now().await) {
        (Ok(found), Ok(now)) => backlog(found.pending, found.oldest.map_or(SignedDuration::ZERO, |oldest| now.since(oldest))),
        (Err(error), _) | (_, Err(error)) => Check::failed("backlog", error.to_string(), "belfry run list --state pending"),
    }
}

fn worker_queues(settings: &Settings) -> BTreeSet<QueueName> {
    let named = settings.worker().map(|worker| worker.queues).unwrap_or_default();
    if named.is_empty() { BTreeSet::from([QueueName::default()]) } else { named.into_iter().collect() }
}

/// Of the first workflows; who has more names the queues in the workers' settings.
async fn queues_of_workflows(store: &dyn WorkflowStore) -> BTreeSet<QueueName> {
    let filter = WorkflowFilter { limit: 200, ..WorkflowFilter::default() };
    let page = store.workflows(filter).await;
    page.map(|page| page.items.into_iter().map(|workflow| workflow.queue).collect()).unwrap_or_default()
}

async fn of_broker(settings: &Settings, queues: &BTreeSet<QueueName>) -> Vec<Check> {
    let broker = match Broker::of(settings) {
        Ok(Some(broker)) => broker,
        Ok(None) => return vec![Check::ok("broker", "none is set: the queue is in the database")],
        Err(error) => return vec![Check::failed("broker", format!("{error:#}"), "belfry config    # broker.*")],
    };
    let mut checks = match broker.dead_letters().await {
        Ok(dead) => vec![Check::ok("broker", "it answers, and its exchange is as it should be"), dead_letters(dead, settings)],
        Err(error) => {
            return vec![Check::failed("broker", format!("{error:#}"), "rabbitmq-diagnostics listeners    # and BELFRY_BROKER_URL")];
        }
    };
    for queue in queues {
        checks.push(match broker.queue(queue).await {
            Ok(found) => topology(queue, found),
            Err(error) => Check::failed(
                "topology",
                format!("{error:#}"),
                format!("rabbitmqctl delete_queue --if-empty {}.{queue}", settings.broker.prefix),
            ),
        });
    }
    checks
}

fn dead_letters(found: Option<QueueCount>, settings: &Settings) -> Check {
    let name = format!("{}.dead", settings.broker.prefix);
    match found {
        Some(QueueCount { ready: 0, .. }) => Check::ok("dead", format!("there are no dead letters in {name}")),
        Some(QueueCount { ready, .. }) => {
            Check::warning("dead", format!("{ready} dead letters are in {name}"), format!("rabbitmqadmin get queue={name} count=10"))
        }
        None => Check::failed("dead", format!("there is no queue {name}"), format!("rabbitmqadmin declare queue name={name} durable=true")),
    }
}

fn topology(queue: &QueueName, found: Option<QueueCount>) -> Check {
    let worker = format!("belfry worker --queues {queue}");
    match found {
        None => Check::ok("topology", format!("{queue} is not there yet: it is made when it is first needed")),
        Some(QueueCount { ready, consumers: 0 }) => {
            Check::warning("topology", format!("nobody consumes {queue}; messages that wait: {ready}"), worker)
        }
        Some(QueueCount { ready, consumers }) => {
            Check::ok("topology", format!("{queue}: messages that wait: {ready}, consumers: {consumers}"))
        }
    }
}

/// The data folder of a `belfry up` on this host is another deployment's.
async fn of_api(global: &Global) -> Vec<Check> {
    if global.url.is_none() {
        let detail = "no address of it is named, so it was not looked at";
        return vec![Check::warning("api", detail, "export BELFRY_URL=http://127.0.0.1:7420 BELFRY_API_KEY=…")];
    }
    match Client::new(global) {
        Ok(client) => api::checks(&client, START_API).await,
        Err(failure) => vec![Check::failed("api", failure.text(), START_API)],
    }
}
