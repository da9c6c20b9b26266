//! Who may do what, asked of every route that the document names.

use reqwest::{Method, StatusCode};
use sdk::Role;
use serde_json::Value;

use super::world::{ROOT, with_server};

/// Served by other crates, which are not here.
const MOUNTED: &[&str] = &["/api/v1/sql", "/api/v1/lake/flush", "/api/v1/voice/command"];

/// Every operation that is served here, with the least role that may use it; nobody's is public.
fn operations(document: &Value) -> Vec<(Method, String, Option<Role>)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if MOUNTED.contains(&&**path) {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let role = operation.get("security").map(|_| {
                let text = operation["description"].as_str().unwrap();
                let (_, role) = text.rsplit_once("Role: `").unwrap();
                [Role::ReadOnly, Role::Operator, Role::Admin]
                    .into_iter()
                    .find(|known| role == format!("{known}`"))
                    .unwrap()
            });
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push((method, path.clone(), role));
        }
    }
    operations
}

/// A path with `found` in place of each of its parameters.
fn filled(path: &str, found: &str) -> String {
    let segments = path.split('/');
    let filled = segments.map(|segment| match segment.starts_with('{') {
        true => found,
        false => segment,
    });
    filled.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_asks_for_its_role_before_it_looks_at_anything_else() {
    with_server(|world| async move {
        let http = reqwest::Client::new();
        let (_, document) = world.get("/api/v1/openapi.json").await;
        let operations = operations(&serde_json::from_str(&document).unwrap());
        assert!(60 < operations.len(), "{}", operations.len());
        let create = async |name: &str, role| world.principals.create(name, role, "default");
        let (_, reader) = create("reader", Role::ReadOnly).await.unwrap();
        let (_, operator) = create("operator", Role::Operator).await.unwrap();
        let callers = [
            (None, None),
            (None, Some("no-token-of-anybody")),
            (Some(Role::ReadOnly), Some(&*reader)),
            (Some(Role::Operator), Some(&*operator)),
            (Some(Role::Admin), Some(ROOT)),
        ];
        for (method, path, needed) in operations {
            // None of these exists, and no body is what a route expects: nothing changes but profiles that are read again.
            let concrete = filled(&path, "none");
            for (role, token) in callers {
                let mut request = http.request(method.clone(), format!("{}{concrete}", world.url));
                if let Some(token) = token {
                    request = request.bearer_auth(token);
                }
                let status = request.send().await.unwrap().status();
                let what = format!("{method} {path} as {role:?}: {status}");
                match (needed, role) {
                    (Some(_), None) => assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}"),
                    (Some(needed), Some(role)) if role < needed => {
                        assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                    }
                    (Some(_), Some(_)) | (None, _) => {
                        assert!(![401, 403].contains(&status.as_u16()), "{what}");
                        assert!(!status.is_server_error() || status == 503, "{what}");
                    }
                }
            }
        }
    });
}

#[test]
fn whatever_stands_in_a_path_is_refused_as_a_problem() {
    with_server(|world| async move {
        let http = reqwest::Client::new();
        let (_, document) = world.get("/api/v1/openapi.json").await;
        for (method, path, _) in operations(&serde_json::from_str(&document).unwrap()) {
            for found in ["%FF", "%00", "..%2f", "-1", &"9".repeat(400)] {
                let concrete = filled(&path, found);
                let request = http.request(method.clone(), format!("{}{concrete}", world.url));
                let answer = request.bearer_auth(ROOT).send().await.unwrap();
                let status = answer.status();
                if status.is_success() {
                    continue;
                }
                let kind = answer.headers().get("content-type").cloned();
                assert_eq!(
                    kind.unwrap(),
                    "application/problem+json",
                    "{method} {concrete}"
                );
                assert!(status.is_client_error(), "{method} {concrete}: {status}");
            }
        }
    });
}
