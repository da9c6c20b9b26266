//! `/api/v1/devices/{id}/der-controls`, `/event-streams` and `/battery-swaps`
//!
//! What is shown is what the station accepted and told; nothing is asked of it.

use axum::Json;
use axum::extract::State;
use dataplane::{EventStreamView, Pending};
use fleet::record;
use sdk::{BatterySwap, DerControls, EventStream, Page};
use serde::Serialize;

use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{Everything, Listing, PageParams};
use crate::metrics::Database;
use crate::{SharedApp, convert, cursor};

/// DER controls of a station (OCPP 2.1), and the alarms that it raised about the grid.
///
/// A control counts from the station's `Accepted` on, and no longer when the station accepts its end or leaves it out of a
/// report. It is superseded when the station says so. `GetDERControl`, as a command, brings the list up to date.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/der-controls",
    operation_id = "get_der_controls",
    tag = "grid",
    params(("id" = String, Path)),
    responses((status = 200, description = "What is known", body = DerControls))
)]
pub(crate) async fn der_controls(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<DerControls>, ApiError> {
    let station = station_key(&caller, &id)?;
    let view = known(&app, &id, app.router.der(station)).await?;
    Ok(Json(convert::der_controls(view)))
}

/// Periodic event streams that a station has open (OCPP 2.1), by their numbers.
///
/// Their values are values of the variable that their monitor watches (`/variables`). `GetPeriodicEventStream`, as a
/// command, brings the list up to date.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/event-streams",
    operation_id = "list_event_streams",
    tag = "grid",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = Page<EventStream>))
)]
pub(crate) async fn event_streams(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, i64>,
) -> Result<Json<Page<EventStream>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let found = known(&app, &id, app.router.event_streams(station)).await?;
    let number = |view: &EventStreamView| view.held.id;
    Ok(Json(page(found, &listing, number, convert::event_stream)))
}

/// Battery swaps at a station (OCPP 2.1), the one that began last first: the 64 that changed last, of which those that are
/// over go first.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/battery-swaps",
    operation_id = "list_battery_swaps",
    tag = "grid",
    params(("id" = String, Path), PageParams),
    responses((status = 200, description = "A page of them", body = Page<BatterySwap>))
)]
pub(crate) async fn battery_swaps(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<Everything, (i64, i64)>,
) -> Result<Json<Page<BatterySwap>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let found = known(&app, &id, app.router.battery_swaps(station.clone())).await?;
    // The newest is the least.
    let age = |swap: &record::BatterySwap| (-swap.began_at, -swap.request_id);
    let swap = |swap| convert::battery_swap(&station, swap);
    Ok(Json(page(found, &listing, age, swap)))
}

async fn known<T>(app: &SharedApp, id: &str, question: Pending<Option<T>>) -> Result<T, ApiError> {
    let answer = app.metrics.time(Database::State, answered(question));
    answer
        .await?
        .ok_or_else(|| ApiError::not_found("device", id))
}

/// A page of what is all here, in the order of its keys.
pub(super) fn page<T, K: Ord + Copy + Serialize, I>(
    mut found: Vec<T>,
    listing: &Listing<Everything, K>,
    key: impl Fn(&T) -> K,
    item: impl Fn(T) -> I,
) -> Page<I> {
    found.sort_by_key(&key);
    found.retain(|one| listing.after.is_none_or(|after| after < key(one)));
    let last = found.get(listing.limit - 1).map(&key);
    let next = last.filter(|_| listing.limit < found.len());
    found.truncate(listing.limit);
    Page {
        items: found.into_iter().map(item).collect(),
        next_cursor: next.map(|next| cursor::encode(&next)),
    }
}
