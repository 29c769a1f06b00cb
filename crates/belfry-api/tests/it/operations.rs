//! The operations of the document, as they can be asked for.

use axum::http::Method;

pub struct Operation {
    pub method: Method,
    /// With ids in the place of names.
    pub path: String,
    /// What a key needs for it; absent where none is needed.
    pub scope: Option<String>,
}

pub fn operations() -> Vec<Operation> {
    let document = belfry_api::openapi();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{id}", "01938a5e-7c00-7000-8000-000000000001")
            .replace("{version}", "1")
            .replace("{revision}", "1")
            .replace("{name}", "mine");
        assert!(!path.contains('{'), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation.pointer("/security/0/api_key/0").map(|scope| scope.as_str().unwrap().to_owned());
            found.push(Operation { method: method.to_uppercase().parse().unwrap(), path: path.clone(), scope });
        }
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}
