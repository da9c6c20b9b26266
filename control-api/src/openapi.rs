//! The API's own description: OpenAPI 3.1, and a page that shows it.

use axum::body::Bytes;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::response::Html;
use axum::{Extension, response::IntoResponse};
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::policy::{Access, RULES};

/// Name of the login in the document.
const BEARER: &str = "bearer";

/// What the document says before its paths.
pub(crate) fn base() -> OpenApi {
    let mut components = Components::new();
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme(BEARER, scheme);
    let description = "Commands stations and reads what they report. Log in with `Authorization: Bearer TOKEN`; the \
                       first start of the server prints the administrator's token. Roles are `read_only`, `operator` \
                       and `admin`. Lists are `{items, next_cursor}`; errors are RFC 9457 problem documents.";
    let mut license = License::new("MIT");
    license.identifier = Some("MIT".into());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("SIGEC-VE")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(description))
                .license(Some(license))
                .build(),
        )
        .components(Some(components))
        .build()
}

/// Adds what every operation shares (login, role, problems) and the routes that other crates serve.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    add_mounted(&mut document);
    let components = document.components.get_or_insert_default();
    add_schema::<sdk::Problem>(components);
    for (method, path, access) in RULES {
        let Some(operation) = document
            .paths
            .paths
            .get_mut(*path)
            .and_then(|item| operation(item, method))
        else {
            continue;
        };
        if let Access::Role(role) = access {
            operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
            let role = format!("Role: `{role}`");
            operation.description = Some(match operation.description.take() {
                Some(description) => format!("{description}\n\n{role}"),
                None => role,
            });
            let problem = ResponseBuilder::new()
                .description("Refused, and why")
                .content(
                    "application/problem+json",
                    Content::new(Some(Ref::from_schema_name("Problem"))),
                )
                .build();
            operation
                .responses
                .responses
                .insert("default".into(), RefOr::T(problem));
        }
    }
    document
}

/// `POST /api/v1/sql`, `POST /api/v1/lake/flush` and `POST /api/v1/voice/command`.
fn add_mounted(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    add_schema::<sdk::SqlRequest>(components);
    add_schema::<sdk::VoiceRequest>(components);
    add_schema::<sdk::VoiceReply>(components);
    let json = |name: &str| Content::new(Some(Ref::from_schema_name(name)));
    let body = |name: &str| {
        RequestBodyBuilder::new()
            .content("application/json", json(name))
            .build()
    };
    let any = || Content::new(Some(serde_json::Value::schema()));
    let sql = OperationBuilder::new()
        .tag("sql")
        .operation_id(Some("run_sql"))
        .summary(Some("Runs one query that reads."))
        .request_body(Some(body("SqlRequest")))
        .response(
            "200",
            ResponseBuilder::new()
                .description(
                    "Rows as `Accept` asks for; DECIMAL and BIGINT are strings, times RFC 3339",
                )
                .content("application/json", any())
                .content("application/x-ndjson", any())
                .content("text/csv", any())
                .content("application/vnd.apache.arrow.stream", any())
                .build(),
        )
        .build();
    let flush = OperationBuilder::new()
        .tag("sql")
        .operation_id(Some("flush_lake"))
        .summary(Some(
            "Writes what is durable and still in memory to the tables' files.",
        ))
        .response("204", ResponseBuilder::new().description("Written").build())
        .build();
    let voice = OperationBuilder::new()
        .tag("voice")
        .operation_id(Some("talk"))
        .summary(Some("Talks with EVA, the assistant, in Brazilian Portuguese."))
        .description(Some("Acts with the caller's own rights; a charge starts only after a second sentence confirms it."))
        .request_body(Some(body("VoiceRequest")))
        .response(
            "200",
            ResponseBuilder::new().description("The answer").content("application/json", json("VoiceReply")).build(),
        )
        .build();
    for (path, operation) in [
        ("/api/v1/sql", sql),
        ("/api/v1/lake/flush", flush),
        ("/api/v1/voice/command", voice),
    ] {
        document
            .paths
            .add_path_operation(path, vec![HttpMethod::Post], operation);
    }
}

fn add_schema<T: ToSchema>(components: &mut Components) {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    components
        .schemas
        .insert(T::name().into_owned(), T::schema());
    components.schemas.extend(schemas);
}

fn operation<'a>(
    item: &'a mut PathItem,
    method: &str,
) -> Option<&'a mut utoipa::openapi::path::Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// The document as it is served.
#[derive(Clone)]
pub(crate) struct Document(Bytes);

impl Document {
    pub(crate) fn new(document: &OpenApi) -> Self {
        Self(
            serde_json::to_vec(document)
                .expect("the document is strings and maps")
                .into(),
        )
    }
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "get_openapi",
    tag = "documentation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(crate) async fn document(
    Extension(Document(document)): Extension<Document>,
) -> ([(HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, "application/json")], document)
}

/// This document, where people look for it.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "get_openapi_json",
    tag = "documentation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
pub(crate) async fn json(
    document: Extension<Document>,
) -> ([(HeaderName, &'static str); 1], Bytes) {
    self::document(document).await
}

/// This document as YAML, which JSON is (YAML 1.2, section 1.3).
#[utoipa::path(
    get,
    path = "/openapi.yaml",
    operation_id = "get_openapi_yaml",
    tag = "documentation",
    responses((status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/yaml"))
)]
pub(crate) async fn yaml(
    Extension(Document(document)): Extension<Document>,
) -> ([(HeaderName, &'static str); 1], Bytes) {
    ([(CONTENT_TYPE, "application/yaml")], document)
}

/// A page that shows it.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "get_docs",
    tag = "documentation",
    responses((status = 200, description = "A page for people", body = String, content_type = "text/html"))
)]
pub(crate) async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'";
    (
        [(CONTENT_SECURITY_POLICY, policy)],
        Html(include_str!("openapi/page.html")),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn document() -> serde_json::Value {
        let (_, document) = crate::routes::all().split_for_parts();
        serde_json::to_value(complete(document)).unwrap()
    }

    #[test]
    fn it_describes_exactly_the_operations_of_the_policy() {
        let document = document();
        let mut described = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                described.insert((method.to_uppercase(), path.clone()));
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id), "{id} names two operations");
            }
        }
        let allowed: BTreeSet<_> = RULES
            .iter()
            .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(described, allowed);
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut open = vec![&document];
        let mut references = 0;
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::Object(members) => {
                    if let Some(target) = members.get("$ref").and_then(|target| target.as_str()) {
                        let pointer = target.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{target}");
                        references += 1;
                    }
                    open.extend(members.values());
                }
                serde_json::Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        assert!(40 < references, "{references}");
    }

    #[test]
    fn an_operation_names_its_role_and_its_problems() {
        let document = document();
        let reset = &document["paths"]["/api/v1/devices/{id}/commands"]["post"];
        assert!(
            reset["description"]
                .as_str()
                .unwrap()
                .ends_with("Role: `operator`")
        );
        assert_eq!(reset["security"][0]["bearer"], serde_json::json!([]));
        assert!(reset["responses"]["default"]["content"]["application/problem+json"].is_object());
        assert!(document["paths"]["/health/live"]["get"]["security"].is_null());
    }
}
