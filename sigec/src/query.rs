//! A query asked in process, in exactly the form that `POST /api/v1/sql` gives it: through that very route.

use anyhow::Context;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, StatusCode, header};
use pipeline::{Principal, Sql};
use tower::ServiceExt;

/// Asks as `principal`; the status and body that the route answers with `accept`.
pub(crate) async fn ask(
    sql: Sql,
    principal: Principal,
    query: &str,
    accept: &str,
) -> anyhow::Result<(StatusCode, Bytes)> {
    // Who asks is known here; the route insists on a token all the same.
    let route = pipeline::http_router(sql, move |_| Some(principal.clone()));
    let request = Request::post("/api/v1/sql")
        .header(header::AUTHORIZATION, "Bearer in-process")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, accept)
        .body(Body::from(
            serde_json::json!({ "query": query }).to_string(),
        ))
        .context("building the request")?;
    let response = route.oneshot(request).await?;
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .context("reading the rows")?;
    Ok((status, body))
}

/// What a refusal says.
pub(crate) fn detail(body: &[u8]) -> String {
    let problem: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let detail = problem
        .as_ref()
        .and_then(|problem| problem["detail"].as_str());
    detail.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
