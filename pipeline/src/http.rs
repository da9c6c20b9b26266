//! `POST /api/v1/sql`: a query in, rows out in the form that `Accept` names.

mod format;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::sql::{Limits, Principal, Sql, SqlError};
use format::{Encoder, Format};

const PATH: &str = "/api/v1/sql";
/// Largest request body, in bytes.
const BODY_LEN_MAX: usize = 1 << 20;

type Authenticate = Arc<dyn Fn(&str) -> Option<Principal> + Send + Sync>;

#[derive(Clone)]
struct Service {
    sql: Sql,
    authenticate: Authenticate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    query: String,
    /// Milliseconds.
    timeout: Option<u64>,
    /// A longer result is an error.
    rows_max: Option<usize>,
}

/// RFC 9457, with the members that every problem of the API has.
#[derive(Debug, Serialize)]
struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    instance: &'static str,
    /// The same as `title`.
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'static str>,
}

/// The router; `authenticate` turns a bearer token into a principal.
pub fn http_router(
    sql: Sql,
    authenticate: impl Fn(&str) -> Option<Principal> + Send + Sync + 'static,
) -> Router {
    let service = Service {
        sql,
        authenticate: Arc::new(authenticate),
    };
    Router::new()
        .route(PATH, post(query))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_LEN_MAX))
        .with_state(service)
}

async fn query(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&service, &headers, &body).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(service: &Service, headers: &HeaderMap, body: &[u8]) -> Result<Response, Problem> {
    let principal = bearer(headers)
        .and_then(|token| (service.authenticate)(token))
        .ok_or_else(Problem::unauthorized)?;
    let accept = headers
        .get(ACCEPT)
        .map_or("", |value| value.to_str().unwrap_or(""));
    let format = Format::accepted(accept).ok_or_else(|| Problem::not_acceptable(accept))?;
    let request: Request = serde_json::from_slice(body).map_err(|e| Problem::bad_body(&e))?;
    let limits = Limits {
        timeout: request.timeout.map(std::time::Duration::from_millis),
        rows_max: request.rows_max,
    };
    let mut rows = service
        .sql
        .execute(&principal, &request.query, limits)
        .await?;
    // The first batch decides the status: most errors come before it.
    let first = rows.next().await.transpose()?;
    let mut encoder = Encoder::new(format, rows.schema())?;
    let begin = encoder.begin(first.as_ref())?;

    let rest = stream::unfold((rows, Some(encoder)), |(mut rows, encoder)| async move {
        let mut encoder = encoder?;
        Some(match rows.next().await {
            Some(batch) => {
                let bytes = batch.and_then(|batch| encoder.rows(&batch));
                let next = bytes.is_ok().then_some(encoder);
                (bytes, (rows, next))
            }
            None => (encoder.end(), (rows, None)),
        })
    });
    let body = stream::once(std::future::ready(Ok(begin))).chain(rest);
    Ok((
        [(CONTENT_TYPE, format.content_type())],
        Body::from_stream(body),
    )
        .into_response())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Problem {
    fn new(kind: &'static str, status: StatusCode, detail: String) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            r#type: format!("/problems/{kind}"),
            title,
            status: status.as_u16(),
            detail,
            instance: PATH,
            error: title,
            sqlstate: None,
        }
    }

    fn unauthorized() -> Self {
        let detail = "a bearer token of a known principal is expected in Authorization".to_owned();
        Self::new("unauthorized", StatusCode::UNAUTHORIZED, detail)
    }

    fn not_acceptable(found: &str) -> Self {
        let known = Format::ALL.map(Format::content_type).join(", ");
        let detail = format!("Accept is {found:?}, expected one of {known}");
        Self::new("not_acceptable", StatusCode::NOT_ACCEPTABLE, detail)
    }

    fn bad_body(error: &serde_json::Error) -> Self {
        let detail = format!("body is expected to be {{\"query\": \"SELECT …\"}}: {error}");
        Self::new("bad_request", StatusCode::BAD_REQUEST, detail)
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        let (kind, status) = match &error {
            SqlError::Invalid(_)
            | SqlError::UndefinedTable(_)
            | SqlError::UndefinedColumn(_)
            | SqlError::UndefinedFunction(_)
            | SqlError::Unsupported(_)
            | SqlError::TooComplex(_) => ("invalid_query", StatusCode::BAD_REQUEST),
            SqlError::ReadOnly(_) => ("read_only", StatusCode::FORBIDDEN),
            SqlError::Forbidden { .. } => ("forbidden", StatusCode::FORBIDDEN),
            SqlError::Timeout { .. } => ("query_timeout", StatusCode::GATEWAY_TIMEOUT),
            SqlError::Cancelled => ("cancelled", StatusCode::SERVICE_UNAVAILABLE),
            SqlError::TooManyRows { .. } => ("too_many_rows", StatusCode::UNPROCESSABLE_ENTITY),
            SqlError::Resources(_) => ("resources", StatusCode::SERVICE_UNAVAILABLE),
            SqlError::DivisionByZero | SqlError::InvalidText(_) | SqlError::Execution(_) => {
                ("query_failed", StatusCode::UNPROCESSABLE_ENTITY)
            }
        };
        Self {
            sqlstate: Some(error.sqlstate()),
            ..Self::new(kind, status, error.to_string())
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem is text and numbers");
        let mut response =
            (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
