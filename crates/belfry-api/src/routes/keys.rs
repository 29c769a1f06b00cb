//! API keys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, StoreError};
use belfry_core::time::UnixMillis;
use belfry_core::violation::{Violations, escape};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Object;
use crate::extract::{Id, JsonBody};
use crate::keys;
use crate::problem::{Kind, Problem};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, revoke))
}

/// A key, as listed
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct Key {
    #[schema(value_type = uuid::Uuid)]
    id: KeyId,
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// Null while the key lives.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<UnixMillis>,
}

/// A key, as answered when it is made
#[derive(Serialize, ToSchema)]
#[schema(as = NewApiKey)]
struct NewKey {
    #[serde(flatten)]
    key: Key,
    /// What goes into `Authorization: Bearer`. It is shown this once and kept nowhere.
    secret: String,
}

/// A key to be made
#[derive(ToSchema)]
#[schema(as = ApiKeyRequest)]
#[allow(dead_code, reason = "described, never made")]
struct KeyRequest {
    /// Who or what will use it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Every key; there are few, so there is one page.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
struct Keys {
    items: Vec<Key>,
    /// Always null.
    next_cursor: Option<String>,
}

/// List the keys
///
/// The revoked ones too, oldest first; never their secrets.
#[utoipa::path(get, path = "/keys", tag = "keys", operation_id = "list_keys", responses((status = 200, body = Keys)))]
async fn list(State(app): State<App>) -> Result<Json<Keys>, Problem> {
    let items = app.keys.keys().await?.into_iter().map(Key::from).collect();
    Ok(Json(Keys { items, next_cursor: None }))
}

/// Make a key
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/keys", tag = "keys", operation_id = "create_key", request_body = KeyRequest,
    responses((status = 201, body = NewKey, headers(("Location" = String)))))]
async fn create(State(app): State<App>, JsonBody(body): JsonBody) -> Result<Object<NewKey>, Problem> {
    let name = name(&body).map_err(|violations| Problem::of(Kind::Invalid, violations))?;
    let id = KeyId(app.ids.v7(app.store.now().await?));
    let secret = keys::secret((app.random)());
    let key = app.keys.create_key(id, name, keys::hash(&secret)).await?;
    Ok(Object::new(NewKey { key: key.into(), secret }).made(format!("/keys/{id}")))
}

/// Read a key
///
/// A revoked one too.
#[utoipa::path(get, path = "/keys/{id}", tag = "keys", operation_id = "get_key", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Key)))]
async fn get(State(app): State<App>, Id(id): Id<KeyId>) -> Result<Object<Key>, Problem> {
    // There is no port for one key, and there are few keys.
    let found = app.keys.keys().await?.into_iter().find(|key| key.id == id);
    Ok(Object::new(found.ok_or(StoreError::NotFound("key"))?.into()))
}

/// Revoke a key
///
/// From the answer on it opens nothing. Revoking it again is the same as once.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", operation_id = "revoke_key", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)))]
async fn revoke(State(app): State<App>, Id(id): Id<KeyId>) -> Result<StatusCode, Problem> {
    app.keys.revoke_key(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NAME: &str = "1 to 100 characters, none of them a control character";

fn name(body: &Value) -> Result<String, Violations> {
    let mut violations = Violations::default();
    let Some(fields) = body.as_object() else {
        violations.add("", Some(body.clone()), "the body is no object", "{\"name\": \"…\"}");
        return violations.or(String::new());
    };
    for (field, value) in fields.iter().filter(|(field, _)| *field != "name") {
        violations.add(format!("/{}", escape(field)), Some(value.clone()), "there is no such field", "name");
    }
    let name = fields.get("name");
    let text = name.and_then(Value::as_str).unwrap_or_default();
    if !(1..=100).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        violations.add("/name", name.cloned(), "it is no name", NAME);
    }
    violations.or(text.to_owned())
}

impl From<ApiKey> for Key {
    fn from(ApiKey { id, name, created_at, revoked_at, .. }: ApiKey) -> Key {
        Key { id, name, created_at, revoked_at }
    }
}
