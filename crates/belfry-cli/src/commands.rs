//! The client's verbs: each speaks to the API, but those that need none (`schedule preview`, `import` without `--apply`,
//! `config`, `openapi`, `completion`, `man`) and the operator's (`migrate`, `doctor`).

pub mod calendar;
pub mod doctor;
pub mod import;
mod instants;
pub mod key;
mod listing;
mod named;
pub mod preview;
pub mod run;
pub mod schedule;
pub mod shell;
pub mod why;
pub mod workflow;

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use crate::arguments::Global;
use crate::backends::cluster::Cluster;
use crate::backends::embedded::Embedded;
use crate::data_folder::DataFolder;
use crate::failure::Failure;
use crate::logs;
use crate::output::line;
use crate::progress::while_waiting;
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
        while_waiting("migrating the database", cluster.migrate()).await?;
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

fn parse_json(what: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::WrongUse(format!("{what} is no JSON: {error}")))
}

/// The text of a file, or of standard input for `-`.
fn read_text(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(file).map_err(|error| Failure::WrongUse(format!("cannot read {}: {error}", file.display())))
}

/// The JSON document of a file.
fn read_json(file: &Path) -> Result<Value, Failure> {
    parse_json(&file.display().to_string(), &read_text(file)?)
}
