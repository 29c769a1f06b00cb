//! The API: whether it is reached, whether it is ready, and whether the key opens it.

use belfry_core::ports::WallClock;

use super::check::{Check, OLD, stay_queued};
use crate::client::Client;
use crate::edge::Host;
use crate::failure::Failure;

/// `start` is what starts one.
pub async fn checks(client: &Client, start: &str) -> Vec<Check> {
    let base = client.base();
    match client.readiness().await {
        Ok(()) => {
            let mut checks = vec![Check::ok("api", format!("{base} is ready")), key(client).await];
            checks.extend(queues(client).await);
            checks
        }
        Err(Failure::Unreachable(reason)) => vec![Check::failed("api", reason, start)],
        Err(failure) => {
            let remedy = format!("curl {base}/readyz    # until what it waits for is there");
            vec![Check::failed("api", format!("{base} answers: {}", failure.text()), remedy), key(client).await]
        }
    }
}

async fn key(client: &Client) -> Check {
    match client.get("/workflows", &[("limit", "1".to_owned())]).await {
        Ok(_) => Check::ok("key", "it opens the API"),
        Err(failure) => Check::failed("key", failure.text(), "belfry key create NAME    # then: export BELFRY_API_KEY=…"),
    }
}

/// Where the runs cannot be read, the key is told to be wrong.
async fn queues(client: &Client) -> Vec<Check> {
    let long_ago = Host.now().minus(OLD);
    let query = [("state", "queued".to_owned()), ("planned_before", long_ago.to_string()), ("limit", "200".to_owned())];
    let found = client.get("/runs", &query).await.unwrap_or_default();
    let runs = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    stay_queued(runs, long_ago, !found["next_cursor"].is_null())
}
