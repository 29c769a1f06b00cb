//! API keys.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use belfry_core::ids::KeyId;
use belfry_core::ports::{ApiKey, NewKey as NewKeyRow, Scope, Scopes, StoreError};
use belfry_core::time::UnixMillis;
use belfry_core::violation::Violations;
use belfry_workflow::read::read;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::answer::Object;
use crate::auth::Caller;
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
    /// `read`: every GET, and previews; `write`: whatever people change, keys included; `work`: what workers do.
    #[schema(value_type = Vec<String>, examples(json!(["read", "work"])))]
    scopes: Scopes,
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// From when on it opens nothing; null: it does not expire.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    expires_at: Option<UnixMillis>,
    /// Null while it was not revoked.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
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
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiKeyRequest)]
struct KeyRequest {
    /// Who or what will use it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    name: String,
    /// What it may do; everything when absent.
    #[schema(value_type = Option<Vec<ScopeName>>, min_items = 1, max_items = 3)]
    scopes: Option<Vec<Scope>>,
    /// From when on it opens nothing; it does not expire when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<UnixMillis>,
}

/// What a key is for
#[derive(ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Scope)]
#[allow(dead_code, reason = "described, never made")]
enum ScopeName {
    Read,
    Write,
    Work,
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
/// The expired and the revoked ones too, oldest first; never their secrets.
#[utoipa::path(get, path = "/keys", tag = "keys", operation_id = "list_keys", responses((status = 200, body = Keys)))]
async fn list(State(app): State<App>) -> Result<Json<Keys>, Problem> {
    let items = app.keys.keys().await?.into_iter().map(Key::from).collect();
    Ok(Json(Keys { items, next_cursor: None }))
}

/// Make a key
///
/// Its secret is in this answer and nowhere else. No key makes one that can more, or lives longer, than itself.
#[utoipa::path(post, path = "/keys", tag = "keys", operation_id = "create_key", request_body = KeyRequest,
    responses((status = 201, body = NewKey, headers(("Location" = String)))))]
async fn create(State(app): State<App>, caller: Caller, JsonBody(body): JsonBody) -> Result<Object<NewKey>, Problem> {
    let now = app.store.now().await?;
    let invalid = |violations| Problem::of(Kind::Invalid, violations);
    let KeyRequest { name, scopes, expires_at } = read::<KeyRequest>(&body).and_then(|request| checked(request, now)).map_err(invalid)?;
    let scopes = scopes.as_deref().and_then(Scopes::of).unwrap_or_else(Scopes::all);
    check_caller(&caller, &scopes, expires_at)?;
    let id = KeyId(app.ids.v7(now));
    let secret = keys::secret((app.random)());
    let key = app.keys.create_key(NewKeyRow { id, name, hash: keys::hash(&secret), scopes, expires_at }).await?;
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

fn checked(request: KeyRequest, now: UnixMillis) -> Result<KeyRequest, Violations> {
    let mut violations = Violations::default();
    if !(1..=100).contains(&request.name.chars().count()) || request.name.chars().any(char::is_control) {
        violations.add("/name", Some(Value::from(request.name.as_str())), "it is no name", NAME);
    }
    if request.scopes.as_ref().is_some_and(Vec::is_empty) {
        violations.add("/scopes", None, "a key without a scope opens nothing", "one or more of `read`, `write` and `work`");
    }
    if let Some(count) = request.scopes.as_ref().map(Vec::len).filter(|count| *count > Scope::ALL.len()) {
        violations.add("/scopes", Some(Value::from(count)), "there are no more than three", "`read`, `write` and `work`, each once");
    }
    if let Some(expires_at) = request.expires_at.filter(|expires_at| *expires_at <= now) {
        let found = Some(Value::from(expires_at.to_string()));
        violations.add("/expires_at", found, format!("it has passed: now is {now}"), "a later instant");
    }
    violations.or(request)
}

fn check_caller(caller: &Caller, scopes: &Scopes, expires_at: Option<UnixMillis>) -> Result<(), Problem> {
    let Some(own) = &caller.0 else { return Ok(()) };
    if !own.scopes.include(scopes) {
        let detail = format!("the new key was to have `{scopes}`, and the one that makes it has `{}`; name fewer `scopes`", own.scopes);
        return Err(Problem::new(Kind::InsufficientScope, detail));
    }
    if let Some(end) = own.expires_at
        && expires_at.is_none_or(|expires_at| expires_at > end)
    {
        let detail = format!("the new key was to live longer than the one that makes it; name an `expires_at`, {end} at most");
        return Err(Problem::new(Kind::InsufficientScope, detail));
    }
    Ok(())
}

impl From<ApiKey> for Key {
    fn from(ApiKey { id, name, scopes, created_at, expires_at, revoked_at, .. }: ApiKey) -> Key {
        Key { id, name, scopes, created_at, expires_at, revoked_at }
    }
}
