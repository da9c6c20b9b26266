//! `/api/v1/devices`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LOCATION};
use dataplane::{
    Declared, Password, PasswordError, RegisterError, RegisterMode, Registration, StationFilter,
    StationPatch,
};
use fleet::StationKey;
use fleet::record::Acceptance;
use sdk::{ConnectorStatus, Device, DeviceCreated, DevicePatch, DeviceRequest, Location, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ask::{answered, station_key};
use crate::error::{self, ApiError};
use crate::extract::{Body, Caller, Id};
use crate::listing::{Listing, PageParams, page};
use crate::{SharedApp, convert, cursor};

/// Longest site, characters.
pub(super) const SITE_CHARS_MAX: usize = 64;
/// Longest address, characters.
const ADDRESS_CHARS_MAX: usize = 256;

/// Which stations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeviceParams {
    /// Only those of this status.
    #[param(inline)]
    status: Option<ConnectorStatus>,
    /// Only those of this vendor, exactly.
    vendor: Option<String>,
    /// Only those that are (or are not) connected.
    online: Option<bool>,
    /// Only those at this site, exactly.
    site: Option<String>,
    /// `pending` shows who waits for approval, `accepted` the others.
    acceptance: Option<String>,
}

/// Stations, by id.
#[utoipa::path(
    get,
    path = "/api/v1/devices",
    operation_id = "list_devices",
    tag = "devices",
    params(DeviceParams, PageParams),
    responses((status = 200, description = "A page of them", body = Page<Device>))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    listing: Listing<DeviceParams, String>,
) -> Result<Json<Page<Device>>, ApiError> {
    let params = listing.filter;
    let after = listing
        .after
        .map(|id| StationKey::new(&caller.tenant, &id).map_err(|_| cursor::invalid()))
        .transpose()?;
    let acceptance = params
        .acceptance
        .map(|name| {
            Acceptance::from_name(&name).ok_or_else(|| {
                ApiError::BadParameter(format!(
                    "acceptance is {name:?}, expected \"pending\" or \"accepted\""
                ))
            })
        })
        .transpose()?;
    let filter = StationFilter {
        tenant: caller.tenant,
        status: params.status.map(convert::status_filter),
        vendor: params.vendor,
        online: params.online,
        acceptance,
        site: params.site,
    };
    let stations = answered(app.router.stations(&filter, after, listing.limit)).await?;
    let key = |key: &StationKey| key.identity().to_owned();
    Ok(Json(page(stations, convert::device, key)))
}

/// Registers a station, or approves one that is pending.
///
/// A station that nobody has heard of gets a password, shown this once, unless the request brings one or says
/// `"generate_password": false`. One that came by itself goes on as it came: it has no password, and gets one only when the
/// request brings it or asks for it, which then its next connection needs.
#[utoipa::path(
    post,
    path = "/api/v1/devices",
    operation_id = "create_device",
    tag = "devices",
    request_body = DeviceRequest,
    responses((status = 201, description = "Registered; a password that was made up is shown this once", body = DeviceCreated))
)]
pub(crate) async fn create(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Body(request): Body<DeviceRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<DeviceCreated>), ApiError> {
    let key = StationKey::new(&caller.tenant, &request.id)
        .map_err(|e| ApiError::field("/id", e.to_string()))?;
    let mut generated = match (&request.password, request.generate_password) {
        (Some(_), Some(true)) => {
            let detail = "true beside a password: one of them is enough";
            return Err(ApiError::field("/generate_password", detail));
        }
        (None, None | Some(true)) => Some(Password::generate().map_err(random_failed)?),
        (Some(_), None | Some(false)) | (None, Some(false)) => None,
    };
    let unasked = generated.is_some() && request.generate_password.is_none();
    let patch = patch(DevicePatch {
        password: request.password.or_else(|| generated.clone()).map(Some),
        site: request.site.map(Some),
        location: request.location.map(Some),
        connectors: request.connectors.map(Some),
        security_profile: request.security_profile,
    })?;
    let mut registration = Registration {
        key: key.clone(),
        patch,
    };
    let register = async |registration, mode| {
        answered(app.router.register(registration, mode, &caller.name)).await
    };
    let mut mode = RegisterMode::Create;
    if unasked {
        mode = RegisterMode::New;
    }
    let mut registered = register(registration.clone(), mode).await?;
    if unasked && registered == Err(RegisterError::Exists) {
        // It came by itself, and a password that it does not have would lock it out.
        (registration.patch.password, generated) = (None, None);
        registered = register(registration.clone(), RegisterMode::Create).await?;
    }
    if registered == Err(RegisterError::Exists) && is_pending(&app, key.clone()).await? {
        // Somebody changed it while it waited; this is its approval all the same.
        let mut approval = registration;
        approval.patch.acceptance = Some(Acceptance::Accepted);
        registered = register(approval, RegisterMode::Update).await?;
    }
    registered.map_err(|e| error::register(e, &request.id))?;
    let created = DeviceCreated {
        device: find(&app, key).await?,
        password: generated,
    };
    let location = format!("/api/v1/devices/{}", percent_encoded(&request.id));
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(created)))
}

/// One station, as it is now.
#[utoipa::path(
    get,
    path = "/api/v1/devices/{id}",
    operation_id = "get_device",
    tag = "devices",
    params(("id" = String, Path)),
    responses((status = 200, description = "The station", body = Device))
)]
pub(crate) async fn show(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<Json<Device>, ApiError> {
    find(&app, station_key(&caller, &id)?).await.map(Json)
}

/// Changes what an operator says of a station.
#[utoipa::path(
    patch,
    path = "/api/v1/devices/{id}",
    operation_id = "change_device",
    tag = "devices",
    params(("id" = String, Path)),
    request_body = DevicePatch,
    responses((status = 200, description = "The station after it", body = Device))
)]
pub(crate) async fn change(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Body(request): Body<DevicePatch>,
) -> Result<Json<Device>, ApiError> {
    let key = station_key(&caller, &id)?;
    let registration = Registration {
        key: key.clone(),
        patch: patch(request)?,
    };
    answered(
        app.router
            .register(registration, RegisterMode::Update, &caller.name),
    )
    .await?
    .map_err(|e| error::register(e, &id))?;
    find(&app, key).await.map(Json)
}

/// Forgets a station and closes its connection; its history stays.
#[utoipa::path(
    delete,
    path = "/api/v1/devices/{id}",
    operation_id = "delete_device",
    tag = "devices",
    params(("id" = String, Path)),
    responses((status = 204, description = "Forgotten"))
)]
pub(crate) async fn delete(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
) -> Result<StatusCode, ApiError> {
    let key = station_key(&caller, &id)?;
    answered(app.router.delete(key, &caller.name))
        .await?
        .map_err(|e| error::register(e, &id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn is_pending(app: &SharedApp, key: StationKey) -> Result<bool, ApiError> {
    let known = answered(app.router.station(key)).await?;
    Ok(known.is_some_and(|known| known.acceptance == Acceptance::Pending))
}

async fn find(app: &SharedApp, key: StationKey) -> Result<Device, ApiError> {
    let id = key.identity().to_owned();
    answered(app.router.station(key))
        .await?
        .map(convert::device)
        .ok_or_else(|| ApiError::not_found("device", id))
}

/// What the data plane is told, once every member has been looked at.
fn patch(request: DevicePatch) -> Result<StationPatch, ApiError> {
    let password = request
        .password
        .map(|password| {
            password
                .map(|password| Password::new(&password))
                .transpose()
        })
        .transpose()
        .map_err(|e| ApiError::field("/password", e.to_string()))?;
    if let Some(profile @ 4..) = request.security_profile {
        let detail = format!("security_profile is {profile}, expected 0 to 3");
        return Err(ApiError::field("/security_profile", detail));
    }
    let site = request
        .site
        .map(|site| {
            site.map_or(Ok(String::new()), |site| {
                text("/site", site, SITE_CHARS_MAX)
            })
        })
        .transpose()?;
    let location = request
        .location
        .map(|location| location.map(place).transpose())
        .transpose()?;
    let (location, address) = match location {
        None => (None, None),
        Some(None) => (Some(None), Some(String::new())),
        Some(Some((degrees, address))) => (Some(Some(degrees)), Some(address)),
    };
    let connectors = request
        .connectors
        .map(|connectors| {
            connectors.map_or(Ok(Declared::default()), |connectors| {
                convert::declared_connectors("/connectors", &connectors)
            })
        })
        .transpose()?;
    Ok(StationPatch {
        password,
        site,
        address,
        location,
        connectors,
        security_profile: request.security_profile,
        acceptance: None,
    })
}

fn place(location: Location) -> Result<((f64, f64), String), ApiError> {
    let degrees = degrees(location.lat, location.lng)
        .map_err(|(name, detail)| ApiError::field(format!("/location/{name}"), detail))?;
    let address = location.address.unwrap_or_default();
    Ok((
        degrees,
        text("/location/address", address, ADDRESS_CHARS_MAX)?,
    ))
}

/// Checks a place on Earth; the error names the member and says what was expected.
pub(super) fn degrees(lat: f64, lng: f64) -> Result<(f64, f64), (&'static str, String)> {
    for (name, value, limit) in [("lat", lat, 90.0), ("lng", lng, 180.0)] {
        if !(-limit..=limit).contains(&value) {
            return Err((name, format!("{value}, expected -{limit} to {limit}")));
        }
    }
    Ok((lat, lng))
}

fn text(pointer: &str, text: String, chars_max: usize) -> Result<String, ApiError> {
    check_text(&text, chars_max).map_err(|detail| ApiError::field(pointer, detail))?;
    Ok(text)
}

/// Checks a text of one line.
pub(crate) fn check_text(text: &str, chars_max: usize) -> Result<(), String> {
    let chars = text.chars().count();
    if chars_max < chars {
        return Err(format!(
            "{chars} characters, at most {chars_max} are allowed"
        ));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(found) => Err(format!("contains {found:?}")),
        None => Ok(()),
    }
}

pub(super) fn random_failed(error: PasswordError) -> ApiError {
    ApiError::Internal(error.to_string())
}

/// A path segment (RFC 3986, `unreserved` stays).
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_a_limit() {
        let check = |patch_json: &str, expected: &str| {
            let request: DevicePatch = serde_json::from_str(patch_json).unwrap();
            let found = patch(request).map_or_else(|e| e.to_string(), |_| "fine".to_owned());
            assert_eq!(found, expected, "{patch_json}");
        };
        check("{}", "fine");
        check(
            r#"{"password":null,"site":null,"location":null,"connectors":null}"#,
            "fine",
        );
        check(r#"{"location":{"lat":-90,"lng":180}}"#, "fine");
        check(
            r#"{"location":{"lat":-90.1,"lng":0}}"#,
            "/location/lat: -90.1, expected -90 to 90",
        );
        check(
            r#"{"location":{"lat":0,"lng":181}}"#,
            "/location/lng: 181, expected -180 to 180",
        );
        check(r#"{"connectors":64}"#, "fine");
        check(r#"{"connectors":65}"#, "/connectors: more than 64");
        check(
            r#"{"password":"short"}"#,
            "/password: password has 5 characters, 16 to 64 are allowed",
        );
        check("{\"site\":\"a\\nb\"}", "/site: contains '\\n'");
        let long = "x".repeat(65);
        check(
            &format!(r#"{{"site":"{long}"}}"#),
            "/site: 65 characters, at most 64 are allowed",
        );
    }

    #[test]
    fn a_location_header_is_a_path() {
        assert_eq!(percent_encoded("CP 1é"), "CP%201%C3%A9");
    }
}
