//! `/api/v1/devices/{id}/reservations`
//!
//! A station alone decides whether it can reserve, so a request waits for its answer and shows that; the server reserves
//! nothing by itself.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataplane::{ReservationView, ReserveRequest};
use fleet::StationKey;
use sdk::{Page, Reservation, ReservationRequest, ReservationState};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::commands::{WAIT, agreed, answer_of, refuse, says_accepted};
use super::devices::check_text;
use crate::ask::{answered, answered_within, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, Ids};
use crate::listing::{Listing, PageParams};
use crate::{SharedApp, convert, cursor, now};

/// Longest type of a connector: `string[20]` of 2.1.
const TYPE_CHARS_MAX: usize = 20;

/// Which reservations to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReservationParams {
    /// Only those that stand here.
    #[param(inline)]
    state: Option<ReservationState>,
}

/// When it was asked for, and its id: the key by which the list is ordered.
type Key = (i64, i64);

/// Reservations of a station, newest first: the 64 that changed last, of which those that are over go first.
///
/// `active` are those that the station accepted and that are not over, by its own word or by their time.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/reservations",
    operation_id = "list_reservations",
    tag = "reservations",
    params(("id" = String, Path), ReservationParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<Reservation>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<ReservationParams, Key>,
) -> Result<Json<Page<Reservation>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let mut found = known(&app, station.clone()).await?;
    let key = |view: &ReservationView| (view.requested_at.0, view.id);
    found.sort_by_key(|view| std::cmp::Reverse(key(view)));
    let wanted = listing.filter.state;
    found.retain(|view| {
        listing.after.is_none_or(|after| key(view) < after)
            && wanted.is_none_or(|wanted| convert::reservation_state(view.state) == wanted)
    });
    let last = found.get(listing.limit - 1).map(key);
    let next = last.filter(|_| listing.limit < found.len());
    found.truncate(listing.limit);
    let items = found.into_iter();
    Ok(Json(Page {
        items: items
            .map(|view| convert::reservation(&station, view))
            .collect(),
        next_cursor: next.map(|next| cursor::encode(&next)),
    }))
}

/// Asks a station to keep an EVSE free for a token, and waits for its answer.
///
/// 201 when the station accepted; 409 `rejected` with its own word (`Occupied`, `Faulted`, `Unavailable`, `Rejected`) in
/// `command` when it did not, 409 `offline`, 429 `queue_full`, 504 `timeout`.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/reservations",
    operation_id = "create_reservation",
    tag = "reservations",
    params(("id" = String, Path)),
    request_body = ReservationRequest,
    responses((status = 201, description = "The station holds it", body = Reservation))
)]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<ReservationRequest>,
) -> Result<(StatusCode, Json<Reservation>), ApiError> {
    let expires_at = convert::moment(&request.expires_at)
        .map_err(|detail| ApiError::field("/expires_at", detail))?;
    if expires_at <= now() {
        let detail = format!("{:?} has passed", request.expires_at);
        return Err(ApiError::field("/expires_at", detail));
    }
    if request.connector_id == Some(0) {
        return Err(ApiError::field("/connector_id", "0, expected 1 or more"));
    }
    if let Some(text) = &request.connector_type {
        check_text(text, TYPE_CHARS_MAX)
            .map_err(|detail| ApiError::field("/connector_type", detail))?;
    }
    let station = station_key(&caller, &id)?;
    let question = app.router.reserve(ReserveRequest {
        station: station.clone(),
        id: request.id,
        evse_id: request.connector_id.unwrap_or(0),
        connector_type: request.connector_type,
        token: convert::named_token(request.id_token, request.group_id_token)?,
        expires_at,
        principal: caller.name,
        wait: WAIT,
    });
    let command = answered_within(WAIT, question)
        .await?
        .map_err(|refused| refuse(refused, &id))?;
    let command = agreed(answer_of(convert::command(command))?, says_accepted)?;
    let named = command.payload.get("reservationId");
    let rid = named.or_else(|| command.payload.get("id"));
    let rid = rid.and_then(serde_json::Value::as_i64).unwrap_or_default();
    let reservation = find(&app, station, rid).await?;
    Ok((StatusCode::CREATED, Json(reservation)))
}

/// Takes a reservation back, and waits for the station's answer.
///
/// 409 `rejected` when the station does not agree.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{id}/reservations/{reservation_id}",
    operation_id = "cancel_reservation",
    tag = "reservations",
    params(("id" = String, Path), ("reservation_id" = i64, Path)),
    responses((status = 200, description = "The reservation after it", body = Reservation))
)]
pub(crate) async fn cancel(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Ids(id, rid): Ids,
) -> Result<Json<Reservation>, ApiError> {
    let station = station_key(&caller, &id)?;
    let rid: i64 = rid
        .parse()
        .map_err(|_| ApiError::not_found("reservation", rid))?;
    find(&app, station.clone(), rid).await?;
    let question = app.router.command(dataplane::CommandRequest {
        station: station.clone(),
        action: "CancelReservation".to_owned(),
        // Every version says it so.
        payload: json!({ "reservationId": rid }).to_string(),
        principal: caller.name,
        wait: Some(WAIT),
        answer_timeout: None,
    });
    let command = answered_within(WAIT, question)
        .await?
        .map_err(|refused| refuse(refused, &id))?;
    agreed(answer_of(convert::command(command))?, says_accepted)?;
    find(&app, station, rid).await.map(Json)
}

async fn known(app: &SharedApp, key: StationKey) -> Result<Vec<ReservationView>, ApiError> {
    let id = key.identity().to_owned();
    answered(app.router.reservations(key))
        .await?
        .ok_or_else(|| ApiError::not_found("device", id))
}

/// The newest one of an id.
async fn find(app: &SharedApp, station: StationKey, rid: i64) -> Result<Reservation, ApiError> {
    let views = known(app, station.clone()).await?;
    let found = views.into_iter().rev().find(|view| view.id == rid);
    found
        .map(|view| convert::reservation(&station, view))
        .ok_or_else(|| ApiError::not_found("reservation", rid.to_string()))
}
