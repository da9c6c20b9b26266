//! `/api/v1/devices/{id}/issues`: what people find wrong with a station.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sdk::{IssueReceipt, IssueRequest};

use crate::SharedApp;
use crate::ask::{answered, station_key};
use crate::error::{self, ApiError};
use crate::extract::{Body, Caller, Id};

/// Longest text, characters.
const TEXT_CHARS_MAX: usize = 1_000;
/// Name of the record in the station's log.
const ACTION: &str = "Sigec.IssueReported";

/// Puts on a station's record what somebody found wrong with it.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/issues",
    operation_id = "report_issue",
    tag = "devices",
    params(("id" = String, Path)),
    request_body = IssueRequest,
    responses((status = 201, description = "On record", body = IssueReceipt))
)]
pub(crate) async fn report(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<IssueRequest>,
) -> Result<(StatusCode, Json<IssueReceipt>), ApiError> {
    let chars = request.text.chars().count();
    if request.text.trim().is_empty() || TEXT_CHARS_MAX < chars {
        let detail = format!(
            "{chars} characters, 1 to {TEXT_CHARS_MAX} with something in them are expected"
        );
        return Err(ApiError::field("/text", detail));
    }
    let key = station_key(&caller, &id)?;
    let payload = serde_json::json!({
        "category": request.category,
        "text": request.text,
        "reported_by": caller.name,
    });
    answered(app.router.note(key, ACTION, payload.to_string()))
        .await?
        .map_err(|e| error::register(e, &id))?;
    let receipt = IssueReceipt {
        device_id: id,
        category: request.category,
        text: request.text,
        reported_by: caller.name,
        reported_at: crate::now().to_string(),
    };
    Ok((StatusCode::CREATED, Json(receipt)))
}
