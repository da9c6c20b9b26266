//! `GET /api/v1/devices/{id}/events`

use axum::Json;
use axum::extract::State;
use dataplane::{EventFilter, EventKey, EventView};
use sdk::{Page, StationEvent, StationEventSource};
use serde::Deserialize;
use utoipa::IntoParams;

use super::devices::check_text;
use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Caller, Id};
use crate::listing::{Listing, PageParams};
use crate::metrics::Database;
use crate::{SharedApp, convert, cursor};

/// Longest name of a component or variable.
const NAME_CHARS_MAX: usize = 50;
/// The mildest severity.
const SEVERITY_MAX: u8 = 9;

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Only those of a component of this name, in whatever case.
    component: Option<String>,
    /// Only those of a variable of this name, in whatever case.
    variable: Option<String>,
    /// Only those with this trigger: `Alerting`, `Delta` or `Periodic`.
    trigger: Option<String>,
    /// Only those of this severity or a worse one: 0 is the worst, 9 the mildest. Those without are not shown then.
    #[param(minimum = 0, maximum = 9)]
    severity: Option<u8>,
    /// Only those that came at this time or later.
    #[param(format = DateTime)]
    since: Option<String>,
}

/// When its message came, that message's number, and the place of the event in it.
type Key = (i64, u64, u16);

/// Events of a station, newest first: what its monitors saw (`NotifyEvent` of 2.x), in 1.6 errors of its connectors.
///
/// The newest 1,000 of a station are kept, for 30 days. A page may hold fewer than `limit` and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/events",
    operation_id = "list_device_events",
    tag = "devices",
    params(("id" = String, Path), EventParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<StationEvent>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    listing: Listing<EventParams, Key>,
) -> Result<Json<Page<StationEvent>>, ApiError> {
    let station = station_key(&caller, &id)?;
    let filter = filter(listing.filter)?;
    let after = listing.after.map(|(received_at, seq, place)| EventKey {
        received_at,
        seq,
        place,
    });
    let question = app.router.events(station, filter, after, listing.limit);
    let found = app
        .metrics
        .time(Database::State, answered(question))
        .await?
        .ok_or_else(|| ApiError::not_found("device", id))?
        .map_err(ApiError::Unavailable)?;
    let next = found
        .next
        .map(|next| cursor::encode(&(next.received_at, next.seq, next.place)));
    Ok(Json(Page {
        items: found.items.into_iter().map(event).collect(),
        next_cursor: next,
    }))
}

fn filter(params: EventParams) -> Result<EventFilter, ApiError> {
    let names = [
        ("component", &params.component),
        ("variable", &params.variable),
        ("trigger", &params.trigger),
    ];
    for (name, text) in names {
        if let Some(text) = text {
            check_text(text, NAME_CHARS_MAX)
                .map_err(|detail| ApiError::BadParameter(format!("{name}: {detail}")))?;
        }
    }
    if let Some(severity) = params.severity.filter(|found| SEVERITY_MAX < *found) {
        return Err(ApiError::BadParameter(format!(
            "severity is {severity}, expected 0 to {SEVERITY_MAX}"
        )));
    }
    let since = params.since.as_deref().map(convert::moment).transpose();
    Ok(EventFilter {
        component: params.component,
        variable: params.variable,
        trigger: params.trigger,
        severity: params.severity,
        since: since.map_err(|detail| ApiError::BadParameter(format!("since: {detail}")))?,
    })
}

fn event(found: EventView) -> StationEvent {
    StationEvent {
        source: match found.is_status {
            true => StationEventSource::StatusNotification,
            false => StationEventSource::NotifyEvent,
        },
        event_id: found.event_id,
        timestamp: found.timestamp,
        received_at: convert::written_at(found.key.received_at),
        trigger: found.trigger,
        cause: found.cause,
        component: sdk::VariableComponent {
            name: found.component.name,
            instance: convert::some(found.component.instance),
            evse_id: (found.evse_id != 0).then_some(found.evse_id),
            connector_id: (found.connector_id != 0).then_some(found.connector_id),
        },
        variable: sdk::VariableName {
            name: found.variable.name,
            instance: convert::some(found.variable.instance),
        },
        actual_value: found.actual_value,
        cleared: found.cleared,
        severity: found.severity,
        monitor_id: found.monitor_id,
        notification_type: found.notification_type,
        tech_code: found.tech_code,
        tech_info: found.tech_info,
        ocpp_transaction_id: found.ocpp_transaction_id,
        position: convert::position(found.position),
    }
}
