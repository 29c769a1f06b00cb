//! Keys with scopes and an end.

use serde_json::json;

use super::{complaint, printed};
use crate::server::{Server, belfry};

#[test]
fn a_key_opens_what_its_scopes_say_until_it_is_revoked() {
    let server = Server::start();
    let made = server.json(&["key", "create", "dashboard", "--scopes", "read", "--expires", "90d"]);
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let code = |arguments: &[&str]| server.belfry(&[&["--api-key", secret], arguments].concat()).status.code();
    assert_eq!((code(&["workflow", "list"]), code(&["key", "create", "more"])), (Some(0), Some(4)));
    let shown = server.json(&["key", "get", id]);
    assert_eq!((&shown["scopes"], &shown["secret"], &shown["revoked_at"]), (&json!(["read"]), &json!(null), &json!(null)));
    assert!(shown["expires_at"].as_str() > shown["created_at"].as_str());
    assert!(printed(&server, &["keys", "ls"]).contains("dashboard  read"));
    assert_eq!(server.belfry(&["key", "get", "../workflows"]).status.code(), Some(3));
    printed(&server, &["key", "revoke", id]);
    assert_eq!(code(&["workflow", "list"]), Some(4));
}

#[test]
fn a_key_that_cannot_be_is_refused_with_what_could() {
    let server = Server::start();
    for (arguments, said) in
        [(&["--scopes", "admin"][..], "read, write, work"), (&["--expires", "soon"], "90d"), (&["--expires", "2020-01-01"], "has passed")]
    {
        let refused = server.belfry(&[&["key", "create", "x"], arguments].concat());
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", complaint(&refused));
        assert!(complaint(&refused).contains(said), "{arguments:?}: {}", complaint(&refused));
    }
}

#[test]
fn the_data_folder_makes_the_same_key_without_a_server() {
    let (_, folder) = Server::start().stop();
    let output = belfry(folder.path()).args(["key", "create", "work", "--scopes", "work", "--expires", "1h", "--json"]).output().unwrap();
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&made["scopes"], made["expires_at"].is_string()), (&json!(["work"]), true), "{}", complaint(&output));
    let refused = belfry(folder.path()).args(["key", "create", "late", "--expires", "2020-01-01"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", complaint(&refused));
    let server = Server::start_on(folder);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(server.belfry(&["--api-key", secret, "workflow", "list"]).status.code(), Some(4));
}
