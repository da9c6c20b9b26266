//! `/api/v1/devices/{id}/monitors` and `/display-messages`

use axum::Json;
use axum::extract::State;
use dataplane::{ItemKind, ItemView};
use sdk::{DisplayMessage, Monitor, Page};

use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{Everything, Listing, PageParams, page};
use crate::metrics::Database;
use crate::principals::Principal;
use crate::{SharedApp, cursor};

/// Monitors of a station, as it last reported or accepted them, by number.
///
/// They come from `GetMonitoringReport`, `SetVariableMonitoring` and `ClearVariableMonitoring`; nothing is asked of the
/// station. A page may hold fewer than `limit` and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/monitors",
    operation_id = "list_monitors",
    tag = "devices",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = Page<Monitor>))
)]
pub(crate) async fn monitors(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, String>,
) -> Result<Json<Page<Monitor>>, ApiError> {
    let found = list(&app, &caller, &id, ItemKind::Monitor, &listing).await?;
    let monitor = |item: ItemView| Monitor {
        id: item.id,
        monitor: json(&item.json),
        as_of: item.as_of.to_string(),
        log_id: item.position.log_id.0.to_string(),
        seq: item.position.seq.0,
    };
    Ok(Json(page(found, monitor, i64::to_string)))
}

/// Messages on a station's displays, as it last reported or accepted them, by number.
///
/// They come from `GetDisplayMessages`, `SetDisplayMessage` and `ClearDisplayMessage`; nothing is asked of the station. One
/// whose `endDateTime` has passed or whose transaction has ended is gone, and so is one with `AlwaysFront` when another one has
/// been set since. A page may hold fewer than `limit` and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/display-messages",
    operation_id = "list_display_messages",
    tag = "devices",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = Page<DisplayMessage>))
)]
pub(crate) async fn display_messages(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, String>,
) -> Result<Json<Page<DisplayMessage>>, ApiError> {
    let found = list(&app, &caller, &id, ItemKind::DisplayMessage, &listing).await?;
    let message = |item: ItemView| DisplayMessage {
        id: item.id,
        message: json(&item.json),
        as_of: item.as_of.to_string(),
        log_id: item.position.log_id.0.to_string(),
        seq: item.position.seq.0,
    };
    Ok(Json(page(found, message, i64::to_string)))
}

pub(super) async fn list(
    app: &SharedApp,
    caller: &Principal,
    id: &str,
    kind: ItemKind,
    listing: &Listing<Everything, String>,
) -> Result<dataplane::Page<ItemView, i64>, ApiError> {
    let station = station_key(caller, id)?;
    let after = listing
        .after
        .as_deref()
        .map(|after| after.parse().map_err(|_| cursor::invalid()))
        .transpose()?;
    let question = app.router.items(kind, station, after, listing.limit);
    let found = app
        .metrics
        .time(Database::State, answered(question))
        .await?;
    found
        .ok_or_else(|| ApiError::not_found("device", id))?
        .map_err(ApiError::Unavailable)
}

/// The row holds what was written as JSON.
fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}
