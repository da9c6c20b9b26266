//! `/api/v1/devices/{id}/logs` and `/firmware`: commands that a file belongs to, in the words of the station's version.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use fleet::UtcMicros;
use fleet::record::Protocol;
use sdk::{Command, CommandState, FirmwareRequest, LogRequest, LogType};
use serde_json::Value;

use super::{blocking, commands, files};
use crate::SharedApp;
use crate::ask::{answered, station_key};
use crate::error::ApiError;
use crate::extract::{Body, Caller, Id, Wait};
use crate::files::{LinkRequest, Made, Purpose, request_id};
use crate::principals::Principal;

/// Has a station send a log.
///
/// Makes a URL for it (unless `location` names another place) and sends `GetLog`, or `GetDiagnostics` to a 1.6 station
/// that is asked for diagnostics. The command shows how far the station is, and in `files` what came.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/logs",
    operation_id = "get_log",
    tag = "files",
    params(
        ("id" = String, Path),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for the station's answer, at most 300"),
    ),
    request_body = LogRequest,
    responses(
        (status = 200, description = "The station answered", body = Command),
        (status = 202, description = "Made; `Location` tells how it goes on", body = Command),
    )
)]
pub(crate) async fn get_log(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Wait(wait): Wait,
    Body(request): Body<LogRequest>,
) -> Result<Response, ApiError> {
    let protocol = protocol(&app, &caller, &id).await?;
    let diagnostics_16 =
        protocol == Some(Protocol::Ocpp16) && request.kind == LogType::DiagnosticsLog;
    let lifetime = files::lifetime("/expires_in", request.expires_in)?;
    let size_max = files::size_max(&app.files, request.size_max)?;
    let purpose = Purpose::Upload { len_max: size_max };
    let (location, link) = match request.location {
        Some(location) => (location, None),
        None => {
            let made = make_link(&app, &caller, &id, purpose, 1, lifetime).await?;
            (made.url.clone(), Some(made))
        }
    };
    let (action, payload) = if diagnostics_16 {
        let payload = Members::default()
            .add("location", Some(location))
            .add("retries", request.retries)
            .add("retryInterval", request.retry_interval)
            .add("startTime", request.from)
            .add("stopTime", request.to);
        ("GetDiagnostics", payload)
    } else {
        let log = Members::default()
            .add("remoteLocation", Some(location))
            .add("oldestTimestamp", request.from)
            .add("latestTimestamp", request.to);
        let payload = Members::default()
            .add_object("log", log)
            .add("logType", Some(request.kind.as_str()))
            .add("requestId", Some(request_id()?))
            .add("retries", request.retries)
            .add("retryInterval", request.retry_interval);
        ("GetLog", payload)
    };
    send(&app, caller, &id, (action, payload), link, wait).await
}

/// Has a station install firmware.
///
/// Makes a URL for `file_id` (or names `location` as it is) and sends `UpdateFirmware`, or `SignedUpdateFirmware` to a
/// 1.6 station where there is a signature. The command shows how far the station is.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/firmware",
    operation_id = "update_firmware",
    tag = "files",
    params(
        ("id" = String, Path),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: seconds to wait for the station's answer, at most 300"),
    ),
    request_body = FirmwareRequest,
    responses(
        (status = 200, description = "The station answered", body = Command),
        (status = 202, description = "Made; `Location` tells how it goes on", body = Command),
    )
)]
pub(crate) async fn update_firmware(
    State(app): State<SharedApp>,
    Caller(caller): Caller,
    Id(id): Id,
    Wait(wait): Wait,
    Body(request): Body<FirmwareRequest>,
) -> Result<Response, ApiError> {
    let is_16 = protocol(&app, &caller, &id).await? == Some(Protocol::Ocpp16);
    let is_signed = request.signature.is_some();
    if is_signed != request.signing_certificate.is_some() {
        let detail = "goes with `signing_certificate`: both or neither";
        return Err(ApiError::field("/signature", detail));
    }
    if is_16 && !is_signed && request.install_at.is_some() {
        let detail = "a 1.6 station takes it with a signature only";
        return Err(ApiError::field("/install_at", detail));
    }
    let lifetime = files::lifetime("/expires_in", request.expires_in)?;
    let (location, link) = match (request.location, request.file_id) {
        (Some(location), None) => (location, None),
        (None, Some(file)) => {
            let row = files::find(&app.files, &caller.tenant, &file)?;
            // Stations try again by themselves, also what came whole and did not verify.
            let downloads = request.retries.unwrap_or(0).saturating_add(1);
            let purpose = Purpose::Download(row.id);
            let made = make_link(&app, &caller, &id, purpose, downloads, lifetime).await?;
            (made.url.clone(), Some(made))
        }
        (None, None) | (Some(_), Some(_)) => {
            let detail = "one of `file_id` and `location`, and not both";
            return Err(ApiError::field("/file_id", detail));
        }
    };
    let now: UtcMicros = crate::now();
    let retrieve_at = request.retrieve_at.unwrap_or_else(|| now.to_string());
    let (action, payload) = if is_16 && !is_signed {
        let payload = Members::default()
            .add("location", Some(location))
            .add("retries", request.retries)
            .add("retrieveDate", Some(retrieve_at))
            .add("retryInterval", request.retry_interval);
        ("UpdateFirmware", payload)
    } else {
        let firmware = Members::default()
            .add("location", Some(location))
            .add("retrieveDateTime", Some(retrieve_at))
            .add("installDateTime", request.install_at)
            .add("signingCertificate", request.signing_certificate)
            .add("signature", request.signature);
        let payload = Members::default()
            .add("retries", request.retries)
            .add("retryInterval", request.retry_interval)
            .add("requestId", Some(request_id()?))
            .add_object("firmware", firmware);
        let action = if is_16 {
            "SignedUpdateFirmware"
        } else {
            "UpdateFirmware"
        };
        (action, payload)
    };
    send(&app, caller, &id, (action, payload), link, wait).await
}

/// The version that a station speaks; `None` for one that never connected.
async fn protocol(
    app: &SharedApp,
    caller: &Principal,
    id: &str,
) -> Result<Option<Protocol>, ApiError> {
    let station = answered(app.router.station(station_key(caller, id)?)).await?;
    let station = station.ok_or_else(|| ApiError::not_found("device", id))?;
    Ok(station.protocol)
}

async fn make_link(
    app: &SharedApp,
    caller: &Principal,
    station: &str,
    purpose: Purpose,
    uses: u32,
    lifetime: Duration,
) -> Result<Made, ApiError> {
    let (files, tenant, station) = (app.files.clone(), caller.tenant.clone(), station.to_owned());
    let made = blocking(move || {
        let request = LinkRequest {
            tenant: &tenant,
            purpose,
            station: &station,
            uses,
            lifetime,
        };
        files.make_link(crate::now(), &request)
    });
    Ok(made.await??)
}

/// Sends the command, and ties the URL to it; a URL that no station was told of, or that it refused, is no more.
async fn send(
    app: &SharedApp,
    caller: Principal,
    id: &str,
    (action, payload): (&str, Members),
    link: Option<Made>,
    wait: Option<Duration>,
) -> Result<Response, ApiError> {
    let (app, id) = (SharedApp::clone(app), id.to_owned());
    let (action, payload) = (action.to_owned(), payload.into_text());
    let work = async move {
        let sent = commands::send(&app, caller, &id, action, payload, wait).await;
        if let Some(link) = link {
            let command = sent.as_ref().ok().filter(|command| may_use(command));
            let command = command.and_then(|command| command.id.parse().ok());
            let files = app.files.clone();
            blocking(move || match command {
                Some(dataplane::CommandId(command)) => files.tie(&link.id, command),
                None => files.drop_link(&link.id),
            })
            .await??;
        }
        sent
    };
    // Beside the request: who hangs up while the station answers must not leave a URL that belongs to no command.
    let sent = tokio::spawn(work).await;
    let sent = sent.map_err(|e| ApiError::Internal(e.to_string()))??;
    commands::respond(sent, wait)
}

/// Whether the station has, or will have, a use for the URL in its command.
pub(super) fn may_use(command: &Command) -> bool {
    let status = command
        .result
        .as_ref()
        .and_then(|result| result.get("status"));
    let refused = command.error.is_some()
        || status
            .and_then(Value::as_str)
            .is_some_and(|status| !status.starts_with("Accepted"));
    match command.state {
        CommandState::Queued
        | CommandState::Sent
        | CommandState::Timeout
        | CommandState::Unknown => true,
        CommandState::Answered => !refused,
        CommandState::Offline | CommandState::QueueFull => false,
    }
}

/// A JSON object whose members stay in the order of the schema: some stations read no other.
#[derive(Default)]
struct Members(String);

impl Members {
    /// Adds a member; one that is absent is left out.
    fn add(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.push(name, &value.into().to_string()),
            None => self,
        }
    }

    fn add_object(self, name: &str, object: Self) -> Self {
        self.push(name, &object.into_text())
    }

    fn push(mut self, name: &str, json: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&format!("\"{name}\":{json}"));
        self
    }

    fn into_text(self) -> String {
        format!("{{{}}}", self.0)
    }
}
