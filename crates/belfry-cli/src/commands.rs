//! The client's verbs: each speaks to the API, but `config`, `openapi`, `migrate` and `schedule preview`.

pub mod key;
pub mod preview;
pub mod run;
pub mod schedule;
pub mod workflow;

use std::sync::Arc;

use anyhow::Context;
use serde_json::Value;

use belfry_core::ids::WorkflowId;
use belfry_sqlite::Database;

use crate::arguments::Global;
use crate::client::Client;
use crate::data_folder::DataFolder;
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::line;
use crate::settings::Settings;

pub fn config() -> Result<(), Failure> {
    line!("{}", confique::toml::template::<Settings>(confique::toml::FormatOptions::default()));
    Ok(())
}

pub fn openapi() -> Result<(), Failure> {
    let document = belfry_api::openapi().to_pretty_json().context("cannot write the OpenAPI document")?;
    line!("{document}");
    Ok(())
}

/// `up` migrates by itself; this is for those who want to do it first.
pub fn migrate(global: &Global) -> Result<(), Failure> {
    let folder = DataFolder::of(global)?;
    folder.create()?;
    let _lock = folder.lock()?;
    folder.create_database()?;
    Database::open(&folder.database(), Arc::new(Host)).context("cannot migrate the database")?;
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
