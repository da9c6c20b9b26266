//! `/api/v1/quirks`: how stations are treated that stray from the specification.

use axum::Json;
use axum::extract::State;
use dataplane::{QuirkBook, QuirkPing, QuirkProfile};
use sdk::QuirkProfiles;

use super::blocking;
use crate::SharedApp;
use crate::error::ApiError;
use crate::extract::Caller;

/// The quirk profiles in force, the most specific first; `GET /devices/{id}` names a station's.
#[utoipa::path(
    get,
    path = "/api/v1/quirks",
    operation_id = "list_quirk_profiles",
    tag = "quirks",
    responses((status = 200, description = "All of them", body = QuirkProfiles))
)]
pub(crate) async fn list(
    State(app): State<SharedApp>,
    Caller(_): Caller,
) -> Result<Json<QuirkProfiles>, ApiError> {
    Ok(Json(profiles(&app.router.quirks())))
}

/// Reads the quirk profiles again: those under `[quirks] path` of the configuration, beside the built-in ones.
///
/// They hold for the next message of each station. When one of them cannot be read, all stay as they were.
#[utoipa::path(
    post,
    path = "/api/v1/quirks/reload",
    operation_id = "reload_quirk_profiles",
    tag = "quirks",
    responses((status = 200, description = "Those in force now", body = QuirkProfiles))
)]
pub(crate) async fn reload(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
) -> Result<Json<QuirkProfiles>, ApiError> {
    let router = app.router.clone();
    let book = blocking(move || router.reload_quirks()).await?;
    let book = book.map_err(|error| ApiError::Conflict(with_sources(&error)))?;
    tracing::info!(
        profiles = book.profiles().len(),
        principal = %caller.name,
        "quirk profiles were read again"
    );
    Ok(Json(profiles(&book)))
}

/// An error with what it comes from: a file that is no TOML says where.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn profiles(book: &QuirkBook) -> QuirkProfiles {
    QuirkProfiles {
        policy: book.policy().as_str().to_owned(),
        profiles: book.profiles().iter().map(profile).collect(),
    }
}

fn profile(profile: &QuirkProfile) -> sdk::QuirkProfile {
    let [identity, vendor, model, firmware] = profile.patterns().map(str::to_owned);
    let delays = profile.answer_delays.iter();
    let millis = |delay: std::time::Duration| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    sdk::QuirkProfile {
        id: profile.id.clone(),
        revision: profile.revision,
        origin: profile.origin.clone(),
        note: profile.note.clone(),
        identity,
        vendor,
        model,
        firmware,
        quirks: profile.quirks.names().map(str::to_owned).collect(),
        repair: profile.repair,
        answer_delay_ms: delays
            .map(|(action, delay)| (action.clone(), millis(*delay)))
            .collect(),
        default_version: profile
            .default_version
            .map(|version| version.subprotocol().to_owned()),
        clock_zone_minutes: profile.clock.zone_minutes,
        clock_local_as_utc: profile.clock.utc_is_local,
        clock_trusted: !profile.clock.distrusted,
        ping: profile.ping != Some(QuirkPing::Off),
        ping_interval_s: match profile.ping {
            Some(QuirkPing::Every(interval)) => Some(interval.as_secs()),
            Some(QuirkPing::Off) | None => None,
        },
        idle_timeout_s: profile.idle_timeout.map(|timeout| timeout.as_secs()),
        meter_values_within_s: profile.meter_values_within.map(|within| within.as_secs()),
    }
}
