//! `belfry up`: its data folder, and what its API tells; or an API elsewhere, of which only that is known.

use std::path::Path;

use jiff::SignedDuration;
use serde_json::Value;

use belfry_core::ports::WallClock;

use super::api;
use super::check::{Check, backlog};
use crate::arguments::Global;
use crate::backends::embedded::{self, Standing};
use crate::client::Client;
use crate::data_folder::DataFolder;
use crate::edge::Host;

const START: &str = "belfry up";

pub async fn checks(global: &Global) -> Vec<Check> {
    let mut checks = Vec::new();
    // Where an address is named, the folder is that of another server.
    if global.url.is_none() {
        match DataFolder::of(global) {
            Ok(folder) => checks.extend(of_folder(&folder)),
            Err(error) => checks.push(Check::failed("folder", format!("{error:#}"), "export BELFRY_DATA_DIR=…")),
        }
    }
    match Client::new(global) {
        Ok(client) => {
            checks.extend(api::checks(&client, START).await);
            if let Ok(Value::String(metrics)) = client.get("/metrics", &[]).await {
                checks.extend(of_metrics(&metrics));
            }
        }
        Err(failure) => checks.push(Check::failed("api", failure.text(), START)),
    }
    checks
}

fn of_folder(folder: &DataFolder) -> Vec<Check> {
    let path = folder.database();
    if !path.exists() {
        return vec![Check::failed("database", format!("there is no {}", path.display()), START)];
    }
    match embedded::standing(&path) {
        Ok(standing) => vec![schema(&path, &standing), clock(&standing)],
        Err(error) => vec![Check::failed("database", format!("{error:#}"), format!("ls -l {}", folder.path().display()))],
    }
}

fn schema(path: &Path, standing: &Standing) -> Check {
    let Standing { version, known, .. } = *standing;
    let found = format!("{} has schema version {version}", path.display());
    if version > known {
        return Check::failed(
            "database",
            format!("{found}, this binary knows none above {known}"),
            "belfry --version    # use a newer one",
        );
    }
    if version < known {
        return Check::warning("database", format!("{found}; {START} migrates it to {known}"), START);
    }
    Check::ok("database", found)
}

/// The store's clock is this host's, and does not go back behind what was written.
fn clock(standing: &Standing) -> Check {
    let behind = standing.last_now.since(Host.now());
    if behind <= SignedDuration::from_secs(1) {
        return Check::ok("clock", "it is this host's, and has not gone back");
    }
    Check::failed(
        "clock",
        format!(
            "this host's is {} s behind the last time written in the database, {}: nothing fires until it has caught up",
            behind.as_secs(),
            standing.last_now
        ),
        "timedatectl set-ntp true    # where that time is wrong, stop belfry and: UPDATE store_clock SET last_now = 0",
    )
}

/// What an API in the same process as a daemon tells; any other has only its version.
fn of_metrics(metrics: &str) -> Vec<Check> {
    let mut checks: Vec<Check> = version(metrics).into_iter().collect();
    if let Some(members) = number(metrics, "belfry_scheduler_members") {
        checks.push(if members >= 1.0 {
            Check::ok("members", format!("{members} daemon lives"))
        } else {
            Check::failed("members", "no daemon lives: nothing fires", START)
        });
    }
    if let (Some(pending), Some(age)) =
        (number(metrics, "belfry_scheduler_runs_pending"), number(metrics, "belfry_scheduler_pending_age_seconds"))
    {
        checks.push(backlog(pending as usize, SignedDuration::try_from_secs_f64(age).unwrap_or_default()));
    }
    checks
}

fn version(metrics: &str) -> Option<Check> {
    let theirs = metrics.lines().find_map(|line| line.strip_prefix("belfry_build_info{")?.split("version=\"").nth(1)?.split('"').next())?;
    let ours = env!("CARGO_PKG_VERSION");
    Some(if theirs == ours {
        Check::ok("version", format!("the server is {theirs}, as this binary"))
    } else {
        Check::warning("version", format!("the server is {theirs}, this binary {ours}"), "belfry --version")
    })
}

/// A number without labels.
fn number(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn metrics_are_read_as_they_are_written() {
        let metrics = "# HELP x\nbelfry_build_info{version=\"0.0.9\",zone_data=\"2026a\"} 1\nbelfry_scheduler_members 1\n\
                       belfry_scheduler_runs_pending 3\nbelfry_scheduler_pending_age_seconds 61.5\n";
        let states: Vec<(&str, State)> = of_metrics(metrics).iter().map(|check| (check.name, check.state)).collect();
        assert_eq!(states, [("version", State::Warning), ("members", State::Ok), ("backlog", State::Warning)]);
        assert_eq!(of_metrics("belfry_scheduler_members 0\n")[0].state, State::Failed);
    }
}
