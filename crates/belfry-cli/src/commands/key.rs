//! `belfry key …`

use anyhow::Context;
use serde_json::{Value, json};

use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, Ids, KeyStore, NewKey, StoreError, WallClock};

use crate::arguments::{Global, KeyVerb};
use crate::backends::cluster::Cluster;
use crate::backends::embedded::Embedded;
use crate::client::Client;
use crate::data_folder::DataFolder;
use crate::edge::{Host, random};
use crate::failure::Failure;
use crate::output::{self, line, local, text};
use crate::settings::Settings;

pub async fn run(verb: KeyVerb, global: &Global) -> Result<(), Failure> {
    let settings = Settings::load(global)?;
    let answer = match settings.database.url() {
        Some(_) => in_the_cluster(&verb, &settings, global).await?,
        None => on_the_folder(&verb, global).await?,
    };
    show(&verb, &answer, global);
    Ok(())
}

/// Through the API where one is named and lets us in, else in the database: whoever has its address needs no key.
async fn in_the_cluster(verb: &KeyVerb, settings: &Settings, global: &Global) -> Result<Value, Failure> {
    // The data folder of a `belfry up` on this host is another deployment's.
    if global.url.is_some() {
        match through_the_api(verb, global).await {
            Err(Failure::Failed(_) | Failure::NoPermission(_)) => {}
            answered => return answered,
        }
    }
    let cluster = Cluster::prepare(settings, "belfry key")?;
    let answer = directly(verb, &*cluster.stores().keys).await;
    cluster.close();
    answer
}

/// Through the API where there is one; else a key can be made, and only that, in the database of the data folder.
async fn on_the_folder(verb: &KeyVerb, global: &Global) -> Result<Value, Failure> {
    let failure = match through_the_api(verb, global).await {
        Err(failure) if matches!(verb, KeyVerb::Create { .. }) => failure,
        answered => return answered,
    };
    let folder = DataFolder::of(global)?;
    if global.url.is_some() || !folder.database().exists() {
        return Err(failure);
    }
    // While a server holds the folder the API is the way, and its refusal stands.
    let Ok(lock) = folder.lock() else { return Err(while_running(failure)) };
    let embedded = Embedded::open(&folder, lock)?;
    let answer = directly(verb, &*embedded.stores().keys).await;
    embedded.close().await;
    answer
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

async fn through_the_api(verb: &KeyVerb, global: &Global) -> Result<Value, Failure> {
    let client = Client::new(global)?;
    match verb {
        KeyVerb::Create { name } => client.post("/keys", &json!({ "name": name })).await,
        KeyVerb::List => client.get("/keys", &[]).await,
        KeyVerb::Revoke { id } => client.delete(&format!("/keys/{id}"), None).await.map(|()| Value::Null),
    }
}

async fn directly(verb: &KeyVerb, keys: &dyn KeyStore) -> Result<Value, Failure> {
    match verb {
        KeyVerb::Create { name } => {
            // As the API has it.
            if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
                return Err(Failure::WrongUse(format!(
                    "{name:?} is no name: it has 1 to 100 characters, none of them a control character"
                )));
            }
            let (secret, id) = new_key(keys, name).await?;
            Ok(json!({ "id": id, "name": name, "secret": secret }))
        }
        KeyVerb::List => {
            let keys = keys.keys().await.context("cannot read the keys")?;
            Ok(json!({ "items": keys.iter().map(shown).collect::<Vec<_>>(), "next_cursor": null }))
        }
        KeyVerb::Revoke { id } => {
            let no_such_key = || Failure::NotFound(format!("there is no key {id}; see `belfry key list`"));
            let known = id.parse().map_err(|_| no_such_key())?;
            match keys.revoke_key(known).await {
                Ok(_) => Ok(Value::Null),
                Err(StoreError::NotFound(_)) => Err(no_such_key()),
                Err(error) => Err(anyhow::Error::new(error).context("cannot revoke the key").into()),
            }
        }
    }
}

fn shown(key: &ApiKey) -> Value {
    json!({ "id": key.id, "name": key.name, "created_at": key.created_at, "revoked_at": key.revoked_at })
}

fn show(verb: &KeyVerb, answer: &Value, global: &Global) {
    match verb {
        KeyVerb::Create { name } => match global.output() {
            crate::arguments::Output::Table => {
                line!("{}", text(answer, "secret"));
                anstream::eprintln!("key {} ({name}); it is shown only this once", text(answer, "id"));
            }
            format => output::object(answer, format),
        },
        KeyVerb::List => output::list(answer, COLUMNS, global.output()),
        KeyVerb::Revoke { id } => line!("key {id} is revoked"),
    }
}

const COLUMNS: &[output::Column] = &[
    ("ID", |key| text(key, "id")),
    ("NAME", |key| text(key, "name")),
    ("CREATED", |key| local(key, "created_at")),
    ("REVOKED", |key| local(key, "revoked_at")),
];

/// Makes a key and keeps its hash; the secret is only in the answer.
pub async fn new_key(keys: &dyn KeyStore, name: &str) -> anyhow::Result<(String, KeyId)> {
    let secret = belfry_api::keys::secret(random());
    let id = KeyId(Host.v7(WallClock::now(&Host)));
    keys.create_key(NewKey::full(id, name.to_owned(), belfry_api::keys::hash(&secret))).await.context("cannot keep the key")?;
    Ok((secret, id))
}
