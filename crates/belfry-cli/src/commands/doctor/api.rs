//! The API: whether it is reached, whether it is ready, and whether the key opens it.

use super::check::Check;
use crate::client::Client;
use crate::failure::Failure;

/// `start` is what starts one.
pub async fn checks(client: &Client, start: &str) -> Vec<Check> {
    let base = client.base();
    match client.readiness().await {
        Ok(()) => vec![Check::ok("api", format!("{base} is ready")), key(client).await],
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
