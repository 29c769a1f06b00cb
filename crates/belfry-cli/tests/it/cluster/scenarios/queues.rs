//! One workflow's queue takes no messages: it backs off alone, and says why.

use std::time::Duration;

use reqwest::Method;

use super::super::deployment::{Broker, Deployment};
use super::super::ledger::Ledger;
use super::super::load::{Anchors, Load};
use crate::server::eventually;

/// A schedule of a queue that something is wrong with.
const ONE: Load = Load { schedules: 1, every_seconds: 2, phase: Anchors::Together };

/// Queues are the operator's, and one of them was forgotten, until a worker declares it.
pub fn nobody_declares(healthy: Load, length: Duration) {
    let mut deployment = Deployment::start(Broker::RabbitMq);
    deployment.add_worker("default", &[]);
    wait_for_queue(&deployment, "belfry.default");
    (0..2).for_each(|_| deployment.add_daemon(&[("BELFRY_BROKER_DECLARE_QUEUES", "false")]));
    healthy.make(&deployment, "default");
    deployment.apart = ONE.make(&deployment, "nowhere");
    deployment.phase("one cannot be routed", |deployment| {
        says_why(deployment, &deployment.apart[0]);
        deployment.postgres.wait(length);
    });
    deployment.add_worker("nowhere", &[]);
    deployment.phase("its queue is declared", Deployment::wait_until_on_time);
    let (ledger, _) = deployment.conclude(&format!("a queue that nobody declares, beside {healthy:?}"));
    backed_off_alone(&ledger, &deployment.apart);
}

/// One queue is of another type than is asked for; another one is deleted while it is used.
pub fn wrong_and_deleted(healthy: Load, length: Duration) {
    let mut deployment = Deployment::start(Broker::RabbitMq);
    declare_classic(&deployment, "belfry.wrong");
    deployment.add_worker("default", &[]);
    deployment.add_worker("gone", &[]);
    (0..2).for_each(|_| deployment.add_daemon(&[]));
    healthy.make(&deployment, "default");
    deployment.apart = ["wrong", "gone"].into_iter().flat_map(|queue| ONE.make(&deployment, queue)).collect();
    deployment.phase("one is of the wrong type", |deployment| {
        says_why(deployment, &deployment.apart[0]);
        deployment.postgres.wait(length);
    });
    deployment.phase("another one is deleted", |deployment| {
        broker(deployment, &["delete_queue", "belfry.gone"]);
        deployment.postgres.wait(length);
        wait_for_queue(deployment, "belfry.gone");
    });
    broker(&deployment, &["delete_queue", "belfry.wrong"]);
    deployment.add_worker("wrong", &[]);
    deployment.phase("the wrong one was removed", Deployment::wait_until_on_time);
    let (ledger, _) = deployment.conclude(&format!("queues of the wrong type and deleted, beside {healthy:?}"));
    backed_off_alone(&ledger, &deployment.apart);
}

/// The first run of the schedule is not queued, and shows the error.
fn says_why(deployment: &Deployment, schedule: &str) {
    let path = format!("/runs?schedule_id={schedule}&limit=1");
    let run = eventually("a run that shows why it is not published", || {
        let listed = deployment.ask(Method::GET, &path, None);
        let run = deployment.ask(Method::GET, &format!("/runs/{}", listed["items"][0]["id"].as_str()?), None);
        run["publish_error"].is_string().then_some(run)
    });
    assert_eq!(run["state"], "pending", "{run:#}");
    println!("publish_error: {}", run["publish_error"]);
}

/// Every run of another schedule was published at the first try, by whoever fired it.
fn backed_off_alone(ledger: &Ledger, refused: &[String]) {
    let (backed_off, hurt): (Vec<_>, Vec<_>) =
        ledger.runs.iter().filter(|run| run.publish_seq > 1).partition(|run| refused.contains(&run.schedule));
    let hurt: Vec<_> = hurt.iter().map(|run| format!("{} of `{}`: publish_seq {}", run.id, run.workflow, run.publish_seq)).collect();
    assert!(hurt.is_empty(), "runs of other queues were not published at once:\n{}", hurt.join("\n"));
    assert!(backed_off.iter().any(|run| run.schedule == refused[0]), "nothing was refused: nothing is proved");
}

fn broker(deployment: &Deployment, arguments: &[&str]) -> String {
    deployment.broker.as_ref().unwrap().control(arguments)
}

fn wait_for_queue(deployment: &Deployment, queue: &str) {
    let listed = || broker(deployment, &["list_queues", "name", "--no-table-headers"]);
    eventually(&format!("the queue {queue}"), || listed().lines().any(|name| name.trim() == queue).then_some(()));
}

/// Where quorum queues are asked for, one of another type is refused.
fn declare_classic(deployment: &Deployment, queue: &str) {
    let declare = format!(
        "rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>), true, false,
             [{{<<\"x-queue-type\">>, longstr, <<\"classic\">>}}], none, <<\"harness\">>)."
    );
    broker(deployment, &["eval", &declare]);
}
