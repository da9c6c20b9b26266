//! `/api/v1/devices/{id}/local-list`
//!
//! The server sends a list when it is told to, and never by itself. What a station accepted is noted message by message:
//! whatever ends a request early, the note and the station disagree by a version at most, and the next check says so.

use axum::Json;
use axum::extract::State;
use dataplane::{
    LocalListLimits, LocalListPart, StationView, Token, TokenFilter, VariableFilter,
    local_list_parts,
};
use fleet::StationKey;
use fleet::record::Protocol;
use sdk::{LocalList, LocalListRequest, LocalListUpdate};

use super::commands::ask_station;
use crate::ask::{answered, of_store, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id};
use crate::metrics::Database;
use crate::principals::Principal;
use crate::{SharedApp, convert, now};

/// Tokens of a message to a station that has not said how many it takes.
const PART_LEN_DEFAULT: usize = 50;
const PART_LEN_MAX: usize = 500;
/// Tokens of a tenant that lists are made of; stations keep some hundreds.
const TOKENS_MAX: usize = 10_000;
const PAGE_LEN: usize = 500;
/// Variables of the component that tells the limits: 1.6 has all of its keys there.
const VARIABLES_MAX: usize = 500;

/// The list that a station accepted last.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/local-list",
    operation_id = "get_local_list",
    tag = "tokens",
    params(("id" = String, Path)),
    responses((status = 200, description = "The list", body = LocalList))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<LocalList>, ApiError> {
    let station = find(&app, station_key(&caller, &id)?).await?;
    let list = noted(&app, station.key).await?;
    Ok(Json(convert::local_list(&list, None, 0)))
}

/// Checks the list of a station, or brings it up to date with the tokens that may charge there.
///
/// A difference is sent to a station that has the version it accepted last; to another one nothing is sent, and the answer
/// is 409 `conflict`. With `repair` it gets the whole list instead, as it does after a difference that it could not apply. 409
/// `rejected` when the station takes a message not; what it took before that counts. Tokens with more than 20 characters, and
/// such as are good at some connectors alone, are in no list of 1.6.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/local-list",
    operation_id = "update_local_list",
    tag = "tokens",
    params(("id" = String, Path)),
    request_body = LocalListRequest,
    responses((status = 200, description = "The list after it", body = LocalList))
)]
pub(crate) async fn update(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<LocalListRequest>,
) -> Result<Json<LocalList>, ApiError> {
    let part_len = request.tokens_per_message;
    if let Some(part_len) = part_len.filter(|len| !(1..=PART_LEN_MAX).contains(len)) {
        let detail = format!("{part_len}, expected 1 to {PART_LEN_MAX}");
        return Err(ApiError::field("/tokens_per_message", detail));
    }
    let station = find(&app, station_key(&caller, &id)?).await?;
    let mut list = noted(&app, station.key.clone()).await?;
    let repairs = request.update == LocalListUpdate::Repair;
    let mut update = match request.update {
        LocalListUpdate::Check => None,
        LocalListUpdate::Full => Some(dataplane::LocalListUpdate::Full),
        LocalListUpdate::Differential | LocalListUpdate::Repair => {
            Some(dataplane::LocalListUpdate::Differential)
        }
    };
    let mut reported = None;
    if update != Some(dataplane::LocalListUpdate::Full) {
        let version = ask_version(&app, &caller, &station).await?;
        if version != list.version && repairs {
            update = Some(dataplane::LocalListUpdate::Full);
        } else if version != list.version && update.is_some() {
            let accepted = list.version;
            return Err(ApiError::Conflict(format!(
                "station {id:?} has version {version} of its list and accepted version {accepted} last; send it in full"
            )));
        }
        reported = Some(version);
    }
    let mut messages = 0;
    while let Some(kind) = update.take() {
        let tokens = tokens(&app, &caller.tenant).await?;
        let told = limits(&app, &station).await?;
        let limits = LocalListLimits {
            // What the station has said that it takes is the most, whatever is asked for (D01.FR.11).
            tokens: Some(match (part_len, told.tokens) {
                (Some(asked), Some(told)) => asked.min(told),
                (asked, told) => asked.or(told).unwrap_or(PART_LEN_DEFAULT),
            }),
            ..told
        };
        let parts = local_list_parts(&station, tokens, &list, kind, now(), limits);
        let len = parts.last().map_or(0, |part| part.after.len());
        if let Some(entries) = limits.entries.filter(|entries| *entries < len) {
            return Err(ApiError::Conflict(format!(
                "station {id:?} takes a list of {entries} tokens, and {len} may charge there"
            )));
        }
        let is_difference = kind == dataplane::LocalListUpdate::Differential;
        for part in parts {
            messages += 1;
            // What it said before is out of date.
            reported = None;
            match send(&app, &caller, &station, part).await {
                Ok(after) => list = after,
                // The whole list is what helps then (D01.FR.03; 1.6 §5.15); its own refusal ends the request.
                Err(ApiError::Rejected(command)) if repairs && is_difference && lacks(&command) => {
                    update = Some(dataplane::LocalListUpdate::Full);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Json(convert::local_list(&list, reported, messages)))
}

/// What the station has said that it takes.
async fn limits(app: &SharedApp, station: &StationView) -> Result<LocalListLimits, ApiError> {
    let filter = VariableFilter {
        component: Some(LocalListLimits::component(station.protocol).to_owned()),
        variable: None,
    };
    let asked = app
        .router
        .variables(station.key.clone(), filter, None, VARIABLES_MAX);
    let variables = app.metrics.time(Database::State, answered(asked)).await?;
    let known = variables.transpose().map_err(ApiError::Unavailable)?;
    let known = known.map_or(Vec::new(), |page| page.items);
    Ok(LocalListLimits::told_by(&known))
}

/// True for a difference that the station could not apply to what it has.
fn lacks(command: &sdk::Command) -> bool {
    let status = command.result.as_ref().map(|result| &result["status"]);
    let status = status.and_then(|status| status.as_str());
    matches!(status, Some("Failed" | "VersionMismatch"))
}

/// Sends a part and notes what the station has once it has accepted it.
async fn send(
    app: &SharedApp,
    caller: &Principal,
    station: &StationView,
    part: LocalListPart,
) -> Result<dataplane::LocalList, ApiError> {
    let command = ask_station(app, caller, &station.key, "SendLocalList", part.payload).await?;
    let status = command.result.as_ref().map(|result| &result["status"]);
    if status.and_then(|status| status.as_str()) != Some("Accepted") {
        return Err(ApiError::Rejected(Box::new(command)));
    }
    let note = app
        .router
        .put_local_list(station.key.clone(), part.after.clone());
    of_store(app, note).await?;
    Ok(part.after)
}

/// The version that the station itself names; -1 (1.6) for a station that keeps no list.
async fn ask_version(
    app: &SharedApp,
    caller: &Principal,
    station: &StationView,
) -> Result<i64, ApiError> {
    let command = ask_station(
        app,
        caller,
        &station.key,
        "GetLocalListVersion",
        "{}".to_owned(),
    )
    .await?;
    let member = match station.protocol {
        Some(Protocol::Ocpp16) | None => "listVersion",
        Some(Protocol::Ocpp201 | Protocol::Ocpp21) => "versionNumber",
    };
    let result = command.result.as_ref();
    result
        .and_then(|result| result[member].as_i64())
        .ok_or_else(|| ApiError::Rejected(Box::new(command)))
}

async fn find(app: &SharedApp, key: StationKey) -> Result<StationView, ApiError> {
    let id = key.identity().to_owned();
    answered(app.router.station(key))
        .await?
        .ok_or_else(|| ApiError::not_found("device", id))
}

async fn noted(app: &SharedApp, key: StationKey) -> Result<dataplane::LocalList, ApiError> {
    of_store(app, app.router.local_list(key)).await
}

async fn tokens(app: &SharedApp, tenant: &str) -> Result<Vec<Token>, ApiError> {
    let mut tokens = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let filter = TokenFilter::default();
        let question = app
            .router
            .tokens(tenant, filter, after.as_deref(), PAGE_LEN);
        let page = of_store(app, question).await?;
        tokens.extend(page.items);
        if TOKENS_MAX < tokens.len() {
            let detail = format!("more than {TOKENS_MAX} tokens, too many for a list");
            return Err(ApiError::Conflict(detail));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(tokens),
        }
    }
}
