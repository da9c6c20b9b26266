//! `/api/v1/tariffs`, `/api/v1/devices/{id}/tariffs` and `/api/v1/transactions/{id}/tariff`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dataplane::{StoredTariff, TariffScope, TariffWritten};
use fleet::StationKey;
use fleet::record::TransactionState;
use sdk::{
    Command, DeviceTariffRequest, DeviceTariffs, Page, Tariff, TariffRequest, TransactionTariff,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::commands::{agreed, ask_station, says_accepted};
use super::devices::{SITE_CHARS_MAX, check_text};
use super::transactions::transaction_id;
use crate::ask::{answered, of_store, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, Ids};
use crate::listing::{Everything, Listing, PageParams, page};
use crate::metrics::Database;
use crate::principals::Principal;
use crate::{SharedApp, convert, now};

/// Longest `tariffId`.
const ID_CHARS_MAX: usize = 60;
/// [`TariffRequest`], with its decimals as they were written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Put {
    tariff: Box<RawValue>,
    #[serde(default = "utc")]
    time_zone: String,
    #[serde(default)]
    everywhere: bool,
    #[serde(default)]
    sites: Vec<String>,
    #[serde(default)]
    devices: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Tariffs that somebody put, by id.
#[utoipa::path(
    get,
    path = "/api/v1/tariffs",
    operation_id = "list_tariffs",
    tag = "tariffs",
    params(PageParams),
    responses((status = 200, description = "A page of them", body = Page<Tariff>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<Everything, String>,
) -> Result<Json<Page<Tariff>>, ApiError> {
    let after = listing.after.as_deref();
    let question = app.router.tariffs(&caller.tenant, after, listing.limit);
    let tariffs = of_store(&app, question).await?;
    Ok(Json(page(tariffs, convert::tariff, String::clone)))
}

/// One tariff.
#[utoipa::path(
    get,
    path = "/api/v1/tariffs/{id}",
    operation_id = "get_tariff",
    tag = "tariffs",
    params(("id" = String, Path)),
    responses((status = 200, description = "The tariff", body = Tariff))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<Tariff>, ApiError> {
    let tariff = find(&app, &caller, &id).await?;
    Ok(Json(convert::tariff(tariff)))
}

/// Puts a tariff, or changes where one holds.
///
/// It holds for transactions that begin from then on; those that run keep what they are under. The nearest that names a
/// station holds there: by itself, by its site, `everywhere`; of several that name it alike the one with the latest
/// `validFrom` that has come. Two of one `validFrom` cannot claim one place (409), and what an id stands for never changes
/// (409): old costs refer to it.
#[utoipa::path(
    put,
    path = "/api/v1/tariffs/{id}",
    operation_id = "put_tariff",
    tag = "tariffs",
    params(("id" = String, Path, description = "`tariffId`, at most 60 characters")),
    request_body = TariffRequest,
    responses((status = 200, description = "The tariff after it", body = Tariff))
)]
pub(crate) async fn put(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<Put>,
) -> Result<Json<Tariff>, ApiError> {
    check_id(&id).map_err(|detail| ApiError::BadParameter(format!("tariff id: {detail}")))?;
    for (member, places) in [("sites", &request.sites), ("devices", &request.devices)] {
        for (at, place) in places.iter().enumerate() {
            check_place(&caller, member, place)
                .map_err(|detail| ApiError::field(format!("/{member}/{at}"), detail))?;
        }
    }
    let stored = StoredTariff {
        json: named(&request.tariff, &id)?,
        id,
        time_zone: request.time_zone,
        scope: TariffScope {
            everywhere: request.everywhere,
            sites: request.sites,
            stations: request.devices,
        },
        changed_at: now(),
    };
    let stored = stored.checked().map_err(|error| {
        let own = ["/time_zone", "/sites", "/devices"].contains(&error.pointer.as_str());
        let pointer = if own {
            error.pointer
        } else {
            format!("/tariff{}", error.pointer)
        };
        ApiError::field(pointer, error.detail)
    })?;
    let question = app.router.put_tariff(&caller.tenant, stored.clone());
    let written = of_store(&app, question).await?;
    match written {
        TariffWritten::Created | TariffWritten::Changed => Ok(Json(convert::tariff(stored))),
        TariffWritten::Differs => Err(ApiError::Conflict(format!(
            "tariff {:?} says something else, and what an id stands for never changes; take another id",
            stored.id
        ))),
        TariffWritten::Claimed { place, by } => Err(ApiError::Conflict(format!(
            "tariff {by:?} holds {place} from the same validFrom on"
        ))),
        TariffWritten::Full => Err(ApiError::Conflict(
            "there are as many tariffs as there may be".to_owned(),
        )),
    }
}

/// Forgets a tariff. Transactions that run keep it to their end.
#[utoipa::path(
    delete,
    path = "/api/v1/tariffs/{id}",
    operation_id = "delete_tariff",
    tag = "tariffs",
    params(("id" = String, Path)),
    responses((status = 204, description = "Forgotten"))
)]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let question = app.router.delete_tariff(&caller.tenant, &id);
    let known = of_store(&app, question).await?;
    if known {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::not_found("tariff", id))
    }
}

/// Tariffs of a station (OCPP 2.1).
///
/// They come from its answers to `SetDefaultTariff`, `GetTariffs` and `ClearTariffs`, whoever sent these; nothing is asked of
/// the station. `GetTariffs` as a command brings what it has by itself.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/tariffs",
    operation_id = "list_device_tariffs",
    tag = "tariffs",
    params(("id" = String, Path)),
    responses((status = 200, description = "The tariffs", body = DeviceTariffs))
)]
pub(crate) async fn of_device(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<DeviceTariffs>, ApiError> {
    known(&app, station_key(&caller, &id)?).await.map(Json)
}

/// Sends a station a tariff to calculate by (`SetDefaultTariff`, OCPP 2.1), and waits for its answer.
///
/// 409 `rejected` with its own word (`Rejected`, `TooManyElements`, `ConditionNotSupported`, `DuplicateTariffId`) in
/// `command` when it does not take it.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/tariffs",
    operation_id = "send_tariff",
    tag = "tariffs",
    params(("id" = String, Path)),
    request_body = DeviceTariffRequest,
    responses((status = 200, description = "The tariffs after it", body = DeviceTariffs))
)]
pub(crate) async fn send(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<DeviceTariffRequest>,
) -> Result<Json<DeviceTariffs>, ApiError> {
    let tariff = find(&app, &caller, &request.tariff_id).await?;
    let key = station_key(&caller, &id)?;
    let payload = format!(
        r#"{{"evseId":{},"tariff":{}}}"#,
        request.connector_id, tariff.json
    );
    let sent = ask_station(&app, &caller, &key, "SetDefaultTariff", payload).await?;
    agreed(sent, says_accepted)?;
    known(&app, key).await.map(Json)
}

/// Has a station drop a default tariff (`ClearTariffs`, OCPP 2.1), and waits for its answer.
///
/// 409 `rejected` when it does not. One that it does not have is gone as well.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{id}/tariffs/{tariff_id}",
    operation_id = "clear_tariff",
    tag = "tariffs",
    params(("id" = String, Path), ("tariff_id" = String, Path)),
    responses((status = 200, description = "The tariffs after it", body = DeviceTariffs))
)]
pub(crate) async fn clear(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Ids(id, tariff_id): Ids,
) -> Result<Json<DeviceTariffs>, ApiError> {
    check_id(&tariff_id).map_err(|_| ApiError::not_found("tariff", tariff_id.clone()))?;
    let key = station_key(&caller, &id)?;
    let payload = format!(r#"{{"tariffIds":[{}]}}"#, Value::from(tariff_id));
    let sent = ask_station(&app, &caller, &key, "ClearTariffs", payload).await?;
    agreed(sent, |result| {
        let results = result["clearTariffsResult"].as_array();
        results.is_some_and(|results| results.iter().all(|one| one["status"] != "Rejected"))
    })?;
    known(&app, key).await.map(Json)
}

/// Has a station charge a transaction that runs by another tariff (`ChangeTransactionTariff`, OCPP 2.1), and waits for its
/// answer.
///
/// Our own figure follows when the station says from when on (`TariffChanged`). 409 `rejected` with its own word
/// (`TxNotFound`, `NoCurrencyChange`, …) when it does not.
#[utoipa::path(
    post,
    path = "/api/v1/transactions/{id}/tariff",
    operation_id = "change_transaction_tariff",
    tag = "tariffs",
    params(("id" = String, Path)),
    request_body = TransactionTariff,
    responses((status = 200, description = "The command that the station accepted", body = Command))
)]
pub(crate) async fn change(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<TransactionTariff>,
) -> Result<Json<Command>, ApiError> {
    let tariff = find(&app, &caller, &request.tariff_id).await?;
    let transaction = answered(app.router.transaction(transaction_id(&id)?))
        .await?
        .filter(|transaction| transaction.station.tenant() == caller.tenant)
        .ok_or_else(|| ApiError::not_found("transaction", id.clone()))?;
    if transaction.state != TransactionState::Active {
        let detail = format!("transaction {id} does not run");
        return Err(ApiError::Conflict(detail));
    }
    let payload = format!(
        r#"{{"transactionId":{},"tariff":{}}}"#,
        Value::from(transaction.ocpp_transaction_id),
        tariff.json
    );
    let action = "ChangeTransactionTariff";
    let sent = ask_station(&app, &caller, &transaction.station, action, payload).await?;
    agreed(sent, says_accepted).map(Json)
}

/// The tariff with the id of the URL, its decimals untouched.
fn named(tariff: &RawValue, id: &str) -> Result<String, ApiError> {
    let members: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(tariff.get());
    let members =
        members.map_err(|error| ApiError::field("/tariff", format!("no object: {error}")))?;
    if members.contains_key("tariffId") {
        return Ok(tariff.get().to_owned());
    }
    let members: Vec<_> = std::iter::once(format!(r#""tariffId":{}"#, Value::from(id)))
        .chain(
            members
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), value.get())),
        )
        .collect();
    Ok(format!("{{{}}}", members.join(",")))
}

fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("empty".to_owned());
    }
    check_text(id, ID_CHARS_MAX)
}

/// A site or a device that there may be.
fn check_place(caller: &Principal, member: &str, place: &str) -> Result<(), String> {
    if place.is_empty() {
        return Err("empty".to_owned());
    }
    if member == "sites" {
        return check_text(place, SITE_CHARS_MAX);
    }
    let key = StationKey::new(&caller.tenant, place);
    key.map(|_| ()).map_err(|e| e.to_string())
}

async fn find(app: &SharedApp, caller: &Principal, id: &str) -> Result<StoredTariff, ApiError> {
    let question = app.router.tariff(&caller.tenant, id);
    of_store(app, question)
        .await?
        .ok_or_else(|| ApiError::not_found("tariff", id))
}

async fn known(app: &SharedApp, key: StationKey) -> Result<DeviceTariffs, ApiError> {
    let id = key.identity().to_owned();
    let question = answered(app.router.station_tariffs(key));
    let tariffs = app.metrics.time(Database::State, question).await?;
    tariffs
        .map(convert::station_tariffs)
        .ok_or_else(|| ApiError::not_found("device", id))
}
