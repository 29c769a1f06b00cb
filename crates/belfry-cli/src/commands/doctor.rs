//! `belfry doctor`: every part of the deployment, whether it is well, and what to type where it is not.

mod api;
mod check;
mod cluster;
mod folder;

use anyhow::anyhow;
use serde_json::json;

use self::check::{Check, State};
use crate::arguments::{Global, Output};
use crate::failure::Failure;
use crate::output::{self, line};
use crate::progress::while_waiting;
use crate::settings::Settings;

pub async fn run(global: &Global) -> Result<(), Failure> {
    let checks = while_waiting("looking at every part", checks(global)).await;
    let failed = checks.iter().filter(|check| check.state == State::Failed).count();
    match global.output() {
        Output::Json => output::json(&json!({ "is_well": failed == 0, "checks": checks })),
        Output::Jsonl => checks.iter().for_each(|check| line!("{}", json!(check))),
        Output::Table => checks.iter().for_each(tell),
    }
    match failed {
        0 => Ok(()),
        failed => Err(anyhow!("{failed} of {} checks failed", checks.len()).into()),
    }
}

/// In the order in which one rests upon another.
async fn checks(global: &Global) -> Vec<Check> {
    let settings = match Settings::load(global) {
        Ok(settings) => settings,
        Err(error) => return vec![Check::failed("settings", format!("{error:#}"), "belfry config    # every setting, with its default")],
    };
    match settings.database.url() {
        Some(_) => cluster::checks(&settings, global).await,
        None => folder::checks(global).await,
    }
}

fn tell(check: &Check) {
    let (colour, word) = match check.state {
        State::Ok => ("32", "ok"),
        State::Warning => ("33", "warning"),
        State::Failed => ("31", "failed"),
    };
    line!("\x1b[{colour}m{word:<8}\x1b[0m {:<10} {}", check.name, check.detail);
    if let Some(remedy) = &check.remedy {
        line!("{:20}type: {remedy}", "");
    }
}
