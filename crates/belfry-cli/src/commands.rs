//! The client's verbs: each speaks to the API, but `config`, `openapi`, `migrate` and `schedule preview`.

pub mod calendar;
pub mod key;
pub mod preview;
pub mod run;
pub mod schedule;
pub mod workflow;

use anyhow::Context;
use serde_json::Value;

use belfry_core::ids::WorkflowId;

use crate::arguments::Global;
use crate::backends::cluster::Cluster;
use crate::backends::embedded::Embedded;
use crate::client::Client;
use crate::data_folder::DataFolder;
use crate::failure::Failure;
use crate::logs;
use crate::output::line;
use crate::settings::Settings;

pub fn config() -> Result<(), Failure> {
    line!("{}", confique::toml::template::<Settings>(confique::toml::FormatOptions::default()));
    Ok(())
}

pub fn openapi() -> Result<(), Failure> {
    let document = serde_json::to_string_pretty(&belfry_api::openapi()).context("cannot write the OpenAPI document")?;
    line!("{document}");
    Ok(())
}

/// The PostgreSQL database, where one is set; else that of the data folder, which `up` migrates by itself.
pub async fn migrate(global: &Global) -> Result<(), Failure> {
    let settings = Settings::load(global)?;
    logs::start(&settings.log, None)?;
    if settings.database.url().is_some() {
        let cluster = Cluster::prepare(&settings, "belfry migrate")?;
        cluster.migrate().await?;
        cluster.close();
        eprintln!("the database has this version's schema");
        return Ok(());
    }
    let folder = DataFolder::of(global)?;
    folder.create()?;
    let lock = folder.lock()?;
    Embedded::open(&folder, lock)?.close().await;
    eprintln!("{} has this version's schema", folder.database().display());
    Ok(())
}

/// The id of a workflow that was named by its id or its name.
async fn workflow_id(client: &Client, named: &str) -> Result<String, Failure> {
    if named.parse::<WorkflowId>().is_ok() {
        return Ok(named.to_owned());
    }
    let found = client.get("/workflows", &[("name", named.to_owned())]).await?;
    first_id(&found).ok_or_else(|| Failure::NotFound(format!("there is no workflow named `{named}`; see `belfry workflow list`")))
}

fn first_id(list: &Value) -> Option<String> {
    list["items"][0]["id"].as_str().map(str::to_owned)
}

fn parse_json(what: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::WrongUse(format!("{what} is no JSON: {error}")))
}
