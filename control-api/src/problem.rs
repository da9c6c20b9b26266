//! Refusals as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sdk::Problem;

use crate::error::{ApiError, KINDS};
use crate::extract::Id;

/// Travels in a response's extensions from a handler to [`render`].
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Box<ApiError>);

impl Refusal {
    pub(crate) fn new(error: ApiError) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.0.kind().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives refusals their body: a layer around everything, so that none leaves without one.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let instance = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let Some(Refusal(error)) = response.extensions_mut().remove::<Refusal>() else {
        return response;
    };
    let body = serde_json::to_vec(&document(&error, instance))
        .expect("a problem holds strings, numbers and JSON values only");
    // What other layers set stays, as `Allow` of a 405.
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    add_headers(&mut parts.headers, &error);
    Response::from_parts(parts, Body::from(body))
}

fn document(error: &ApiError, instance: String) -> Problem {
    let kind = error.kind();
    let command = error.command().cloned();
    Problem {
        kind: format!("/problems/{}", kind.name),
        title: kind.title.to_owned(),
        status: kind.status.as_u16(),
        detail: error.to_string(),
        instance,
        error: kind.title.to_owned(),
        errors: match error {
            ApiError::Invalid(fields) => fields.clone(),
            _ => Vec::new(),
        },
        retry_after: retry_after_seconds(error).map(|seconds| format!("{seconds}s")),
        state: command.as_ref().map(|command| command.state),
        command: command.map(Box::new),
    }
}

/// Whole seconds, as the header has them; a little too long rather than too short.
fn retry_after_seconds(error: &ApiError) -> Option<u64> {
    let after = error.retry_after()?;
    Some(after.as_secs() + u64::from(after.subsec_nanos() != 0))
}

fn add_headers(headers: &mut HeaderMap, error: &ApiError) {
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if let Some(seconds) = retry_after_seconds(error) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let ApiError::Unauthorized(_) = error {
        let challenge = HeaderValue::from_static("Bearer realm=\"sigec\"");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let ApiError::Range { len } = error {
        let whole = HeaderValue::from_str(&format!("bytes */{len}"));
        headers.extend(whole.ok().map(|whole| (CONTENT_RANGE, whole)));
    }
    if let Some(command) = error.command() {
        let path = format!("/api/v1/commands/{}", command.id);
        headers.extend(
            HeaderValue::from_str(&path)
                .ok()
                .map(|path| (LOCATION, path)),
        );
    }
}

/// What a kind of problem means, at the address that its `type` names.
#[utoipa::path(
    get,
    path = "/problems/{kind}",
    operation_id = "get_problem",
    tag = "documentation",
    params(("kind" = String, Path, description = "The last segment of a problem's `type`")),
    responses(
        (status = 200, description = "The kind, its status and what to do about it", body = Object),
        (status = 404, description = "No such kind", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn describe(Id(name): Id) -> Result<Json<serde_json::Value>, ApiError> {
    let kind = KINDS
        .iter()
        .find(|kind| kind.name == name)
        .ok_or_else(|| ApiError::not_found("problem", name))?;
    Ok(Json(serde_json::json!({
        "type": format!("/problems/{}", kind.name),
        "title": kind.title,
        "status": kind.status.as_u16(),
        "advice": kind.advice,
    })))
}
