//! `belfry key …`

use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};

use belfry_core::ids::KeyId;
use belfry_core::ports::{Ids, KeyStore, WallClock};
use belfry_sqlite::Database;

use crate::arguments::{Global, KeyVerb};
use crate::client::Client;
use crate::data_folder::DataFolder;
use crate::edge::{Host, random};
use crate::failure::Failure;
use crate::output::{self, line, local, text};

pub async fn run(verb: KeyVerb, global: &Global) -> Result<(), Failure> {
    match verb {
        KeyVerb::Create { name } => create(name, global).await,
        KeyVerb::List => {
            let keys = Client::new(global)?.get("/keys", &[]).await?;
            output::list(
                &keys,
                &[
                    ("ID", |key| text(key, "id")),
                    ("NAME", |key| text(key, "name")),
                    ("CREATED", |key| local(key, "created_at")),
                    ("REVOKED", |key| local(key, "revoked_at")),
                ],
                global.output(),
            );
            Ok(())
        }
        KeyVerb::Revoke { id } => {
            Client::new(global)?.delete(&format!("/keys/{id}"), None).await?;
            line!("key {id} is revoked");
            Ok(())
        }
    }
}

/// Through the API where there is one, else in the database of the data folder.
async fn create(name: String, global: &Global) -> Result<(), Failure> {
    let through_api = match Client::new(global) {
        Ok(client) => client.post("/keys", &json!({ "name": name })).await,
        Err(failure) => Err(failure),
    };
    let created = match through_api {
        Ok(created) => created,
        Err(failure) => directly(&name, global).await?.ok_or_else(|| while_running(failure))?,
    };
    match global.output() {
        crate::arguments::Output::Table => {
            line!("{}", text(&created, "secret"));
            anstream::eprintln!("key {} ({name}); it is shown only this once", text(&created, "id"));
        }
        format => output::object(&created, format),
    }
    Ok(())
}

/// Whoever has no key left can make one where the database is, but not under a running server.
fn while_running(failure: Failure) -> Failure {
    match failure {
        Failure::NoPermission(text) => Failure::NoPermission(format!(
            "{text}\nwithout any key left, stop the server and run this again: it then makes the key in the data folder"
        )),
        other => other,
    }
}

/// `None` while a server holds the folder: then the API is the way, and its refusal stands.
async fn directly(name: &str, global: &Global) -> Result<Option<Value>, Failure> {
    let folder = DataFolder::of(global)?;
    if global.url.is_some() || !folder.database().exists() {
        return Ok(None);
    }
    let Ok(_lock) = folder.lock() else { return Ok(None) };
    let database = Database::open(&folder.database(), Arc::new(Host)).context("cannot open the database")?;
    let (secret, id) = new_key(&database.store(), name).await?;
    database.close().await;
    Ok(Some(json!({ "id": id, "name": name, "secret": secret })))
}

/// Makes a key and keeps its hash; the secret is only in the answer.
pub async fn new_key(keys: &impl KeyStore, name: &str) -> anyhow::Result<(String, KeyId)> {
    let secret = belfry_api::keys::secret(random());
    let id = KeyId(Host.v7(WallClock::now(&Host)));
    keys.create_key(id, name.to_owned(), belfry_api::keys::hash(&secret)).await.context("cannot keep the key")?;
    Ok((secret, id))
}
