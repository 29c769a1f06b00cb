//! `belfry key …`

use anyhow::Context;
use serde_json::{Value, json};

use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, Ids, KeyStore, NewKey, Scope, Scopes, StoreError, WallClock};
use belfry_core::time::UnixMillis;

use super::instants::{Direction, instant};
use crate::arguments::{CreateKey, Global, KeyVerb, Output};
use crate::backends::cluster::Cluster;
use crate::backends::embedded::Embedded;
use crate::client::Client;
use crate::data_folder::DataFolder;
use crate::edge::{Host, random};
use crate::failure::Failure;
use crate::output::{self, line, local, text};
use crate::settings::Settings;

pub async fn run(verb: KeyVerb, global: &Global) -> Result<(), Failure> {
    if let KeyVerb::Get { id } | KeyVerb::Revoke { id } = &verb
        && id.parse::<KeyId>().is_err()
    {
        return Err(no_such_key(id));
    }
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
            Err(Failure::Failed(_) | Failure::Unreachable(_) | Failure::NoPermission(_)) => {}
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
        Err(failure) if matches!(verb, KeyVerb::Create(_)) => failure,
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
        KeyVerb::Create(create) => client.post("/keys", &request(create)?).await,
        KeyVerb::Get { id } => client.get(&format!("/keys/{id}"), &[]).await,
        KeyVerb::List => client.get("/keys", &[]).await,
        KeyVerb::Revoke { id } => client.delete(&format!("/keys/{id}"), None).await.map(|()| Value::Null),
    }
}

async fn directly(verb: &KeyVerb, keys: &dyn KeyStore) -> Result<Value, Failure> {
    match verb {
        KeyVerb::Create(create) => make(keys, create).await,
        KeyVerb::List => {
            let keys = keys.keys().await.context("cannot read the keys")?;
            Ok(json!({ "items": keys.iter().map(shown).collect::<Vec<_>>(), "next_cursor": null }))
        }
        KeyVerb::Get { id } => {
            let all = keys.keys().await.context("cannot read the keys")?;
            all.iter().find(|key| key.id.to_string() == *id).map(shown).ok_or_else(|| no_such_key(id))
        }
        KeyVerb::Revoke { id } => {
            let no_such_key = || no_such_key(id);
            let known = id.parse().map_err(|_| no_such_key())?;
            match keys.revoke_key(known).await {
                Ok(_) => Ok(Value::Null),
                Err(StoreError::NotFound(_)) => Err(no_such_key()),
                Err(error) => Err(anyhow::Error::new(error).context("cannot revoke the key").into()),
            }
        }
    }
}

fn no_such_key(id: &str) -> Failure {
    Failure::NotFound(format!("there is no key {id}; see `belfry key list`"))
}

/// As the API reads it.
fn request(create: &CreateKey) -> Result<Value, Failure> {
    let mut request = json!({ "name": create.name });
    if !create.scopes.is_empty() {
        request["scopes"] = json!(create.scopes);
    }
    if let Some(expires) = &create.expires {
        request["expires_at"] = json!(instant("--expires", expires, Direction::Future)?);
    }
    Ok(request)
}

/// As the API makes one.
async fn make(keys: &dyn KeyStore, create: &CreateKey) -> Result<Value, Failure> {
    let name = &create.name;
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Failure::WrongUse(format!("{name:?} is no name: it has 1 to 100 characters, none of them a control character")));
    }
    let now = WallClock::now(&Host);
    let expires_at = request(create)?["expires_at"].as_str().map(UnixMillis::parse_exact).transpose();
    let expires_at = expires_at.map_err(|error| Failure::WrongUse(format!("--expires: {error}")))?;
    if let Some(passed) = expires_at.filter(|expires_at| *expires_at <= now) {
        return Err(Failure::WrongUse(format!("--expires: {passed} has passed; name a later instant, or a length of time such as 90d")));
    }
    let scopes: Vec<Scope> = create.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect();
    let (secret, hash) = fresh_secret();
    let new = NewKey { id: fresh_id(), name: name.clone(), hash, scopes: Scopes::of(&scopes).unwrap_or_else(Scopes::all), expires_at };
    let mut answer = shown(&keys.create_key(new).await.context("cannot keep the key")?);
    answer["secret"] = json!(secret);
    Ok(answer)
}

/// In the API's shape.
fn shown(key: &ApiKey) -> Value {
    json!({
        "id": key.id, "name": key.name, "scopes": key.scopes, "created_at": key.created_at, "expires_at": key.expires_at,
        "revoked_at": key.revoked_at
    })
}

fn show(verb: &KeyVerb, answer: &Value, global: &Global) {
    match (verb, global.output()) {
        (KeyVerb::Create(CreateKey { name, .. }), Output::Table) => {
            line!("{}", text(answer, "secret"));
            anstream::eprintln!("key {} ({name}); it is shown only this once", text(answer, "id"));
        }
        (KeyVerb::Create(_) | KeyVerb::Get { .. }, format) => output::object(answer, format),
        (KeyVerb::List, format) => output::list(answer, COLUMNS, format),
        (KeyVerb::Revoke { id }, _) => line!("key {id} is revoked"),
    }
}

const COLUMNS: &[output::Column] = &[
    ("ID", |key| text(key, "id")),
    ("NAME", |key| text(key, "name")),
    ("SCOPES", |key| key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
    ("CREATED", |key| local(key, "created_at")),
    ("EXPIRES", |key| local(key, "expires_at")),
    ("REVOKED", |key| local(key, "revoked_at")),
];

/// Makes a key that may do everything and keeps its hash; the secret is only in the answer.
pub async fn new_key(keys: &dyn KeyStore, name: &str) -> anyhow::Result<(String, KeyId)> {
    let (secret, hash) = fresh_secret();
    let id = fresh_id();
    keys.create_key(NewKey::full(id, name.to_owned(), hash)).await.context("cannot keep the key")?;
    Ok((secret, id))
}

fn fresh_secret() -> (String, [u8; 32]) {
    let secret = belfry_api::keys::secret(random());
    let hash = belfry_api::keys::hash(&secret);
    (secret, hash)
}

fn fresh_id() -> KeyId {
    KeyId(Host.v7(WallClock::now(&Host)))
}
