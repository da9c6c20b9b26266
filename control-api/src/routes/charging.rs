//! `/api/v1/devices/{id}/charging-profiles` and `/api/v1/devices/{id}/composite-schedule`
//!
//! What is shown is what the station accepted and told; nothing is asked of it unless the request says so.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use dataplane::charging::{
    self, ClearCriteria, Edition, Features, ProfileId, RateUnit, Tolerance, Via, clear_payload,
    composite, leading, purpose_of, read_composite, read_profile, set_payload,
};
use dataplane::{ChargingView, VariableFilter};
use fleet::{StationKey, UtcMicros};
use sdk::{
    ChargingProfileChange, ChargingProfileRequest, ChargingProfiles, ChargingRateUnit, Command,
    CompositeSchedule, Role,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::IntoParams;

use super::commands::{agreed, ask_station, says_accepted};
use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, bad_query, object_as_written};
use crate::metrics::Database;
use crate::{SharedApp, convert, now};

/// Longest schedule that is worked out, seconds.
const DURATION_MAX: u32 = 31 * 86_400;
const DURATION_DEFAULT: u32 = 86_400;
/// Variables that are looked through for what a station can: more than the specification names.
const VARIABLES_MAX: usize = 500;

/// The charging profiles of a station: those that it accepted and has not lost since, or reported.
///
/// A profile counts from the station's `Accepted` on, and no longer when the station accepts its end, when another one
/// takes its place, or when its transaction ends. `GetChargingProfiles` (2.x, as a command) brings the list up to date
/// with what the station itself reports. Limits of external systems and what vehicles told stand beside them.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/charging-profiles",
    operation_id = "get_charging_profiles",
    tag = "charging",
    params(("id" = String, Path)),
    responses((status = 200, description = "What is known", body = ChargingProfiles))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<ChargingProfiles>, ApiError> {
    let view = find(&app, station_key(&caller, &id)?).await?;
    Ok(Json(convert::charging_profiles(view)))
}

/// How a profile is sent.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PutParams {
    /// `true` to hear the warnings and send nothing.
    #[serde(default)]
    check: bool,
}

/// [`ChargingProfileRequest`], with its profile as it was written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Put {
    evse_id: u32,
    profile: Box<RawValue>,
}

/// Gives a station a charging profile, and waits for its answer.
///
/// The profile goes to the station as it is written, in the station's own words; rules that it breaks are warnings. 409
/// `rejected` when the station takes it not.
#[utoipa::path(
    put,
    path = "/api/v1/devices/{id}/charging-profiles",
    operation_id = "put_charging_profile",
    tag = "charging",
    params(("id" = String, Path), PutParams),
    request_body = ChargingProfileRequest,
    responses((status = 200, description = "The station accepted it", body = ChargingProfileChange))
)]
pub(crate) async fn put(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    params: Result<Query<PutParams>, QueryRejection>,
    Body(request): Body<Put>,
) -> Result<Json<ChargingProfileChange>, ApiError> {
    let params = params_of(params)?;
    let mut view = find(&app, station_key(&caller, &id)?).await?;
    let edition = view.station.edition;
    let profile = object_as_written(&request.profile)
        .map_err(|detail| ApiError::field("/profile", detail))?;
    let read = read_profile(edition, &profile)
        .map_err(|error| ApiError::field("/profile", error.to_string()))?;
    view.station.features = features(&app, &view).await?;
    let findings = charging::check(
        &view.station,
        &view.profiles,
        request.evse_id,
        &read,
        Via::Set,
    );
    let warnings = findings.iter().map(convert::warning).collect();
    let command = match params.check {
        true => None,
        false => {
            let payload = set_payload(edition, request.evse_id, &profile);
            let sent = ask_station(&app, &caller, &view.key, "SetChargingProfile", payload).await?;
            Some(agreed(sent, says_accepted)?)
        }
    };
    Ok(Json(ChargingProfileChange { command, warnings }))
}

/// Which profiles to clear; those that match all that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClearParams {
    /// One profile; what else is given says nothing then.
    id: Option<i32>,
    /// Those of an EVSE, 0 of the whole station; in 1.6 of a connector.
    evse_id: Option<u32>,
    /// Those of a purpose, in the words of any version.
    purpose: Option<String>,
    /// Those of a stack level.
    stack_level: Option<u32>,
}

/// Takes charging profiles from a station, and waits for its answer.
///
/// 404 `not_found` when the station knows none of them. Without parameters a 1.6 station clears all it has; 2.x knows no
/// such request.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{id}/charging-profiles",
    operation_id = "clear_charging_profiles",
    tag = "charging",
    params(("id" = String, Path), ClearParams),
    responses((status = 200, description = "The station cleared them", body = ChargingProfileChange))
)]
pub(crate) async fn clear(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    params: Result<Query<ClearParams>, QueryRejection>,
) -> Result<Json<ChargingProfileChange>, ApiError> {
    let params = params_of(params)?;
    let purpose = params.purpose.as_deref().map(|name| {
        purpose_of(name).ok_or_else(|| {
            ApiError::BadParameter(format!("purpose {name:?} is none of any version"))
        })
    });
    let criteria = ClearCriteria {
        id: params.id.map(ProfileId),
        evse_id: params.evse_id,
        purpose: purpose.transpose()?,
        stack_level: params.stack_level,
    };
    let view = find(&app, station_key(&caller, &id)?).await?;
    let edition = view.station.edition;
    charging::check_clear(edition, &criteria)
        .map_err(|fault| ApiError::BadParameter(fault.to_string()))?;
    let payload = clear_payload(edition, &criteria);
    let sent = ask_station(&app, &caller, &view.key, "ClearChargingProfile", payload).await?;
    if status_of(&sent) == Some("Unknown") {
        let asked = sent.payload.to_string();
        return Err(ApiError::not_found("charging profile", asked));
    }
    Ok(Json(ChargingProfileChange {
        command: Some(agreed(sent, says_accepted)?),
        warnings: Vec::new(),
    }))
}

/// Which schedule is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompositeParams {
    /// The EVSE, in 1.6 the connector; 0, the grid connection, by default.
    #[serde(default)]
    evse_id: u32,
    /// Seconds from now, at most 31 days; a day by default.
    duration: Option<u32>,
    /// `A` or `W`, which is the default.
    unit: Option<ChargingRateUnit>,
    /// `true` to ask the station as well, and show where its schedule is another one; for operators.
    #[serde(default)]
    compare: bool,
}

/// The schedule that follows from a station's profiles and limits, worked out here.
///
/// A transaction's relative profiles count from when its driver was authorized and its vehicle connected; an EVSE without
/// transaction is seen as if one began now. Amperes become watts by the voltage and the phases that are set, 230 V on three
/// phases by default. With `compare=true` the station is asked too (`GetCompositeSchedule`).
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}/composite-schedule",
    operation_id = "get_composite_schedule",
    tag = "charging",
    params(("id" = String, Path), CompositeParams),
    responses((status = 200, description = "The schedule", body = CompositeSchedule))
)]
pub(crate) async fn schedule(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    params: Result<Query<CompositeParams>, QueryRejection>,
) -> Result<Json<CompositeSchedule>, ApiError> {
    let params = params_of(params)?;
    let duration_s = params.duration.unwrap_or(DURATION_DEFAULT);
    if !(1..=DURATION_MAX).contains(&duration_s) {
        let detail = format!("duration {duration_s}, expected 1 to {DURATION_MAX} seconds");
        return Err(ApiError::BadParameter(detail));
    }
    if params.compare && caller.role < Role::Operator {
        return Err(ApiError::Forbidden {
            found: caller.role,
            needed: Role::Operator,
        });
    }
    let unit = params.unit.unwrap_or(ChargingRateUnit::W);
    let key = station_key(&caller, &id)?;
    let asked_at = now();
    let mut from = asked_at;
    let mut station = None;
    if params.compare {
        let view = find(&app, key.clone()).await?;
        let payload = composite_payload(view.station.edition, params.evse_id, duration_s, unit);
        let command = ask_station(&app, &caller, &key, "GetCompositeSchedule", payload).await?;
        let theirs = match (&command.result, status_of(&command)) {
            (Some(result), Some("Accepted")) => {
                read_composite(&view.station, &result.to_string(), asked_at, duration_s).map_err(
                    |error| ApiError::Conflict(format!("the station's schedule: {error}")),
                )?
            }
            _ => None,
        };
        from = theirs.as_ref().map_or(from, |theirs| theirs.start);
        station = Some((command, theirs));
    }
    // After the station: what it said may rest on what came in between.
    let view = find(&app, key).await?;
    let request = charging::Request {
        evse_id: params.evse_id,
        from,
        duration_s,
        unit: match unit {
            ChargingRateUnit::A => RateUnit::Amperes,
            ChargingRateUnit::W => RateUnit::Watts,
        },
    };
    let shown = super::blocking(move || worked_out(&view, &request, station)).await??;
    Ok(Json(shown))
}

/// The schedule, beside the station's own.
fn worked_out(
    view: &ChargingView,
    request: &charging::Request,
    station: Option<(Command, Option<charging::CompositeSchedule>)>,
) -> Result<CompositeSchedule, ApiError> {
    let unknown = |unknown: charging::UnknownEvse| {
        ApiError::not_found("EVSE", format!("{}/{}", view.key.identity(), unknown.0))
    };
    let ours = composite(&view.profiles, &view.station, request).map_err(unknown)?;
    let from = UtcMicros(ours.start.0);
    let leading = leading(&view.profiles, &view.station, request.evse_id, from).map_err(unknown)?;
    let comparison = station.map(|(command, theirs)| {
        let found = theirs.map(|theirs| {
            let supply = view.station.supply;
            charging::compare(&ours, &theirs, &supply, &Tolerance::default())
        });
        convert::compared(command, found)
    });
    let leading = leading.into_iter().map(|id| id.0).collect();
    Ok(convert::composite(
        request.evse_id,
        &ours,
        leading,
        comparison,
    ))
}

/// What the station can, as far as its variables tell.
async fn features(app: &SharedApp, view: &ChargingView) -> Result<Features, ApiError> {
    let filter = VariableFilter {
        component: Some(Features::component(view.station.edition).to_owned()),
        variable: None,
    };
    let question = (app.router).variables(view.key.clone(), filter, None, VARIABLES_MAX);
    let variables = app
        .metrics
        .time(Database::State, answered(question))
        .await?
        .ok_or_else(|| ApiError::not_found("device", view.key.identity()))?
        .map_err(ApiError::Unavailable)?;
    Ok(Features::told_by(&variables.items))
}

fn composite_payload(
    edition: Edition,
    evse_id: u32,
    duration_s: u32,
    unit: ChargingRateUnit,
) -> String {
    let place = match edition {
        Edition::V16 => "connectorId",
        Edition::V201 | Edition::V21 => "evseId",
    };
    serde_json::json!({ "duration": duration_s, "chargingRateUnit": unit, place: evse_id })
        .to_string()
}

fn status_of(command: &Command) -> Option<&str> {
    command.result.as_ref()?["status"].as_str()
}

fn params_of<T>(params: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    params
        .map(|Query(params)| params)
        .map_err(|rejection| bad_query(&rejection))
}

async fn find(app: &SharedApp, key: StationKey) -> Result<ChargingView, ApiError> {
    let id = key.identity().to_owned();
    answered(app.router.charging(key))
        .await?
        .ok_or_else(|| ApiError::not_found("device", id))
}
