//! `/api/v1/devices/{id}/issues`: what people find wrong with a station.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataplane::{ISSUE_REPORTED, ItemKind};
use sdk::{IssueCategory, IssueReceipt, IssueRequest, Page};
use serde::{Deserialize, Serialize};

use super::items;
use crate::SharedApp;
use crate::ask::{answered, station_key};
use crate::error::{self, ApiError};
use crate::extract::{Body, Caller, Id};
use crate::listing::{Everything, Listing, PageParams, page};

/// Longest text, characters.
const TEXT_CHARS_MAX: usize = 1_000;

/// What is on record.
#[derive(Serialize, Deserialize)]
struct Note {
    category: IssueCategory,
    text: String,
    reported_by: String,
    /// Absent where the record alone says it.
    #[serde(default)]
    reported_at: Option<String>,
}

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
    let reported_at = crate::now().to_string();
    let note = Note {
        category: request.category,
        text: request.text,
        reported_by: caller.name,
        reported_at: Some(reported_at.clone()),
    };
    let payload = serde_json::to_string(&note)
        .map_err(|e| ApiError::Internal(format!("an issue as JSON: {e}")))?;
    answered(app.router.note(key, ISSUE_REPORTED, payload))
        .await?
        .map_err(|e| error::register(e, &id))?;
    Ok((StatusCode::CREATED, Json(receipt(id, note, reported_at))))
}

/// What people found wrong with a station, newest first. A page may hold fewer than `limit` and still have a
/// `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/issues",
    operation_id = "list_issues",
    tag = "devices",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = Page<IssueReceipt>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, String>,
) -> Result<Json<Page<IssueReceipt>>, ApiError> {
    let found = items::list(&app, &caller, &id, ItemKind::Issue, &listing).await?;
    let shown = page(
        found,
        |item| {
            let note: Note = serde_json::from_str(&item.json).ok()?;
            let reported_at = note.reported_at.clone();
            let reported_at = reported_at.unwrap_or_else(|| item.as_of.to_string());
            Some(receipt(id.clone(), note, reported_at))
        },
        i64::to_string,
    );
    Ok(Json(Page {
        items: shown.items.into_iter().flatten().collect(),
        next_cursor: shown.next_cursor,
    }))
}

fn receipt(device_id: String, note: Note, reported_at: String) -> IssueReceipt {
    IssueReceipt {
        device_id,
        category: note.category,
        text: note.text,
        reported_by: note.reported_by,
        reported_at,
    }
}
